"""What a visitor does: drop a file, read the answer, look at the heat, keep the result; and nobody else sees it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import models
from models.cases import CASES_DIR
from tests.browser.app import ROOT, calm, drop

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

ANATOMIC, REVERSE = CASES_DIR / "shoulder_anatomic.dcm", CASES_DIR / "shoulder_reverse.png"
PICTURE = "[class*='st-key-viewer-'] .js-plotly-plot .imagelayer image"


def seen(page: Page) -> str:
    """Return the address of the picture in the viewer, which holds its pixels."""
    return page.locator(PICTURE).first.evaluate("image => image.href.baseVal")


def kept(page: Page, name: str) -> str:
    (ROOT / "artefacts").mkdir(exist_ok=True)
    return str(ROOT / "artefacts" / f"{name}.png")


def test_a_dropped_radiograph_is_answered_explained_and_kept(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit("Implant")
    drop(page, ANATOMIC)
    answer = page.locator(".st-key-answer")
    expect(answer.get_by_role("heading")).to_be_visible()
    expect(answer.locator(".js-plotly-plot")).to_be_visible()
    hot = seen(page)
    assert hot.startswith("data:image/")
    page.screenshot(path=kept(page, "answer"))

    page.get_by_text("Image only", exact=True).click()
    calm(page)
    assert seen(page) != hot

    with page.expect_download() as download:
        page.get_by_role("button", name="Result").click()
    download.value.save_as(tmp_path / "result.json")
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["sha256"] == hashlib.sha256(ANATOMIC.read_bytes()).hexdigest()
    names = {label.key: label.name for label in models.card(result["card"]).labels}
    expect(answer.get_by_role("heading")).to_contain_text(names[result["label"]])
    assert download.value.suggested_filename.startswith("ortholens-implant-")

    words = tmp_path / "words.png"
    words.write_text("no image")
    drop(page, words)
    expect(page.locator(".st-key-error-state")).to_contain_text("words.png")
    page.screenshot(path=kept(page, "error"))


def test_two_visitors_do_not_see_each_other(visit: Callable[..., Page]) -> None:
    one, other = visit("Implant"), visit("Implant")
    for page, file in ((one, ANATOMIC), (other, REVERSE)):
        drop(page, file)
    for page, mine, theirs in ((one, ANATOMIC, REVERSE), (other, REVERSE, ANATOMIC)):
        expect(page.locator("[class*='st-key-remove-']")).to_have_count(1)
        expect(page.get_by_text(mine.name)).to_be_visible()
        expect(page.get_by_text(theirs.name)).to_have_count(0)
    assert seen(one) != seen(other)
    one.reload()
    calm(one)
    expect(one.get_by_text(REVERSE.name)).to_have_count(0)
