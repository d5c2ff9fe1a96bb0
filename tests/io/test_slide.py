"""Large TIFFs: recognised, shown as an overview, and read by regions at any level."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
import tifffile

from models.errors import InputError, TooLarge
from models.io import slide as slides
from models.io.slide import Level, open_slide, read_slide_region
from models.types import Box

TILE = (256, 256)


@pytest.fixture(scope="module")
def whole() -> np.ndarray:
    """A picture (1536, 2048, 3) that no two places share: columns in red, rows in green, checks of 16 in blue."""
    rows, columns = np.mgrid[:1536, :2048]
    blue = (rows // 16 + columns // 16) % 2 * 255
    return np.stack([columns // 8, rows // 6, blue], -1).astype(np.uint8)


def pyramid(whole: np.ndarray, levels: int = 3) -> bytes:
    """A BigTIFF with levels of half the size, its pixels 1 µm high and 0.5 µm wide."""
    out = BytesIO()
    with tifffile.TiffWriter(out, bigtiff=True) as file:
        said = {"resolution": (20_000, 10_000), "resolutionunit": "CENTIMETER"}
        file.write(whole, tile=TILE, photometric="rgb", subifds=levels - 1, compression="deflate", **said)
        for level in range(1, levels):
            step = 2**level
            file.write(whole[::step, ::step], tile=TILE, photometric="rgb", subfiletype=1, compression="deflate")
    return out.getvalue()


def aperio(whole: np.ndarray) -> bytes:
    """What Aperio's scanners write, with a label that names the patient."""
    out = BytesIO()
    said = "Aperio Image Library v10\r\n2048x1536 (256x256) JPEG/RGB Q=95|AppMag = 20|MPP = 0.4990|Filename = doe"
    with tifffile.TiffWriter(out) as file:
        file.write(whole, tile=TILE, photometric="rgb", compression="jpeg", description=said, metadata=None)
        file.write(whole[::8, ::8], photometric="rgb", description="Aperio\r\nthumbnail", metadata=None)
        file.write(whole[::4, ::4], tile=TILE, photometric="rgb", compression="jpeg", description=said, metadata=None)
    return out.getvalue()


def test_a_pyramid_is_a_slide_with_its_levels_and_scale(whole: np.ndarray) -> None:
    found = open_slide(pyramid(whole), "section.tif")
    assert found is not None
    assert found.levels == (
        Level((1536, 2048), 1.0, (0.001, 0.0005)),
        Level((768, 1024), 2.0, (0.002, 0.001)),
        Level((384, 512), 4.0, (0.004, 0.002)),
    )
    assert found.overview.shape == (768, 1024, 3)
    assert np.array_equal(found.overview, whole[::2, ::2])


@pytest.mark.parametrize(("level", "step"), [(0, 1), (1, 2), (2, 4)])
def test_a_region_is_the_same_place_at_every_level(whole: np.ndarray, level: int, step: int) -> None:
    data = pyramid(whole)
    image = read_slide_region(data, level, Box(400, 800, 320, 640), "section.tif")
    assert image.shape == (320 // step, 640 // step)
    wanted = whole[400:720:step, 800:1440:step]
    assert np.array_equal((image.pixels[0] * 255).round().astype(np.uint8), wanted)
    assert image.spacing_mm == pytest.approx((0.001 * step, 0.0005 * step))
    assert f"level {level} of a slide" in image.warnings[0]
    assert image.sha256 != read_slide_region(data, level, Box(400, 804, 320, 640), "section.tif").sha256


def test_a_region_is_cut_at_the_edge(whole: np.ndarray) -> None:
    image = read_slide_region(pyramid(whole), 0, Box(1500, 2000, 500, 500))
    assert image.shape == (36, 48)


def test_an_svs_is_calibrated_and_its_label_stays_closed(whole: np.ndarray) -> None:
    found = open_slide(aperio(whole), "doe.svs")
    assert found is not None
    assert [level.shape for level in found.levels] == [(1536, 2048), (384, 512)]
    assert found.levels[0].spacing_mm == pytest.approx((0.000499, 0.000499))
    seen = read_slide_region(aperio(whole), 0, Box(100, 100, 64, 64), "doe.svs")
    assert np.abs(seen.pixels[0] * 255 - whole[100:164, 100:164]).mean() < 12  # JPEG
    assert "doe" not in f"{found}{seen.warnings}{seen.tags}"


def test_what_is_read_as_a_whole_is_no_slide(whole: np.ndarray, encoded: Callable[..., bytes]) -> None:
    plain = BytesIO()
    tifffile.imwrite(plain, whole, photometric="rgb")
    assert open_slide(plain.getvalue(), "section.tif") is None
    assert open_slide(encoded(whole[:64, :64]), "picture.png") is None
    frames = BytesIO()
    tifffile.imwrite(frames, np.zeros((3, 48, 64), np.uint8), photometric="minisblack")
    assert open_slide(frames.getvalue(), "run.tif") is None


def test_a_large_tiff_without_a_pyramid_is_a_slide() -> None:
    flat = BytesIO()
    tifffile.imwrite(flat, np.full((5200, 5000), 77, np.uint8))
    found = open_slide(flat.getvalue(), "flat.tif")
    assert found is not None
    assert [level.shape for level in found.levels] == [(5200, 5000)]
    assert max(found.overview.shape) <= slides.OVERVIEW_PX
    assert (found.overview == 77).all()
    assert found.levels[0].spacing_mm is None
    assert read_slide_region(flat.getvalue(), 0, Box(5000, 0, 100, 200)).shape == (100, 200)


def test_a_resolution_for_printing_is_no_scale(whole: np.ndarray) -> None:
    out = BytesIO()
    with tifffile.TiffWriter(out) as file:
        said = {"resolution": (72, 72), "resolutionunit": "INCH"}
        file.write(whole, tile=TILE, photometric="rgb", subifds=1, **said)
        file.write(whole[::2, ::2], tile=TILE, photometric="rgb", subfiletype=1)
    found = open_slide(out.getvalue())
    assert found is not None
    assert found.levels[0].spacing_mm is None


def test_what_is_too_large_or_cut_off_is_refused(whole: np.ndarray) -> None:
    wide = BytesIO()
    tifffile.imwrite(wide, np.zeros((3000, 9000), np.uint8))
    with pytest.raises(TooLarge, match="9,000 × 3,000"):
        read_slide_region(wide.getvalue(), 0, Box(0, 0, 3000, 9000), "wide.tif")
    with pytest.raises(InputError, match="cut off") as refused:
        open_slide(pyramid(whole)[:-5000], "cut.tif")
    assert refused.value.file == "cut.tif"
