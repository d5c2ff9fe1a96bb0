"""The real program in a real browser, once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

import models
from tests.browser import app


@pytest.fixture(scope="session")
def address(browser: Browser) -> Iterator[str]:
    if not models.cards_of("implant")[0].members:
        pytest.skip("needs the weights of the implant model")
    with app.serving() as address:
        yield address


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[[], Page]]:
    """Return what opens the dashboard in a session of its own; no page may have been in trouble at the end."""
    pages: list[Page] = []

    def visit() -> Page:
        pages.append(app.opened(browser, address))
        return pages[-1]

    yield visit
    for page in pages:
        page.context.close()
    assert [[each for each in page.trouble if not app.overtaken(each)] for page in pages] == [[] for _ in pages]
