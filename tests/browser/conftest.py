"""The real program in a real browser, once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page

import models
from tests.browser import app
from tests.browser.staged import hall, staged, talk, theatre

__all__ = ["hall", "staged", "talk", "theatre"]


@pytest.fixture(scope="session")
def own_cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of cards of whoever runs the program: empty, but for what a test trains and takes away again."""
    return tmp_path_factory.mktemp("cards-of-mine")


@pytest.fixture(scope="session")
def address(browser: Browser, own_cards: Path) -> Iterator[str]:
    if not models.cards_of("implant")[0].members:
        pytest.skip("needs the weights of the implant model")
    with app.serving(ORTHOLENS_CARDS_DIR=str(own_cards)) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[[str], Page]]:
    """Return what opens a page in a session of its own, by default the first; none may be in trouble at the end."""
    pages: list[Page] = []

    def visit(title: str = "") -> Page:
        pages.append(app.opened(browser, address, title))
        return pages[-1]

    visit.pages = pages  # type: ignore[attr-defined]  # for the report of a failure
    yield visit
    for page in pages:
        page.context.close()
    assert [[each for each in page.trouble if not app.overtaken(each)] for page in pages] == [[] for _ in pages]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Of a test that failed, tell what each of its pages shows and whether anything is still at work on it."""
    report = yield
    if report.failed:
        given = getattr(item, "funcargs", {})
        visited = getattr(given.get("visit"), "pages", [])
        for name, page in [*given.items(), *((f"visit {number + 1}", page) for number, page in enumerate(visited))]:
            if isinstance(page, Page) and not page.is_closed():
                report.sections.append((f"on the screen of {name}", _screen(page)))
    return report


def _screen(page: Page) -> str:
    try:
        state = page.locator(".stApp").get_attribute("data-test-script-state", timeout=5_000)
        stale = page.locator("[data-stale=true]").count()
        return f"{page.url}: script {state}, {stale} stale\n{page.locator('body').inner_text(timeout=5_000)[:3_000]}"
    except Error as error:
        return f"{page.url}: {error.message}"
