"""TIFF at every depth and layout: what its values are, which of them is white, and how large a pixel is.

tifffile (https://github.com/cgohlke/tifffile) with imagecodecs unpacks every compression they know; Pillow, which
reads neither signed nor 32-bit nor floating values as they are, is left with the few kinds of colour that tifffile
does not convert. A resolution for printing is not taken for millimetres; one of a microscope, or one that ImageJ or
OME-XML state with their unit, is.

References: TIFF 6.0, 1992; https://docs.openmicroscopy.org/ome-model/latest (PhysicalSizeX)
"""

from __future__ import annotations

import re
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedFile, InputError, TooLarge, UnsupportedFormat
from models.io.decoded import NOT_SQUARE, Decoded, Header, Limits
from models.words import later

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

Pair = tuple[float, float]

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6  # TIFF 6.0, PhotometricInterpretation
JPEG_COMPRESSIONS = frozenset({7, 34892, 33007, 34712, 33003, 33005})  # whose decoders hand over RGB
PILLOW_ONLY = frozenset({5, 8, 9, 10})  # CMYK and the kinds of Lab
ORIENTATION, REDUCED = 274, 1
BIG_TIFF = 43  # instead of 42
INCH, CENTIMETRE, NO_UNIT = 2, 3, 1
PRINTING_UM = 20
"""A pixel from which on a resolution is one of printing."""
MILLIMETRES = {
    "nm": 1e-6, "µm": 1e-3, "μm": 1e-3, "um": 1e-3, "micron": 1e-3, "microns": 1e-3, "\\u00b5m": 1e-3,
    "mm": 1.0, "cm": 10.0, "m": 1000.0, "inch": 25.4, "in": 25.4,
}  # fmt: skip
COLOUR_CUT = later("16-bit colour was read at 8 bits a channel.")
RANGE_ASSUMED = later(
    "The file does not say which of its values are black and white: its smallest and largest were taken."
)
PAGES_LEFT = later("Pages of another size or kind than the first were left out.")
FRAMES_MISSING = later("The file names more frames than are there: it was cut off, or changed by another program.")
AGAIN = later("Copy or export it again.")


def decode_tiff(data: bytes, limits: Limits) -> Decoded | None:
    """Decode a TIFF; None for a kind of colour that is Pillow's to convert. Runs in the worker.

    Raises
    ------
    TooLarge
        Before decoding.
    UnsupportedFormat
        A kind of value that is no picture's, or a compression that no decoder here reads.
    DamagedFile
        Truncated or inconsistent.
    """
    from tifffile import TiffFile, TiffFileError

    check_tiff_pages(data, limits.frames)
    try:
        with TiffFile(BytesIO(data)) as file:
            series, page = file.series[0], file.series[0].keyframe
            if page.photometric in PILLOW_ONLY or (
                page.photometric == YCBCR and page.compression not in JPEG_COMPRESSIONS
            ):
                return None
            _check(file, series, len(data), limits)
            frames, bits, said = _grey_or_colour(_values(series), page)
            spacing, source = read_tiff_spacing(file)
            turn = page.tags.valueof(ORIENTATION, 1)
            cell = spacing or _aspect(page)
            if turn in (5, 6, 7, 8):
                cell = (cell[1], cell[0])
            left_out = [one for one in file.series[1:] if not int(one.keyframe.subfiletype) & REDUCED]
            named = int((file.imagej_metadata or {}).get("images", 1))
    except InputError:
        raise
    except (
        TiffFileError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OSError,
        RuntimeError,
        ZeroDivisionError,
    ) as why:
        unknown = isinstance(why, (ValueError, KeyError)) and "compression" in str(why).lower()
        if unknown:
            problem = later("is a TIFF file in a compression that no decoder here reads")
            raise UnsupportedFormat(problem, fix=later("Save it uncompressed, or with LZW or Deflate.")) from why
        raise DamagedFile(later("begins like {kind}, but the rest is damaged", kind="TIFF"), fix=AGAIN) from why
    square = spacing is not None or cell[0] == cell[1]
    missing = not left_out and len(frames) < named
    header = Header(
        spacing_mm=cell if spacing else None,
        spacing_source=source,
        aspect=(1.0, 1.0) if spacing else cell,
        warnings=(*said, *[PAGES_LEFT] * bool(left_out), *[FRAMES_MISSING] * missing, *[NOT_SQUARE] * (not square)),
    )
    inverted = frames.ndim == 3 and page.photometric == WHITE_IS_ZERO
    return Decoded(_turned(frames, turn), bits, header, inverted=inverted).slimmed()


def check_tiff_pages(data: bytes, most: int) -> None:
    """Follow the pages from one to the next, before a parser does that would go round for ever.

    Raises
    ------
    DamagedFile
        Where a page comes again.
    TooLarge
        When there are more than `most`.
    """
    order: Literal["little", "big"] = "big" if data[:2] == b"MM" else "little"
    number = partial(_number, data, order)
    big = number(2, 2) == BIG_TIFF
    size, count, entry = (8, 8, 20) if big else (4, 2, 12)
    at, seen = number(size, size), set[int]()
    while at and at + count <= len(data):
        if at in seen:
            raise DamagedFile(later("has pages that follow each other in a circle"), fix=AGAIN)
        seen.add(at)
        if len(seen) > most:
            raise TooLarge(later("has more than {most:,} pages", most=most), fix=later("Save fewer pages at a time."))
        at = number(at + count + number(at, count) * entry, size)


def _number(data: bytes, order: Literal["little", "big"], at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], order)


def _check(file: TiffFile, series: TiffPageSeries, size: int, limits: Limits) -> None:
    """Judge by the headers alone: size, kind of value, and whether all pixels are in the file."""
    page = series.keyframe
    if page.axes not in ("YX", "YXS", "SYX"):
        raise UnsupportedFormat(later("is a TIFF volume, not a picture"), fix=later("Save its sections one a page."))
    if page.dtype is None or page.dtype.kind not in "buif":
        problem = later("holds values that are no grey and no colour")
        raise UnsupportedFormat(problem, fix=later("Save it as TIFF of 8 or 16 bits."))
    rows, columns = page.imagelength, page.imagewidth
    count = max(1, int(np.prod(series.shape, dtype=np.int64)) // max(1, int(np.prod(page.shape, dtype=np.int64))))
    limits.check(
        rows,
        columns,
        count,
        page.samplesperpixel * page.dtype.itemsize,
        3 if page.photometric == PALETTE else page.samplesperpixel,
    )
    stored = [
        begin + length
        for one in series.pages
        if one is not None
        for begin, length in zip(one.dataoffsets, one.databytecounts, strict=False)
        if length
    ]
    whole = page.dataoffsets[0] + int(series.nbytes) if series.dataoffset is not None and len(series.pages) == 1 else 0
    if not stored or max(*stored, whole) > size:
        raise DamagedFile(later("is a {kind} file that is cut off", kind="TIFF"), fix=AGAIN)
    if file.is_mdgel:  # molecular dynamics: values are square roots by a table of their own
        raise UnsupportedFormat(later("holds values on a scale of its own"), fix=later("Export it as 16-bit TIFF."))


def _values(series: TiffPageSeries) -> NDArray[Any]:
    """Return (T, H, W, S) as the file has them."""
    page = series.keyframe
    values = series.asarray(maxworkers=1).reshape(-1, *page.shape)
    if page.axes == "SYX":
        return np.moveaxis(values, 1, -1)
    return values[..., None] if page.axes == "YX" else values


def _grey_or_colour(values: NDArray[Any], page: TiffPage) -> tuple[NDArray[Any], int, tuple[str, ...]]:
    """Return (T, H, W) or (T, H, W, 3), the bits of white, and what had to be assumed."""
    bits, samples = int(np.atleast_1d(page.bitspersample)[0]), values.shape[-1]
    if page.photometric == PALETTE and page.colormap is not None:
        return (page.colormap[:, values[..., 0]] >> 8).astype(np.uint8).transpose(1, 2, 3, 0), 8, ()
    if values.dtype.kind == "b":
        return values[..., 0].astype(np.uint8) * np.uint8(255), 8, ()
    if page.photometric in (RGB, YCBCR) and samples >= 3:
        return _colour(values, bits, [int(kind) for kind in page.extrasamples])
    grey = values[..., 0]
    if samples > 1 and not any(int(kind) in (1, 2) for kind in page.extrasamples):  # channels, one a frame
        grey = np.moveaxis(values, -1, 1).reshape(-1, *values.shape[1:3])
    elif samples > 1 and int(page.extrasamples[0]) == 2 and grey.dtype.kind == "u":
        grey = _on_black(values[..., :1], values[..., 1:2], bits)[..., 0]
    if grey.dtype == np.float16:
        grey = grey.astype(np.float32)
    wide = grey.dtype.kind == "f" or grey.dtype.itemsize > 2
    return np.ascontiguousarray(grey), bits, (RANGE_ASSUMED,) if wide else ()


def _colour(values: NDArray[Any], bits: int, extra: list[int]) -> tuple[NDArray[np.uint8], int, tuple[str, ...]]:
    """Return (T, H, W, 3) at 8 bits; transparency is laid on black."""
    colours = values[..., :3]
    if 2 in extra and values.dtype.kind == "u":  # not yet multiplied
        at = 3 + extra.index(2)
        colours = _on_black(colours, values[..., at : at + 1], bits)
    if colours.dtype.kind == "u":
        said = (COLOUR_CUT,) if bits > 8 else ()
        if bits == 8:
            return np.ascontiguousarray(colours), 8, said
        return np.rint(colours * (255 / (2**bits - 1))).astype(np.uint8), 8, said
    finite = np.nan_to_num(colours.astype(np.float32), posinf=0, neginf=0)
    low, high = min(0.0, float(finite.min(initial=0))), float(finite.max(initial=1))
    return np.rint((finite - low) * (255 / (high - low))).astype(np.uint8), 8, (RANGE_ASSUMED,)


def _on_black(colours: NDArray[Any], alpha: NDArray[Any], bits: int) -> NDArray[Any]:
    seen: NDArray[Any] = np.rint(colours * (alpha / (2**bits - 1))).astype(colours.dtype)
    return seen


def _turned(frames: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return frames (T, H, W[, 3]) with their first row on top and first column on the left (TIFF tag 274)."""
    if orientation in (5, 6, 7, 8):
        frames = frames.swapaxes(1, 2)
    if orientation in (3, 4, 7, 8):
        frames = frames[:, ::-1]
    if orientation in (2, 3, 6, 7):
        frames = frames[:, :, ::-1]
    return np.ascontiguousarray(frames)


def _aspect(page: TiffPage) -> Pair:
    """Return (height, width) of a pixel as multiples of its smaller side, from resolutions that differ."""
    if page.tags.get("XResolution") is None or page.tags.get("YResolution") is None:
        return 1.0, 1.0
    across, down = page.get_resolution()
    if not (across > 0 and down > 0 and 0.01 < across / down < 100):
        return 1.0, 1.0
    height, width = 1 / down, 1 / across
    return height / min(height, width), width / min(height, width)


def read_tiff_spacing(file: TiffFile) -> tuple[Pair | None, str | None]:
    """Return millimetres between rows and columns of the finest level, and who states them; None for printing's."""
    page = file.series[0].keyframe
    found: tuple[float, float, str] | None = None  # down and across in mm
    if file.is_svs and (said := re.search(r"\|\s*MPP\s*=\s*([0-9.]+)", page.description)):
        found = float(said[1]) / 1000, float(said[1]) / 1000, "the scanner's own resolution"
    elif file.is_ome and (sizes := _ome_sizes(file.ome_metadata or "")):
        found = *sizes, "OME-XML"
    elif file.is_imagej and (
        unit := MILLIMETRES.get(str((file.imagej_metadata or {}).get("unit", "")).strip().lower())
    ):
        across, down = page.get_resolution()
        found = unit / down if down else 0.0, unit / across if across else 0.0, "ImageJ's calibration"
    elif page.tags.get("XResolution") and page.tags.get("ResolutionUnit") and page.resolutionunit in (INCH, CENTIMETRE):
        across, down = page.get_resolution("micrometer")
        tall, wide = (1 / pixels if pixels else 0.0 for pixels in (down, across))
        found = (tall / 1000, wide / 1000, "TIFF's resolution") if max(tall, wide) < PRINTING_UM else None
    if found is None or not all(1e-7 < side < 100 for side in found[:2]):
        return None, None
    return found[:2], found[2]


def _ome_sizes(xml: str) -> Pair | None:
    """Return (down, across) in mm of the first image of an OME-XML text."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", xml)
    sizes = []
    for axis in "YX":
        size = pixels and re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]+)"', pixels[0])
        unit = pixels and re.search(rf'\bPhysicalSize{axis}Unit="([^"]*)"', pixels[0])
        scale = MILLIMETRES.get(unit[1].replace("&#181;", "µ").replace("&#956;", "μ")) if unit else 1e-3
        if not size or scale is None:
            return None
        try:
            sizes.append(float(size[1]) * scale)
        except ValueError:
            return None
    return sizes[0], sizes[1]
