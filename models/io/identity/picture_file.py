"""One picture that is no DICOM without identifiers: its pixels alone, as PNG; everything else of the file stays behind.

Runs in the worker, like every other decoder.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
import PIL.Image

from models.errors import InputError, UnsupportedFormat
from models.io.decoded import Limits
from models.io.identity.burned_in import find_text
from models.io.identity.profile import Options
from models.io.identity.pseudonym import name_content
from models.io.identity.result import MASK, Deidentified
from models.io.raster import decode_raster


def deidentify_picture(data: bytes, kind: str, options: Options, limits: Limits) -> Deidentified:
    """Return the pixels of a picture as PNG, upright as its file says; runs in the worker.

    Raises
    ------
    InputError
        When it cannot be read or kept whole, or text is burned into it.
    """
    decoded = decode_raster(data, kind, limits)
    stored = decoded.stored
    if len(stored) > 1:
        raise UnsupportedFormat("has several pages", fix="Save each as a file of its own.")
    if stored.dtype not in (np.uint8, np.uint16):
        raise UnsupportedFormat("has pixels that no PNG holds unchanged", fix="Save it with 8 or 16 bits.")
    pixels = stored[0].copy()
    grey = decoded.image("", "").grey(0)
    boxes = find_text(grey)
    if len(boxes) and options.text == "refuse":
        raise InputError("has text burned into its picture", fix=MASK)
    for top, left, bottom, right in boxes:
        pixels[top:bottom, left:right] = pixels.min()
    with PIL.Image.open(BytesIO(data), formats=[kind]) as picture:
        attached = len(picture.getexif()) + sum(key not in ("dpi", "jfif") for key in picture.info)
    out = BytesIO()
    PIL.Image.fromarray(pixels).save(out, "PNG")
    return Deidentified(out.getvalue(), f"{name_content(data)}.png", {}, attached, len(boxes))
