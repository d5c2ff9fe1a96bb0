"""One number or one point of an answer, for what is read by machines: a structured report."""

from __future__ import annotations

from dataclasses import dataclass

MEANING = 64
"""Characters of a code's meaning (DICOM PS3.5, LO)."""


@dataclass(frozen=True)
class Finding:
    """What an answer says in a number, of the whole frame or at a point.

    Attributes
    ----------
    key, name
        As in the record of the answer, and in English words.
    value, unit
        The unit "mm", "mm²", "°", "%", "px" or "" (a share or a count); both None and "" for a point alone.
    point
        (x, y) in source pixels, whole numbers at the centres of pixels; None: of the whole frame.
    frame
        From 0; None: that of the answer.
    """

    key: str
    name: str
    value: float | None = None
    unit: str = ""
    point: tuple[float, float] | None = None
    frame: int | None = None
