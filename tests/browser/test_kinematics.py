"""The simulated fluoroscopy from frames to files: measured, scrubbed, moved by hand, refined and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dashboard.views.kinematics.fluoroscopy import SIMULATED_FRAMES
from models.geometry import jts
from tests.browser import axe
from tests.browser.app import PATIENCE_S, ROOT, calm

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

CONTOUR = ".st-key-viewer-kinematics .scatterlayer path.js-line"
MEASURED_MS = 2000 * PATIENCE_S


def kept(page: Page, name: str) -> None:
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / f"{name}.png")


def contour(page: Page) -> str:
    """Return the outline of the first component, as the browser draws it."""
    return page.locator(CONTOUR).first.get_attribute("d")


def test_the_simulated_case_is_measured_scrubbed_refined_and_kept(visit: Callable[[], Page], tmp_path: Path) -> None:
    page = visit()
    page.get_by_test_id("stHeader").get_by_role("link", name="Kinematics").click()
    page.get_by_role("button", name="Measure it now").click()
    expect(page.get_by_text("Flexion from")).to_be_visible(timeout=MEASURED_MS)
    calm(page)
    first = contour(page)
    kept(page, "kinematics")
    assert axe.grave(page) == []

    page.get_by_role("slider", name="Frame").press("ArrowRight")
    calm(page)
    second = contour(page)
    assert second != first

    page.get_by_text("Move by hand", exact=True).click()
    calm(page)
    field = page.get_by_label("right, mm")
    found = float(field.input_value())
    field.fill(f"{found + 4:.2f}")
    field.press("Enter")
    expect(page.locator(CONTOUR).first).not_to_have_attribute("d", second)
    calm(page)
    page.get_by_role("button", name="Refine from here").click()
    expect(page.get_by_text("Started by hand: overlap")).to_be_visible()
    calm(page)
    assert abs(float(page.get_by_label("right, mm").input_value()) - found) < 1
    kept(page, "kinematics-refined")

    with page.expect_download() as download:
        page.get_by_role("button", name="Femoral poses").click()
    download.value.save_as(tmp_path / "femoral.jts")
    assert "simulated" in download.value.suggested_filename
    poses = jts.read_jts((tmp_path / "femoral.jts").read_bytes())
    assert len(poses) == SIMULATED_FRAMES
