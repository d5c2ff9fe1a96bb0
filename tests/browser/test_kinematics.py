"""The simulated fluoroscopy from frames to files: measured, scrubbed, moved by hand, refined and kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dashboard.views.kinematics.fluoroscopy import SIMULATED_FRAMES
from models.cli import main
from models.geometry import jts
from tests.browser import axe
from tests.browser.app import PATIENCE_S, ROOT, calm

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

CONTOUR = ".st-key-viewer-kinematics .scatterlayer path.js-line"
STUDY = ("femoral.stl", "tibial.stl", "calibration.txt")
MEASURED_MS = 2000 * PATIENCE_S


def kept(page: Page, name: str) -> None:
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / f"{name}.png")


def contour(page: Page) -> str:
    """Return the outline of the first component, as the browser draws it."""
    return page.locator(CONTOUR).first.get_attribute("d")


def test_the_simulated_case_is_measured_scrubbed_refined_and_kept(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit("Kinematics")
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


def test_a_study_that_is_dropped_whole_is_played_stepped_looped_and_nudged(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "fluoroscopy", "5", str(tmp_path), "--seed", "1", "--size", "512"])
    study = [*sorted((tmp_path / "frames").iterdir()), *(tmp_path / name for name in STUDY)]
    page = visit("Kinematics")
    page.emulate_media(reduced_motion="no-preference")  # else the film does not play by itself
    page.locator("input[type=file]").set_input_files([str(path) for path in study])
    folded = page.locator(".stExpander", has_text="5 files of frames")
    expect(folded.get_by_text("femoral.stl").first).to_be_hidden()  # all is in
    page.get_by_role("button", name="Measure the motion").click()

    early = page.locator(".st-key-film-player-so-far")
    expect(early.locator("output")).to_contain_text("/ 5", timeout=MEASURED_MS)  # while the rest is followed
    expect(page.get_by_text("Finding the poses")).to_be_visible()
    kept(page, "kinematics-so-far")
    expect(page.get_by_text("Flexion from")).to_be_visible(timeout=MEASURED_MS)
    page.get_by_text("Play the frames").click()
    film = page.locator(".st-key-film-player")
    number = film.locator("output")
    expect(number).to_have_text("3 / 5")  # it plays
    expect(number).to_have_text("5 / 5")
    expect(number).to_have_text("1 / 5")  # and begins again
    film.get_by_label("Speed").select_option("4")
    film.get_by_role("button", name="Pause").click()
    film.get_by_role("slider").fill("4")
    expect(number).to_have_text("4 / 5")
    film.locator("figure").focus()
    for key, at in (("ArrowRight", 5), ("ArrowRight", 1), ("ArrowLeft", 5), ("Home", 1), ("End", 5)):
        page.keyboard.press(key)
        expect(number).to_have_text(f"{at} / 5")
    page.keyboard.press("l")
    expect(film.get_by_role("button", name="Over and over")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("ArrowRight")
    expect(number).to_have_text("5 / 5")  # the last one
    page.keyboard.press("-")
    expect(film.get_by_label("Speed")).to_have_value("2")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(number).to_have_text("5 / 5")
    expect(film.get_by_role("button", name="Play")).to_be_visible()  # played once, and stopped
    page.keyboard.press("ArrowLeft")
    calm(page)
    kept(page, "kinematics-film")
    assert axe.grave(page) == []

    page.get_by_text("Play the frames").click()
    slider = page.get_by_test_id("stSlider").get_by_role("slider", name="Frame")
    expect(slider).to_have_value("4")  # where it stopped
    page.get_by_text("Move by hand", exact=True).click()
    calm(page)
    field, before = page.get_by_label("up, mm"), contour(page)
    field.fill(f"{float(field.input_value()) + 3:.2f}")
    field.press("Enter")
    expect(page.locator(CONTOUR).first).not_to_have_attribute("d", before)
    page.get_by_role("button", name="Refine from here").click()
    expect(page.get_by_text("Started by hand: overlap")).to_be_visible()


def test_a_biplane_study_is_dropped_whole_and_seen_from_both_sides(visit: Callable[..., Page], tmp_path: Path) -> None:
    study = tmp_path / "study"
    with pytest.raises(SystemExit):
        main(["simulate", "fluoroscopy", "2", str(study), "--views", "2", "--size", "512"])
    page = visit("Kinematics")
    page.locator("input[type=file]").set_input_files(shutil.make_archive(str(study), "zip", study))
    folded = page.locator(".stExpander", has_text="2 files of frames")
    folded.click()
    expect(folded.get_by_text("Second view: 2 files of frames")).to_be_visible()
    expect(page.locator(".st-key-left-out")).to_contain_text("holds 8 masks")
    folded.locator("summary").click()
    page.get_by_role("button", name="Measure the motion").click()
    expect(page.get_by_text("Two views, solved as one")).to_be_visible(timeout=MEASURED_MS)
    before = contour(page)
    page.get_by_text("Second view", exact=True).last.click()
    expect(page.locator(CONTOUR).first).not_to_have_attribute("d", before)
    calm(page)
    kept(page, "kinematics-second-view")
    assert axe.grave(page) == []
