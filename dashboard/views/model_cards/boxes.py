"""What a detector's card adds to its figures: the operating points, and the free-response curve that they lie on.

Nothing is computed here: both are what `ortholens evaluate` wrote.
"""

from __future__ import annotations

import streamlit as st

from dashboard.case import measures
from dashboard.i18n import t
from dashboard.views.detection import figures, threshold
from models import Card


def show_operating_points(card: Card) -> None:
    """Draw the operating points beside the curve."""
    curve = threshold.load_froc_curve(card)
    if curve is None or card.detecting is None:
        return
    points = card.detecting.points
    left, right = st.columns(2, border=True)
    with left:
        st.markdown(t("**Operating points**"))
        rows = {
            t("Point"): [t(point.name) for point in points],
            t("Score"): [measures.format_measure(point.threshold, "%") for point in points],
            t("Images with a finding that show a box"): [
                measures.format_measure(point.sensitivity, "%") for point in points
            ],
            t("Images without that show none"): [
                "–" if point.specificity is None else measures.format_measure(point.specificity, "%")
                for point in points
            ],
        }
        st.table(rows, hide_index=True, alt=t("Operating points"))
        st.caption(t("Chosen on the held-out images that the figures are of; the first is on when the page opens."))
    with right:
        st.markdown(t("**Sensitivity against false positives (FROC)**"))
        st.plotly_chart(
            figures.draw_froc(curve, points[0].threshold), key="card-froc", config={"displayModeBar": False},
            alt=t("Sensitivity against false positives per image, with the threshold's place"),
        )  # fmt: skip
        st.caption(threshold.describe_froc_basis(card))
