"""Exported pictures: large enough, the picture untouched, and a scale bar of the right length."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow

import models
from models.answers.picture import export_picture_png
from models.drawing import plate
from models.drawing.draw import HeatLook, to_rgb_bytes
from models.drawing.plate import (
    LEAST_PX,
    Plate,
    choose_scale_bar,
    compose_plate,
    encode_plate,
    enlarge_for_plate,
    find_square_grid,
    fit_to_grid,
    measure_pixel_mm,
    square_pixels,
)
from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.i18n import Language
from models.reporting import pictures
from models.tasks.detection.boxes import draw_numbered_boxes, export_boxes_png
from models.tasks.kinematics.export import Posed, export_overlay_plate
from models.types import Classification, Detections, Explanation

GERMAN = Language("de")
EMPTY = np.zeros((0, 3)), np.zeros((0, 3), np.int32)


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("shape", [(60, 80), (1024, 300), (300, 300, 3), (1500, 2000)])
def test_a_small_picture_is_enlarged_and_a_large_one_left(shape: tuple[int, ...]) -> None:
    shown = np.random.default_rng(0).uniform(0.2, 0.8, shape).astype(np.float32)
    large = enlarge_for_plate(shown, (0.2, 0.2))
    assert max(large.shape[:2]) == max(LEAST_PX, *shape[:2])
    assert large.shape[0] / large.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.01)
    assert shown.min() <= large.min() <= large.max() <= shown.max()  # no overshoot
    assert large.mean() == pytest.approx(shown.mean(), abs=0.02)
    assert np.array_equal(square_pixels(shown, (0.2, 0.2004)), shown)


@pytest.mark.parametrize(
    ("shape", "cell", "least", "wanted"),
    [
        ((100, 200), (1, 1), 0, (100, 200)),
        ((100, 200), (0.4, 0.2), 0, (200, 200)),
        ((100, 200), (0.2, 0.4), 0, (100, 400)),
        ((100, 200), (0.4, 0.2), 1024, (1024, 1024)),
        ((1000, 1000), (50, 1), 0, (4096, 82)),  # in proportion, but not 50,000 pixels
        ((5000, 4000), (1, 4), 0, (1562, 5000)),  # nor more than were stored
        ((1000, 1000), (0.3, 0.301), 0, (1000, 1000)),
    ],
)
def test_pixels_become_square(
    shape: tuple[int, int], cell: tuple[float, float], least: int, wanted: tuple[int, int]
) -> None:
    assert find_square_grid(shape, cell, least) == wanted


def test_what_is_round_is_round_in_every_exported_picture() -> None:
    """A disc of 30 mm, stored as an ellipse, with a box round it."""
    rows, columns = np.ogrid[:100, :200]
    disc = np.hypot((rows - 50) * 0.4, (columns - 100) * 0.2) < 15
    image = models.Image(np.where(disc, 0.7, 0.1).astype(np.float32)[None], "", "0" * 64, spacing_mm=(0.4, 0.2))
    found = Detections(
        task="detection", card="fracture", sha256="0" * 64, seconds=0.1, labels=models.card("fracture").keys,
        boxes=np.array([[24.5, 12, 151, 76]], np.float32), classes=np.array([0]), scores=np.array([0.9], np.float32),
        places=np.array([0]), operating_point="", threshold=0.3,
    )  # fmt: skip
    boxed = draw_numbered_boxes(image, found, Language())
    for picture in (opened(export_picture_png(image, found)), opened(export_boxes_png(image, found)), boxed,
                    to_rgb_bytes(pictures.render_report_frame(image, 0))):  # fmt: skip
        grey = (np.abs(picture.astype(int) - 178) < 9).all(-1)
        assert grey.sum(0).max() == pytest.approx(grey.sum(1).max(), rel=0.02)
    camera = Camera((200.0, 100.0), (100.0, 50.0), (100, 200))  # twice as many pixels across
    nowhere = np.full((4, 4), np.nan)
    posed = Posed("", image.shown(), (Mesh(*EMPTY), Mesh(*EMPTY)), (nowhere, nowhere), camera)
    assert export_overlay_plate(posed).picture.shape == (1024, 1024, 3)


def test_the_picture_on_a_plate_is_untouched() -> None:
    picture = np.random.default_rng(0).integers(1, 256, (1024, 700, 3), np.uint8)
    sheet = compose_plate(Plate(picture, ("Research and education only.",), "Zimmer, 89%"))
    rows = [top for top in range(sheet.shape[0] - 1023) if (sheet[top : top + 1024, :700] == picture).all()]
    assert len(rows) == 1
    assert sheet[: rows[0]].max() > 128  # the title above it
    assert sheet[rows[0] + 1024 :].max() > 128  # the words below it
    assert sheet[rows[0] + 1024 :, -3:].max() == 0  # no line runs off the sheet


@pytest.mark.parametrize(("spacing", "wanted_mm"), [(0.15, 20), (0.5, 50), (0.0005, 0.05)])
def test_the_scale_bar_is_as_long_as_it_says(spacing: float, wanted_mm: float) -> None:
    image = models.Image(np.full((1, 400, 500), 0.5, np.float32), "", "", spacing_mm=(spacing, spacing))
    picture = np.zeros((round(400 * 2.048), 1024, 3), np.uint8)
    mm = measure_pixel_mm(image, picture)
    assert mm == pytest.approx(spacing * 500 / 1024)
    assert choose_scale_bar(spacing * 500) == wanted_mm
    sheet = compose_plate(Plate(picture, (), pixel_mm=mm))
    below = (sheet[len(picture) :] == 255).all(-1)
    longest = max(_run(row) for row in below)
    assert longest * mm == pytest.approx(wanted_mm, rel=0.01)


def _run(row: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(int)))
    return int(max(edges[1::2] - edges[::2], default=0))


def test_an_uncalibrated_picture_has_no_bar() -> None:
    picture = np.zeros((1024, 1024, 3), np.uint8)
    sheet = compose_plate(Plate(picture, ()))
    assert max(_run(row) for row in (sheet[1024:] == 255).all(-1)) < 30  # letters alone


def test_the_colour_bar_and_the_legend_are_drawn() -> None:
    picture = np.zeros((1024, 1024, 3), np.uint8)
    look = HeatLook(1.0, 0.0, "inferno", low="none", high="most")
    sheet = compose_plate(Plate(picture, (), heat=look, legend=(("#FF0000", "bone"),)))[1024:]
    found = {tuple(colour) for colour in sheet.reshape(-1, 3).tolist()}
    assert {tuple(colour) for colour in look.ramp(410).tolist()} <= found
    end = int(np.flatnonzero((sheet == look.ramp(410)[-1]).all(-1).any(0)).max())
    assert sheet[:, end + 2 : end + 200].min(-1).max() > 128  # what the bright end means, beside it
    assert (255, 0, 0) in found


def test_a_long_line_is_wrapped() -> None:
    sheet = compose_plate(Plate(np.zeros((20, 30, 3), np.uint8), ("a word " * 80,)))
    assert sheet.shape[1] == plate.NARROWEST_PX
    assert sheet[:, -3:].max() == 0


def test_heat_is_fitted_over_another_grid() -> None:
    heat = np.zeros((10, 10), np.float32)
    heat[2, 7] = 1
    large = fit_to_grid(heat, (100, 100))
    assert np.unravel_index(large.argmax(), large.shape)[0] // 10 == 2
    assert large.max() <= 1


@pytest.mark.parametrize("say", [Language(), GERMAN])
def test_an_explained_answer_as_a_picture(say: Language) -> None:
    image = models.Image(np.full((1, 90, 60), 0.4, np.float32), "mrs_smith", "0" * 64)
    heat = np.zeros((90, 60), np.float32)
    heat[30:60, 20:40] = 1
    why = Explanation(heat, "grad-cam", "stage5", "zimmer", 0.1)
    keys = models.card("shoulder-implants").keys
    p = np.full(len(keys), 0.1 / (len(keys) - 1), np.float32)
    p[0] = 0.9
    answer = Classification(
        task="implant", card="shoulder-implants", sha256="0" * 64, seconds=0.1, labels=keys, probabilities=p,
        explanation=Explanation(heat, why.method, why.layer, keys[0], 0.1),
    )  # fmt: skip
    sheet = opened(export_picture_png(image, answer, say=say))
    assert max(sheet.shape[:2]) >= LEAST_PX
    other = Explanation(heat, why.method, why.layer, keys[1], 0.1)
    unlikely = opened(export_picture_png(image, replace(answer, explanation=other), say=say))
    middle = sheet.shape[0] // 2
    assert np.ptp(sheet[middle].astype(int)) > np.ptp(unlikely[middle].astype(int))


def test_bytes_are_a_png() -> None:
    assert encode_plate(Plate(np.zeros((1024, 1024, 3), np.uint8), ("x",))).startswith(b"\x89PNG")
