"""What the reader wants stated: errors that are accepted, by which frames are flagged, and whether priors help.

Nothing is registered anew for either; both solutions are kept with the motion.
"""

from __future__ import annotations

from dataclasses import astuple, replace

import streamlit as st

from dashboard import session
from dashboard.i18n import later, t
from dashboard.views.kinematics.case import MotionCase
from models.types import AcceptanceLimits

PRIORS = "kinematics-priors"
"""Key of the session for the switch."""
FIELDS = (
    ("kinematics-limit-plane", later("In the picture's plane, mm"), 0.1),
    ("kinematics-limit-depth", later("In depth, mm"), 0.5),
    ("kinematics-limit-turn", later("Rotation, °"), 0.1),
)
"""Key of the session, label and step of each limit, as in `AcceptanceLimits`."""
LEAST, MOST = 0.01, 1000.0


def take_acceptance(measured: MotionCase) -> MotionCase:
    """Return the measurement as the reader wants it stated."""
    usual = astuple(AcceptanceLimits())
    asked = [float(session.get(key, limit)) for (key, _, _), limit in zip(FIELDS, usual, strict=True)]
    return replace(measured, priors=bool(session.get(PRIORS, True)), limits=AcceptanceLimits(*asked))


def show_acceptance() -> None:
    """Draw the limits and the switch behind a button."""
    with st.popover(t("Limits and priors"), icon=":material/tune:", type="tertiary"):
        st.markdown(t("Flag a frame whose pose may be off by more than"))
        with st.container(horizontal=True, gap="small"):
            for (key, label, step), usual in zip(FIELDS, astuple(AcceptanceLimits()), strict=True):
                st.number_input(
                    t(label), LEAST, MOST, usual, step, format="%.2f", width=150, key=key, persist_state="session"
                )
        st.toggle(
            t("Use what is known of knees"), value=True, key=PRIORS, persist_state="session",
            help=t("Soft priors on depth: the tibia stays beside the femur and moves smoothly. Both results are kept."),
        )  # fmt: skip
        st.caption(t("Frames are flagged anew at once; none is registered again."))
