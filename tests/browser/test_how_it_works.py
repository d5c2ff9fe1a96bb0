"""How it works: the tour clicked through from its first step to its last, the live training, and both diagrams."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from dashboard.views.lessons.tour_steps import Step, list_tour_steps
from tests.browser.app import calm

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

WAIT_MS = 600_000
"""For training on a loaded machine; nothing waits longer than it must."""
SHOWS = {
    "block": ".st-key-how-sums .js-plotly-plot",
    "network": "[class*='st-key-how-diagram-'] .js-plotly-plot",
    "resolution": ".st-key-how-kept .js-plotly-plot",
    "categories": ".st-key-how-ways .js-plotly-plot",
    "learning": ".st-key-lesson-progress .js-plotly-plot",
    "start": ".st-key-start-splits .js-plotly-plot",
}
"""Section → what it draws; a step may show nothing of another."""
BROKEN = "[data-testid='stException'], [data-testid='stAlertContentError']"
REACHED = """least => { const metric = document.querySelector('.st-key-lesson-board [data-testid="stMetricValue"]');
    return metric && parseFloat(metric.innerText) >= least }"""


@pytest.fixture
def lessons(visit: Callable[..., Page]) -> Page:
    """The page of the lessons, with nothing in the queue: each lesson takes a simulated case."""
    page = visit("How it works")
    return page


def at(page: Page, number: int, step: Step) -> None:
    """Check that a step of the tour is on the screen, and what it brings."""
    tour = page.locator(".st-key-tour")
    expect(tour).to_contain_text(f"Step {number} of {len(list_tour_steps())}")
    expect(tour.get_by_role("heading", name=step.title)).to_be_visible()
    expect(page.locator(SHOWS[step.section])).to_be_visible()
    for section, drawn in SHOWS.items():
        if section != step.section:
            expect(page.locator(drawn)).to_have_count(0)
    expect(page.locator(BROKEN)).to_have_count(0)
    assert f"section={step.section}" in page.url


def learned(page: Page) -> None:
    """Wait until training, which began by itself, answers nine of ten new patches; then see it stopped."""
    page.wait_for_function(REACHED, arg=90, timeout=WAIT_MS)
    stop = page.locator(".st-key-lesson-stop button")
    if stop.is_enabled():
        stop.click()
    expect(stop).to_be_disabled()
    calm(page)
    expect(page.locator(".st-key-lesson-start button")).to_be_enabled()


def test_the_tour_is_clicked_through_on_a_simulated_case(lessons: Page) -> None:
    page = lessons
    page.locator(".st-key-tour-begin button").click()
    for number, step in enumerate(list_tour_steps(), 1):
        at(page, number, step)
        if step.start:
            learned(page)
        calm(page)
        if number < len(list_tour_steps()):
            expect(page.get_by_test_id("stMain").get_by_text("simulated").first).to_be_visible()
            page.locator(".st-key-tour-next button").click()
    expect(page.locator(".st-key-tour-next")).to_have_count(0)
    page.locator(".st-key-tour-leave button").click()
    expect(page.locator(".st-key-tour-begin button")).to_be_visible()
    expect(page.locator(SHOWS["start"])).to_be_visible()


def test_a_click_chooses_a_place_and_a_layer(lessons: Page) -> None:
    page = lessons
    picture = page.locator("[class*='st-key-viewer-block-'] .js-plotly-plot .xy > .nsewdrag")
    says = page.get_by_text(re.compile(r"at row \d+, column \d+"))
    before = says.inner_text()
    area = picture.bounding_box()
    assert area
    page.mouse.click(area["x"] + area["width"] * 0.7, area["y"] + area["height"] * 0.3)
    expect(says).not_to_have_text(before)

    page.get_by_test_id("stMain").get_by_text("Network", exact=True).first.click()
    calm(page)
    squares = page.locator("[class*='st-key-how-diagram-'] .js-plotly-plot .scatterlayer .points path")
    expect(squares).not_to_have_count(0)
    layer = page.locator("[class*='st-key-how-layer-']").get_by_role("combobox")
    before = layer.input_value()
    area = squares.nth(1).bounding_box()
    assert area
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    expect(layer).not_to_have_value(before)
    calm(page)
    expect(page.locator(BROKEN)).to_have_count(0)
