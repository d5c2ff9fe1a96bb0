"""A visitor hands an answer on: a labelled PDF of one answer, then one report of every image answered on the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from models.cases import CASES_DIR
from tests.browser.app import ROOT, calm, drop

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]

LABEL = "Γόνατο 7 · Колено"


def test_reports_are_written_of_one_answer_and_of_the_queue(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit("Implant")
    for file in ("shoulder_anatomic.dcm", "knee_worn.png"):
        drop(page, CASES_DIR / file)
        expect(page.locator(".st-key-answer")).to_be_visible()  # the second is an abstention, which is reported too
        calm(page)
    page.get_by_text("Report", exact=True).click()
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / "report.png", full_page=True)
    page.get_by_label("Label on the report", exact=True).fill(LABEL)
    page.keyboard.press("Tab")
    calm(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML", exact=True).click()
    download.value.save_as(tmp_path / "one.html")
    assert download.value.suggested_filename.startswith("ortholens-implant-")
    assert download.value.suggested_filename.endswith("-report.html")
    one = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert LABEL in one
    assert "knee_worn" not in one
    calm(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="PDF", exact=True).click()
    download.value.save_as(tmp_path / "one.pdf")
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF-")

    page.get_by_role("button", name="Write one report of 2 images").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML of all").click()
    download.value.save_as(tmp_path / "all.html")
    every = (tmp_path / "all.html").read_text(encoding="utf-8")
    assert every.count("<article") == 2
    assert "No answer" in every
    assert LABEL not in every  # one image's label is not the queue's
