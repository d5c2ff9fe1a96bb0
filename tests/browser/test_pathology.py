"""What a reader of a knee does: commit first, see the grade and how far to trust it, ask again another way, keep it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import models
from models.cases import CASES_DIR
from tests.browser.app import ROOT, calm, drop

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

REAL = ROOT.parent / "shared" / "data" / "samples" / "knee_kl3_9037494R.png"
KNEE = REAL if REAL.exists() else CASES_DIR / "knee_worn.png"
"""A simulated knee is refused by the out-of-distribution detector, so that its answer is shown on demand."""


def picture(page: Page) -> str:
    return page.locator("[class*='st-key-viewer-'] .js-plotly-plot .imagelayer image").first.evaluate(
        "image => image.href.baseVal"
    )


def kept(page: Page, name: str, folder: Path) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    download.value.save_as(folder / name)
    return (folder / name).read_bytes()


@pytest.fixture
def committed(visit: Callable[..., Page]) -> Page:
    """A knee whose answer was hidden until the reader committed to grade 2."""
    if not models.card("knee-kl").members:
        pytest.skip("needs the weights of the knee model")
    page = visit("Pathology")
    page.get_by_text("Read first", exact=True).click()
    calm(page)
    drop(page, KNEE)
    reading = page.locator(".st-key-reading")
    expect(reading).to_be_visible()
    expect(page.locator(".st-key-answer")).to_have_count(0)
    expect(page.get_by_role("button", name="Result")).to_have_count(0)
    expect(page.get_by_role("button", name="Commit")).to_be_disabled()
    reading.get_by_role("radiogroup").first.locator("label").nth(2).click()
    page.get_by_role("button", name="Commit").click()
    expect(reading).to_have_count(0)
    calm(page)
    return page


def shown(page: Page) -> Locator:
    """Return the answer, asked for where the out-of-distribution detector withholds it."""
    answer = page.locator(".st-key-answer")
    expect(answer).to_be_visible()
    anyway = page.get_by_text("Show anyway", exact=True)
    if anyway.count():
        anyway.click()
        calm(page)
    return answer


def test_a_knee_is_read_first_then_graded_trusted_explained_and_kept(committed: Page, tmp_path: Path) -> None:
    page, card = committed, models.card("knee-kl")
    names = [label.name for label in card.labels]
    agreement = page.locator(".st-key-agreement")
    expect(agreement).to_contain_text(names[2])
    answer = shown(page)
    expect(answer.locator(".js-plotly-plot")).to_be_visible()

    result = json.loads(kept(page, "Result", tmp_path))
    assert result["sha256"] == hashlib.sha256(KNEE.read_bytes()).hexdigest()
    assert result["label"] in card.keys
    assert 0 <= result["expected_grade"] <= 4
    expect(agreement).to_contain_text("No answer" if result["abstained"] else names[int(result["label"])])
    readings = list(csv.DictReader(io.StringIO(kept(page, "Readings", tmp_path).decode())))
    assert [(row["reader_label"], row["model_label"]) for row in readings] == [("2", result["label"])]
    assert KNEE.name not in (tmp_path / "Readings").read_text()

    page.get_by_text("How far to trust it", exact=True).click()
    calm(page)
    badges = page.locator(".st-key-prediction-set [data-testid='stBadge'], .st-key-prediction-set span.stMarkdownBadge")
    expect(badges).to_have_count(len(result["prediction_set"]))
    expect(page.get_by_text("Expected grade", exact=True)).to_be_visible()
    expect(page.get_by_text("Is this an image it knows?")).to_be_visible()
    page.screenshot(path=ROOT / "artefacts" / "trust.png")

    page.get_by_text("Why", exact=True).click()
    calm(page)
    hot = picture(page)
    page.get_by_test_id("stExpander").filter(has_text="Method").locator("summary").first.click()
    page.get_by_role("radio", name="Guided Grad-CAM").or_(page.get_by_role("button", name="Guided Grad-CAM")).click()
    calm(page)
    assert picture(page) != hot
    assert kept(page, "Overlay", tmp_path).startswith(b"\x89PNG")


def test_the_card_of_the_knee_shows_how_reliable_it_is(visit: Callable[..., Page]) -> None:
    page, card = visit(), models.card("knee-kl")
    if not card.figures:
        pytest.skip("needs the figures of the knee model")
    page.goto(f"{page.url.rstrip('/')}/model_cards?card=knee-kl")
    page.get_by_test_id("stFileUploader").wait_for()
    calm(page)
    expect(page.get_by_role("heading", name=card.title)).to_be_visible()
    expect(page.get_by_text("Reliability", exact=True)).to_be_visible()
    expect(page.locator("[class*='st-key-chart-Reliability'] .js-plotly-plot")).to_be_visible()
