"""A label map as PNG: each pixel the index of its class, in the source's own pixel grid, coloured by a palette.

A program reads the indices (`numpy.asarray(PIL.Image.open(...))`), an eye sees the colours. What the indices mean,
which model made them and what a hand has changed stand in text chunks of the file (PNG, W3C 2003, 11.3.4).
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from models.cards import Card
from models.drawing.paint import find_class_colours, tabulate_colours
from models.words import DISCLAIMER


def encode_label_png(mask: NDArray[np.uint8], card: Card, notes: Mapping[str, str] | None = None) -> bytes:
    """Encode a mask.

    Parameters
    ----------
    mask
        (H, W) index into the card's labels.
    notes
        More text chunks by keyword, such as what was corrected by hand.

    Returns
    -------
    bytes
        An 8-bit palette PNG with the chunks "Classes" ("0 background, 1 bone, …"), "Model", "Disclaimer" and the notes.
    """
    picture = Pillow.fromarray(mask)
    picture.putpalette(tabulate_colours(find_class_colours(card)).tobytes())
    said = PngInfo()
    simulated = ", trained on simulated images" if card.data.simulated else ""
    written = {
        "Classes": ", ".join(f"{index} {key}" for index, key in enumerate(card.keys)),
        "Model": f"{card.id}{simulated}",
        **(notes or {}),
        "Disclaimer": DISCLAIMER,
    }
    for keyword, text in written.items():
        said.add_text(keyword, text)
    out = io.BytesIO()
    picture.save(out, "PNG", pnginfo=said)
    return out.getvalue()
