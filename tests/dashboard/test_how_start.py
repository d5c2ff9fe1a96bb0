"""The tips: each runs, says what is simulated, and its words agree with its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.views.lessons import start_figures
from dashboard.views.lessons.start import TIPS
from dashboard.views.lessons.start_measured import READINGS, read_confusion
from models.cards import card, cards
from models.lessons.leakage import Trials

COUNTS = [[8, 2, 0], [1, 5, 4], [1, 0, 9]]
NAMES = ("none", "some", "much")


def lesson() -> None:
    from dashboard.views.lessons import start

    start.show_start_lesson()


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def opened(tip: str) -> AppTest:
    """Return the page at one of its tips."""
    page = AppTest.from_function(lesson, default_timeout=240)
    page.session_state["tip"] = tip
    page.run()
    assert not page.exception
    return page


def test_the_splits_say_what_leaks() -> None:
    page = opened("patients")
    assert "promises" in texts(page)
    assert "simulated patients" in texts(page)
    page.slider(key="leak-images").set_value(1).run()
    assert "nothing can leak" in texts(page)
    assert not page.exception


def test_views_follow_the_recipe() -> None:
    page = opened("augment")
    assert len(page.get("image")) == 8  # no other picture is drawn
    rows = page.table[0].value
    assert next(iter(rows["Change"])) == "Rotation"
    assert any("± 8°" in list(rows[name]) for name in rows if name != "Change")
    page.slider(key="augment-strength").set_value(3.0).run()
    assert not page.exception


def test_the_charts_are_read_aloud_and_a_temperature_moves_them() -> None:
    page = opened("charts")
    knee = card("knee-kl").figures["confusion"]
    right = sum(knee[i][i] for i in range(5))
    assert f"{right:,}" in texts(page)
    assert "in place of" not in texts(page)
    page.slider(key="charts-temperature").set_value(2.0).run()
    assert "in place of" in texts(page)
    assert "close, not exact" in texts(page)
    assert not page.exception


@pytest.mark.skipif(not any(one.curves for one in cards().values()), reason="no learning curve has been measured")
@pytest.mark.parametrize("tip", ["images", "transfer"])
def test_learning_curves_are_the_measured_ones(tip: str) -> None:
    said = texts(opened(tip)).replace("\\", "")
    (measured,) = [one for one in cards().values() if one.curves][:1]
    last = measured.curves["curves"]["imagenet"][-1]
    assert f"{last['value']:.1%}".replace("%", " %") in said
    assert f"n = {measured.curves['n']:,}" in said


@pytest.mark.skipif(not card("knee-kl").members, reason="needs the weights of the knee model")
def test_a_heat_map_stands_beside_that_of_a_random_network() -> None:
    page = opened("heat")
    assert "Rank correlation" in texts(page)
    assert len(page.get("image")) == 2
    page.select_slider(key="random-down-to").set_value("head").run()
    assert "Random down to head" in texts(page)
    assert not page.exception


def test_without_a_measured_card_the_tips_say_so(random_card: str) -> None:
    for tip, words in (("charts", "ortholens evaluate"), ("images", "ortholens curves")):
        assert words in texts(opened(tip))


def test_a_reading_frames_its_cells_and_counts_them() -> None:
    cells, says = read_confusion(COUNTS, "A row", 1, NAMES)
    assert cells == [(1, 0), (1, 1), (1, 2)]
    assert "found 5: 50.0 %" in says
    cells, says = read_confusion(COUNTS, "A column", 2, NAMES)
    assert cells == [(0, 2), (1, 2), (2, 2)]
    assert "9 of 13 are: 69.2 %" in says
    cells, says = read_confusion(COUNTS, "Far misses", 0, NAMES)
    assert cells == [(0, 2), (2, 0)]
    assert "1 of 30" in says
    cells, says = read_confusion(COUNTS, "The diagonal", 0, NAMES)
    assert "22 of 30, 73.3 %" in says
    assert set(READINGS) >= {"A row", "A column"}


def test_the_means_of_both_splits_are_written() -> None:
    found = Trials(np.array([0.9, 1.0]), np.array([0.5, 0.6]), (30, 30))
    written = [note.text for note in start_figures.draw_split_accuracies(found).layout.annotations]
    assert {"<b>95%</b>", "<b>55%</b>"} <= set(written)


def test_every_tip_has_a_name() -> None:
    assert [name for name, _ in TIPS.values()]
    assert len(TIPS) == 6
