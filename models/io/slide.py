"""Whole slides and other large TIFFs: an overview at once, and any region at any level, decoded tile by tile.

tifffile (https://github.com/cgohlke/tifffile) finds the levels of Aperio SVS, OME and generic pyramidal TIFF, and of
plain TIFF; only the tiles or strips that a region touches are decoded, in the worker process. Labels and macro
photographs of a slide, which may show a name, are never opened.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedFile, TooLarge, UnsupportedFormat, name_file_in_errors
from models.io.decoded import Decoded, Header, Limits
from models.io.kinds import find_file_kind
from models.io.pool import call_in_worker
from models.io.tiff import check_tiff_pages, read_tiff_spacing
from models.settings import settings
from models.types import Box, Image
from models.words import later

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

ORDINARY_PX = 25_000_000
"""Pixels of a TIFF without a pyramid up to which it is read as a whole."""
OVERVIEW_PX = 1024
"""Longest side of the overview."""
REGION_PX = 8192
"""Longest side of a region, in the pixels of its level."""
OVERVIEW_DECODED_PX = 2_000_000_000
"""Pixels that are decoded at most for an overview, of the coarsest level that serves."""
DENSEST = 1100
"""How many times its own bytes a slide may decode to: Deflate reaches 1032, and only with nothing in the picture."""
SIDE_PX = 1 << 19
"""Longest side of a slide."""
CONTIGUOUS = 1  # TIFF 6.0
EMPTY = 255
"""Of a tile that is not in the file: glass."""


@dataclass(frozen=True)
class Level:
    """One resolution of a slide.

    Attributes
    ----------
    shape
        (rows, columns).
    downsample
        How many pixels of the first level one of its own is wide.
    spacing_mm
        (between rows, between columns), or None where the slide is not calibrated.
    """

    shape: tuple[int, int]
    downsample: float
    spacing_mm: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Slide:
    """What is known of a slide before any of it is looked at closely.

    Attributes
    ----------
    levels
        The finest first.
    overview
        (h, w, 3) bytes, no side over `OVERVIEW_PX`.
    """

    levels: tuple[Level, ...]
    overview: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the finest level."""
        return self.levels[0].shape


def open_slide(data: bytes, name: str = "") -> Slide | None:
    """Open a slide.

    Returns
    -------
    Slide
        None for a file that is no TIFF, or one that `models.read` takes as a whole: without a pyramid and not large.

    Raises
    ------
    InputError
        When it is a TIFF that cannot be read.
    """
    found: Slide | None = _called(name, data, _opened)
    return found


def read_slide_region(data: bytes, level: int, box: Box, name: str = "") -> Image:
    """Read a part of a slide.

    Parameters
    ----------
    level
        Index into `Slide.levels`.
    box
        In pixels of the finest level; cut at the slide's edge.

    Returns
    -------
    Image
        In the pixels of that level, of an identity of its own; its warnings say where it lies.

    Raises
    ------
    TooLarge
        When a side is over `REGION_PX` at that level.
    InputError
        When the slide cannot be read.
    """
    decoded: Decoded = _called(name, data, _region, level, box)
    said = f"{hashlib.sha256(data).hexdigest()} level {level} {box.row} {box.column} {box.height} {box.width}"
    return decoded.image(PureWindowsPath(name).name, hashlib.sha256(said.encode()).hexdigest())


def _called(name: str, data: bytes, function: Any, *args: Any) -> Any:
    """Run a function on a TIFF's bytes in the worker; None for what is no TIFF."""
    with name_file_in_errors(PureWindowsPath(name).name or None):
        return call_in_worker(function, data, *args) if find_file_kind(data, name) == "TIFF" else None


def _opened(data: bytes) -> Slide | None:
    with _tiff(data) as file:
        pages = _pages(file)
        rows, columns = pages[0].shape[:2]
        if len(file.series[0].pages) > 1 or not (len(pages) > 1 or rows * columns > ORDINARY_PX):
            return None
        _check(pages, len(data))
        factors = [columns / page.shape[1] for page in pages]
        spacing, _ = read_tiff_spacing(file)
        levels = tuple(
            Level((page.shape[0], page.shape[1]), factor, _times(spacing, factor))
            for page, factor in zip(pages, factors, strict=True)
        )
        return Slide(levels, _overview(pages))


def _region(data: bytes, level: int, box: Box) -> Decoded:
    with _tiff(data) as file:
        pages = _pages(file)
        page = pages[level]
        factor, (rows, columns) = pages[0].shape[1] / page.shape[1], page.shape[:2]
        top, left = (min(max(round(at / factor), 0), side - 1) for at, side in ((box.row, rows), (box.column, columns)))
        height = min(max(round(box.height / factor), 1), rows - top)
        width = min(max(round(box.width / factor), 1), columns - left)
        if max(height, width) > REGION_PX:
            fix = "Draw a smaller region, or choose a coarser level."
            raise TooLarge(f"the region has {width:,} × {height:,} pixels at this level", fix=fix)
        pixels = _read(page, top, left, height, width)
        spacing = _times(read_tiff_spacing(file)[0], factor)
    said = f"rows {top} to {top + height - 1} and columns {left} to {left + width - 1} of level {level} of a slide"
    source = "the slide's own resolution" if spacing else None
    return Decoded(
        pixels[None], 8, Header(spacing_mm=spacing, spacing_source=source, warnings=(f"{said}, 1:{factor:.4g}",))
    ).slimmed()


def _tiff(data: bytes) -> TiffFile:
    from tifffile import TiffFile

    check_tiff_pages(data, settings().max_frames)
    return TiffFile(BytesIO(data))


def _pages(file: TiffFile) -> list[TiffPage]:
    """Return the levels of a slide, the finest first: (H, W) or (H, W, 3) each, in one depth."""
    pages: list[TiffPage] = [level.keyframe for level in file.series[0].levels]
    return [page for page in pages if page.axes in ("YX", "YXS")] or pages[:1]


def _check(pages: list[TiffPage], size: int) -> None:
    """Refuse what no level can be read of: cut off, or of a depth or size that is not taken."""
    limit = settings()
    rows, columns = pages[0].shape[:2]
    Limits(SIDE_PX, limit.max_decoded_mb * 1024, limit.max_frames).check(rows, columns, 1, 3)
    stored = [span for page in pages for span in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(begin + length for begin, length in stored) > size:
        raise DamagedFile("is a TIFF file that is cut off", fix="Copy or export it again.")
    coarse = _for_overview(pages)
    pixels = coarse.shape[0] * coarse.shape[1]
    if pixels > OVERVIEW_DECODED_PX or pixels > max(4 * ORDINARY_PX, DENSEST * size):
        raise TooLarge(
            later(
                "has no overview: {pixels:,.0f} million pixels would have to be decoded for one", pixels=pixels / 1e6
            ),
            fix=later("Export it as a pyramid: SVS, OME or tiled TIFF with smaller levels."),
        )
    first = pages[0]
    if first.dtype not in ("uint8", "uint16") or first.planarconfig != CONTIGUOUS or first.samplesperpixel > 4:
        raise UnsupportedFormat("is a slide of a kind that is not read", fix="Export it as RGB with 8 bits a channel.")


def _read(page: TiffPage, top: int, left: int, height: int, width: int, step: int = 1) -> NDArray[np.uint8]:
    """Return a part of a level as (h, w, 3) bytes, decoding only the tiles or strips that it touches, each once.

    With a step, every so many rows and columns of it, the middle one of each block.
    """
    tile = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.shape[1])
    across = -(-page.shape[1] // tile[1])
    wanted = [np.arange(start + step // 2, start + side, step) for start, side in ((top, height), (left, width))]
    out = np.full((len(wanted[0]), len(wanted[1]), page.samplesperpixel), EMPTY, page.dtype)
    for row, column in product(
        range(top // tile[0], (top + height - 1) // tile[0] + 1),
        range(left // tile[1], (left + width - 1) // tile[1] + 1),
    ):
        index = row * across + column
        offset, length = page.dataoffsets[index], page.databytecounts[index]
        if not length:  # a slide's scanner leaves out tiles without tissue
            continue
        page.parent.filehandle.seek(offset)
        packed = page.parent.filehandle.read(length)
        decoded = page.decode(packed, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader)[0]
        assert decoded is not None  # there are bytes
        segment = decoded[0]  # (h, w, samples)
        at = row * tile[0], column * tile[1]
        down, right = (
            slice(*np.searchsorted(places, (here, here + side)))
            for places, here, side in zip(wanted, at, segment.shape, strict=False)
        )
        out[down, right] = segment[np.ix_(wanted[0][down] - at[0], wanted[1][right] - at[1])]
    pixels = (out >> 8).astype(np.uint8) if out.dtype == np.uint16 else out
    return np.repeat(pixels[..., :1], 3, -1) if pixels.shape[-1] < 3 else pixels[..., :3]


def _overview(pages: list[TiffPage]) -> NDArray[np.uint8]:
    """Thin out the coarsest level that is fine enough."""
    page = _for_overview(pages)
    rows, columns = page.shape[:2]
    return _read(page, 0, 0, rows, columns, max(1, -(-max(rows, columns) // OVERVIEW_PX)))


def _for_overview(pages: list[TiffPage]) -> TiffPage:
    return next((page for page in reversed(pages) if max(page.shape[:2]) >= OVERVIEW_PX), pages[0])


def _times(spacing: tuple[float, float] | None, factor: float) -> tuple[float, float] | None:
    return spacing and (spacing[0] * factor, spacing[1] * factor)
