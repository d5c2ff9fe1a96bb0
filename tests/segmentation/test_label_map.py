"""Masks as they are saved: by the format that their bytes name, at any depth, and blurred by JPEG."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from scipy import ndimage

from models.errors import DamagedFile, InputError, UnsupportedFormat
from models.tasks.segmentation.reference import read_reference_mask

NUCLEI = ("background", "nucleus")
CLASSES = ("background", "bone", "cartilage", "marrow")
RNG = np.random.default_rng(3)


def saved(values: np.ndarray, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(values).save(out, kind, **options)
    return out.getvalue()


def discs() -> np.ndarray:
    """Two dozen squares of 5 pixels on a side, each apart."""
    mask = np.zeros((96, 128), np.uint8)
    for row in range(8, 90, 20):
        for column in range(8, 120, 20):
            mask[row : row + 5, column : column + 5] = 255
    return mask


@pytest.mark.parametrize("quality", [60, 75, 95])
@pytest.mark.parametrize("colour", [False, True])
def test_a_binary_mask_saved_as_jpeg_is_cut_at_its_half_and_told(quality: int, colour: bool) -> None:
    mask = discs()
    data = saved(np.repeat(mask[..., None], 3, 2) if colour else mask, "JPEG", quality=quality)
    reference = read_reference_mask([("nuclei.png", data)], NUCLEI, mask.shape)
    np.testing.assert_array_equal(reference.mask, mask > 0)
    assert ndimage.label(reference.mask)[1] == ndimage.label(mask)[1]
    assert "compressed with losses" in reference.warnings[0]


def test_a_lossy_webp_too_and_a_lossless_one_as_it_is() -> None:
    mask = discs()
    blurred = read_reference_mask([("a.webp", saved(mask, "WEBP", quality=90))], NUCLEI, mask.shape)
    assert np.mean(blurred.mask != (mask > 0)) < 0.005
    exact = read_reference_mask([("a.webp", saved(mask, "WEBP", lossless=True))], NUCLEI, mask.shape)
    np.testing.assert_array_equal(exact.mask, mask > 0)
    assert exact.warnings == ()


@pytest.mark.parametrize("scale", [1, 40, 80])
def test_a_label_map_saved_as_jpeg_has_lost_its_classes(scale: int) -> None:
    values = (RNG.integers(0, 4, (12, 16)).repeat(8, 0).repeat(8, 1) * scale).astype(np.uint8)
    with pytest.raises(UnsupportedFormat, match="blurred"):
        read_reference_mask([("map.png", saved(values, "JPEG", quality=80))], CLASSES, values.shape)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32, np.int16, np.int32, np.float32, np.float64])
def test_a_map_of_any_depth(kind: type) -> None:
    values = RNG.integers(0, 4, (20, 30)).astype(kind)
    out = io.BytesIO()
    tifffile.imwrite(out, values)
    np.testing.assert_array_equal(read_reference_mask([("map.tif", out.getvalue())], CLASSES, (20, 30)).mask, values)


def test_fractions_are_no_classes() -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, RNG.random((20, 30)).astype(np.float32))
    with pytest.raises(UnsupportedFormat, match="fractions"):
        read_reference_mask([("map.tif", out.getvalue())], CLASSES, (20, 30))


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 512 512\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize(
    "data",
    [
        POSTSCRIPT,
        b"\xc5\xd0\xd3\xc6" + bytes(28) + POSTSCRIPT,  # EPS with a preview
        b"%PDF-1.4\n",
        b"DDS " + bytes(200),
        b"\x00\x00\x00\x20ftypavif" + bytes(200),
        b"P6 512 512 255\n" + bytes(99),
        b"GIF89a" + bytes(99),
        b"SIMPLE  =                    T",
        bytes(2000),
        b"",
    ],
)
def test_what_poses_as_a_png_is_refused_before_any_decoder(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from models.io import label_map

    monkeypatch.setattr(label_map, "call_in_worker", lambda *_: pytest.fail("a decoder was asked"))
    with pytest.raises(UnsupportedFormat, match="is no picture"):
        read_reference_mask([("mask.png", data)], NUCLEI, (512, 512))


def test_a_mask_of_another_size_is_refused_undecoded_and_a_damaged_one_with_a_sentence() -> None:
    large = saved(np.zeros((4000, 4000), np.uint8), "PNG")
    with pytest.raises(InputError, match="has 4000 × 4000 pixels"):
        read_reference_mask([("mask.png", large)], NUCLEI, (512, 512))
    with pytest.raises(DamagedFile, match="cannot be read to its end"):
        read_reference_mask([("mask.png", large[:-40])], NUCLEI, (4000, 4000))


CASES = Path(__file__).parents[3] / "shared" / "cases"


def test_the_cases_of_the_shared_folder() -> None:
    if not CASES.exists():
        pytest.skip("../shared/cases is not there")
    true = np.asarray(Pillow.open(CASES / "16_mask_true.png")) > 0
    reference = read_reference_mask([("16_mask.jpg", (CASES / "16_mask.jpg").read_bytes())], NUCLEI, true.shape)
    assert int(reference.mask.sum()) == int(true.sum()) == 600
    assert ndimage.label(reference.mask)[1] == 24
    assert reference.warnings
    with pytest.raises(UnsupportedFormat, match="is no picture"):
        read_reference_mask([("eps_as_mask.png", (CASES / "eps_as_mask.png").read_bytes())], NUCLEI, (512, 512))
