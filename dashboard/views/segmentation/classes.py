"""The classes: a legend that shows and hides each, how they are drawn, and a table of how much of each there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import format_number, lower_in_sentence, spoken, t
from dashboard.views.segmentation import figures
from dashboard.views.segmentation.case import SegmentationCase, Sheet
from dashboard.views.segmentation.figures import Layout, Style, TissueView
from models import Card
from models.drawing import paint
from models.tasks.segmentation.areas import ClassArea, measure_areas
from models.tasks.segmentation.thickness import BAND, Thickness, measure_thickness


def show_classes(case: SegmentationCase) -> Sheet:
    """Draw the controls, the legend and the table, and return the picture that they ask for."""
    _controls(case.view)
    areas = measure_areas_of_case(case)
    found = [area.key for area in areas if area.pixels]
    _legend(case.card, found)
    _table(areas, case.card)
    fig = figures.draw_segmentation(case.shown, case.image, case.view)
    if has_cartilage_to_measure(case) and st.toggle(
        t("Measure the cartilage"), key="tissue-thickness", persist_state="session"
    ):
        fig = _thickness(fig, case)
    return Sheet(fig, f"classes-{case.view.classes}")


def choose_classes(card: Card, view: TissueView) -> TissueView:
    """Return the view with what the controls say, whether they are on the screen or not."""
    return replace(
        view,
        classes=session.get("tissue-layout", view.classes),
        style=session.get("tissue-style", view.style),
        opacity=session.get("tissue-opacity", view.opacity),
        hidden=frozenset(key for key in card.keys[1:] if not session.get(_box(card, key), True)),
    )


def _controls(view: TissueView) -> None:
    """Let the reader choose what of the classes is drawn, and how."""
    st.segmented_control(
        t("Show"), get_args(Layout), format_func=t, key="tissue-layout", default=view.classes, required=True,
        width="stretch", label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    bare = view.classes in ("Mask", "Image")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.segmented_control(
            t("Style"), get_args(Style), format_func=t, key="tissue-style", default=view.style, required=True,
            disabled=bare, label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        st.slider(
            t("Opacity"), 0.0, 1.0, view.opacity, 0.05, key="tissue-opacity", format="percent",
            persist_state="session", disabled=bare or view.style == "Contour",
        )  # fmt: skip


def _legend(card: Card, found: Sequence[str]) -> None:
    """Draw the classes that were found with their colours; the reader shows and hides each."""
    rules = []
    with st.container(key="legend", horizontal=True, gap="small"):
        for index, colour in paint.find_class_colours(card).items():
            label, key = card.labels[index], _box(card, card.keys[index])
            if label.key not in found:
                continue
            st.checkbox(
                escape_markdown(t(label.name)),
                True,
                key=key,
                persist_state="session",
                help=t(label.definition) if label.definition else None,
            )
            rules.append(f".st-key-{key} {{ --swatch: {colour}; }}")
    st.html(f"<style>{' '.join(rules)}</style>")


def _box(card: Card, key: str) -> str:
    return f"class-{card.id}-{key}"


def measure_areas_of_case(case: SegmentationCase) -> Sequence[ClassArea]:
    """Return how much of each class there is, of the version that is shown."""
    return session.compute_once(
        lambda: measure_areas(case.shown, case.image),
        "areas",
        case.identity,
        case.version,
        *(case.image.spacing_mm or ()),
    )


def has_cartilage_to_measure(case: SegmentationCase) -> bool:
    """Whether there is cartilage whose thickness can be measured."""
    return BAND in case.card.keys and bool(measure_areas_of_case(case)[case.card.index(BAND)].pixels)


def measure_thickness_of_case(case: SegmentationCase) -> Thickness:
    """Return the thickness of the cartilage, of the version that is shown."""
    index = case.card.index(BAND)
    return session.compute_once(
        lambda: measure_thickness(case.shown.mask == index, case.image.spacing_mm),
        "thickness", case.identity, case.version, *(case.image.spacing_mm or ()),
    )  # fmt: skip


def _table(areas: Sequence[ClassArea], card: Card) -> None:
    """Draw a row for each class that was found; a column that has no value for any class is left out."""
    rows, missing = [], []
    for label, area in zip(card.labels, areas, strict=True):
        if not area.pixels:
            missing.append(escape_markdown(lower_in_sentence(label.name)))
            continue
        row: dict[str, object] = {t("Class"): t(label.name), t("Pixels"): format_number(area.pixels)}
        if area.area_mm2 is not None:
            row[t("Area")] = spoken().area(area.area_mm2)
        row |= {t("Share"): format_number(area.share, ".1%"), t("Pieces"): format_number(area.components)}
        if area.objects:
            row[t("Count")] = format_number(area.objects.count)
            if area.objects.density_per_mm2 is not None:
                row[t("per mm²")] = format_number(area.objects.density_per_mm2, ",.0f")
        rows.append(row)
    columns = dict.fromkeys(name for row in rows for name in row)
    st.dataframe([{name: row.get(name, "") for name in columns} for row in rows], hide_index=True, width="stretch")
    if missing:
        st.caption(t("Not found: {listed}.", listed=", ".join(missing)))
    for label, area in zip(card.labels, areas, strict=True):
        if area.objects and area.objects.count:
            _, lower, median, upper, _ = area.objects.sizes
            st.caption(
                t(
                    "{name}: half are larger than {median:,.0f} {unit}, the middle half from "
                    "{lower:,.0f} to {upper:,.0f} {unit}.",
                    name=escape_markdown(t(label.name)),
                    median=median,
                    unit=area.objects.unit,
                    lower=lower,
                    upper=upper,
                )
            )


def _thickness(fig: go.Figure, case: SegmentationCase) -> go.Figure:
    """Say how thick the cartilage is, and draw where that was measured."""
    found = measure_thickness_of_case(case)
    if not len(found.profile):
        st.caption(t("Too little of it to measure."))
        return fig
    with st.container(horizontal=True, key="thickness"):
        st.metric(t("Mean thickness"), f"{format_number(found.mean, '.2f')} {found.unit}")
        st.metric(t("Minimum"), f"{format_number(found.minimum, '.2f')} {found.unit}")
        st.metric(t("Roughness"), f"{format_number(found.roughness, '.2f')} {found.unit}")
    return figures.add_lines(fig, case.image, found.lines())
