"""Every page for everybody: axe-core in light and dark with an answer on the screen, and a walk by Tab alone.

What is known not to conform stands in docs/accessibility.md; no rule of axe-core is switched off, and nothing that it
calls serious or critical is let through. The kinematics page with a motion on it is judged in test_kinematics.py, where
one is measured anyway.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, Page, TimeoutError, expect

import models
from dashboard.style import figures
from dashboard.views.lessons.sections import SECTIONS
from models.cases import CASES_DIR
from models.lessons.smear import simulate_smear
from tests.browser import app, axe
from tests.browser.app import calm, drop, open_card

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

HIGH = 2200
"""Of the window, so that hardly a page is scrolled and every chart is drawn."""
CARDS = [card for card in models.cards().values() if card.members]


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """One visitor for all pages; nothing may have gone wrong behind them."""
    page = app.opened(browser, address, height=HIGH, scheme="light")
    yield page
    page.context.close()
    assert [each for each in page.trouble if not app.overtaken(each)] == []


def go(page: Page, title: str) -> None:
    """Go to a page, with no file in the queue."""
    page.get_by_test_id("stHeader").get_by_role("link", name=title, exact=True).click()
    calm(page)
    remove = page.locator("[class*='st-key-remove-'] button")
    while remove.count():
        with suppress(TimeoutError):  # the row may go while it is being pressed
            remove.first.click(timeout=5_000)
        calm(page)


def answered(page: Page, file: Path) -> None:
    """Drop a file, and see its answer even where the out-of-distribution detector refuses it."""
    drop(page, file)
    page.locator(".st-key-answer").wait_for()
    anyway = page.locator(".st-key-answer").get_by_text("Show anyway", exact=True)
    if anyway.count():
        anyway.click()
        calm(page)


def test_home(page: Page) -> None:
    go(page, "Home")
    assert axe.grave(page) == []


@pytest.mark.parametrize(
    ("title", "case"), [("Implant", "shoulder_anatomic.dcm"), ("Pathology", "knee_worn.png")], ids=["implant", "knee"]
)
def test_an_image_and_its_class(page: Page, title: str, case: str) -> None:
    go(page, title)
    wrong = axe.grave(page)
    answered(page, CASES_DIR / case)
    wrong += axe.grave(page)
    page.get_by_role("tab", name="How far to trust it").click()
    calm(page)
    wrong += axe.grave(page)
    page.get_by_role("button", name="About this model").click()
    page.get_by_role("link", name="How good it is").wait_for()
    calm(page)
    wrong += axe.grave(page)
    page.keyboard.press("Escape")
    assert wrong == []


def test_an_image_and_its_tissue(page: Page, tmp_path: Path) -> None:
    if not models.card("histology-nuclei").members:
        pytest.skip("needs the weights of the nuclei model")
    (tmp_path / "simulated.png").write_bytes(figures.encode_png(simulate_smear(3).pixels))
    go(page, "Tissue")
    answered(page, tmp_path / "simulated.png")
    assert axe.grave(page) == []


def test_an_image_and_its_boxes(page: Page) -> None:
    if "fracture" not in {card.id for card in CARDS}:
        pytest.skip("needs the weights of the fracture model")
    go(page, "Detection")
    answered(page, CASES_DIR / "leg_broken.png")
    page.locator(".st-key-threshold").get_by_role("slider").press("Home")
    page.get_by_text("Your own threshold is on").wait_for()  # the slider tells the server a moment later
    page.locator("[class*='st-key-select-finding-']").first.wait_for()
    calm(page)
    assert axe.grave(page) == []


def test_the_motion_that_is_offered(page: Page) -> None:
    go(page, "Kinematics")
    expect(page.get_by_role("button", name="Measure it now")).to_be_visible()
    assert axe.grave(page) == []


@pytest.mark.parametrize("section", SECTIONS)
def test_how_it_works(page: Page, section: str) -> None:
    go(page, "How it works")
    page.get_by_test_id("stMain").get_by_text(SECTIONS[section], exact=True).first.click()
    calm(page)
    assert axe.grave(page) == []


def test_the_tour(page: Page) -> None:
    go(page, "How it works")
    page.get_by_role("button", name="Take the tour").click()
    page.get_by_role("button", name="Next").wait_for()
    calm(page)
    wrong = axe.grave(page)
    page.get_by_role("button", name="End").click()
    calm(page)
    assert wrong == []


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_model_card(page: Page, card: models.Card) -> None:
    go(page, "Model cards")
    open_card(page, card.title)
    expect(page.get_by_role("heading", name=card.title, exact=True)).to_be_visible()
    assert axe.grave(page) == []


def test_the_stage_and_its_keys(page: Page) -> None:
    go(page, "Home")
    page.get_by_role("button", name="Conference mode").click()
    page.locator(".st-key-stage-bar").wait_for()
    calm(page)
    wrong = axe.grave(page)
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    calm(page)
    wrong += axe.grave(page)
    page.get_by_role("button", name="Leave conference mode").click()
    page.get_by_test_id("stFileUploader").wait_for()
    calm(page)
    assert wrong == []


@dataclass(frozen=True)
class Stop:
    """What Tab has reached: its name, the part of the page it stands in, and its box in pixels."""

    name: str
    part: str
    box: tuple[float, float, float, float]
    """Left, top, width, height."""

    @property
    def clip(self) -> dict[str, float]:
        """The box and a little round it."""
        left, top, width, height = self.box
        x, y = max(0, left - 6), max(0, top - 6)
        return {"x": x, "y": y, "width": left + width + 6 - x, "height": top + height + 6 - y}


HERE = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const named = at.getAttribute('aria-label') || at.labels?.[0]?.innerText || at.innerText || at.title || '';
    const columns = [...document.querySelectorAll('.st-key-workspace [data-testid="stColumn"]')];
    const side = columns.filter(column => !column.parentElement.closest('[data-testid="stColumn"]'));
    const part = at.closest('[data-testid="stSidebar"]') ? 'sidebar' : at.closest('[data-testid="stHeader"]') ? 'header'
        : side[0]?.contains(at) ? 'picture' : side[1]?.contains(at) ? 'answer' : 'page';
    let box = at.getBoundingClientRect();
    for (let up = at; up && box.width * box.height < 100; up = up.parentElement) box = up.getBoundingClientRect();
    return {name: named.replace(/\\s+/g, ' ').trim(), part, box: [box.x, box.y, box.width, box.height]} }"""


TO_THE_TOP = """() => {
    const body = document.body;
    body.tabIndex = -1; body.focus(); body.removeAttribute('tabindex') }"""
"""So that the first Tab begins before all controls: a browser goes on from where somebody clicked last."""
ON_THE_WAY = ("Upload", "shoulder_anatomic.dcm", "About this model", "Level", "Why", "Overlay", "Result")
"""What Tab must come by, in this order."""


def walked(page: Page, most: int = 120) -> tuple[list[Stop], list[Stop]]:
    """Press Tab from the top of the page to its end; return the stops, and those whose focus is not seen."""
    stops: list[Stop] = []
    unseen: list[Stop] = []
    focused = b""
    while True:
        page.keyboard.press("Tab")
        if stops and np.array_equal(_pixels(focused), _pixels(page.screenshot(clip=stops[-1].clip))):
            unseen.append(stops[-1])
        here = page.evaluate(HERE)
        if here is None:
            return stops, unseen
        stops.append(Stop(here["name"], here["part"], tuple(here["box"])))
        assert len(stops) < most, f"Tab goes round and round: {[stop.name for stop in stops[-12:]]}"
        focused = page.screenshot(clip=stops[-1].clip)


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(png)))


def test_tab_walks_from_the_uploader_to_the_downloads(visit: Callable[..., Page]) -> None:
    page = visit("Implant")
    page.set_viewport_size({"width": 1440, "height": HIGH})
    answered(page, CASES_DIR / "shoulder_anatomic.dcm")
    page.evaluate(TO_THE_TOP)
    page.mouse.move(0, 0)
    calm(page)

    stops, unseen = walked(page)

    assert unseen == []
    assert [stop for stop in stops if not stop.name] == []
    names = [stop.name for stop in stops]
    places = [next((at for at, name in enumerate(names) if wanted in name), None) for wanted in ON_THE_WAY]
    assert None not in places, names
    assert places == sorted(places)
    for part in ("header", "sidebar", "picture", "answer"):
        within = [at for at, stop in enumerate(stops) if stop.part == part]
        assert within == [*range(within[0], within[-1] + 1)], f"{part} is left and entered again"
        assert [pair for pair in pairwise(stops[at] for at in within) if goes_back(*pair)] == []


def goes_back(one: Stop, other: Stop) -> bool:
    """Whether the second of two stops stands above the first or in its line, and not in a column to its right."""
    left, top, width, high = one.box
    above = other.box[1] + other.box[3] <= top
    return other.box[0] < left + width if above else other.box[1] < top + high / 2 and other.box[0] < left
