"""A knee from drop to download: its points, one dragged and taken back, one nudged by keys, the side, and the files."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import models
from tests.browser import axe
from tests.browser.app import ROOT, calm, drop
from tests.conftest import DATA

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

KNEE, LATER = "images/test/9015718R.webp", "images/test/9003815R.webp"


@pytest.fixture
def knee(tmp_path: Path) -> Path:
    """A film of the test split, of a right knee."""
    if not (DATA / "knee_kl.zip").exists() or not models.card("knee-landmarks").members:
        pytest.skip("needs the knees and the weights of their landmarks")
    with zipfile.ZipFile(DATA / "knee_kl.zip") as pack:
        path = tmp_path / "knee.webp"
        path.write_bytes(pack.read(KNEE))
    return path


def drag(page: Page, point: str, right: float, down: float) -> None:
    """Drag a point of the film by so many pixels of the screen."""
    grip = page.locator(f".handle[data-key={point}] .reach").bounding_box()
    assert grip
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=8)
    page.mouse.up()


def kept(page: Page, button: str, folder: Path) -> bytes:
    with page.expect_download() as download:
        page.locator(".st-key-downloads").get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_bytes()


def test_points_are_dragged_nudged_and_kept(visit: Callable[..., Page], knee: Path, tmp_path: Path) -> None:
    page = visit("Landmarks")
    drop(page, knee)
    expect(page.locator(".handle")).to_have_count(16)
    expect(page.locator(".st-key-answer")).to_contain_text("Minimum joint space")
    measured = page.locator(".st-key-measurements")
    expect(measured).to_contain_text("Left of picture")
    page.get_by_text("Right knee", exact=True).click()
    expect(measured).to_contain_text("Medial")
    calm(page)
    before = measured.inner_text()

    drag(page, "femur_1", 0, -40)
    expect(measured).to_contain_text("was ")
    expect(page.locator(".handle[data-key=femur_1].strong")).to_be_visible()
    calm(page)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(measured).not_to_contain_text("was ")
    calm(page)
    assert measured.inner_text() == before

    handle = page.locator(".handle[data-key=femur_5]")
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    expect(measured).to_contain_text("was ")
    expect(handle).to_be_focused()
    calm(page)
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / "landmarks.png")
    rows = list(csv.DictReader(io.StringIO(kept(page, "Table", tmp_path).decode())))
    moved = [row for row in rows if row["moved_by_hand"] == "yes"]
    assert [row["name"] for row in moved] == ["femur_5"]
    assert float(moved[0]["network_y"]) - float(moved[0]["y"]) == pytest.approx(3, abs=0.02)
    assert {row["kind"] for row in rows} == {"point", "measurement"}
    said = json.loads(kept(page, "Result", tmp_path))
    assert (said["moved_by_hand"], said["side"], len(said["landmarks"])) == (["femur_5"], "right", 16)

    page.locator(".st-key-landmarks-panel").get_by_text("Why", exact=True).click()
    expect(page.get_by_text("Where the network looks")).to_be_visible()
    calm(page)
    assert axe.grave(page) == []


def test_two_films_stand_side_by_side_with_what_changed(visit: Callable[..., Page], knee: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA / "knee_kl.zip") as pack:
        (later := tmp_path / "later.webp").write_bytes(pack.read(LATER))
    page = visit("Landmarks")
    drop(page, knee, later)
    expect(page.locator(".handle")).to_have_count(16)
    page.locator(".st-key-landmarks-panel").get_by_text("Then and now", exact=True).click()
    boards = page.locator(".board")
    expect(boards).to_have_count(2)
    expect(page.locator(".st-key-changes")).to_contain_text("→")
    expect(page.locator(".st-key-changes")).to_contain_text("than repetition makes", timeout=180_000)
    calm(page)

    def film_widths() -> list[float]:
        return [float(boards.nth(i).locator(".film image").get_attribute("width") or 0) for i in (0, 1)]

    whole = film_widths()
    boards.nth(0).get_by_role("button", name="Zoom in").click()
    assert film_widths() == pytest.approx([1.5 * width for width in whole], rel=0.01)  # the other follows
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / "then-and-now.png")
    boards.nth(1).locator(".handle[data-key=femur_1]").focus()
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator(".st-key-changes")).not_to_contain_text(
        "than repetition makes"
    )  # of a point set by hand none is known
    calm(page)
    assert axe.grave(page) == []
