"""Pictures of a report: shrunk and never enlarged, thinned out only where far too large, a frame that is seen."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from models import Box, Classification, Explanation, Image
from models.i18n import IN_ENGLISH
from models.reporting import pictures
from models.reporting.caption import write_caption_footer, write_withheld_line
from models.reporting.outcome import Outcome, fill_common_outcome


@pytest.mark.parametrize(
    ("shape", "drawn"),
    [((1200, 900), (1200, 900)), ((1201, 900), (1200, 899)), ((600, 2400), (300, 1200)), ((3, 2), (3, 2))],
)
def test_a_picture_is_at_most_1200_pixels_a_side(shape: tuple[int, int], drawn: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    seen = np.stack([rows * 255 // shape[0], columns * 255 // shape[1], 0 * rows], -1).astype(np.uint8)
    part = pictures.make_report_picture(seen, "what it shows", "below it")
    assert (part.height, part.width) == drawn
    assert (part.alt, part.caption) == ("what it shows", "below it")
    opened = Pillow.open(BytesIO(part.data))
    assert opened.format == "JPEG"
    assert opened.size == (part.width, part.height)
    small = np.asarray(Pillow.fromarray(seen).resize(opened.size, Pillow.Resampling.LANCZOS)).astype(int)
    assert np.abs(np.asarray(opened).astype(int) - small).max() < 30


def test_thin_coloured_lines_stay_crisp() -> None:
    seen = np.zeros((64, 64, 3), np.uint8)
    seen[:, 31] = (255, 0, 0)
    line = np.asarray(Pillow.open(BytesIO(pictures.make_report_picture(seen, "", "").data))).astype(int)
    assert (line[8:56, 31, 0] - line[8:56, 31, 1]).min() > 200  # chroma is not halved
    assert line[8:56, 28:31].max() < 60


def image(shape: tuple[int, int], frames: int = 1, **more: Any) -> Image:
    pixels = np.zeros((frames, *shape), np.float32)
    pixels[:, ::2] = 0.5
    pixels[-1, :, 1::2] = 1
    return Image(pixels, "x", "0", **more)


@pytest.mark.parametrize(
    ("shape", "step"), [((4799, 30), 1), ((30, 4800), 2), ((7199, 30), 2), ((7200, 30), 3), ((300, 200), 1)]
)
def test_an_image_is_thinned_out_where_it_is_far_larger_than_it_is_shown(shape: tuple[int, int], step: int) -> None:
    whole = image(shape)
    found = pictures.render_report_frame(whole, 0)
    assert np.array_equal(found, whole.pixels[0, ::step, ::step])


def test_the_frame_that_was_asked_about_is_shown_in_true_proportions() -> None:
    two = image((40, 30), 2)
    assert np.array_equal(pictures.render_report_frame(two, 1), two.pixels[1])
    assert not np.array_equal(pictures.render_report_frame(two, 0), two.pixels[1])
    tall = image((40, 30), aspect=(2.0, 1.0))
    assert pictures.render_report_frame(tall, 0).shape == (80, 30)


@pytest.mark.parametrize(
    ("shape", "aspect", "line"), [((120, 90), (1, 1), 1), ((120, 90), (1, 2), 1), ((900, 600), (1, 1), 3)]
)
def test_the_place_asked_about_stands_in_a_white_frame_with_a_dark_line_within(
    shape: tuple[int, int], aspect: tuple[float, float], line: int
) -> None:
    heat = np.zeros(shape, np.float32)
    answer = Classification(
        task="pathology", card="knee-kl", sha256="0", seconds=0.1, labels=tuple("01234"),
        probabilities=np.full(5, 0.2, np.float32), explanation=Explanation(heat, "grad-cam", "stage5", "3", 0.1),
    )  # fmt: skip
    grey = image(shape, aspect=aspect)
    grey.pixels.flags.writeable = True
    grey.pixels[:] = 0.5
    bare, framed = (pictures.draw_report_heat(grey, answer, at) for at in (None, Box(20, 30, 50, 40)))
    assert bare.shape == framed.shape == (shape[0], shape[1] * int(aspect[1]), 3)
    rows, columns = np.nonzero((bare != framed).any(2))
    across = int(aspect[1])
    assert (rows.min(), columns.min(), rows.max(), columns.max()) == (20, 30 * across, 70, 70 * across)
    middle = framed[45, 30 * across : 30 * across + 3 * line].astype(int).sum(1)
    assert (middle[:line] == 765).all()
    assert (middle[line : 2 * line] == 0).all()
    assert (middle[2 * line :] == bare[45, 0].astype(int).sum()).all()


def graded(**more: Any) -> Classification:
    return Classification(
        task="pathology", card="knee-kl", sha256="s", seconds=0.1, labels=tuple("01234"), frame=3,
        probabilities=np.full(5, 0.2, np.float32), **more,
    )  # fmt: skip


def test_below_an_exported_picture_stand_the_reason_the_model_and_the_disclaimer() -> None:
    why = Explanation(np.zeros((4, 4), np.float32), "grad-cam", "stage5", "3", 0.1)
    lines = write_caption_footer(graded(explanation=why))
    assert lines[:2] == ["Grad-CAM at stage5: what speaks for KL 3, moderate", "Model knee-kl"]
    assert len(lines) == 3
    own = Explanation(why.heat, "own way", "", "3", 0.1)
    assert write_caption_footer(graded(explanation=own))[0] == "own way: what speaks for KL 3, moderate"
    assert write_caption_footer(graded()) == lines[1:]
    assert write_withheld_line(graded(abstained=True, reason="this is no knee")) == "No answer: this is no knee"
    assert write_withheld_line(graded(abstained=True)) == "No answer: "


def test_what_stands_of_an_answer_in_the_worklist() -> None:
    told = Outcome(**fill_common_outcome(graded(abstained=True, reason="no knee")))
    assert (told.sha256, told.frame, told.card, told.task) == ("s", 3, "knee-kl", "pathology")
    assert (told.abstained, told.reason, told.cell, told.words(IN_ENGLISH)) == (True, "no knee", "", "")
    known = Outcome("s", 0, "knee-kl", "pathology", label="3")
    assert (known.cell, known.words(IN_ENGLISH)) == ("3", "KL 3, moderate")
