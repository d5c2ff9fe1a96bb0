"""The HTML file: one file, nothing from the network, words for every picture; opened in Chromium where it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from models import DISCLAIMER
from models.reporting.html import write_html
from models.reporting.parts import Report

Write = Callable[..., Report]
KINDS = ("classification", "abstention", "segmentation", "motion")
VOID = {"meta", "img", "path", "circle", "br"}


class Reader(HTMLParser):
    """Collects tags and checks that each is closed where it must be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("kind", KINDS)
def test_one_closed_file_without_script_or_address(write: Write, kind: str) -> None:
    page = write_html(write(kind)).decode()
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    names = {tag for tag, _ in reader.tags}
    assert names.isdisjoint({"script", "link", "iframe", "object", "form"})
    assert not re.search(r"https?://|@import|url\(", page)
    assert dict(reader.tags)["html"]["lang"] == "en"
    pictures = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert pictures
    for attributes in pictures:
        assert attributes["alt"]
        assert str(attributes["src"]).startswith("data:image/jpeg;base64,")
    assert DISCLAIMER in page


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chromium_opens_it_without_a_request(browser: Browser, write: Write, tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(write_html(write("classification", "segmentation", label="Γόνατο")))
    context = browser.new_context(offline=True, color_scheme=scheme, viewport={"width": 390, "height": 800})
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert said == []
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # nothing runs off a phone
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(14, 17, 20)")
    context.close()
