"""The real program in a real browser, once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

import models
from tests.browser import app


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    if app.CHROMIUM is None:
        pytest.skip("needs chromium (Debian: apt install chromium)")
    if not models.cards_of("implant")[0].members:
        pytest.skip("needs the weights of the implant model")
    with app.serving() as address:
        yield address


@pytest.fixture(scope="session")
def browser(address: str) -> Iterator[Browser]:
    expect.set_options(timeout=app.PATIENCE_S * 1000)
    with app.chromium() as browser:
        yield browser


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
    assert [page.trouble for page in pages] == [[] for _ in pages]
