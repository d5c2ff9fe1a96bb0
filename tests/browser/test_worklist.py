"""A list of files in the browser: whole names, keys, the table with its reference standard, and the way out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.app import calm, drop

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = "a_long_name_that_no_sidebar_is_wide_enough_for_left_knee_weight_bearing_2024-01-01_series_003.png"


@pytest.fixture
def listed(visit: Callable[..., Page], picture: Callable[..., bytes], tmp_path: Path) -> Page:
    """Three files on the table of the implant page; one is no image."""
    page = visit("Implant")
    files = {LONG: picture(1), "two.png": picture(2), "zcut.png": b"\x89PNG\r\n\x1a\n\0\0"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    drop(page, *(tmp_path / name for name in files))
    expect(page.get_by_text("cannot be read")).to_be_visible()
    return page


def chosen(page: Page) -> str:
    return page.locator("[class*='st-key-chosen-'] [class*='st-key-select-']").inner_text()


def test_names_are_whole_and_keys_go_through_the_list(listed: Page) -> None:
    page = listed
    name = page.locator("[class*='st-key-select-'] p").filter(has_text=LONG)
    assert name.evaluate("one => one.scrollWidth <= one.clientWidth + 1")  # nothing is cut off
    assert chosen(page) == LONG
    page.mouse.click(700, 880)
    page.keyboard.press("j")
    page.locator("[class*='st-key-chosen-']").filter(has_text="two.png").wait_for()  # for a moment two rows may be it
    calm(page)
    page.keyboard.press("k")
    page.locator("[class*='st-key-chosen-']").filter(has_text=LONG).wait_for()
    calm(page)
    page.get_by_text("Read first", exact=True).click()
    page.get_by_role("textbox", name="Reader").click()
    page.keyboard.type("jk")  # a name, no keys
    calm(page)
    assert chosen(page) == LONG
    assert page.get_by_role("textbox", name="Reader").input_value() == "jk"


def test_the_table_takes_a_reference_standard_and_is_kept(listed: Page, tmp_path: Path) -> None:
    page = listed
    page.get_by_role("link", name="Results of all").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.locator(".st-key-answer-all button").click()
    expect(page.get_by_role("button", name="Answer all again")).to_be_visible()
    calm(page)
    (tmp_path / "truth.csv").write_text(f"file,label\n{LONG},Tornier\ntwo.png,Zimmer\n")
    page.locator(".st-key-reference-file input[type=file]").set_input_files(tmp_path / "truth.csv")
    expect(page.get_by_text("2 of 3 files have their label")).to_be_visible()
    page.get_by_text("With file names", exact=True).click()
    calm(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Table as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [row["file"] for row in rows] == [LONG, "two.png", "zcut.png"]
    assert [row["reference"] for row in rows][:2] in (["Tornier", "Zimmer"], ["tornier", "zimmer"])
    assert rows[2]["abstained"] == "true"


def test_leaving_asks_while_files_are_there(listed: Page) -> None:
    page = listed
    page.mouse.click(700, 880)  # browsers ask only whoever has touched the page
    page.reload()
    page.get_by_test_id("stFileUploader").first.wait_for()
    assert page.asked == ["beforeunload"]
    calm(page)
    page.mouse.click(700, 880)
    page.reload()  # nothing is on the table any more
    page.get_by_test_id("stFileUploader").first.wait_for()
    assert page.asked == ["beforeunload"]


def test_a_button_forgets_everything_and_so_does_a_page_with_nobody_there(listed: Page, tmp_path: Path) -> None:
    page, rows = listed, listed.locator("[class*='st-key-remove-']")
    page.get_by_role("button", name="Forget everything").click()  # files are still looked through: it stays open
    calm(page)
    page.wait_for_timeout(2000)
    page.locator(".st-key-forget-everything button").click(timeout=20_000)
    expect(rows).to_have_count(0)
    expect(page.get_by_role("button", name="Forget everything")).to_have_count(0)
    calm(page)
    drop(page, tmp_path / "two.png")
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 31 * 60_000 }")  # half an hour, and more
    expect(page.get_by_text("Nobody was here for 30 minutes: everything was forgotten.")).to_be_visible()
    expect(rows).to_have_count(0)
