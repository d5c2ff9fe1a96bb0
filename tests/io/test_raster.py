"""Every pixel layout that the raster formats store, against the array that was written."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from models.errors import TooLarge
from models.io import read

Encode = Callable[..., bytes]
RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 30), np.uint8)
COLOUR = RNG.integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_lossless_grey_and_colour(kind: str, encoded: Encode) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    for source in (GREY, COLOUR):
        image = read(encoded(source, kind, **options), "x")
        assert image.pixels.dtype == np.float32
        assert np.allclose(image.pixels[0] * 255, source, atol=1e-4)
        assert [window.name for window in image.windows] == ["Full range"]


def test_jpeg_is_near(encoded: Encode) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    image = read(encoded(smooth, "JPEG", quality=95), "x.jpg")
    assert np.abs(image.pixels[0] * 255 - smooth).max() < 5


def test_sixteen_bits_keep_their_depth(encoded: Encode) -> None:
    deep = np.linspace(1000, 5000, 600).astype(np.uint16).reshape(20, 30)
    for kind in ("PNG", "TIFF"):
        image = read(encoded(deep, kind), "x")
        assert np.allclose(image.pixels[0], (deep - 1000.0) / 4000, atol=1e-6)
        assert [window.name for window in image.windows] == ["Automatic", "Full range"]
        assert 0 < image.windows[0].low < 0.01 < 0.99 < image.windows[0].high < 1


def test_big_endian_and_white_is_zero_tiff() -> None:
    deep = np.arange(600, dtype=np.uint16).reshape(20, 30)
    for options, expected in (({"byteorder": ">"}, deep), ({"photometric": "miniswhite"}, deep[::-1, ::-1])):
        file = BytesIO()
        tifffile.imwrite(file, deep, **options)
        assert np.allclose(read(file.getvalue(), "x").pixels[0] * 599, expected, atol=1e-3)


def test_floating_point_and_32_bit_tiff_say_what_they_assume(encoded: Encode) -> None:
    for values in (np.linspace(-3, 7, 600, dtype=np.float32), np.arange(600, dtype=np.int32) * 1000):
        image = read(encoded(values.reshape(20, 30), "TIFF"), "x")
        assert np.allclose(image.pixels.ravel(), np.linspace(0, 1, 600), atol=1e-5)
        assert "smallest and largest" in image.warnings[0]


def test_not_a_number_is_black(encoded: Encode) -> None:
    values = np.linspace(1, 2, 600, dtype=np.float32).reshape(20, 30)
    values[3, 4], values[5, 6] = np.nan, np.inf
    pixels = read(encoded(values, "TIFF"), "x").pixels[0]
    assert pixels[3, 4] == 0
    assert pixels[5, 6] == 1
    assert np.isfinite(pixels).all()


def test_one_bit_and_palette(encoded: Encode) -> None:
    bits = Pillow.fromarray(GREY > 127)
    assert np.array_equal(read(encoded(bits), "x").pixels[0], GREY > 127)
    palette = Pillow.fromarray(COLOUR).quantize(16)
    assert np.allclose(read(encoded(palette), "x").pixels[0] * 255, np.asarray(palette.convert("RGB")), atol=1e-4)


def test_transparency_is_laid_on_black(encoded: Encode) -> None:
    clear = np.dstack([COLOUR, np.where(GREY > 127, 255, 0).astype(np.uint8)])
    image = read(encoded(clear), "x")
    assert np.allclose(image.pixels[0] * 255, COLOUR * (GREY > 127)[..., None], atol=1e-4)


def test_grey_stored_as_colour_is_grey(encoded: Encode) -> None:
    tripled = np.dstack([GREY] * 3)
    image = read(encoded(tripled), "x")
    assert not image.colour
    assert np.allclose(image.pixels[0] * 255, GREY, atol=1e-4)
    assert not read(encoded(tripled + np.array([2, 0, 0], np.uint8) * (tripled < 250)), "x").colour
    assert read(encoded(np.where(tripled < 250, tripled + np.array([3, 0, 0], np.uint8), tripled)), "x").colour


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation(orientation: int, kind: str, encoded: Encode) -> None:
    exif = Pillow.Exif()
    exif[274] = orientation
    marked = np.zeros((16, 32), np.uint8)
    marked[:8, :8] = 255  # the stored top left corner
    corner = read(encoded(marked, kind, exif=exif), "x").pixels[0] > 0.5
    assert corner.shape == ((16, 32) if orientation < 5 else (32, 16))
    row, column = (float(axis.mean()) / size for axis, size in zip(np.nonzero(corner), corner.shape, strict=True))
    bottom, right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    assert (row > 0.5, column > 0.5) == (bottom, right)


def test_pages_are_frames_and_odd_ones_are_left_out(encoded: Encode) -> None:
    pages = [Pillow.fromarray(GREY), Pillow.fromarray(255 - GREY), Pillow.fromarray(GREY[:5])]
    image = read(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "x")
    assert np.allclose(image.pixels * 255, np.stack([GREY, 255 - GREY]), atol=1e-4)
    assert "Pages" in image.warnings[0]


def test_dots_per_inch_are_not_millimetres(encoded: Encode) -> None:
    for kind in ("PNG", "TIFF", "JPEG"):
        image = read(encoded(GREY, kind, dpi=(254, 254)), "x")
        assert image.spacing_mm is None
        assert image.spacing_source is None


def test_deep_colour_is_cut_and_says_so() -> None:
    file = BytesIO()
    tifffile.imwrite(file, RNG.integers(0, 65536, (20, 30, 3), np.uint16), photometric="rgb")
    assert "16-bit colour" in read(file.getvalue(), "x").warnings[0]


def test_too_many_frames(encoded: Encode, limited: Callable[..., None]) -> None:
    limited(max_frames=2)
    pages = [Pillow.fromarray(GREY)] * 3
    with pytest.raises(TooLarge, match=r"more than 2 pages"):
        read(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "x")
