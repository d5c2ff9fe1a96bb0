"""Learning and the tour on the page: started, stopped, reset; and each step shows what it says."""

from __future__ import annotations

import time

from streamlit.testing.v1 import AppTest

from dashboard.views.lessons import learning_figures
from dashboard.views.lessons.sections import SECTIONS
from dashboard.views.lessons.tour_steps import list_tour_steps
from models.lessons.learning import SHOWN, draw_held_out_patches

WAIT_S = 240
"""For a loaded machine; nothing waits longer than it must."""


def lesson() -> None:
    from dashboard.views.lessons import learning

    learning.show_learning_lesson()


def touring() -> None:
    import streamlit as st

    from dashboard.views.lessons import tour

    tour.show_tour()
    st.segmented_control("Section", ["block", "learning", "start"], default="block", key="section", required=True)


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def learner(page: AppTest, snapshots: int) -> object:
    """Return what learns, once it has told of itself that often."""
    found, end = page.session_state["learner"], time.monotonic() + WAIT_S
    while len(found.seen) < snapshots and time.monotonic() < end:
        time.sleep(0.05)
    assert len(found.seen) >= snapshots
    return found


def test_a_lesson_is_started_stopped_and_reset() -> None:
    page = AppTest.from_function(lesson, default_timeout=120).run()
    assert not page.exception
    assert "simulated" in texts(page)
    assert page.button(key="lesson-stop").disabled
    page.segmented_control(key="lesson-patches").set_value(50)
    page.toggle(key="lesson-shuffled").set_value(True).run()
    page.button(key="lesson-start").click().run()
    first = learner(page, 2)
    assert (first.lesson.patches, first.lesson.shuffled) == (50, True)
    page.run()
    assert "Shuffled labels" in texts(page)
    assert len(page.metric) == 2
    page.button(key="lesson-stop").click().run()
    job = page.session_state["job-learning-1"]
    end = time.monotonic() + WAIT_S
    while job.running and time.monotonic() < end:
        time.sleep(0.05)
    assert not job.running
    assert first.seen[-1].step < first.lesson.steps
    page.run()
    assert not page.exception
    assert len(page.metric) == 2  # what was learned by then stays
    page.button(key="lesson-reset").click().run()
    assert not page.metric
    page.button(key="lesson-start").click().run()
    assert learner(page, 1).lesson.seed == first.lesson.seed + 1
    page.button(key="lesson-stop").click().run()
    assert not page.exception


def test_right_and_wrong_are_told_apart_by_mark_and_word() -> None:
    data = draw_held_out_patches()
    said = data.broken[:SHOWN].astype("float32") * 0.8 + 0.1
    said[0] = 1 - said[0]
    patches = learning_figures.encode_patches(data.pixels[:SHOWN])
    notes = learning_figures.draw_decisions(patches, data.broken[:SHOWN], said).layout.annotations
    assert notes[0].text == "✗ broken<br>90%"
    assert all(note.text.startswith("✓") for note in notes[1:])
    assert notes[1].text == "✓ broken<br>90%"


def test_every_section_has_its_step_in_the_tour() -> None:
    assert [step.section for step in list_tour_steps()] == list(SECTIONS)
    for step in list_tour_steps():
        assert step.text.count(". ") <= 2, f"{step.title} is too long to be read aloud"
        assert step.notes


def test_the_tour_begins_by_its_button_goes_on_and_ends() -> None:
    page = AppTest.from_function(touring, default_timeout=120).run()
    page.button(key="tour-begin").click().run()
    assert "Step 1 of 6" in texts(page)
    assert list_tour_steps()[0].text in texts(page)
    assert list_tour_steps()[0].notes.strip() not in texts(page)
    assert page.session_state["kernel-0-0"] == -1
    page.toggle(key="tour-notes").set_value(True).run()
    assert list_tour_steps()[0].notes.strip() in texts(page)
    assert page.button(key="tour-previous").disabled
    page.button(key="tour-leave").click().run()
    assert "Step" not in texts(page)
    assert not page.exception


def test_the_tour_begins_by_the_address_and_starts_what_is_live() -> None:
    page = AppTest.from_function(touring, default_timeout=120)
    page.query_params["tour"] = "1"
    page.run()
    assert "Step 1 of 6" in texts(page)
    assert "tour" not in page.query_params
    page.session_state["tour-step"] = 3
    page.run().button(key="tour-next").click().run()
    assert page.segmented_control(key="section").value == "learning"
    assert learner(page, 1).lesson.rate == 0.005
    page.session_state["job-learning-1"].stop()
    page.button(key="tour-next").click().run()
    assert page.session_state["tip"] == "patients"
    assert not page.exception
    assert not [button for button in page.button if button.key == "tour-next"]
