"""Scales, proportions and bounds of a TIFF, by hand: every unit, every place where one is stated, and either side."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from models.errors import DamagedFile, TooLarge
from models.io import raster, tiff
from models.io.decoded import Decoded, Limits

GREY = (np.arange(12 * 20).reshape(12, 20)).astype(np.uint8)
ROOM = Limits(side_px=500, decoded_mb=1, frames=4)


def written(values: np.ndarray = GREY, **options: Any) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def scale(data: bytes) -> tuple[Any, ...]:
    with tifffile.TiffFile(BytesIO(data)) as file:
        return tiff.read_tiff_spacing(file)


UNITS = {"nm": 1e-6, "µm": 1e-3, "mm": 1, "cm": 10, "m": 1000}


@pytest.mark.parametrize(("unit", "mm"), UNITS.items())
def test_every_unit_of_ome_is_millimetres(unit: str, mm: float) -> None:
    down, across = 0.02 / mm, 0.05 / mm
    sizes = {
        "PhysicalSizeY": down, "PhysicalSizeYUnit": unit, "PhysicalSizeX": across, "PhysicalSizeXUnit": unit,
    }  # fmt: skip
    assert scale(written(ome=True, metadata=sizes)) == (pytest.approx((0.02, 0.05)), "OME-XML")


@pytest.mark.parametrize(
    ("xml", "mm"),
    [
        ('<ome:Pixels ID="1" PhysicalSizeX="2" PhysicalSizeY="3">', (3e-3, 2e-3)),
        ('<Pixels PhysicalSizeX="2" PhysicalSizeY="3" PhysicalSizeYUnit="nm">', (3e-6, 2e-3)),  # each its own
        ('<Pixels PhysicalSizeX="2" PhysicalSizeXUnit="&#181;m" PhysicalSizeY="3">', (3e-3, 2e-3)),
        ('<Pixels PhysicalSizeX="2" PhysicalSizeXUnit="pixel" PhysicalSizeY="3">', None),
        ('<Pixels PhysicalSizeX="2">', None),
        ('<Pixels PhysicalSizeX="2" PhysicalSizeY="1e-">', None),
        ("<Image>", None),
    ],
)
def test_sizes_in_ome(xml: str, mm: tuple[float, float] | None) -> None:
    assert tiff._ome_sizes(xml) == (mm and pytest.approx(mm))


@pytest.mark.parametrize(
    ("unit", "mm"),
    [(r"\u00B5m", 1e-3), ("um", 1e-3), ("micron", 1e-3), ("nm", 1e-6), ("cm", 10), ("inch", 25.4)],
)
def test_every_unit_of_imagej_is_millimetres(unit: str, mm: float) -> None:
    said = scale(written(imagej=True, resolution=(mm / 0.05, mm / 0.02), metadata={"unit": unit}))
    assert said == (pytest.approx((0.02, 0.05)), "ImageJ's calibration")


@pytest.mark.parametrize(
    ("dpi", "mm"),
    [
        ((1300, 2600), (25.4 / 2600, 25.4 / 1300)),
        ((1260, 2600), None),  # 20.2 µm: one way is enough for printing's
        ((2600, 1260), None),
        ((0, 0), None),
        ((300_000_000, 300_000_000), None),  # smaller than any light
    ],
)
def test_a_resolution_is_a_scale_where_no_printer_is_so_fine(
    dpi: tuple[int, int], mm: tuple[float, float] | None
) -> None:
    said = scale(written(resolution=dpi, resolutionunit="INCH"))
    assert said == ((pytest.approx(mm, rel=1e-4), "TIFF's resolution") if mm else (None, None))


def test_a_slide_scanners_words_are_a_scale() -> None:
    said = scale(written(description="Aperio Image Library\r\n20x10|AppMag = 20|MPP = 0.4990", metadata=None))
    assert said == (pytest.approx((0.000499, 0.000499)), "the scanner's own resolution")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_lies_has_its_scale_and_proportions_turned_with_it(orientation: int) -> None:
    tag = [(274, 3, 1, orientation, True)]
    fine = tiff.decode_tiff(written(resolution=(20_000, 40_000), resolutionunit="CENTIMETER", extratags=tag), ROOM)
    coarse = tiff.decode_tiff(written(resolution=(100, 200), resolutionunit="NONE", extratags=tag), ROOM)
    assert isinstance(fine, Decoded)
    assert isinstance(coarse, Decoded)
    upright = orientation < 5
    assert fine.stored.shape == ((1, 12, 20) if upright else (1, 20, 12))
    assert fine.header.spacing_mm == pytest.approx((0.00025, 0.0005) if upright else (0.0005, 0.00025))
    assert fine.header.aspect == (1, 1)
    assert fine.header.warnings == ()
    assert coarse.header.spacing_mm is None
    assert coarse.header.aspect == ((1, 2) if upright else (2, 1))
    assert "not square" in str(coarse.header.warnings[0])


@pytest.mark.parametrize(
    ("resolution", "aspect"),
    [((0, 200), (1, 1)), ((200, 0), (1, 1)), ((1, 150), (1, 1)), ((150, 1), (1, 1)), ((1, 90), (1, 90)),
     ((90, 1), (90, 1))],
)  # fmt: skip
def test_proportions_that_no_picture_has_are_left(resolution: tuple[int, int], aspect: tuple[float, float]) -> None:
    read = tiff.decode_tiff(written(resolution=resolution, resolutionunit="NONE"), ROOM)
    assert isinstance(read, Decoded)
    assert read.header.aspect == pytest.approx(aspect)


def test_colour_of_any_depth_has_its_own_white() -> None:
    deep = np.array([[[0, 32768, 65535]]], np.uint16)
    colours, bits, said = tiff._colour(deep, 16, [])
    assert (colours.tolist(), bits, said) == ([[[0, 128, 255]]], 8, (tiff.COLOUR_CUT,))
    nine, bits, said = tiff._colour(deep // 128, 9, [])
    assert (nine.tolist(), bits, said) == ([[[0, 128, 255]]], 8, (tiff.COLOUR_CUT,))
    real = np.array([[[-0.5, 0.25, 1.0]]], np.float32)  # from −0.5 to 1
    colours, bits, said = tiff._colour(real, 32, [])
    assert (colours.tolist(), bits, said) == ([[[0, 128, 255]]], 8, (tiff.RANGE_ASSUMED,))
    dark = np.array([[[0.0, 0.2, 0.5]]], np.float32)
    assert tiff._colour(dark, 32, [])[0].tolist() == [[[0, 51, 128]]]  # white is 1 where nothing is brighter
    clear = np.array([[[200, 100, 50, 9, 51]]], np.uint8)  # the second of two more is the transparency
    assert tiff._colour(clear, 8, [0, 2])[0].tolist() == [[[40, 20, 10]]]
    twelve = np.array([[[4095, 2048, 0, 2048]]], np.uint16)
    assert tiff._on_black(twelve[..., :3], twelve[..., 3:], 12).tolist() == [[[2048, 1024, 0]]]


def pages(count: int, *, big: bool = False, order: str = "<") -> bytes:
    file = BytesIO()
    with tifffile.TiffWriter(file, bigtiff=big, byteorder=order) as out:
        for _ in range(count):
            out.write(GREY, contiguous=False, metadata=None)
    return file.getvalue()


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pages_are_counted_before_they_are_read(big: bool, order: str) -> None:
    tiff.check_tiff_pages(pages(4, big=big, order=order), 4)
    with pytest.raises(TooLarge, match="more than 4 pages"):
        tiff.check_tiff_pages(pages(5, big=big, order=order), 4)


def test_what_was_left_out_and_what_is_cut_off_is_said() -> None:
    file = BytesIO()
    with tifffile.TiffWriter(file) as out:
        out.write(GREY, metadata=None)
        out.write(GREY[:4], subfiletype=1, metadata=None)  # a preview is no page
    read = tiff.decode_tiff(file.getvalue(), ROOM)
    assert isinstance(read, Decoded)
    assert read.header.warnings == ()
    whole = written()
    end = whole.index(GREY.tobytes()) + GREY.nbytes
    assert tiff.decode_tiff(whole[:end], ROOM) is not None
    with pytest.raises(DamagedFile, match="cut off"):
        tiff.decode_tiff(whole[: end - 1], ROOM)


def test_of_frames_that_one_directory_stands_for_none_may_be_missing() -> None:
    stack = np.stack([GREY, GREY + 7, GREY // 2])
    whole = written(stack, imagej=True, truncate=True)  # as ImageJ writes what is larger than 4 GB
    with tifffile.TiffFile(BytesIO(whole)) as file:
        assert len(file.pages) == 1
        end = file.pages[0].dataoffsets[0] + stack.nbytes
    read = tiff.decode_tiff(whole[:end], ROOM)
    assert isinstance(read, Decoded)
    assert len(read.stored) == 3
    assert read.header.warnings == ()
    cut = tiff.decode_tiff(whole[: end - 1], ROOM)
    assert isinstance(cut, Decoded)
    assert len(cut.stored) == 1
    assert ["names more frames than are there" in str(said) for said in cut.header.warnings] == [True]
    whole = written(stack, photometric="minisblack", truncate=True)  # tifffile's own way to say the same
    with tifffile.TiffFile(BytesIO(whole)) as file:
        end = file.pages[0].dataoffsets[0] + stack.nbytes
    assert len(tiff.decode_tiff(whole[:end], ROOM).stored) == 3
    with pytest.raises(DamagedFile, match="cut off"):
        tiff.decode_tiff(whole[: end - 1], ROOM)


@pytest.mark.parametrize(
    ("mode", "options", "aspect"),
    [
        ("JPEG", {"dpi": (100, 200)}, (1, 2)),
        ("JPEG", {"dpi": (200, 100)}, (2, 1)),
        ("JPEG", {"dpi": (300, 302)}, (1, 1)),  # rounded
        ("JPEG", {"dpi": (300, 306)}, (1, 1.02)),
        ("JPEG", {"dpi": (1, 200)}, (1, 1)),
        ("JPEG", {"dpi": (100, 200), "lies": True}, (2, 1)),
    ],
)
def test_densities_of_a_picture_are_its_proportions(
    mode: str, options: dict[str, Any], aspect: tuple[float, float]
) -> None:
    file, exif = BytesIO(), Pillow.Exif()
    if options.pop("lies", False):
        exif[274] = 6
    Pillow.fromarray(GREY).save(file, mode, exif=exif, **options)
    with Pillow.open(file) as picture:
        assert raster._aspect(picture) == pytest.approx(aspect)


@pytest.mark.parametrize(("unit", "density", "aspect"), [(0, (1, 2), (1, 2)), (1, (72, 72), (1, 1))])
def test_a_jpeg_without_a_unit_states_proportions(
    unit: int, density: tuple[int, int], aspect: tuple[float, float]
) -> None:
    file = BytesIO()
    Pillow.fromarray(GREY).save(file, "JPEG", dpi=(72, 72))
    data = bytearray(file.getvalue())
    at = data.index(b"JFIF\0") + 7
    data[at : at + 5] = bytes([unit]) + b"".join(one.to_bytes(2, "big") for one in density)
    with Pillow.open(BytesIO(bytes(data))) as picture:
        assert raster._aspect(picture) == pytest.approx(aspect)


@pytest.mark.parametrize(("profile", "said"), [(b"", 0), (b"Adobe RGB", 1), (b"sRGB", 0), (b"s\0R\0G\0B\0", 0)])
@pytest.mark.parametrize(("gamma", "more"), [(None, 0), (0.45455, 0), (0.47, 0), (0.48, 1), (0.42, 1), (1.0, 1)])
def test_gamma_and_profile_are_told_where_they_matter(
    profile: bytes, said: int, gamma: float | None, more: int
) -> None:
    picture = Pillow.fromarray(GREY)
    picture.info = {"icc_profile": profile} | ({} if gamma is None else {"gamma": gamma})
    assert raster._unapplied(picture) == [*[raster.GAMMA] * more, *[raster.PROFILE] * said]
    picture.info["srgb"] = 0
    assert raster.GAMMA not in raster._unapplied(picture)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_colour_of_few_rows_is_colour(rows: int) -> None:
    values = np.arange(rows * 20 * 3, dtype=np.uint8).reshape(rows, 20, 3) * 7 % 251
    read = tiff.decode_tiff(written(values, photometric="rgb"), ROOM)
    assert isinstance(read, Decoded)
    assert np.array_equal(read.stored, values[None])
