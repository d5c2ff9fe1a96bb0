"""Boxes out of YOLO's text: a box a line, or the outline or the key points of one.

A line begins with the number of a class. Four shares are a box (centre and sides), five a box with its score; four and
then threes whose third is 0, 1 or 2 are a box with key points; any other even number is an outline, whose bounding box
is taken.

Reference: https://docs.ultralytics.com/datasets (detect, segment, pose)
"""

from __future__ import annotations

from collections.abc import Sequence

from models.errors import DamagedFile, InputError
from models.words import later

MARGIN = 1e-3
"""Shares of an image by which rounding may overshoot."""


def parse_yolo_line(file: str, number: int, line: str) -> tuple[int, tuple[float, float, float, float]]:
    """Return the class of a line, and left, top, width and height as shares of the image.

    Raises
    ------
    InputError
        When the line is none of these, or reaches beyond the image; the message says which line.
    """
    try:
        kind, *shares = (float(word) for word in line.split())
        index = int(kind)
        found = _of_shares(shares)
    except (ValueError, OverflowError):
        raise DamagedFile(
            later("line {number} is no box", number=number),
            fix=later("Each line holds class, x, y, width, height, as shares; or class and an outline."),
            file=file,
        ) from None
    outline = len(found) == 2
    places = [value for axis in found for value in axis] if outline else found[0]
    if max(places) > 1 + MARGIN or min(places) < -MARGIN:
        raise InputError(
            later("line {number} reaches beyond the image", number=number),
            fix=later("Give x, y, width and height as shares from 0 to 1."),
            file=file,
        )
    if outline:
        x, y = found
        return index, (min(x), min(y), max(x) - min(x), max(y) - min(y))
    across, down, width, height = found[0]
    return index, (across - width / 2, down - height / 2, width, height)


def _of_shares(shares: Sequence[float]) -> Sequence[Sequence[float]]:
    """Return (x, y, width, height) alone, or all x and all y of an outline."""
    if len(shares) in (4, 5) or _has_key_points(shares):
        return (shares[:4],)
    if len(shares) >= 6 and len(shares) % 2 == 0:
        return shares[0::2], shares[1::2]
    raise ValueError("neither a box nor an outline")


def _has_key_points(shares: Sequence[float]) -> bool:
    """Whether points with a visibility of 0, 1 or 2 follow a box that holds those that are seen."""
    if len(shares) < 7 or (len(shares) - 4) % 3:
        return False
    x, y, width, height = shares[:4]
    points = [shares[at : at + 3] for at in range(4, len(shares), 3)]
    return all(
        seen in (0, 1, 2)
        and (seen == 0 or (abs(right - x) <= width / 2 + MARGIN and abs(down - y) <= height / 2 + MARGIN))
        for right, down, seen in points
    )
