"""A picture whose values are classes, not brightness: indices and grey values as the file has them.

Decoded in the worker, by the decoder of the format that its first bytes name and by no other: what calls itself a PNG
and is PostScript is never handed to an interpreter of it.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from models.errors import DamagedFile, UnsupportedFormat, name_file_in_errors
from models.io.decoded import Limits
from models.io.kinds import find_file_kind
from models.io.pool import call_in_worker
from models.io.tiff import check_tiff_pages
from models.settings import settings
from models.words import later

LOSSY = frozenset({"JPEG", "WEBP"})
AS_PNG = later("Save the mask as PNG.")
CUT_OFF, SAVE_AGAIN = later("cannot be read to its end"), later("Save it again.")
NOISE = 64
"""Levels of 255 by which compression may have moved a pixel of a binary mask."""
STRAY = 0.02
"""Share of pixels that may lie further off, at the mask's edges."""


def read_label_map(
    data: bytes, name: str, shape: tuple[int, int]
) -> tuple[NDArray[np.int64] | None, tuple[int, int], bool]:
    """Read a map of whole numbers.

    Returns
    -------
    values
        (H, W) palette indices, grey values, or the one channel where all are equal; None where the picture has another
        size than `shape`, of which nothing is decoded.
    size
        (rows, columns) of the picture.
    lossy
        Whether it is a binary mask that compression blurred: 0 and 255 by its half.

    Raises
    ------
    InputError
        When it is no picture, cannot be decoded, is coloured, or lost its classes to compression.
    """
    try:
        format_ = find_file_kind(data, name)
    except UnsupportedFormat:
        format_ = "none"
    if format_ in ("none", "DICOM", "video"):
        raise UnsupportedFormat(later("is no picture"), fix=AS_PNG, file=name)
    limit = settings()
    limits = Limits(limit.max_side_px, limit.max_decoded_mb, limit.max_frames)
    with name_file_in_errors(name):
        return call_in_worker(decode_label_map, data, format_, limits, shape)


def decode_label_map(
    data: bytes, format_: str, limits: Limits, shape: tuple[int, int]
) -> tuple[NDArray[np.int64] | None, tuple[int, int], bool]:
    """Do what `read_label_map` says; runs in the worker."""
    opened = _of_tiff if format_ == "TIFF" else _of_picture
    size, values = opened(data, format_, limits, shape)
    if values is None:
        return None, size, False
    if values.ndim == 3 and format_ in LOSSY:
        values = values.astype(np.float32).mean(-1)
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise UnsupportedFormat(
                later("is a coloured picture, not a mask"),
                fix=later("Save it with one channel: the index of the class."),
            )
        values = values[..., 0]
    if format_ in LOSSY and not _whole_and_few(values):
        return _halves(values), size, True
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        raise UnsupportedFormat(later("holds fractions, not the numbers of classes"), fix=AS_PNG)
    return values.astype(np.int64), size, False


Read = tuple[tuple[int, int], NDArray[Any] | None]


def _of_tiff(data: bytes, _: str, limits: Limits, shape: tuple[int, int]) -> Read:
    from tifffile import TiffFile, TiffFileError

    check_tiff_pages(data, limits.frames)
    try:
        with TiffFile(BytesIO(data)) as file:
            page = file.pages.first
            size = page.imagelength, page.imagewidth
            limits.check(*size, 1, page.samplesperpixel * (page.dtype.itemsize if page.dtype else 4))
            values = page.asarray() if size == shape else None
    except (TiffFileError, ValueError, TypeError, KeyError, IndexError, OSError, RuntimeError) as error:
        raise DamagedFile(CUT_OFF, fix=SAVE_AGAIN) from error
    if values is not None and values.ndim == 3 and values.shape[:2] != size:  # planes, one a channel
        values = np.moveaxis(values, 0, -1)
    if values is not None and (values.shape[:2] != size or not values.size):
        raise DamagedFile(CUT_OFF, fix=SAVE_AGAIN)
    return size, values


def _of_picture(data: bytes, format_: str, limits: Limits, shape: tuple[int, int]) -> Read:
    PIL.Image.MAX_IMAGE_PIXELS = None  # `limits` stands in its place; only the worker's Pillow is touched
    try:
        with PIL.Image.open(BytesIO(data), formats=[format_]) as opened:
            size = opened.height, opened.width
            limits.check(*size, 1, 4)
            if size != shape:
                return size, None
            if format_ == "JPEG" or opened.mode in ("LA", "PA"):
                return size, np.asarray(opened.convert("P" if opened.mode == "PA" else "L"))
            return size, np.asarray(opened.convert("RGB") if opened.mode in ("RGBA", "CMYK", "YCbCr") else opened)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DamagedFile(CUT_OFF, fix=SAVE_AGAIN) from error


def _whole_and_few(values: NDArray[Any]) -> bool:
    """Whether compression did no harm: nothing but 0 and one other value."""
    return len(np.unique(values)) <= 2


def _halves(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return 0 and 255 of a binary mask that was blurred; refuse what had more than two values."""
    apart = np.minimum(np.abs(values.astype(np.float32)), np.abs(values.astype(np.float32) - 255))
    if values.max() <= 127 or float(np.mean(apart > NOISE)) > STRAY:
        raise UnsupportedFormat(
            later("was compressed with losses, so that the numbers of its classes are blurred"), fix=AS_PNG
        )
    return np.where(values > 127, 255, 0).astype(np.int64)
