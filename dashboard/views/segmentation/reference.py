"""A reference standard beside the answer: dropped by the reader, compared by class, shown as the Jaccard picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from dashboard import session
from dashboard.case import reference_files, states
from dashboard.case.reference_files import Files
from dashboard.i18n import format_number, format_significant, later, t
from dashboard.views.segmentation import figures
from dashboard.views.segmentation.case import SegmentationCase, Sheet
from dashboard.views.segmentation.figures import TissueView, colour_classes, render_for_screen
from models import OrthoLensError
from models.drawing import paint
from models.tasks.segmentation.reference import (
    Agreement,
    ReferenceMask,
    compare_with_reference_mask,
    compute_aggregated_jaccard,
    draw_jaccard_picture,
    read_reference_mask,
)

PICTURES = (later("Jaccard picture"), later("Reference standard and answer"))
WORDS = later(
    "**Pink**: in the reference standard and missed. **Green**: not in it, false positive. What both agree on is "
    "uncoloured."
)


def show_segmentation_reference(case: SegmentationCase) -> Sheet:
    """Take a reference standard, compare it with the classes that are shown, and return the picture of both."""
    plain_view = Sheet(figures.draw_segmentation(case.shown, case.image, case.view), "reference-none")
    files = reference_files.take_reference_files(t("Reference masks"), _state(case), "reference")
    if not files:
        st.caption(
            t(
                "Drop a label map (PNG, each pixel the index of its class), one black-and-white mask a class, named "
                "after it, or a DICOM SEG."
            )
        )
        return plain_view
    try:
        reference = read_dropped_masks(case)
        agreements = compare_with_reference(case)
    except OrthoLensError as problem:
        states.show_error(problem)
        return plain_view
    assert reference is not None  # there are files
    for warning in reference.warnings:
        st.warning(t(warning), icon=":material/warning:")
    return _compared(case, reference, agreements)


def read_dropped_masks(case: SegmentationCase) -> ReferenceMask | None:
    """Return what the reader dropped for this frame, read once; None where nothing was.

    Raises
    ------
    InputError
        When the files are no masks of this image.
    """
    files: Files = session.get(_state(case), ())
    if not files:
        return None
    return session.compute_once(
        lambda: read_reference_mask(files, case.card.keys, case.image.shape),
        "reference",
        case.identity,
        reference_files.hash_reference_files(files),
    )


def compare_with_reference(case: SegmentationCase) -> tuple[Agreement, ...]:
    """Return how the classes that are shown agree with the reference standard; nothing where there is none."""
    reference = read_dropped_masks(case)
    if reference is None:
        return ()
    files = reference_files.hash_reference_files(session.get(_state(case)))
    return session.compute_once(
        lambda: compare_with_reference_mask(case.shown.mask, reference, case.card.keys, case.image.spacing_mm),
        "agreement", case.identity, case.version, *(case.image.spacing_mm or ()), files,
    )  # fmt: skip


def _compared(case: SegmentationCase, reference: ReferenceMask, agreements: Sequence[Agreement]) -> Sheet:
    """Draw the figures, and return the picture of the class that the reader chooses."""
    names = {label.key: t(label.name) for label in case.card.labels}
    keys = [agreement.key for agreement in agreements]
    key = keys[0]
    if len(keys) > 1:
        key = st.selectbox(t("Class"), keys, format_func=names.__getitem__, key=f"reference-class-{case.card.id}")
    chosen = next(agreement for agreement in agreements if agreement.key == key)
    with st.container(horizontal=True, key="agreement"):
        st.metric(t("Jaccard"), _share(chosen.jaccard))
        st.metric(t("Dice"), _share(chosen.dice))
        if reference.instances is not None and case.shown.instances is not None:
            st.metric(t("Aggregated Jaccard"), _share(_aggregated(case, reference)), help=t("Over single objects."))
    _table(agreements, names)
    kind = st.segmented_control(
        t("Picture"),
        PICTURES,
        format_func=t,
        default=PICTURES[0],
        required=True,
        key="reference-picture",
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    index, view = case.card.index(key), case.view
    shown = render_for_screen(case.image, view)
    ours, theirs = (paint.fit_classes(mask, shown.shape[:2]) for mask in (case.shown.mask, reference.mask))
    if kind == PICTURES[0]:
        grey = shown if shown.ndim == 2 else shown.mean(-1)  # so that neither colour is lost in the tissue's own
        drawn = draw_jaccard_picture(grey, ours == index, theirs == index)
        return Sheet(figures.draw_picture_over_image(case.image, drawn, view), "reference-jaccard", says=t(WORDS))
    only = replace(TissueView(frame=view.frame), hidden=frozenset(case.card.keys) - {key})
    pair = [
        colour_classes(shown, replace(case.shown, mask=mask, instances=None), case.card, only)
        for mask in (theirs, ours)
    ]
    fig = figures.draw_picture_over_image(case.image, pair[1], view, beside=pair[0])
    return Sheet(fig, "reference-pair", says=t("Left the reference standard, right the answer."))


def _aggregated(case: SegmentationCase, reference: ReferenceMask) -> float | None:
    return session.compute_once(
        lambda: compute_aggregated_jaccard(np.asarray(case.shown.instances), np.asarray(reference.instances)),
        "aggregated", case.identity, case.version, reference_files.hash_reference_files(session.get(_state(case))),
    )  # fmt: skip


def _table(agreements: Sequence[Agreement], names: dict[str, str]) -> None:
    rows = [
        {
            t("Class"): names[agreement.key],
            t("Jaccard"): _share(agreement.jaccard),
            t("Dice"): _share(agreement.dice),
            t("Prec."): _share(agreement.precision),
            t("Recall"): _share(agreement.recall),
            t("HD95 ({unit})", unit=agreement.unit): _length(agreement.hausdorff95),
        }
        for agreement in agreements
        if agreement.jaccard is not None  # of a class that neither has, nothing can be said
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
    st.caption(
        t("HD95: 95 % Hausdorff distance, how far the outlines lie apart at all but a twentieth of their length.")
    )


def _share(value: float | None) -> str:
    return "–" if value is None else format_number(value, ".3f")


def _length(value: float | None) -> str:
    return "–" if value is None else format_significant(value)


def _state(case: SegmentationCase) -> str:
    return f"reference-{case.identity}"
