"""How well a card paints, trial by trial, beside the alternative network of the same task.

Nothing is computed here: the figures are those that `ortholens evaluate` wrote beside the cards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

import models
from dashboard.case.states import escape_markdown
from dashboard.i18n import t
from models import Card


def show_trials(card: Card) -> None:
    """Draw one table a trial, a column a network."""
    alternatives = [other for other in models.cards().values() if other.base_id == card.base_id and other.figures]
    for name, trial in card.figures["trials"].items():
        st.markdown(
            t(
                "**{name}**: {n:,} images of {groups:,} groups",
                name=escape_markdown(name[:1].upper() + name[1:]),
                n=trial["n"],
                groups=trial["groups"],
            )
        )
        rows = [
            {
                t("Figure"): figure,
                **{other.net.name: _read(other.figures["trials"], name, figure) for other in alternatives},
            }
            for figure in trial["metrics"]
        ]
        st.dataframe(rows, hide_index=True, width="stretch")
    st.caption(
        t(
            "Measured {measured}; in brackets the interval that holds 95 % of resamples of the groups.",
            measured=card.figures["measured"],
        )
    )


def _read(trials: Mapping[str, Any], trial: str, figure: str) -> str:
    row = trials.get(trial, {}).get("metrics", {}).get(figure)
    return (
        t("{value:.3f} ({low:.3f} to {high:.3f})", value=row["value"], low=row["low"], high=row["high"])
        if row
        else t("not measured")
    )
