"""Learning: a small network learns from simulated patches while the reader watches; it can be stopped and reset."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import session
from dashboard.case.polling import poll_every
from dashboard.i18n import later, t
from dashboard.views.lessons import learning_figures
from dashboard.views.lessons.learner import Learner
from models.jobs import Job
from models.lessons.shafts import LABELS

RATES = {0.0001: later("too careful"), 0.005: later("good"), 0.3: later("too bold")}
AMOUNTS = (50, 200, 800, 1600)
EVERY_S = 0.9
STATIC = {"displayModeBar": False}


def show_learning_lesson() -> None:
    """Draw the lesson."""
    st.markdown(
        t(
            "Nobody tells this network what a fracture looks like. It sees patches of bone, each named **{one}** or "
            "**{other}**, and changes its numbers a little after every 32 of them.",
            one=t(LABELS[0]),
            other=t(LABELS[1]),
        )
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(t("simulated patches"), icon=":material/science:", color="gray")
        st.caption(t("Drawn by a program, no patient. They show how learning goes, not how well fractures are found."))
    _controls()
    live = _running()
    poll_every(EVERY_S if live else None)(_live if live else _board)()


def begin_learning() -> None:
    """Start a new lesson with the choices on the page; one that runs is ended first."""
    from models.lessons.learning import Lesson

    stop_learning()
    learner = Learner(
        Lesson(
            rate=session.get("lesson-rate", 0.005), patches=session.get("lesson-patches", AMOUNTS[-1]),
            shuffled=bool(session.get("lesson-shuffled", False)), seed=session.get("lesson-seed", 0),
        )
    )  # fmt: skip
    session.put("learner", learner)
    session.put("lesson-run", session.get("lesson-run", 0) + 1)
    session.start_work(_name(), learner.run)


def stop_learning() -> None:
    """End a lesson that runs."""
    job = session.find_job(_name())
    if job:
        job.stop()


def _name() -> str:
    """Name the latest run; one that was stopped may still be ending under its own name."""
    return f"learning-{session.get('lesson-run', 0)}"


def _running() -> bool:
    job: Job[Learner] | None = session.find_job(_name())
    return job is not None and job.running and not job.stopped()


def reset_learning() -> None:
    """Forget the network; the next one starts from other random numbers."""
    stop_learning()
    session.put("learner", None)
    session.put("lesson-seed", session.get("lesson-seed", 0) + 1)


def _controls() -> None:
    running = _running()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            t("Learning rate"), list(RATES), default=0.005, format_func=lambda rate: f"{rate:g}, {t(RATES[rate])}",
            key="lesson-rate", required=True, disabled=running, persist_state="session",
        )  # fmt: skip
        st.segmented_control(
            t("Patches to train on"), AMOUNTS, default=AMOUNTS[-1], format_func=lambda patches: f"{patches:,}",
            key="lesson-patches", required=True, disabled=running, persist_state="session",
        )  # fmt: skip
        st.toggle(
            t("Shuffled labels"), key="lesson-shuffled", persist_state="session", disabled=running,
            help=t("Deals the names out at random. There is nothing to learn then, and only the patches themselves can "
            "be remembered."),
        )  # fmt: skip
        st.button(
            t("Start"),
            icon=":material/play_arrow:",
            type="primary",
            key="lesson-start",
            on_click=begin_learning,
            disabled=running,
        )
        st.button(t("Stop"), icon=":material/stop:", key="lesson-stop", on_click=stop_learning, disabled=not running)
        st.button(
            t("Reset"), icon=":material/restart_alt:", key="lesson-reset", on_click=reset_learning,
            disabled=session.get("learner") is None, help=t("A new network with other random numbers."),
        )  # fmt: skip


def _live() -> None:
    """Draw the board of a network that learns; one that has ended draws the page anew, which then rests."""
    if not _running():
        st.rerun()
    _board()


def _board() -> None:
    learner: Learner | None = session.get("learner")
    seen = list(learner.seen) if learner else []
    with st.container(key="lesson-board"):  # style.css keeps it from fading while it is drawn anew
        left, right = st.container(key="workspace").columns([1.75, 1], gap="medium")
    with left:
        st.markdown(t("**What it says of 12 patches that it never saw**"))
        _decisions(learner)
        if learner:
            st.plotly_chart(
                learning_figures.draw_learning_progress(seen, learner.lesson.steps), key="lesson-progress",
                config=STATIC,
                alt=t("Loss and accuracy against the steps"),
            )  # fmt: skip
    with right:
        _figures(learner)


def _decisions(learner: Learner | None) -> None:
    patches, broken = session.compute_once(_unseen, "lesson-unseen")
    said = learner.seen[-1].decisions if learner and learner.seen else None
    st.plotly_chart(
        learning_figures.draw_decisions(patches, broken, said), key="viewer-lesson", theme=None,
        config=STATIC, alt=t("Twelve simulated patches of bone, and below each what the network says of it"),
    )  # fmt: skip


def _unseen() -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Return the pictures of the patches that are shown, and which of them are broken."""
    from models.lessons.learning import SHOWN, draw_held_out_patches

    data = draw_held_out_patches()
    return learning_figures.encode_patches(data.pixels[:SHOWN]), data.broken[:SHOWN]


def _figures(learner: Learner | None) -> None:
    """Say in numbers how far it is, and draw its filters."""
    if learner is None or not learner.seen:
        st.caption(t("Press **Start**. At first it guesses; watch the words below the patches."))
        return
    now, lesson = learner.seen[-1], learner.lesson
    first, second = st.columns(2)
    first.metric(
        t("On patches it never saw"), f"{now.held_out:.1%}", help=t("400 simulated patches, half of them broken.")
    )
    second.metric(t("On patches it trains on"), f"{now.trained:.1%}", help=t("By the names that it was given."))
    st.progress(
        now.step / lesson.steps,
        t(
            "Step {step} of {steps}, {patches:,} patches looked at",
            step=now.step,
            steps=lesson.steps,
            patches=now.step * 32,
        ),
    )
    st.markdown(t("**Its eight first filters**"))
    st.plotly_chart(
        learning_figures.draw_filters(now.filters), key="lesson-filters", config=STATIC,
        alt=t("The eight filters of the first layer as grids of weights"),
    )  # fmt: skip
    st.caption(t("Blue: negative weight. Vermilion: positive. They start as noise; edges and dark lines grow in them."))
    st.markdown(_sentence(learner))


def _sentence(learner: Learner) -> str:
    """Say what is to be seen."""
    now = learner.seen[-1]
    if learner.lesson.shuffled:
        return t(
            "**Shuffled labels.** What it was told is chance, so on new patches it can only guess. It may still "
            "learn its training patches by heart: a high figure on those proves nothing."
        )
    if now.step < 100:
        return t("It has hardly begun: these are guesses.")
    if now.trained - now.held_out > 0.1:
        return t("**It learns by heart.** It is far better on its training patches than on new ones: it needs more.")
    if now.held_out >= 0.95:
        return t("**It has found the rule**: new patches are answered as well as those it trained on.")
    if now.held_out < 0.6:
        return t("**It does not learn.** Steps that are too small go nowhere, and steps that are too large jump about.")
    return t("It is finding out what the broken ones have in common.")
