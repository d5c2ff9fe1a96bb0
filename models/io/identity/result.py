"""What comes of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LOOK = "Look at it, and leave it out, or cut the text off."
MASK = "Leave it out, or run again with `--text mask` and look at the result."


@dataclass(frozen=True)
class Deidentified:
    """One file without identifiers.

    Attributes
    ----------
    data, name
        Content, and the name that it is to be written under.
    changed
        Paths of the elements that were removed, emptied, replaced by a dummy, mapped (UIDs) or moved (dates).
    private
        Private and unknown elements that were removed, or metadata of a picture.
    masked
        Lines of burned-in text that were masked.
    """

    data: bytes
    name: str
    changed: Mapping[str, tuple[str, ...]]
    private: int
    masked: int
