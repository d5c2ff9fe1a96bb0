"""What a part of an image keeps, and what it says."""

from dataclasses import replace

import numpy as np
import pytest

from models.types import Box, Geometry, Image


@pytest.fixture
def image() -> Image:
    """Two frames of 20 × 30 pixels, calibrated."""
    pixels = np.arange(1200, dtype=np.float32).reshape(2, 20, 30) / 1200
    geometry = Geometry(1000.0, principal_point_px=(10.0, 15.0))
    return Image(pixels, name="a.dcm", sha256="0" * 64, spacing_mm=(0.2, 0.3), geometry=geometry, warnings=("old",))


def test_a_crop_keeps_scale_and_says_where_it_is_from(image: Image) -> None:
    part = image.crop(Box(4, 6, 10, 12))
    np.testing.assert_array_equal(part.pixels, image.pixels[:, 4:14, 6:18])
    assert part.spacing_mm == image.spacing_mm
    assert part.geometry.principal_point_px == (6.0, 9.0)
    assert part.warnings == ("old", "cropped to rows 4 to 13 and columns 6 to 17 of 20 × 30 pixels")


def test_a_crop_has_an_identity_of_its_own(image: Image) -> None:
    boxes = [Box(4, 6, 10, 12), Box(4, 6, 10, 11), Box(5, 6, 10, 12)]
    named = {image.sha256, *(image.crop(box).sha256 for box in boxes)}
    assert len(named) == 4
    assert all(len(name) == 64 for name in named)
    assert image.crop(boxes[0]).sha256 == image.crop(replace(boxes[0], ood_score=0.5)).sha256
    assert replace(image, sha256="1" * 64).crop(boxes[0]).sha256 not in named


def test_a_box_beyond_the_image_is_cut_at_its_edge(image: Image) -> None:
    assert image.crop(Box(15, 25, 100, 100)).shape == (5, 5)
    assert image.crop(Box(50, 50, 10, 10)).shape == (1, 1)
    assert image.crop(Box(-5, -5, 10, 10)).shape == (5, 5)
