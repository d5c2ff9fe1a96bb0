"""Figures: axes in mm only where the image is calibrated, small enough for the browser, heat where it belongs."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow

from dashboard.style import figures
from dashboard.style.figures import View, draw_figure
from models import Classification, Explanation, Image


def made(rows: int = 60, columns: int = 80, spacing: tuple[float, float] | None = None, colour: bool = False) -> Image:
    shape = (2, rows, columns, 3) if colour else (2, rows, columns)
    pixels = np.random.default_rng(0).random(shape, np.float32)
    return Image(pixels, "x", "0" * 64, spacing_mm=spacing, spacing_source="test" if spacing else None)


def answered(image: Image) -> Classification:
    heat = np.zeros(image.shape, np.float32)
    heat[: image.shape[0] // 2] = 1
    return Classification(
        task="implant", card="knee-kl", sha256=image.sha256, seconds=0, labels=("0", "1"),
        probabilities=np.array([0.25, 0.75], np.float32), explanation=Explanation(heat, "grad-cam", "stage5", "1", 0),
    )  # fmt: skip


def decoded(source: str) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))))


def test_a_pixel_s_centre_is_a_whole_number() -> None:
    picture = draw_figure(None, made(60, 80), View()).layout.images[0]
    assert (picture.x, picture.y, picture.sizex, picture.sizey) == (-0.5, -0.5, 80, 60)


def test_millimetres_need_a_calibration() -> None:
    plain = draw_figure(None, made(), View())
    assert plain.layout.xaxis.ticksuffix == " px"
    assert not plain.layout.shapes
    assert " mm" not in json.dumps(plain.to_plotly_json(), default=str)
    scaled = draw_figure(None, made(60, 80, (0.5, 0.25)), View())
    picture, bar = scaled.layout.images[0], scaled.layout.shapes[0]
    assert (picture.sizex, picture.sizey) == (20, 30)
    assert scaled.layout.xaxis.ticksuffix == " mm"
    assert bar.x1 - bar.x0 == 5
    assert scaled.layout.annotations[0].text == "5 mm"


@pytest.mark.parametrize("colour", [False, True])
def test_a_large_image_is_sent_small(colour: bool) -> None:
    image = made(1500, 3000, colour=colour)
    fig = draw_figure(None, image, View())
    sent = decoded(fig.layout.images[0].source)
    assert sent.shape[:2] == (figures.LONGEST_PX // 2, figures.LONGEST_PX)
    assert sent.mean() == pytest.approx(127.5, abs=1)
    assert max(fig.data[0].z.shape) <= figures.HOVER_PX


def test_thumbnails_are_in_true_proportions() -> None:
    """A square of 20 mm in pixels twice as wide as high, in the middle of the first frame."""
    pixels = np.zeros((1, 100, 50), np.float32)
    pixels[0, 40:60, 20:30] = 1
    image = Image(pixels, "", "0" * 64, spacing_mm=(1.0, 2.0))
    for encoded in (figures.encode_thumbnail(image), figures.encode_still(image, 1400)):
        bright = np.asarray(Pillow.open(io.BytesIO(encoded)).convert("L")) > 127
        assert bright.shape == (100, 100)
        assert [np.ptp(at) for at in np.nonzero(bright)] == [19, 19]


def test_hovering_reads_the_grey_value_of_the_frame_under_the_pointer() -> None:
    image = made()
    fig = draw_figure(answered(image), image, View(frame=1))
    assert fig.data[0].z[10, 20] == round(100 * image.pixels[1, 10, 20])
    assert fig.data[0].customdata[10, 20] == 1


def test_inverting_turns_dark_into_bright() -> None:
    image = made()
    plain, inverted = (
        decoded(draw_figure(None, image, View(invert=on)).layout.images[0].source) for on in (False, True)
    )
    assert np.abs(plain.astype(int) + inverted - 255).max() <= 1


def test_heat_colours_only_where_it_is() -> None:
    image = made()
    hot = decoded(draw_figure(answered(image), image, View(opacity=1)).layout.images[0].source)
    colour = np.abs(hot[..., 0].astype(int) - hot[..., 2])
    assert colour[:30].mean() > 20
    assert colour[32:].max() <= 3  # whole blocks of the JPEG without heat stay grey


def test_image_only_and_no_explanation_show_no_heat() -> None:
    image = made()
    answer = answered(image)
    plain = draw_figure(None, image, View()).layout.images[0].source
    assert draw_figure(answer, image, View(layout="Image only")).layout.images[0].source == plain
    assert draw_figure(replace(answer, explanation=None), image, View()).layout.images[0].source == plain
