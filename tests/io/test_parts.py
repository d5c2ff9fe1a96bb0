"""Parts of the decoders by hand: tiles that are not square, tables at their ends, proportions, masks, slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from models.errors import DamagedFile, InputError, TooLarge, UnsupportedFormat
from models.io import archive, dicom_space, dicom_tables, raster, series, slide
from models.io.decoded import Decoded, Header, Limits
from models.io.dicom_header import _tags, _window_name, _windows
from models.io.dicom_tiles import put_tiles_together, read_tiled_extent
from models.io.label_map import decode_label_map
from models.io.series import Slice, sort_into_stacks
from models.types import Box, Window

LIMITS = Limits(side_px=4000, decoded_mb=64, frames=8)
ROWS, COLUMNS = 150, 210
COLOUR = np.stack([np.add.outer(np.arange(ROWS), np.arange(COLUMNS) // 2), *[
    np.add.outer(np.arange(ROWS) // 3, np.arange(COLUMNS)), np.multiply.outer(np.arange(ROWS), np.arange(COLUMNS)) % 251
]], -1).astype(np.uint8)  # fmt: skip


def tiff(values: np.ndarray, **options: Any) -> bytes:
    out = BytesIO()
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


# Slides


@pytest.mark.parametrize("layout", [{"tile": (32, 64)}, {"rowsperstrip": 7}, {"tile": (64, 32), "compression": "lzw"}])
@pytest.mark.parametrize(
    "part", [(0, 0, ROWS, COLUMNS, 1), (31, 63, 2, 2, 1), (32, 64, 32, 64, 1), (5, 9, 100, 150, 1),
             (0, 0, ROWS, COLUMNS, 4), (3, 70, 90, 120, 7), (149, 209, 1, 1, 1)]
)  # fmt: skip
def test_a_part_of_a_level_is_that_of_the_picture(layout: dict[str, Any], part: tuple[int, ...]) -> None:
    top, left, height, width, step = part
    with tifffile.TiffFile(BytesIO(tiff(COLOUR, photometric="rgb", **layout))) as file:
        seen = slide._read(file.pages.first, *part)
    middle = step // 2  # the middle one of each block
    wanted = COLOUR[top : top + height, left : left + width][middle::step, middle::step]
    assert seen.dtype == np.uint8
    assert np.array_equal(seen, wanted)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (COLOUR[..., 0], np.repeat(COLOUR[..., :1], 3, -1)),
        (COLOUR.astype(np.uint16) * 256 + 255, COLOUR),
        (np.dstack([COLOUR, 255 - COLOUR[..., 0]]), COLOUR),  # what is beyond colour is left
    ],
)
def test_every_kind_of_slide_becomes_three_bytes_a_pixel(values: np.ndarray, wanted: np.ndarray) -> None:
    kind = "minisblack" if values.ndim == 2 else "rgb"
    with tifffile.TiffFile(BytesIO(tiff(values, photometric=kind, tile=(32, 64)))) as file:
        assert np.array_equal(slide._read(file.pages.first, 0, 0, ROWS, COLUMNS), wanted)


def test_a_tile_that_is_not_in_the_file_is_glass() -> None:
    data = tiff(COLOUR, photometric="rgb", tile=(32, 64))
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages.first
        page.databytecounts = (
            *page.databytecounts[:5],
            0,
            *page.databytecounts[6:],
        )  # 4 tiles a row: the second row's second
        seen = slide._read(page, 0, 0, ROWS, COLUMNS)
    wanted = COLOUR.copy()
    wanted[32:64, 64:128] = 255
    assert np.array_equal(seen, wanted)


def pyramid() -> bytes:
    out = BytesIO()
    with tifffile.TiffWriter(out) as file:
        said = {"resolution": (20_000, 10_000), "resolutionunit": "CENTIMETER"}
        file.write(COLOUR, tile=(32, 64), photometric="rgb", subifds=1, **said)
        file.write(COLOUR[::3, ::3], tile=(32, 64), photometric="rgb", subfiletype=1)
    return out.getvalue()


@pytest.mark.parametrize(
    ("level", "box", "rows", "columns"),
    [
        (0, Box(10, 20, 30, 40), (10, 40), (20, 60)),
        (0, Box(140, 200, 30, 40), (140, 150), (200, 210)),  # cut at the edge
        (0, Box(-5, -9, 30, 40), (0, 30), (0, 40)),
        (0, Box(500, 700, 30, 40), (149, 150), (209, 210)),  # beyond it: the last pixel
        (0, Box(3, 4, 0, 0), (3, 4), (4, 5)),
        (1, Box(30, 60, 33, 66), (10, 21), (20, 42)),
        (1, Box(31, 61, 1, 1), (10, 11), (20, 21)),
    ],
)
def test_a_region_lies_where_it_was_drawn(
    level: int, box: Box, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    found = slide._region(pyramid(), level, box)
    wanted = COLOUR[:: 3**level, :: 3**level][slice(*rows), slice(*columns)]
    stored = found.stored[0] if found.stored.ndim == 4 else np.repeat(found.stored[0][..., None], 3, -1)
    if wanted.size > 3:
        assert np.array_equal(stored, wanted)
    assert stored.shape == wanted.shape
    (said,) = found.header.warnings
    assert said == (
        f"rows {rows[0]} to {rows[1] - 1} and columns {columns[0]} to {columns[1] - 1} of level {level} of a slide, "
        f"1:{3**level}"
    )
    assert found.header.spacing_mm == pytest.approx((0.001 * 3**level, 0.0005 * 3**level))
    assert found.header.spacing_source == "the slide's own resolution"


def test_bounds_of_a_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = tiff(COLOUR, photometric="rgb", tile=(32, 64))
    monkeypatch.setattr(slide, "ORDINARY_PX", ROWS * COLUMNS)
    assert slide._opened(flat) is None  # read as a whole
    monkeypatch.setattr(slide, "ORDINARY_PX", ROWS * COLUMNS - 1)
    found = slide._opened(flat)
    assert found is not None
    assert [(one.shape, one.downsample, one.spacing_mm) for one in found.levels] == [((ROWS, COLUMNS), 1, None)]
    monkeypatch.setattr(slide, "REGION_PX", 40)
    assert slide._region(flat, 0, Box(0, 0, 40, 40)).stored.shape[1:3] == (40, 40)
    with pytest.raises(TooLarge, match="the region has 41 × 40 pixels"):
        slide._region(flat, 0, Box(0, 0, 40, 41))
    for most, step in ((210, 1), (209, 2), (105, 2), (104, 3)):  # as few steps as the longest side needs
        monkeypatch.setattr(slide, "OVERVIEW_PX", most)
        seen = slide._opened(flat)
        assert seen is not None
        assert np.array_equal(seen.overview, COLOUR[step // 2 :: step, step // 2 :: step])
    monkeypatch.setattr(slide, "OVERVIEW_PX", 70)
    coarse = slide._opened(pyramid())
    assert coarse is not None
    assert np.array_equal(coarse.overview, COLOUR[::3, ::3])  # the coarsest level that is fine enough
    monkeypatch.setattr(slide, "OVERVIEW_DECODED_PX", ROWS * COLUMNS)
    assert slide._opened(flat) is not None
    monkeypatch.setattr(slide, "OVERVIEW_DECODED_PX", ROWS * COLUMNS - 1)
    with pytest.raises(TooLarge, match="no overview"):
        slide._opened(flat)
    monkeypatch.undo()
    monkeypatch.setattr(slide, "ORDINARY_PX", 1)
    monkeypatch.setattr(slide, "DENSEST", 0.2)
    with pytest.raises(TooLarge, match="no overview: 0 million"):
        slide._opened(flat)
    monkeypatch.setattr(slide, "DENSEST", 1)
    assert slide._opened(flat) is not None
    with pytest.raises(UnsupportedFormat, match="slide of a kind"):
        slide._opened(tiff(COLOUR.astype(np.float32), photometric="rgb", tile=(32, 64)))


# Pictures


@pytest.mark.parametrize(
    ("info", "aspect"),
    [
        ({}, (1, 1)), ({"dpi": (100, 100)}, (1, 1)), ({"dpi": (200, 100)}, (2, 1)), ({"dpi": (100, 200)}, (1, 2)),
        ({"dpi": (1000, 991)}, (1, 1)), ({"dpi": (1020, 1000)}, (1.02, 1)), ({"dpi": (0, 100)}, (1, 1)),
        ({"dpi": (100, 0)}, (1, 1)), ({"dpi": (9901, 100)}, (99.01, 1)), ({"dpi": (10_100, 100)}, (1, 1)),
        ({"dpi": (100, 10_100)}, (1, 1)), ({"jfif_density": (3, 1), "jfif_unit": 0}, (3, 1)),
        ({"jfif_density": (3, 1), "jfif_unit": 1}, (1, 1)), ({"aspect": (1, 4)}, (1, 4)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("orientation", [1, 4, 5, 8])
def test_densities_that_differ_are_proportions(info: dict, aspect: tuple[float, float], orientation: int) -> None:
    picture: Any = SimpleNamespace(info=info, getexif=lambda: {274: orientation})
    found = raster._aspect(picture)
    assert found == pytest.approx(aspect if orientation < 5 else aspect[::-1])


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({}, []), ({"gamma": 1 / 2.2}, []), ({"gamma": 0.47}, []), ({"gamma": 0.48}, [raster.GAMMA]),
        ({"gamma": 0.43}, [raster.GAMMA]), ({"gamma": 1.0, "srgb": 0}, []),
        ({"icc_profile": b"Display P3"}, [raster.PROFILE]), ({"icc_profile": b"of sRGB IEC"}, []),
        ({"icc_profile": "sRGB".encode("utf-16-be")}, []), ({"icc_profile": b""}, []),
    ],
)  # fmt: skip
def test_gamma_and_profile_are_told_unless_they_are_the_usual(info: dict, said: list[str]) -> None:
    assert raster._unapplied(SimpleNamespace(info=info)) == said  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "I", "F", "P", "RGB", "RGBA", "CMYK"])
def test_every_mode_of_pillow_is_grey_or_colour(mode: str) -> None:
    picture = Pillow.fromarray(COLOUR).convert("RGB" if mode in ("P", "CMYK", "RGB", "RGBA") else "L").convert(mode)
    array = raster._array(picture)
    grey = mode in ("1", "L", "I;16", "I", "F")
    assert array.shape == ((ROWS, COLUMNS) if grey else (ROWS, COLUMNS, 3))
    kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    assert array.dtype == kinds.get(mode, np.uint8)
    wanted = picture.convert("L" if mode == "1" else "RGB") if mode not in kinds and mode != "L" else picture
    assert np.array_equal(array, np.asarray(wanted))


# Masks


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_mask_of_another_size_is_not_decoded(kind: str) -> None:
    out = BytesIO()
    Pillow.fromarray(np.uint8([[0, 255, 255], [0, 0, 255]])).save(out, kind)
    values, size, lossy = decode_label_map(out.getvalue(), kind, LIMITS, (3, 2))
    assert (values, size, lossy) == (None, (2, 3), False)
    if kind != "JPEG":
        values, size, lossy = decode_label_map(out.getvalue(), kind, LIMITS, (2, 3))
        assert (values.tolist(), size, lossy) == ([[0, 255, 255], [0, 0, 255]], (2, 3), False)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.float32([[0, 1], [2, 3]]), None),
        (np.float32([[0, 1], [2, 3.5]]), "holds fractions"),
        (np.float32([[0, 1], [2, np.nan]]), "holds fractions"),
        (np.uint16([[0, 1], [2, 3]]), None),
        (np.dstack([np.uint8([[0, 1], [2, 3]])] * 3), None),
        (np.dstack([np.uint8([[0, 1], [2, 3]])] * 2 + [np.uint8([[0, 1], [2, 4]])]), "coloured picture"),
    ],
)
def test_a_mask_has_whole_numbers_and_one_channel(values: np.ndarray, says: str | None) -> None:
    data = tiff(values, photometric="rgb" if values.ndim == 3 else "minisblack")
    if says:
        with pytest.raises(UnsupportedFormat, match=says):
            decode_label_map(data, "TIFF", LIMITS, (2, 2))
        return
    found, size, lossy = decode_label_map(data, "TIFF", LIMITS, (2, 2))
    assert (found.tolist(), size, lossy) == ([[0, 1], [2, 3]], (2, 2), False)
    assert found.dtype == np.int64
    planes = tiff(np.stack([np.uint8([[0, 1, 2], [2, 3, 4]])] * 3), photometric="rgb", planarconfig="separate")
    assert decode_label_map(planes, "TIFF", LIMITS, (2, 3))[0].tolist() == [[0, 1, 2], [2, 3, 4]]


@pytest.mark.parametrize(
    ("values", "shares", "taken"),
    [((0, 255), (0.5, 0.5), True), ((0, 255, 191, 64), (0.5, 0.4, 0.05, 0.05), True),  # 64 levels off, as noise may be
     ((0, 255, 190), (0.5, 0.48, 0.02), True), ((0, 255, 190), (0.5, 0.47, 0.03), False), ((0, 127), (0.5, 0.5), False),
     ((0, 255, 65), (0.5, 0.47, 0.03), False), ((0, 128, 255), (0.99, 0.01, 0), True)],
)  # fmt: skip
def test_a_blurred_mask_is_taken_where_nearly_all_is_black_or_white(
    values: tuple[int, ...], shares: tuple[float, ...], taken: bool
) -> None:
    from models.io.label_map import _halves

    levels = np.concatenate([np.full(round(1000 * share), value) for value, share in zip(values, shares, strict=True)])
    if taken:
        assert _halves(levels).tolist() == [255 if value > 127 else 0 for value in levels]
    else:
        with pytest.raises(UnsupportedFormat, match="compressed with losses"):
            _halves(levels)


# Tables and millimetres of DICOM


def described(count: int, first: int, bits: int, data: object, kind: str = "US") -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [count, first, bits])
    item.add_new("LUTData", kind, data)
    return item


@pytest.mark.parametrize(
    ("item", "signed", "table"),
    [
        (described(3, 5, 8, [1, 2, 255]), False, (5, 8, [1, 2, 255])),
        (described(3, 5, 8, [1, 2, 256]), False, (5, 9, [1, 2, 256])),  # no value fits: as deep as the largest
        (described(3, 5, 0, [1, 2, 3]), False, (5, 8, [1, 2, 3])),
        (described(3, 5, 17, [1, 2, 1023]), False, (5, 10, [1, 2, 1023])),
        (described(3, 5, 16, [1, 2, 65535]), False, (5, 16, [1, 2, 65535])),
        (described(3, 5, 1, [1, 0, 1]), False, (5, 1, [1, 0, 1])),
        (described(2, 5, 8, [1, 2, 3]), False, (5, 8, [1, 2])),
        (described(3, 32768, 8, [1, 2, 3]), True, (-32768, 8, [1, 2, 3])),
        (described(3, 32767, 8, [1, 2, 3]), True, (32767, 8, [1, 2, 3])),
        (described(3, 65535, 8, [1, 2, 3]), False, (65535, 8, [1, 2, 3])),
        (described(4, 0, 8, b"\1\2\3\4", "OB"), False, (0, 8, [1, 2, 3, 4])),
        (described(4, 0, 8, b"\1\2\3\4", "OW"), False, (0, 8, [1, 2, 3, 4])),  # packed, the first in the low byte
        (described(4, 0, 8, [0x0201, 0x0403]), False, (0, 8, [1, 2, 3, 4])),
        (described(5, 0, 8, [0x0201, 0x0403]), False, None),
        (described(4, 0, 8, [1]), False, None),
        (Dataset(), False, None),
    ],
)  # fmt: skip
def test_a_table_by_its_descriptor(item: Dataset, signed: bool, table: tuple | None) -> None:
    found = dicom_tables.read_lookup_table(item, True, signed)
    assert (found and (found.first, found.bits, found.values.tolist())) == table
    if found:
        ends = np.array([found.first - 1, found.first, found.first + len(found.values) - 1, found.first + 999])
        assert found.of(ends).tolist() == [found.values[0], found.values[0], found.values[-1], found.values[-1]]


def test_a_table_of_no_length_has_65536_values_and_big_endian_words() -> None:
    words = np.arange(65536, dtype=np.uint16)
    found = dicom_tables.read_lookup_table(described(0, 0, 16, words.astype(">u2").tobytes(), "OW"), False, False)
    assert found is not None
    assert np.array_equal(found.values, words)


@pytest.mark.parametrize(
    ("attributes", "negative"),
    [({}, False), ({"PixelRepresentation": 1}, True), ({"RescaleSlope": 1, "RescaleIntercept": 0}, False),
     ({"RescaleSlope": -1}, True), ({"RescaleIntercept": -1}, True),
     ({"RescaleSlope": 0.5, "RescaleIntercept": 0.5}, False),
     ({"PixelRepresentation": 1, "ModalityLUTSequence": Sequence([Dataset()])}, False)],
)  # fmt: skip
def test_a_display_tables_first_value_is_signed_where_its_inputs_can_be(attributes: dict, negative: bool) -> None:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    assert dicom_tables._can_be_negative(dataset) == negative


def test_a_tables_window_goes_through_its_way() -> None:
    low, high = dicom_tables._rise(np.linspace(0, 1, 101))
    assert (low, high) == pytest.approx((1, 99))
    flat = np.concatenate([np.zeros(11), np.linspace(0, 1, 101), np.ones(21)])
    assert dicom_tables._rise(flat) == pytest.approx((12, 110), abs=0.2)  # plateaus at both ends are no way
    falling = dicom_tables._rise(np.linspace(1, 0, 101))
    assert falling == pytest.approx((1, 99))
    low, high = dicom_tables._rise(np.array([0.0, 1.0]))
    assert high - low >= 1
    window = dicom_tables._curve("C", dicom_tables.Table(40, 8, np.arange(256, dtype=np.uint16)))
    assert (window.low, window.high) == pytest.approx((40 + 2.55, 40 + 252.45))
    assert window.curve is not None
    assert window.curve.values[51] == pytest.approx(0.2)
    course = dicom_tables.make_sigmoid_window()
    assert course.values[512] == pytest.approx(0.5)
    assert course.values[512 + 171] == pytest.approx(1 / (1 + np.exp(-4 * 171 * 6 / 1024)))
    assert len(course.values) == 1025


def test_a_palette_is_read_at_its_own_depth() -> None:
    dataset = Dataset()
    dataset.PixelRepresentation = 0
    dataset.is_little_endian_ = True
    for colour, scale in (("Red", 1), ("Green", 2), ("Blue", 3)):
        dataset.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [3, 10, 10])
        dataset.add_new(f"{colour}PaletteColorLookupTableData", "US", [0, 100 * scale, 341 * scale])
    found = dicom_tables.apply_palette(np.array([[[0, 10, 11, 12, 99]]]), dataset)
    assert found is not None
    wanted = [[round(value * scale * 255 / 1023) for scale in (1, 2, 3)] for value in (0, 0, 100, 341, 341)]
    assert found.tolist() == [[wanted]]


def of(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("ratio", "aspect"),
    [(["2", "1"], (2, 1)), (["1", "3"], (1, 3)), (["99", "1"], (99, 1)), (["100", "1"], (1, 1)), (["1", "100"], (1, 1)),
     (["0", "1"], (1, 1)), (["1", "0"], (1, 1)), (["-1", "-1"], (1, 1)), (["1"], (1, 1)), ([], (1, 1))],
)  # fmt: skip
def test_an_aspect_ratio_is_the_height_over_the_width(ratio: list[str], aspect: tuple[float, float]) -> None:
    assert dicom_space.read_pixel_aspect(of(PixelAspectRatio=ratio)) == aspect


@pytest.mark.parametrize(
    ("factor", "object_mm", "magnified"),
    [(None, None, None), ("1.5", None, 1.5), ("1.5", 500, 1.5), (None, 500, 2), (None, 1000, None), ("0.9", None, None),
     ("1", None, 1), ("9.9", None, 9.9), ("10", None, None), (None, 100, None)],
)  # fmt: skip
def test_magnification_is_stated_or_follows_from_the_distances(
    factor: str | None, object_mm: float | None, magnified: float | None
) -> None:
    dataset = of(Modality="DX", DistanceSourceToDetector="1000", ImagerPixelSpacing=[0.2, 0.4], Rows=10, Columns=20)
    if factor:
        dataset.EstimatedRadiographicMagnificationFactor = factor
    if object_mm:
        dataset.DistanceSourceToPatient = str(object_mm)
    assert dicom_space._magnification(dataset, 0) == magnified
    spacing, source, warning = dicom_space.read_dicom_spacing(dataset, 1)
    assert spacing == pytest.approx((0.2 / (magnified or 1), 0.4 / (magnified or 1)))
    assert source == (
        f"ImagerPixelSpacing / magnification {magnified:.3g}" if magnified else "ImagerPixelSpacing, at the detector"
    )
    assert (warning is None) == (magnified is not None)


@pytest.mark.parametrize(
    ("spacing", "taken"),
    [([0.1, 0.2], True), ([1e-5, 0.2], False), ([0.2, 1e-5], False), ([2e-5, 99], True), ([100, 1], False),
     ([1, 100], False), ([1], False), ([1, 1, 1], False)],
)  # fmt: skip
def test_a_spacing_is_two_numbers_that_a_pixel_can_have(spacing: list[float], taken: bool) -> None:
    assert dicom_space._pair(of(PixelSpacing=spacing), "PixelSpacing") == (tuple(spacing) if taken else None)


def test_frames_differ_only_where_they_have_groups() -> None:
    assert dicom_space._differing(of(), 5) == 1
    grouped = of(PerFrameFunctionalGroupsSequence=Sequence([Dataset()] * 2))
    assert (dicom_space._differing(grouped, 5), dicom_space._differing(grouped, 0)) == (5, 1)


@pytest.mark.filterwarnings("ignore:Invalid value")
@pytest.mark.parametrize(
    ("function", "centre", "width", "ends"),
    [
        ("LINEAR", 100, 51, (74.5, 124.5)), ("LINEAR", 100, 1, (99.5, 99.5)), ("LINEAR", 100, 0.9, None),
        ("LINEAR", 100, 0, None), ("", 100, 51, (74.5, 124.5)), ("LINEAR_EXACT", 100, 50, (75, 125)),
        ("LINEAR_EXACT", 100, 0.5, (99.75, 100.25)), (" linear_exact ", 100, 50, (75, 125)),
        ("SIGMOID", 100, 50, (75, 125)), ("SIGMOID", 100, 0, None),
    ],
)  # fmt: skip
def test_a_window_by_its_function(function: str, centre: float, width: float, ends: tuple | None) -> None:
    found = [*_windows(of(WindowCenter=centre, WindowWidth=width, VOILUTFunction=function))]
    assert [(one.low, one.high) for one in found] == ([ends] if ends else [])
    assert [one.curve is not None for one in found] == [function == "SIGMOID"] * bool(ends)


@pytest.mark.filterwarnings("ignore:Invalid value")
def test_windows_have_plain_names_and_numbers_and_tags_only_what_is_a_code() -> None:
    said = of(WindowCenter=[1, 2, 3], WindowWidth=[10, 20, 30], WindowCenterWidthExplanation=["BONE wide", "Doe Jane"])
    assert [one.name for one in _windows(said)] == ["Bone wide", "Window 2", "Window 3"]
    assert (_window_name("Soft-Tissue"), _window_name("")) == ("Soft tissue", None)
    header = of(Modality="DX", BodyPartExamined="knee of Doe", Manufacturer="Maker & Co.", KVP="70.50")
    header.file_meta = of(TransferSyntaxUID="1.2.840.10008.1.2.1")
    header.SOPClassUID = "1.2.3.4"
    assert _tags(header) == {
        "Modality": "DX", "Manufacturer": "Maker & Co.", "KVP": "70.5",
        "TransferSyntaxUID": "Explicit VR Little Endian",
    }  # fmt: skip


def test_tiles_row_by_row_are_cut_at_the_edges_of_each_picture() -> None:
    dataset = of(Rows=2, Columns=3, TotalPixelMatrixRows=3, TotalPixelMatrixColumns=7, NumberOfFrames=12)
    assert read_tiled_extent(dataset) == (3, 7, 2)  # three across and two down
    tiles = np.arange(12, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 3), np.uint8)
    whole = put_tiles_together(dataset, tiles)
    first = np.repeat([[0, 0, 0, 1, 1, 1, 2], [3, 3, 3, 4, 4, 4, 5]], [2, 1], axis=0)
    assert whole.tolist() == [first.tolist(), (first + 6).tolist()]
    dataset.NumberOfFrames = 7
    assert read_tiled_extent(dataset) == (3, 7, 2)
    part = put_tiles_together(dataset, tiles[:7])
    assert part[1].tolist() == [[6, 6, 6, 0, 0, 0, 0]] * 2 + [[0] * 7]  # what is not there is black in grey
    colour = put_tiles_together(dataset, np.repeat(tiles[:7, ..., None], 3, -1))
    assert (colour[1, 2] == 255).all()  # and glass in colour
    with pytest.raises(DamagedFile, match="does not fit its header"):
        put_tiles_together(dataset, tiles)


# Slices and archives


def test_slices_of_a_stack_lie_by_place_then_number_and_alone_stands_what_has_no_series() -> None:
    found = [
        Slice("a", 3.0, 1), Slice(), Slice("a", -1.0, 9), Slice("b", None, 7), Slice("a", 0.0, 3), Slice("b", 2.0, 5),
        Slice("a", 0.0, 2), Slice(), Slice("b", 1.0, None),
    ]  # fmt: skip
    assert sort_into_stacks(found) == [[2, 6, 4, 0], [1], [8, 5, 3], [7]]  # one place is missing in b: by number


def decoded(value: int, window: tuple[float, float] | None = None, **more: Any) -> Decoded:
    windows = (Window("W", *window),) if window else ()
    return Decoded(
        np.full((1, 2, 3), value, np.uint16), 12, Header(windows=windows, warnings=("w", f"{value}")), **more
    )


def test_slices_as_one_keep_their_own_scale_and_windows() -> None:
    scale = np.array([[2.0, -5.0]], np.float32)
    one = series._stacked([decoded(3), decoded(4, rescale=scale), replace(decoded(5), bits=16)])
    assert one.stored[:, 0, 0].tolist() == [3, 4, 5]
    assert one.rescale is not None
    assert one.rescale.tolist() == [[1, 0], [2, -5], [1, 0]]
    assert one.bits == 16
    assert one.header.warnings == ("w", "3", "4", "5")
    assert series._stacked([decoded(3), decoded(4)]).rescale is None
    same, other, partly = (
        series._stacked([decoded(1, (0, 5)), decoded(2, window)]).header.frame_windows
        for window in ((0, 5), (0, 6), None)
    )
    assert (same, partly) == ((), ())
    assert [window.high for window in other] == [5, 6]
    assert series._fits(decoded(1), decoded(2))
    assert not series._fits(decoded(1), decoded(2, inverted=True))
    assert not series._fits(decoded(1), replace(decoded(2), stored=np.zeros((1, 3, 2), np.uint16)))


def test_the_head_of_a_slice_says_where_it_belongs() -> None:
    assert series._parsed(b"\0" * 99) == Slice()
    assert (series._number("12"), series._number(None), series._number("x")) == (12, None, None)


def test_an_archive_is_held_to_its_bounds_and_not_below(
    monkeypatch: pytest.MonkeyPatch, picture: Callable[..., bytes]
) -> None:
    import zipfile

    def zipped(*sizes: int) -> bytes:
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for number, size in enumerate(sizes):
                made.writestr(f"{number}.bin", b"\0" * size)
        return out.getvalue()

    def opened(data: bytes) -> tuple[list[int], list[InputError]]:
        problems: list[InputError] = []
        found = archive.open_archives([("a.zip", data)], problems.append, lambda _: False)
        return [len(content) for _, content in found], problems

    monkeypatch.setattr(archive, "MOST_MEMBERS", 2)
    assert opened(zipped(5, 6)) == ([5, 6], [])
    assert "more than 2 files" in str(opened(zipped(5, 6, 7))[1][0])
    monkeypatch.setattr(archive, "HARMLESS_BYTES", 100_000)
    assert opened(zipped(60_000, 40_000))[0] == [60_000, 40_000]  # at any ratio
    assert "unpacks to more than 150 times" in str(opened(zipped(60_000, 40_001))[1][0])
    monkeypatch.setattr(archive, "MOST_RATIO", 10_000)
    assert opened(zipped(60_000, 40_001))[0] == [60_000, 40_001]
    budget = archive._Budget()
    budget.bytes = 7
    budget.take(7)
    with pytest.raises(TooLarge, match="once unpacked"):
        budget.take(1)
    archive._check_name("a" * archive.LONGEST_NAME)
    for name, says in (("a" * 1025, "impossible name"), ("a\nb", "impossible name"), ("C:x", "leads out"),
                       ("/x", "leads out"), ("\\x", "leads out"), ("a/../b", "leads out")):  # fmt: skip
        with pytest.raises(UnsupportedFormat, match=says):
            archive._check_name(name)
    assert archive._last("a/b\\" + "c" * 90) == "c" * 80
    assert (archive._last("a/\n"), archive._last("a/b\nc")) == ("a file", "bc")
