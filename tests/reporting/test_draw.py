"""Overlays and their PNG: what is drawn, what is left alone, and what is written under it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow

from models.errors import UnknownCard
from models.reporting.draw import COLOUR_MAPS, overlay, png, rgb

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
    signed, unsigned = overlay(GREY, HEAT, 1.0, 0.0, "berlin"), overlay(GREY, HEAT, 1.0, 0.0, "inferno")
    plain = rgb(GREY)
    assert (signed[1, 2] == COLOUR_MAPS["berlin"].colours(np.float32(1))).all()
    assert (signed[4, 5] == COLOUR_MAPS["berlin"].colours(np.float32(-1))).all()
    assert (unsigned[1, 2] == COLOUR_MAPS["inferno"].colours(np.float32(1))).all()
    assert (unsigned[4, 5] == plain[4, 5]).all()
    assert (signed[HEAT == 0] == plain[HEAT == 0]).all()


def test_weak_heat_and_no_opacity_leave_the_picture_alone() -> None:
    heat = np.full((6, 8), 0.3, np.float32)
    assert (overlay(GREY, heat, 0.8, threshold=0.31) == rgb(GREY)).all()
    assert (overlay(GREY, heat, 0.8, threshold=0.29) != rgb(GREY)).any()
    assert (overlay(GREY, HEAT, opacity=0) == rgb(GREY)).all()


def test_colour_pictures_keep_their_colour() -> None:
    red = np.zeros((6, 8, 3), np.float32)
    red[..., 0] = 1
    picture = overlay(red, HEAT, 0.5, 0.1)
    assert picture.dtype == np.uint8
    assert (picture[0, 0] == (255, 0, 0)).all()


def test_unknown_colour_map() -> None:
    with pytest.raises(UnknownCard, match=r"jet.*berlin"):
        overlay(GREY, HEAT, colours="jet")


@pytest.mark.parametrize("size", [(6, 8), (250, 250), (900, 1400)])
def test_png_keeps_the_picture_whole_with_a_margin_below(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    sheet = np.asarray(Pillow.open(BytesIO(png(picture, ["Zimmer 93%", "Research and education only."]))))
    left = (sheet.shape[1] - size[1]) // 2
    assert (sheet[: size[0], left : left + size[1]] == picture).all()
    margin = sheet[size[0] :]
    assert margin.max() > 128
    assert margin[:, -3:].max() == 0  # no line runs off the sheet
