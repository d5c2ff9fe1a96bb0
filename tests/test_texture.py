"""Texture of a region: known roughness is found, direction is told apart, and exposure does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import InputError
from models.geometry.texture import measure_texture

WHOLE = ((0.0, 0.0), (255.0, 255.0))


def surface(hurst: float, seed: int = 0, stretch: float = 1.0) -> NDArray[np.float64]:
    """A fractional Brownian surface (256, 256), of dimension 3 - hurst; `stretch` draws it out along the rows."""
    rng = np.random.default_rng(seed)
    fy, fx = np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256) * stretch, indexing="ij")
    power = np.hypot(fx, fy)
    power[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(rng.standard_normal((256, 256))) * power ** -(hurst + 1)).real
    return (field - field.min()) / np.ptp(field)


def dimension(hurst: float) -> float:
    found = [measure_texture(surface(hurst, seed), WHOLE) for seed in range(4)]
    return float(np.mean([[one.along_rows, one.along_columns] for one in found]))


def test_the_dimension_of_known_surfaces_is_found_in_their_order() -> None:
    rough, middle, smooth = (dimension(hurst) for hurst in (0.2, 0.5, 0.8))
    assert rough > middle > smooth
    for found, hurst in ((rough, 0.2), (middle, 0.5), (smooth, 0.8)):
        assert found == pytest.approx(3 - hurst, abs=0.15)


def test_exposure_and_contrast_do_not_change_the_dimension() -> None:
    film = surface(0.4)
    one, other = measure_texture(film, WHOLE), measure_texture(0.2 + 0.3 * film, WHOLE)
    assert (one.along_rows, one.along_columns) == pytest.approx((other.along_rows, other.along_columns), abs=1e-6)
    assert one.brightness == pytest.approx(other.brightness, abs=1e-6)


def test_lines_that_stand_are_rough_along_the_rows() -> None:
    standing = surface(0.5, stretch=0.2)  # changes quickly from column to column, slowly from row to row
    found = measure_texture(standing, WHOLE)
    assert found.along_rows > found.along_columns + 0.03


def test_millimetres_say_the_sizes_and_brightness_counts_from_the_film() -> None:
    film = surface(0.4)
    found = measure_texture(film, WHOLE, (0.2, 0.2))
    assert found.sizes_px == (2, 8)
    assert found.sizes_mm == pytest.approx((0.4, 1.6))
    assert measure_texture(film, WHOLE).sizes_mm is None
    brighter = film.copy()
    brighter[:64, :64] += 0.5
    assert (
        measure_texture(brighter, ((0, 0), (63, 63))).brightness > measure_texture(film, ((0, 0), (63, 63))).brightness
    )


@pytest.mark.parametrize("corners", [((0, 0), (10, 200)), ((300, 300), (400, 400))])
def test_a_region_that_is_too_small_is_refused(corners: tuple[tuple[float, float], tuple[float, float]]) -> None:
    with pytest.raises(InputError, match="too small"):
        measure_texture(surface(0.5), corners)


def test_a_region_of_one_grey_is_refused() -> None:
    with pytest.raises(InputError, match="one grey"):
        measure_texture(np.full((200, 200), 0.5), WHOLE)
