"""What about a picture may mislead a model, in sentences for the screen: no verdict, and nothing is refused for it."""

from __future__ import annotations

import numpy as np

from models.types import Image, Pixels
from models.words import later

FEW_PIXELS = 200
"""A shorter side under this is smaller than what the networks look at (224)."""
WIDE_BORDER = 0.05
"""Share of the picture under even borders that is worth a note."""
SATURATED = 0.05
"""Share of pixels at full white that is worth a note."""
DARK, BRIGHT = 0.1, 0.9
"""Mean grey outside these is an extreme exposure."""
FLAT = 0.25
"""A narrower range of greys (1st to 99th percentile) has too little contrast."""
SIDE_TAGS = ("Laterality", "ImageLaterality")


def note_quality(image: Image, frame: int = 0) -> tuple[str, ...]:
    """Return plain sentences about one frame; empty when nothing stands out."""
    grey = image.grey(frame)
    rows, columns = grey.shape
    notes: list[str] = []
    if min(rows, columns) < FEW_PIXELS:
        notes.append(
            later(
                "Low resolution: {rows} × {columns} pixels, less than the network looks at.", rows=rows, columns=columns
            )
        )
    inner = _without_borders(grey)
    border = 1 - inner.size / grey.size
    if border > WIDE_BORDER:
        notes.append(
            later(
                "An even border takes {share:.0%} of the picture: collimation, a mask or a burned-in frame.",
                share=border,
            )
        )
    if inner.size:
        notes += _exposure_notes(inner)
    if not image.colour and not any(image.tags.get(tag) for tag in SIDE_TAGS):  # a section in colour has no side
        notes.append(later("The file does not state the side: a mirrored picture would pass unnoticed."))
    return tuple(notes)


def _exposure_notes(grey: Pixels) -> list[str]:
    notes: list[str] = []
    if (white := float((grey >= 0.998).mean())) > SATURATED:
        notes.append(later("{share:.0%} of the pixels are fully white: what they showed is lost.", share=white))
    mean = float(grey.mean())
    if mean <= DARK:
        notes.append(later("Extreme exposure: the picture is almost all dark."))
    if mean >= BRIGHT:
        notes.append(later("Extreme exposure: the picture is almost all bright."))
    low, high = np.percentile(grey, [1, 99])
    if high - low < FLAT:
        notes.append(later("Little contrast: the greys span {share:.0%} of the range.", share=high - low))
    return notes


def _without_borders(grey: Pixels) -> Pixels:
    """Cut off the rows and columns at the edges that are all but one even grey; empty for an even picture."""
    for _ in range(2):  # rows, then columns
        varied = np.flatnonzero(np.ptp(grey, axis=1) > 0.02) if grey.size else np.array([], int)
        grey = grey[varied[0] : varied[-1] + 1].T if len(varied) else grey[:0].T
    return grey
