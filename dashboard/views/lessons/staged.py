"""Lessons of How it works as a hall sees them: one picture that says it, and a few words beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st

import models
from dashboard import session
from dashboard.case import states
from dashboard.case.places import lay_out_places
from dashboard.case.staged import stage_viewer
from dashboard.case.states import HEIGHT_PX
from dashboard.i18n import later, t
from dashboard.style import figures
from dashboard.views.lessons import block, categories, network
from dashboard.views.lessons import figures as how_figures
from dashboard.views.lessons.subject import Subject
from models import OrthoLensError, lessons
from models.lessons import neuron
from models.nets.stages import list_stages

BARE = {"displayModeBar": False}
NAMES = (later("Edges"), later("Corners"), later("Textures"), later("Parts"), later("Objects"))
"""What the five stages of a classifier tend to answer to."""
DEEP = 4
"""Feature maps of a stage."""


def show_staged_lesson() -> bool:
    """Draw the lesson of the step on the screen; False where there is none for a hall."""
    now, item = session.find_stage(), session.find_selected_file()
    if now is None or item is None or (draw := LESSONS.get(now.step.show.section or "")) is None:
        return False
    try:
        image = session.read(item)
        draw(Subject(image, image.first_frame, item.origin, now.step.card or ""))
    except OrthoLensError as problem:
        states.show_error(problem)
    return True


def _caption(subject: Subject) -> None:
    """Say where the picture comes from that a lesson shows."""
    st.caption(states.escape_markdown(t(subject.origin or subject.image.name)))


def _block(subject: Subject) -> None:
    """Draw a picture, what one neuron answers at every place of it, and its nine weights at one place."""
    _caption(subject)
    picture = figures.shrink_picture(subject.image.grey(subject.frame), block.LONGEST_PX).astype(np.float64)
    kernel = np.array(neuron.PRESETS[block.FIRST].rows, float)
    act = neuron.ACTIVATIONS["ReLU"]
    output = neuron.convolve_neuron(picture, kernel, 0.0, act)
    output[:, [0, -1]] = output[[0, -1]] = 0  # beyond the edge all is black: an edge that is none
    row, column = block.find_loudest_place(output)
    patch = neuron.cut_neuron_patch(picture, row, column)
    total, answer = float((patch * kernel).sum()), float(neuron.answer_one_neuron(patch, kernel, 0.0, act))
    left, _, right = lay_out_places()
    left.plotly_chart(
        stage_viewer(how_figures.draw_filtered_picture(picture.astype(np.float32), output, row, column)),
        key=f"viewer-{subject.key}",
        height=HEIGHT_PX, theme=None, config=BARE, alt=t("The input, and beside it what the neuron answers everywhere"),
    )  # fmt: skip
    with right:
        st.subheader(t("One neuron: nine weights"), anchor=False)
        st.markdown(
            t("It weighs the nine pixels in the white square and adds them up. The same everywhere: it finds edges.")
        )
        st.plotly_chart(
            how_figures.draw_neuron_sums(patch, kernel, (0.0, total, answer), columns=2), key="how-sums", config=BARE,
            alt=t("Nine inputs times nine weights, summed: {total:.2f}; after {activation}: {answer:.2f}",
                  total=total, activation="ReLU", answer=answer),
        )  # fmt: skip


def _hierarchy(subject: Subject) -> None:
    """Draw the strongest maps of every stage of a classifier side by side, from edges to objects."""
    _caption(subject)
    drawn = {id: card for id, card in models.cards().items() if len(list_stages(card)) == len(NAMES) and card.members}
    card = drawn.get(subject.card) or next(iter(drawn.values()), None)
    if card is None:
        st.info(t("No classifier with weights is installed."), icon=":material/hourglass:")
        return
    lasts = [[one for one in lessons.list_layers(card) if one.stage == stage][-1] for stage in list_stages(card)]
    found = [network.compute_maps_of_layer(subject, card, layer) for layer in lasts]
    seen = [min(layer.receptive_field_px or max(card.input.size), max(card.input.size)) for layer in lasts]
    titles = [f"<b>{t(name)}</b><br>{t('sees {seen} px', seen=side)}" for name, side in zip(NAMES, seen, strict=True)]
    fig = how_figures.draw_map_columns([maps.maps[:DEEP] for maps in found], titles)
    left, _, right = lay_out_places()
    left.plotly_chart(
        stage_viewer(fig), key=f"viewer-{subject.key}", height=HEIGHT_PX, theme=None, config=BARE,
        alt=t("The strongest maps of each stage, from edges to objects"),
    )  # fmt: skip
    with right:
        st.subheader(t("From edges to objects"), anchor=False)
        st.markdown(t("Five stages, the four strongest maps of each. Bright: it answers."))
        picture = session.compute_once(
            lambda: lessons.render_network_input(subject.image, card, subject.frame), "how-input", subject.key, card.id
        )
        with st.container(key="hall-input"):
            st.image(
                how_figures.frame_middle(picture, seen[2]),
                alt=t("The network's input with a square of {seen} pixels", seen=seen[2]),
            )
            st.markdown(t("The square is what one place of the third stage sees."))


def _categories(subject: Subject) -> None:
    """Draw one backbone with a head that names, one that segments and one that finds, and beside it what each asks."""
    left, _, right = lay_out_places()
    left.plotly_chart(
        stage_viewer(categories.draw_ways_of_categories(subject)), key=f"viewer-{subject.key}", height=HEIGHT_PX,
        config=BARE,
        alt=t("One backbone and three heads: one classifies, one segments, one detects"),
    )  # fmt: skip
    with right:
        for name, title in categories.TITLES.items():
            st.subheader(t(title), anchor=False)
            st.markdown(t(categories.ASKS[name]))


LESSONS: Mapping[str, Callable[[Subject], None]] = {
    "block": _block, "network": _hierarchy, "categories": _categories,
}  # fmt: skip
"""Section of the page → its form for a hall."""
