"""A stained section from drop to download: classes, a reference and its Jaccard index, a correction, both versions."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

import models
from tests.browser.app import calm, drop, open_card

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

PICTURE = "[class*='st-key-viewer-'] .js-plotly-plot .imagelayer image"
SIDE = 384


def stained() -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) of violet nuclei on pink tissue, and where the nuclei are."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    nuclei = np.zeros((SIDE, SIDE), bool)
    for row, column in ((r + rng.integers(-8, 9), c + rng.integers(-8, 9)) for r in range(40, SIDE, 60)
                        for c in range(40, SIDE, 60)):  # fmt: skip
        tall, wide = rng.integers(9, 14, 2)
        nuclei |= ((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2 < 1
    picture = np.where(nuclei[..., None], (96, 62, 140), (232, 178, 202)) + rng.normal(0, 6, (SIDE, SIDE, 1))
    return picture.clip(0, 255).astype(np.uint8), nuclei


def look(page: Page, name: str) -> None:
    page.locator(".st-key-tissue-panel").get_by_text(name, exact=True).click()
    calm(page)


def kept(page: Page, button: str, folder: Path) -> bytes:
    with page.expect_download() as download:
        page.locator(".st-key-downloads").get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_bytes()


def labels(png: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(png)))


def circle(page: Page, share: float) -> None:
    """Draw a closed line around the middle of the picture, `share` of its sides wide."""
    area = page.locator(PICTURE).first.bounding_box()
    assert area
    middle = np.array([area["x"] + area["width"] / 2, area["y"] + area["height"] / 2])
    radius = share / 2 * np.array([area["width"], area["height"]])
    points = [middle + radius * (np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 24)]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=2)
    page.mouse.up()


def test_a_section_is_painted_judged_corrected_and_kept(visit: Callable[..., Page], tmp_path: Path) -> None:
    if not models.card("histology-nuclei").members:
        pytest.skip("needs the weights of the nuclei model")
    picture, nuclei = stained()
    Pillow.fromarray(picture).save(tmp_path / "section.png")
    Pillow.fromarray(nuclei.astype(np.uint8) * 255).save(tmp_path / "truth.png")
    page = visit("Tissue")
    drop(page, tmp_path / "section.png")
    open_card(page, models.card("histology-nuclei").title)  # the page had opened on its first case, with another model
    expect(page.locator(".st-key-answer").get_by_text("No answer")).to_have_count(1)  # a drawing is no tissue
    expect(page.locator(".st-key-answer")).to_have_count(1)  # the other model's has faded out
    page.locator(".st-key-answer").get_by_text("Show anyway").click()
    calm(page)
    painted = page.locator(PICTURE).first.evaluate("image => image.href.baseVal")

    page.locator(".st-key-legend").get_by_text("Nucleus").click()
    calm(page)
    assert page.locator(PICTURE).first.evaluate("image => image.href.baseVal") != painted
    page.locator(".st-key-legend").get_by_text("Nucleus").click()
    calm(page)
    network = labels(kept(page, "Label map", tmp_path))
    assert network.shape == (SIDE, SIDE)

    look(page, "Reference")
    page.locator(".st-key-reference input[type=file]").set_input_files(str(tmp_path / "truth.png"))
    figure = page.locator(".st-key-agreement [data-testid='stMetricValue']").first
    figure.wait_for()
    calm(page)
    jaccard = ((network == 1) & nuclei).sum() / ((network == 1) | nuclei).sum()
    assert float(figure.inner_text()) == pytest.approx(jaccard, abs=6e-4)

    look(page, "Correct")
    circle(page, 0.4)
    page.locator(".st-key-corrections").get_by_role("button", name="Undo").and_(page.locator(":enabled")).wait_for()
    calm(page)
    expect(page.locator(".st-key-answer")).to_contain_text("orrected by hand in 1 place")
    with zipfile.ZipFile(io.BytesIO(kept(page, "Both versions", tmp_path))) as pack:
        assert np.array_equal(labels(pack.read("network/labels.png")), network)
        corrected = labels(pack.read("corrected/labels.png"))
        rows = list(csv.DictReader(io.StringIO(pack.read("measurements.csv").decode())))
    changed = corrected != network
    assert changed.any()
    assert (corrected[changed] == 1).all()
    where = np.argwhere(changed)
    assert (np.abs(where - SIDE / 2) < 0.22 * SIDE).all()
    assert corrected[SIDE // 2 - 30 : SIDE // 2 + 30, SIDE // 2 - 30 : SIDE // 2 + 30].all()
    counted = {row["version"]: int(row["pixels"]) for row in rows if row["class"] == "nucleus"}
    assert counted == {
        "network": (network == 1).sum(), "corrected by hand in 1 place": (corrected == 1).sum()
    }  # fmt: skip
    assert {row["version"]: row["jaccard"] for row in rows if row["class"] == "nucleus"}["network"] != ""
