"""Places as numbers, for hands without a mouse: new points of the tool, or other places of those that are there."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.case.ruler.bench import CALIBRATION, Bench, keep_inside
from dashboard.i18n import t
from models.geometry.measure import Point

NEW = "new"
"""Points that are not there yet."""


def draw_typed_places(bench: Bench) -> None:
    """Let the reader type places of points, and add or move them."""
    names = {NEW: t("New"), **{made.key: t(made.name) for made in bench.ruler.measurements}}
    if bench.ruler.calibration is not None:
        names[CALIBRATION] = t("Calibration")
    with st.expander(t("Type the places instead"), icon=":material/keyboard:", key="ruler-typed"):
        chosen = st.selectbox(t("Of what"), list(names), format_func=names.__getitem__, key="ruler-typed-what")
        points = bench.find_points(chosen) or _begin(bench)
        prefix = f"ruler-{bench.image.sha256[:8]}-{chosen}-{bench.known or bench.tool}-{len(bench.sheet.past)}"
        with st.form("ruler-typed-form", border=False):
            rows, columns = bench.image.shape
            for number, (x, y) in enumerate(points, 1):
                left, right = st.columns(2)
                for place, name, most, value, side in (
                    (left, t("Point {number}: column (px)", number=number), columns, x, "x"),
                    (right, t("Point {number}: row (px)", number=number), rows, y, "y"),
                ):
                    place.number_input(
                        name, -0.5, most - 0.5, float(value), 1.0, format="%.1f", key=f"{prefix}-{number}-{side}"
                    )
            st.form_submit_button(
                t("Add") if chosen == NEW else t("Move"), icon=":material/check:", on_click=_take,
                args=(bench, chosen, prefix, len(points)),
            )  # fmt: skip


def _begin(bench: Bench) -> tuple[Point, ...]:
    """Return places to begin with, round the middle of the image."""
    rows, columns = bench.image.shape
    turns = ((0.35, 0.4), (0.65, 0.4), (0.5, 0.6), (0.65, 0.6))[: bench.places]
    return tuple((float(round(columns * across)), float(round(rows * down))) for across, down in turns)


def _take(bench: Bench, chosen: str, prefix: str, count: int) -> None:
    """Keep the places that were typed."""
    typed = [[session.get(f"{prefix}-{number}-{side}") for side in "xy"] for number in range(1, count + 1)]
    if any(value is None for point in typed for value in point):  # a field is empty, or everything was forgotten
        return
    points = tuple(keep_inside((float(x), float(y)), bench.image) for x, y in typed)
    if chosen == NEW:
        bench.place(points)
        return
    turn = len(bench.sheet.past) + 0.5  # all points move as one
    for index, point in enumerate(points):
        bench.move(chosen, index, point, turn)
