"""Pictures that Pillow reads: PNG, JPEG, TIFF, WebP, BMP.

Size is checked from the header before a pixel is decoded, and an incomplete file is refused, never filled with grey. A
resolution in dots per inch is not taken for millimetres: it describes the printing, not the patient.

Reference: https://pillow.readthedocs.io/en/stable/handbook/concepts.html#modes
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageOps, ImageSequence

from models.errors import DamagedFile
from models.io.decoded import Decoded, Header, Limits
from models.words import later

BYTES = {"1": 1, "L": 1, "P": 1, "LA": 2, "PA": 2, "I;16": 2, "I;16B": 2, "I;16L": 2, "RGB": 3}
"""A pixel's size by Pillow mode; the others take four."""
PHOTOMETRIC, WHITE_IS_ZERO, BITS_PER_SAMPLE = 262, 0, 258  # TIFF 6.0 tags
COLOUR_CUT = later("16-bit colour was read at 8 bits a channel.")
RANGE_ASSUMED = later(
    "The file does not say which of its values are black and white: its smallest and largest were taken."
)
PAGES_LEFT = later("Pages of another size or kind than the first were left out.")


def decode(data: bytes, kind: str, limits: Limits) -> Decoded:
    """Decode a raster file; runs in the worker.

    Parameters
    ----------
    kind
        Pillow's name of the format; no other decoder is tried.

    Raises
    ------
    TooLarge
        Before decoding.
    DamagedFile
        Truncated or inconsistent.
    """
    PIL.Image.MAX_IMAGE_PIXELS = None  # `limits` stands in its place; only the worker's Pillow is touched
    try:
        with PIL.Image.open(BytesIO(data), formats=[kind]) as picture:
            count = 1 if kind == "JPEG" else getattr(picture, "n_frames", 1)  # a JPEG's others: previews, gain maps
            limits.check(picture.height, picture.width, count, BYTES.get(picture.mode, 4))
            inverted = kind == "TIFF" and picture.mode[0] in "IF" and _tag(picture, PHOTOMETRIC) == WHITE_IS_ZERO
            cut = _sixteen_bit_colour(picture, data, kind)
            frames = list(_frames(picture, count))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        cut_off = "truncated" in str(error).lower()  # Pillow has no type for it
        if cut_off:
            problem = later("is a {kind} file that is cut off", kind=kind)
        else:
            problem = later("begins like {kind}, but the rest is damaged", kind=kind)
        raise DamagedFile(problem, fix=later("Copy or export it again.")) from error
    warnings = [COLOUR_CUT] * cut + [PAGES_LEFT] * (len(frames) < count)
    first = frames[0]
    if first.dtype.kind in "fi":
        warnings.append(RANGE_ASSUMED)
    bits = 8 if first.dtype == np.uint8 else 16
    stored = np.stack(frames) if len(frames) > 1 else first[None]
    return Decoded(stored, bits, Header(warnings=tuple(warnings)), inverted=inverted).slimmed()


def _frames(picture: PIL.Image.Image, count: int) -> Iterator[NDArray[Any]]:
    """Yield the frames that are like the first; the size of each is known before it is decoded."""
    size, shape = picture.size, None
    for page in ImageSequence.Iterator(picture) if count > 1 else [picture]:
        if page.size != size:
            continue
        if count == 1:
            ImageOps.exif_transpose(page, in_place=True)  # without a copy
        array = _array(page if count == 1 else ImageOps.exif_transpose(page))
        shape = shape or (array.shape, array.dtype)
        if (array.shape, array.dtype) == shape:
            yield array


def _array(picture: PIL.Image.Image) -> NDArray[Any]:
    """Return (H, W) at 8, 16 or 32 bits or (H, W, 3) at 8; transparency is laid on black."""
    if picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in ("I", "F"):
        return np.asarray(picture)
    if picture.mode == "L":
        return np.asarray(picture)
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        return np.asarray(PIL.Image.alpha_composite(PIL.Image.new("RGBA", seen.size, "black"), seen).convert("RGB"))
    return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _tag(picture: PIL.Image.Image, tag: int) -> object:
    return getattr(picture, "tag_v2", {}).get(tag)


def _sixteen_bit_colour(picture: PIL.Image.Image, data: bytes, kind: str) -> bool:
    if not picture.mode.startswith("RGB"):
        return False
    if kind == "PNG":
        return data[24] == 16  # IHDR
    return 16 in np.atleast_1d(np.asarray(_tag(picture, BITS_PER_SAMPLE) or 8))
