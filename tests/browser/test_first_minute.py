"""The first minute of a visitor without a network: every page opens on an answer, and Home shows one of each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.app import ROOT, calm, go

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TILES = "[class*='st-key-tile-']"
ANSWER = ".st-key-answer"
OPENS_WITH = {
    **dict.fromkeys(("Implant", "Pathology", "Tissue", "Detection"), ANSWER), "Kinematics": ".st-key-workspace"
}  # fmt: skip


def kept(name: str) -> str:
    (ROOT / "artefacts").mkdir(exist_ok=True)
    return str(ROOT / "artefacts" / f"{name}.png")


@pytest.mark.parametrize("title", OPENS_WITH)
def test_a_page_opens_on_an_answer(visit: Callable[[], Page], title: str) -> None:
    page = visit()
    go(page, title)
    expect(page.locator(OPENS_WITH[title]).first).to_be_visible()
    expect(page.get_by_text("No answer")).to_have_count(0)
    expect(page.locator(".st-key-error-state")).to_have_count(0)
    expect(page.locator("[class*='st-key-remove-']")).to_have_count(0)
    if title != "Kinematics":
        expect(page.locator(".st-key-example")).to_contain_text("check_circle")
        expect(page.locator(".st-key-empty-state")).to_be_visible()
    page.screenshot(path=kept(f"first-{title.lower()}"))
    page.set_viewport_size({"width": 900, "height": 900})
    calm(page)
    answer, controls = (page.locator(place).first.bounding_box() for place in (ANSWER, ".st-key-film-controls"))
    assert answer["y"] + 60 < 900  # what it says is in sight
    assert answer["y"] + answer["height"] <= controls["y"]
    page.screenshot(path=kept(f"first-{title.lower()}-900"))


def test_no_tile_of_home_is_alone_in_its_row(visit: Callable[..., Page]) -> None:
    page = visit()
    for width in (900, 1200, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 1000})
        calm(page)
        tops = page.locator(TILES).evaluate_all(
            "tiles => tiles.map(tile => Math.round(tile.getBoundingClientRect().top))"
        )
        assert len(tops) == 8, width
        rows = [tops.count(top) for top in set(tops)]
        assert len(set(rows)) == 1, width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=kept(f"home-{width}"))


def test_a_tile_is_opened_by_its_picture_and_by_the_keyboard(visit: Callable[[], Page]) -> None:
    page = visit()
    page.locator(".st-key-tile-detection img").click(force=True)  # the button lies over it
    expect(page.locator(".st-key-example")).to_contain_text("Fracture suspected")
    go(page, "Home")
    page.locator(".st-key-open-tissue button").press("Enter")
    expect(page.locator(".st-key-example")).to_contain_text("Dice")
