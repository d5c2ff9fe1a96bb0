"""Large images: an overview on which the reader draws a region, the level at which it is segmented, and the wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

import models
from dashboard import session
from dashboard.case import abstention, progress
from dashboard.case.polling import poll_every
from dashboard.case.states import HEIGHT_PX, escape_markdown, write_as_sentence
from dashboard.i18n import format_significant, t, tn
from dashboard.session import Item
from dashboard.style.figures import View
from dashboard.views.classification import crop_figures
from dashboard.views.segmentation import figures
from dashboard.views.segmentation.case import name_segmentation_job
from models import Box, Card, Image, Segmentation
from models.io.slide import REGION_PX, Level, Slide
from models.jobs import Job
from models.trust.colours import COLOURLESS, misses_colours

LARGE_PX = 4_000_000
"""Pixels over which a region is segmented beside the page, with progress and a way to stop it."""
OVERVIEW_HEIGHT_PX = 380


def choose_slide_region(item: Item, slide: Slide) -> Image | None:
    """Draw the overview, and return the region that the reader chose, at the level chosen; None while there is none.

    Raises
    ------
    InputError
        When the slide cannot be read there.
    """
    state = f"slide-{item.sha256[:12]}"
    box: Box | None = session.get(state)
    with st.container(border=True, key="slide"):
        left, right = st.columns([1.15, 1], gap="medium")
        with left:
            _overview(item, slide, box, state)
        with right:
            level = _controls(slide, box, state)
    return None if box is None or level is None else session.read_region(item, level, box)


def is_large_slide(image: Image, card: Card) -> bool:
    """Whether an image is segmented beside the page, when its reader says so."""
    return image.shape[0] * image.shape[1] > LARGE_PX and card.input.tiled


def wait_for_large_segmentation(image: Image, card: Card) -> bool:
    """Start and follow the segmentation of a large image; False where its answer is there, or comes at once."""
    if not is_large_slide(image, card):
        return False
    name = name_segmentation_job(image, card)
    job: Job[Segmentation] | None = session.find_job(name)
    if job and job.result:
        return False
    seen = figures.draw_picture_over_image(image, figures.render_for_screen(image, View()), View())
    st.plotly_chart(
        seen, key=f"waiting-{name}", height=HEIGHT_PX, theme=None,
        alt=t("The image before it is segmented"),
    )  # fmt: skip
    if job and job.running:
        _progress(name)
        return True
    if misses_colours(image, card):  # said before a reader waits for it
        st.caption(escape_markdown(write_as_sentence(t(COLOURLESS))))
        abstention.offer_models_that_know(image, card)
    rows, columns = image.shape
    st.button(
        t("Segment {columns:,} × {rows:,} px", columns=columns, rows=rows),
        type="primary",
        icon=":material/play_arrow:",
        key="segment-start",
        on_click=session.start_work,
        args=(name, lambda job: _run(job, image, card)),
    )
    if job and job.error:
        st.caption(escape_markdown(f"{write_as_sentence(t(job.error.problem))}. {t(job.error.fix)}"))
    return True


def _overview(item: Item, slide: Slide, box: Box | None, state: str) -> None:
    """Draw the whole slide with the region, which dragging moves."""
    factor = slide.shape[0] / slide.overview.shape[0]
    spacing = slide.levels[0].spacing_mm
    whole = Image(
        slide.overview[None].astype(np.float32) / np.float32(255), item.name, item.sha256,
        spacing_mm=spacing and (spacing[0] * factor, spacing[1] * factor),
    )  # fmt: skip
    boxes = [] if box is None else [_scaled(box, 1 / factor)]
    key = f"{state}-overview-{box}"

    def draw(drawn: Mapping[str, Any]) -> None:
        if drawn["box"]:
            last = drawn["box"][-1]
            session.put(state, _scaled(crop_figures.read_selected_box(whole, last["x"], last["y"]), factor))

    st.plotly_chart(
        crop_figures.draw_crops(whole, boxes, 0), key=key, height=OVERVIEW_HEIGHT_PX, theme=None, selection_mode="box",
        on_select=lambda: session.take_selection(key, draw), config={"displaylogo": False},
        alt=t("The whole slide with the region that is segmented"),
    )  # fmt: skip


def _controls(slide: Slide, box: Box | None, state: str) -> int | None:
    """Say how large the slide is, and let the reader choose a level that the region fits into."""
    st.markdown(t("**A slide, too large to look at as a whole**"))
    st.caption(_size(slide))
    if box is None:
        st.markdown(t("Drag a box on the slide to choose the region that is segmented."))
        return None
    levels = [n for n, level in enumerate(slide.levels) if max(_sides(box, level)) <= REGION_PX]
    if not levels:
        st.markdown(t("This region is larger than {most:,} px a side: drag a smaller one.", most=REGION_PX))
        return None
    quick = [n for n in levels if _sides(box, slide.levels[n])[0] * _sides(box, slide.levels[n])[1] <= LARGE_PX]
    default = (quick or levels[-1:])[0]
    return st.selectbox(
        t("Level"), levels, levels.index(default), key=f"{state}-level-{box}",
        format_func=lambda n: _named(slide.levels[n], box),
        help=t("Choose the level at which the tissue is as large as in the pictures that the model learned from."),
    )  # fmt: skip


def _size(slide: Slide) -> str:
    rows, columns = slide.shape
    return tn(
        "{columns:,} × {rows:,} px in {n} level.", "{columns:,} × {rows:,} px in {n} levels.", len(slide.levels),
        columns=columns, rows=rows,
    )  # fmt: skip


def _named(level: Level, box: Box) -> str:
    height, width = _sides(box, level)
    pixel = (
        t(", {micrometres} µm a pixel", micrometres=format_significant(level.spacing_mm[0] * 1000))
        if level.spacing_mm
        else ""
    )
    return t(
        "1:{downsample:,.4g}: {width:,} × {height:,} px{pixel}",
        downsample=level.downsample,
        width=width,
        height=height,
        pixel=pixel,
    )


def _sides(box: Box, level: Level) -> tuple[int, int]:
    return round(box.height / level.downsample), round(box.width / level.downsample)


def _scaled(box: Box, factor: float) -> Box:
    return replace(
        box, row=round(box.row * factor), column=round(box.column * factor),
        height=max(1, round(box.height * factor)), width=max(1, round(box.width * factor)),
    )  # fmt: skip


def _run(job: Job[Segmentation], image: Image, card: Card) -> Segmentation:
    found = models.predict(image, card.id, progress=job.report, cancelled=job.stopped)
    assert isinstance(found, Segmentation)  # by the card's task
    return found


@poll_every(0.5)
def _progress(name: str) -> None:
    progress.draw_progress(name, "segment-cancel", t("Segmenting"))
