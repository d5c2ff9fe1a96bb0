"""Heat over a picture: what is drawn, how strongly, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from models.drawing.draw import (
    COLOUR_MAPS,
    GROUND,
    HeatLook,
    blend_heat,
    compute_heat_strength,
    lift_heat,
    to_rgb_bytes,
)
from models.errors import UnknownCard

GREY = np.full((6, 8), 0.5, np.float32)
HEAT = np.zeros((6, 8), np.float32)
HEAT[1, 2], HEAT[4, 5] = 1, -1


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colour_maps_rise_evenly_in_lightness(name: str) -> None:
    colours = COLOUR_MAPS[name]
    luminance = colours.colours(np.linspace(0, 1, 65, dtype=np.float32)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > -1).all()
    assert luminance[-1] - luminance[0] > 120


def test_signed_heat_shows_both_signs_and_unsigned_one() -> None:
    signed, unsigned = (blend_heat(GREY, HEAT, HeatLook(1.0, 0.0, name)) for name in ("berlin", "inferno"))
    plain = to_rgb_bytes(GREY)
    assert (signed[1, 2] == COLOUR_MAPS["berlin"].colours(np.float32(1))).all()
    assert (signed[4, 5] == COLOUR_MAPS["berlin"].colours(np.float32(-1))).all()
    assert (unsigned[1, 2] == COLOUR_MAPS["inferno"].colours(np.float32(1))).all()
    assert (unsigned[4, 5] == plain[4, 5]).all()
    assert (signed[HEAT == 0] == plain[HEAT == 0]).all()


def test_weak_heat_and_no_opacity_leave_the_picture_alone() -> None:
    heat = np.full((6, 8), 0.3, np.float32)
    assert (blend_heat(GREY, heat, HeatLook(0.8, 0.31)) == to_rgb_bytes(GREY)).all()
    assert (blend_heat(GREY, heat, HeatLook(0.8, 0.29)) != to_rgb_bytes(GREY)).any()
    assert (blend_heat(GREY, HEAT, HeatLook(opacity=0)) == to_rgb_bytes(GREY)).all()


def test_colour_pictures_keep_their_colour() -> None:
    red = np.zeros((6, 8, 3), np.float32)
    red[..., 0] = 1
    picture = blend_heat(red, HEAT, HeatLook(0.5, 0.1))
    assert picture.dtype == np.uint8
    assert (picture[0, 0] == (255, 0, 0)).all()


def test_unknown_colour_map() -> None:
    with pytest.raises(UnknownCard, match=r"jet.*berlin"):
        blend_heat(GREY, HEAT, HeatLook(colours="jet"))


def test_heat_of_an_unlikely_label_glows_less() -> None:
    sure, unlikely = (
        blend_heat(GREY, HEAT, HeatLook(1.0, 0.0, "inferno", compute_heat_strength(p))) for p in (0.89, 0.08)
    )
    brightness = [int(picture[1, 2].sum()) for picture in (sure, unlikely)]
    assert brightness[0] > brightness[1] + 200
    assert brightness[1] <= int(to_rgb_bytes(GREY)[1, 2].sum())  # it tints the film, and does not shine
    assert (unlikely[1, 2] != to_rgb_bytes(GREY)[1, 2]).any()  # but it is seen
    assert compute_heat_strength(0) == 0
    assert compute_heat_strength(1) == 1


def test_the_ramp_has_the_colours_of_the_heat() -> None:
    look = HeatLook(1.0, 0.3, "inferno", 0.5)
    ramp = look.ramp(11)
    ground = to_rgb_bytes(np.full((1, 1), GROUND, np.float32))[0, 0]
    assert (ramp[:3] == ground).all()  # below the threshold nothing is drawn
    assert (ramp[-1] == blend_heat(np.full((1, 1), GROUND, np.float32), np.ones((1, 1), np.float32), look)[0, 0]).all()


def test_single_hot_pixels_do_not_hide_the_rest() -> None:
    heat = np.full((40, 40), 0.02, np.float32)
    heat[5, 5], heat[9, 9] = 1, -1
    seen = lift_heat(heat)
    assert seen[20, 20] > 0.9
    assert (seen[5, 5], seen[9, 9]) == (1, -1)
    assert not lift_heat(np.zeros((4, 4), np.float32)).any()
