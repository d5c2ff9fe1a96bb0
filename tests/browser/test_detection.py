"""A film from drop to download: a threshold, a finding zoomed and explained, a reference, a box by hand, the files."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

from tests.browser.app import calm, drop
from tests.conftest import DATA

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

PLOT = "[class*='st-key-viewer-'] .js-plotly-plot"
PICTURE = f"{PLOT} .imagelayer image"
FILM = DATA / "samples" / "fracture_img0003847.jpg"


def look(page: Page, name: str) -> None:
    page.locator(".st-key-detection-panel").get_by_text(name, exact=True).click()
    calm(page)


def kept(page: Page, button: str, folder: Path) -> bytes:
    with page.expect_download() as download:
        page.locator(".st-key-downloads").get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_bytes()


def width_seen(page: Page) -> float:
    """How much of the horizontal axis the picture shows."""
    left, right = page.locator(PLOT).first.evaluate("plot => plot._fullLayout.xaxis.range")
    return right - left


def drag(page: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag a box between two places, given as shares of the picture."""
    area = page.locator(PICTURE).first.bounding_box()
    assert area
    points = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (begin, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=8)
    page.mouse.up()


def test_a_film_is_searched_judged_and_kept(visit: Callable[..., Page], tmp_path: Path) -> None:
    if not FILM.exists():
        pytest.skip("the real samples are not here")
    with Pillow.open(FILM) as film:
        columns, rows = film.size
    page = visit("Detection")
    drop(page, FILM)
    answer = page.locator(".st-key-answer")
    answer.wait_for()
    expect(answer).to_contain_text("racture suspected")

    slider = page.locator(".st-key-threshold").get_by_role("slider")
    slider.press("Home")
    expect(page.locator(".st-key-elsewhere")).to_contain_text("Your own threshold is on")
    calm(page)
    result = json.loads(kept(page, "Result", tmp_path))
    assert result["operating_point"] == "own threshold"
    assert result["shown"] == len(result["boxes"]) > 0
    first = result["boxes"][0]

    whole = width_seen(page)
    page.locator(".st-key-select-finding-1 button").click()
    page.locator(".st-key-zoom-out").wait_for()
    calm(page)
    assert width_seen(page) < whole

    look(page, "Why")
    expect(page.get_by_text("Explained in")).to_be_visible()
    assert page.locator(PICTURE).first.evaluate("image => image.href.baseVal.length") > 1000

    look(page, "Reference")
    corner = {"bbox": [1, 1, 4, 4], "image_id": 1, "category_id": 1}
    reference = {
        "images": [{"id": 1, "file_name": "any.png", "width": columns, "height": rows}],
        "categories": [{"id": 1, "name": "fracture"}],
        "annotations": [{**corner, "bbox": [first[side] for side in "xywh"]}, corner],
    }
    (tmp_path / "truth.json").write_text(json.dumps(reference))
    page.locator(".st-key-true-boxes input[type=file]").set_input_files(str(tmp_path / "truth.json"))
    figures = page.locator(".st-key-verdict [data-testid='stMetricValue']")
    figures.first.wait_for()
    calm(page)
    hits, missed, alarms = (int(figures.nth(index).inner_text()) for index in range(3))
    assert hits >= 1
    assert hits + missed == 2
    assert hits + alarms == result["shown"]

    look(page, "By hand")
    page.locator(".st-key-zoom-out button").click()
    calm(page)
    assert width_seen(page) == whole
    drag(page, (0.3, 0.7), (0.5, 0.8))
    expect(answer).to_contain_text("1 box drawn")
    calm(page)
    coco = json.loads(kept(page, "COCO", tmp_path))
    drawn = [one for one in coco["annotations"] if one["source"] == "drawn by hand"]
    assert len(drawn) == 1
    assert "score" not in drawn[0]
    assert len(coco["annotations"]) == result["shown"] + 1
    picture = kept(page, "Picture", tmp_path)
    assert Pillow.open(BytesIO(picture)).width >= columns
