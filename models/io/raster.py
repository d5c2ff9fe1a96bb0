"""Pictures that Pillow reads: PNG, JPEG, WebP, BMP, and TIFF whose colours it alone converts (`models.io.tiff`).

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
from models.io import tiff
from models.io.decoded import NOT_SQUARE, Decoded, Header, Limits
from models.io.tiff import COLOUR_CUT, PAGES_LEFT, RANGE_ASSUMED
from models.words import later

BYTES = {"1": 1, "L": 1, "P": 1, "LA": 2, "PA": 2, "I;16": 2, "I;16B": 2, "I;16L": 2, "RGB": 3}
"""A pixel's size by Pillow mode; the others take four."""
GREYS = frozenset({"1", "L", "I", "F", "I;16", "I;16B", "I;16L"})
BITS_PER_SAMPLE, ORIENTATION = 258, 274  # TIFF 6.0
USUAL_GAMMA = 1 / 2.2
GAMMA = later("The file states a gamma of its own, which was not applied.")
PROFILE = later("The file has a colour profile, which was not applied.")


def decode_raster(data: bytes, kind: str, limits: Limits) -> Decoded:
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
    if kind == "TIFF" and (read := tiff.decode_tiff(data, limits)) is not None:
        return read
    PIL.Image.MAX_IMAGE_PIXELS = None  # `limits` stands in its place; only the worker's Pillow is touched
    try:
        with PIL.Image.open(BytesIO(data), formats=[kind]) as picture:
            count = 1 if kind == "JPEG" else getattr(picture, "n_frames", 1)  # a JPEG's others: previews, gain maps
            limits.check(
                picture.height, picture.width, count, BYTES.get(picture.mode, 4), 1 if picture.mode in GREYS else 3
            )
            aspect, said = _aspect(picture), _unapplied(picture)
            cut = _sixteen_bit_colour(picture, data, kind)
            frames = list(_frames(picture, count))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        cut_off = "truncated" in str(error).lower()  # Pillow has no type for it
        if cut_off:
            problem = later("is a {kind} file that is cut off", kind=kind)
        else:
            problem = later("begins like {kind}, but the rest is damaged", kind=kind)
        raise DamagedFile(problem, fix=later("Copy or export it again.")) from error
    warnings = (
        [COLOUR_CUT] * cut + [PAGES_LEFT] * (len(frames) < count) + said + [NOT_SQUARE] * (aspect[0] != aspect[1])
    )
    first = frames[0]
    if first.dtype.kind in "fi":
        warnings.append(RANGE_ASSUMED)
    bits = 8 if first.dtype == np.uint8 else 16
    stored = np.stack(frames) if len(frames) > 1 else first[None]
    return Decoded(stored, bits, Header(aspect=aspect, warnings=tuple(warnings))).slimmed()


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


def _aspect(picture: PIL.Image.Image) -> tuple[float, float]:
    """Return (height, width) of a pixel as multiples of its smaller side, where the file states unequal densities."""
    info = picture.info
    across, down = info.get("dpi") or (info.get("jfif_density") if info.get("jfif_unit") == 0 else None) or (1, 1)
    wide, tall = info.get("aspect") or (1, 1)  # PNG without a unit: pixels across and down
    across, down = float(across) * float(wide), float(down) * float(tall)
    if not (across > 0 and down > 0 and 0.01 < across / down < 100) or abs(across / down - 1) < 0.01:
        return 1.0, 1.0  # dots per inch are often rounded
    height, width = max(across / down, 1.0), max(down / across, 1.0)
    return (width, height) if picture.getexif().get(ORIENTATION, 1) >= 5 else (height, width)


def _unapplied(picture: PIL.Image.Image) -> list[str]:
    """Return what the file says of its brightness and colours that is not done."""
    gamma = picture.info.get("gamma")
    unusual = gamma is not None and abs(gamma - USUAL_GAMMA) > 0.02 and "srgb" not in picture.info
    profile = bytes(picture.info.get("icc_profile") or b"")
    told = bool(profile) and b"sRGB" not in profile and b"s\x00R\x00G\x00B" not in profile
    return [*[GAMMA] * unusual, *[PROFILE] * told]


def _tag(picture: PIL.Image.Image, tag: int) -> object:
    return getattr(picture, "tag_v2", {}).get(tag)


def _sixteen_bit_colour(picture: PIL.Image.Image, data: bytes, kind: str) -> bool:
    if not picture.mode.startswith("RGB"):
        return False
    if kind == "PNG":
        return data[24] == 16  # IHDR
    return 16 in np.atleast_1d(np.asarray(_tag(picture, BITS_PER_SAMPLE) or 8))
