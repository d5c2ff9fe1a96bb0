"""Tip: split by patient. The same simulated pictures, split in two ways, and what each way promises."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard import session
from dashboard.i18n import t
from dashboard.views.lessons import start_figures
from models.lessons import leakage
from models.lessons.leakage import Clinic

SEEDS = 20
FAMILIES = 4


def show_splits() -> None:
    """Draw the exhibit."""
    st.markdown(
        t(
            "**Keep all pictures of a patient on one side.** Else the test meets patients that the model has seen, "
            "and a model that only recognises the patient passes."
        )
    )
    left, right = st.container(key="workspace").columns([1.4, 1], gap="medium")
    with right:
        clinic = _clinic()
    found = session.compute_once(
        lambda: leakage.try_leaky_splits(clinic, SEEDS),
        "leakage",
        clinic.patients,
        clinic.images,
        clinic.likeness,
        clinic.sign,
    )
    with left:
        st.plotly_chart(
            start_figures.draw_split_accuracies(found),
            key="start-splits",
            config={"displayModeBar": False},
            alt=t(
                "Accuracy split by picture {leaking:.0%}, split by patient {honest:.0%}",
                leaking=found.leaking.mean(),
                honest=found.honest.mean(),
            ),
        )
        by_picture, by_patient = found.tested
        st.caption(
            t(
                "Nearest neighbour on simulated pictures of {patients} simulated patients, half of them ill. A "
                "mark is one of {seeds} runs on newly drawn patients; the line is their mean. "
                "n = {by_picture} test pictures a run split by picture, {by_patient} split by patient.",
                patients=clinic.patients,
                seeds=SEEDS,
                by_picture=by_picture,
                by_patient=by_patient,
            )
        )
        st.markdown(_sentence(found, clinic))
    with right:
        pictures = session.compute_once(
            lambda: leakage.simulate_clinic(clinic, 0), "leakage-pictures", clinic.images, clinic.likeness, clinic.sign
        )
        st.image(
            start_figures.draw_patient_families(pictures, FAMILIES, min(clinic.images, 6)),
            alt=t("Simulated pictures, one patient a row"),
        )
        st.caption(t("Four of the simulated patients, one a row; the second and the fourth are ill."))


def _clinic() -> Clinic:
    st.badge(t("simulated patients"), icon=":material/science:", color="gray")
    images = st.slider(t("Pictures of each patient"), 1, 12, 6, key="leak-images", persist_state="session")
    likeness = st.slider(
        t("Alike within a patient"), 0.0, 1.0, 0.7, 0.05, format="percent", key="leak-likeness",
        help=t("Share of a picture's appearance that is its patient's own."), persist_state="session",
    )  # fmt: skip
    sign = st.slider(
        t("Strength of the illness"), 0.0, 2.0, 0.6, 0.1, key="leak-sign", persist_state="session",
        help=t("Of the dark band in the middle of every picture of an ill patient, in standard deviations."),
    )  # fmt: skip
    return Clinic(images=images, likeness=likeness, sign=sign)


def _sentence(found: leakage.Trials, clinic: Clinic) -> str:
    if clinic.images == 1:
        return t("With one picture a patient nothing can leak: what is left between the two is chance.")
    gap = float(np.mean(found.leaking) - np.mean(found.honest))
    if gap > 0.05:
        says = t("The leaking split promises **{gap:.0f} points** that no new patient will ever see.", gap=gap * 100)
        return says if clinic.sign else t("{says} There is no illness to see at all.", says=says)
    return t("Here little leaks: pictures of one patient are no more alike than those of two.")
