"""A clinician measures on a film: a Cobb angle by keys alone, a scale from a ball, a circle dragged, and the files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import Page, expect

from models.cases import CASES_DIR
from models.reporting.ruler_sr import read_ruler_sr
from tests.browser import axe
from tests.browser.app import ROOT, calm, drop

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

FILM = CASES_DIR / "shoulder_anatomic.dcm"


def chosen(page: Page, tool: str) -> None:
    page.locator(".st-key-ruler-tool").get_by_text(tool, exact=True).click()
    calm(page)


def kept(page: Page, name: str, folder: Path) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    download.value.save_as(folder / "kept")
    return (folder / "kept").read_bytes()


def test_a_film_is_measured_by_keys_and_pointer_and_kept(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit("Implant")
    drop(page, FILM)
    page.get_by_text("Measure", exact=True).click()
    film = page.locator("svg[role=application]")
    expect(film).to_be_visible()
    calm(page)

    chosen(page, "Cobb")
    film.focus()
    ways = (["Shift+ArrowLeft"] * 4, ["Shift+ArrowRight"] * 8, ["Shift+ArrowDown"] * 3 + ["Shift+ArrowLeft"] * 8,
            ["Shift+ArrowRight"] * 8 + ["Shift+ArrowDown"] * 2)  # fmt: skip
    for way in ways:
        for key in way:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
    listed = page.locator(".st-key-ruler-list")
    expect(listed).to_contain_text("Cobb angle 1")
    expect(listed).to_contain_text("14.0°")  # 20 down on 80 across
    calm(page)
    last = page.get_by_role("button", name="Cobb angle 1, point 4")
    last.focus()
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Shift+ArrowUp")
    expect(listed).to_contain_text("0.0°")
    expect(last).to_be_focused()
    calm(page)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(listed).to_contain_text("14.0°")  # both keys were one turn

    chosen(page, "Calibrate")
    box = film.bounding_box()
    assert box
    middle, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for dx, dy in ((-70, -60), (70, -60), (0, 10)):
        page.mouse.click(middle + dx, down + dy)
    expect(listed).to_contain_text("Calibration")
    expect(page.locator(".st-key-film-controls")).to_contain_text("a user's ruler, by a ball of 25 mm")
    calm(page)

    chosen(page, "Circle")
    for dx, dy in ((-140, 60), (0, 60), (-70, 130)):
        page.mouse.click(middle + dx, down + dy)
    expect(listed).to_contain_text("Diameter 25.0 mm")  # as large as the ball
    calm(page)
    rim = page.get_by_role("button", name="Circle 1, point 3")
    grip = rim.bounding_box()
    assert grip
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(middle - 70, down + 150, steps=8)
    page.mouse.up()
    expect(listed).not_to_contain_text("Diameter 25.0 mm")
    calm(page)
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / "ruler.png")

    told = json.loads(kept(page, "JSON", tmp_path))
    numbers = {one["name"]: [value["value"] for value in one["values"]] for one in told["measurements"]}
    assert told["calibration"]["size_mm"] == 25
    rows = list(csv.DictReader(io.StringIO(kept(page, "CSV", tmp_path).decode())))
    assert [float(row["value"]) for row in rows] == [value for values in numbers.values() for value in values]
    assert {row["rests_on"] for row in rows} == {"", "a user's ruler, by a ball of 25 mm"}
    report = kept(page, "DICOM SR", tmp_path)
    again = {one.name: [value for _, value, _ in one.values] for one in read_ruler_sr(report)}
    assert again == {name: pytest.approx(values, abs=0.01) for name, values in numbers.items()}
    assert pydicom.dcmread(BytesIO(report)).Modality == "SR"
    assert json.loads(kept(page, "Result", tmp_path))["by_hand"]["measurements"][0]["name"] == "Cobb angle 1"
    page.get_by_text("Report", exact=True).click()
    written = kept(page, "HTML", tmp_path).decode()
    assert "Measured by hand" in written
    assert "a user&#x27;s ruler, by a ball of 25 mm" in written or "a user's ruler, by a ball of 25 mm" in written
    assert axe.grave(page) == []
