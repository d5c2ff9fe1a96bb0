"""Building block: one neuron, then the same neuron at every place, on the user's image; and the code that ran."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import session
from dashboard.i18n import later, t
from dashboard.style import figures
from dashboard.views.lessons import figures as how_figures
from dashboard.views.lessons.subject import Subject
from models.lessons import neuron
from models.types import Pixels

LONGEST_PX = 192
"""Longest side of the picture here: nine pixels of it are something to see."""
FIRST = "Vertical edge"
CELLS = [(row, column) for row in range(3) for column in range(3)]
PLACES = [
    later("top left"), later("top middle"), later("top right"), later("middle left"), later("middle middle"),
    later("middle right"), later("bottom left"), later("bottom middle"), later("bottom right"),
]  # fmt: skip


def show_block_lesson(subject: Subject) -> None:
    """Draw the lesson."""
    picture = figures.shrink_picture(subject.image.grey(subject.frame), LONGEST_PX)
    left, right = st.container(key="workspace").columns([1, 1.9], gap="medium")
    with left:
        kernel, bias, activation = _controls()
    act = neuron.ACTIVATIONS[activation]
    output = neuron.convolve_neuron(picture.astype(np.float64), kernel, bias, act)
    with right:
        row, column = _place(picture, output, subject)
    patch = neuron.cut_neuron_patch(picture.astype(np.float64), row, column)
    total = float((patch * kernel).sum() + bias)
    answer = float(neuron.answer_one_neuron(patch, kernel, bias, act))
    st.subheader(t("One neuron"), anchor=False)
    st.markdown(
        t(
            "A neuron weighs what it sees, adds it up, adds a bias, and decides. This one sees the nine pixels in the "
            "white square, at row {row}, column {column}.",
            row=row,
            column=column,
        )
    )
    st.plotly_chart(
        how_figures.draw_neuron_sums(patch, kernel, (bias, total, answer)),
        key="how-sums",
        config={"displayModeBar": False},
        alt=t(
            "Nine inputs times nine weights, summed: {total:.2f}; after {activation}: {answer:.2f}",
            total=total,
            activation=activation,
            answer=answer,
        ),
    )
    st.caption(
        t("The patch has the greys of the picture, 0 black to 1 white; else blue is negative, vermilion positive.")
    )
    _code(picture, output, kernel)


def _controls() -> tuple[NDArray[np.float64], float, str]:
    """Let the reader set nine weights, the bias and the activation."""
    for row, column in CELLS:
        if session.get(f"kernel-{row}-{column}") is None:
            session.put(f"kernel-{row}-{column}", float(neuron.PRESETS[FIRST].rows[row][column]))
    st.selectbox(
        t("Kernel"), list(neuron.PRESETS), format_func=t, index=list(neuron.PRESETS).index(FIRST), key="kernel-preset",
        persist_state="session", on_change=_take,
    )  # fmt: skip
    with st.container(key="kernel", gap="xsmall"):
        for row in range(3):
            for column, box in enumerate(st.columns(3, gap="xsmall")):
                box.number_input(
                    t("Weight {places}", places=t(PLACES[3 * row + column])),
                    key=f"kernel-{row}-{column}",
                    step=0.1,
                    format="%.2f",
                    min_value=-20.0,
                    max_value=20.0,
                    label_visibility="collapsed",
                    persist_state="session",
                )
    kernel = np.array([[session.get(f"kernel-{r}-{c}") for c in range(3)] for r in range(3)], float)
    same = [preset for preset in neuron.PRESETS.values() if np.allclose(preset.rows, kernel)]
    st.caption(t(same[0].says) if same else t("A kernel of your own. Training sets such numbers by itself."))
    bias = st.slider(t("Bias"), -2.0, 2.0, 0.0, 0.05, key="kernel-bias", persist_state="session")
    activation = st.segmented_control(
        t("Activation"),
        list(neuron.ACTIVATIONS),
        format_func=t,
        default="ReLU",
        required=True,
        key="kernel-activation",
        persist_state="session",
    )
    says = inspect.getdoc(neuron.ACTIVATIONS[activation])
    st.caption(t(says) if says else "")
    return kernel, bias, activation


def _take() -> None:
    rows = neuron.PRESETS[session.get("kernel-preset", FIRST)].rows
    for row, column in CELLS:
        session.put(f"kernel-{row}-{column}", float(rows[row][column]))


def _place(picture: Pixels, output: NDArray[np.float64], subject: Subject) -> tuple[int, int]:
    """Draw input and output, and return the place that the reader chose by a click or with the sliders."""
    rows, columns = output.shape
    down, across = f"kernel-row-{subject.key}", f"kernel-column-{subject.key}"
    if session.get(down) is None or session.get(across) is None:
        for key, at in zip((down, across), find_loudest_place(output), strict=True):
            session.put(key, at)
    chart = st.container()
    with st.container(horizontal=True):
        row = st.slider(t("Row"), 0, rows - 1, key=down, persist_state="session")
        column = st.slider(t("Column"), 0, columns - 1, key=across, persist_state="session")

    def click(selection: Mapping[str, Any]) -> None:
        if selection["points"]:
            session.put(down, int(selection["points"][0]["y"]))
            session.put(across, int(selection["points"][0]["x"]))

    key = f"viewer-block-{subject.key}"
    chart.plotly_chart(
        how_figures.draw_filtered_picture(picture, output, row, column),
        key=key,
        height=400,
        theme=None,
        on_select=lambda: session.take_selection(key, click),
        selection_mode="points",
        config={"displayModeBar": False},
        alt=t(
            "The input, and beside it the output of the same neuron at all {rows} by {columns} places",
            rows=rows,
            columns=columns,
        ),
    )
    low, high = float(output.min()), float(output.max())
    colours = t("black is the least") if low >= 0 else t("blue is negative, red positive, black zero")
    st.caption(
        t(
            "Click a place, or use the sliders. The image is shrunk to {columns} × {rows} pixels. Output from "
            "{low:.2f} to {high:.2f}; {colours}.",
            columns=columns,
            rows=rows,
            low=low,
            high=high,
            colours=colours,
        )
    )
    return row, column


def find_loudest_place(output: NDArray[np.float64]) -> tuple[int, int]:
    """Return row and column where a neuron answers most, away from the edge."""
    top, left = (side // 5 for side in output.shape)
    inner = np.abs(output[top : output.shape[0] - top, left : output.shape[1] - left])
    row, column = np.unravel_index(int(inner.argmax()), inner.shape)
    return top + int(row), left + int(column)


def _code(picture: Pixels, output: NDArray[np.float64], kernel: NDArray[np.float64]) -> None:
    """Show the source of what ran, and the shapes that it had."""
    st.subheader(t("The same neuron everywhere: a convolution"), anchor=False)
    st.markdown(
        t(
            "picture `{picture}` · kernel `{kernel}` · output `{output}` · **9 weights and 1 bias** for {places:,} "
            "places. A fully connected layer between the same pictures would need {weights:,.0f} weights.",
            picture=picture.shape,
            kernel=kernel.shape,
            output=output.shape,
            places=output.size,
            weights=output.size**2,
        )
    )
    st.caption(t("This is the code that drew the output above, read from the running program."))
    one, all_of_them = st.columns(2, gap="medium")
    one.code(inspect.getsource(neuron.answer_one_neuron), wrap_lines=True)
    all_of_them.code(inspect.getsource(neuron.convolve_neuron), wrap_lines=True)
