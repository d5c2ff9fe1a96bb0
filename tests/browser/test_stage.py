"""Conference mode in a real browser: keys, half an hour unattended at a fast clock, and an upload that is forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from models.cases import CASES_DIR
from tests.browser.app import calm
from tests.browser.staged import place

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]

UNATTENDED_S = 1800
"""On the clock of the stage."""
FAST = 20
LOOPS, FLAT_MB = 3, 50
"""After the first loop every model is loaded and every picture was drawn once; from then on memory stays flat."""
SHORT = """
idle_seconds = {idle}
[[step]]
title = "First"
page = "implant"
case = "shoulder_anatomic.dcm"
seconds = 600
[[step]]
title = "Second"
page = "home"
notes = "What to say"
seconds = 600
"""


def test_half_an_hour_alone_leaves_memory_flat_and_no_error(
    staged: Callable, hall: Callable, record_property: Callable[[str, object], None]
) -> None:
    server = staged("default", FAST)
    page = hall(server)
    begun, seen, memory = time.monotonic(), [place(page)], []
    while (time.monotonic() - begun) * FAST < UNATTENDED_S or len(memory) < LOOPS:
        page.wait_for_timeout(200)
        now = place(page)
        if now != seen[-1]:
            seen.append(now)
            if now.startswith("1 / "):
                memory.append(server.memory_mb)
    record_property("memory_mb", [round(each) for each in memory])
    count = int(seen[0].rpartition(" ")[2])
    assert {*seen} == {f"{number} / {count}" for number in range(1, count + 1)}
    assert max(memory[1:]) - memory[0] < FLAT_MB, memory


def test_keys_and_a_clicker_walk_through_the_steps(talk: Callable, hall: Callable) -> None:
    page = hall(talk(SHORT.format(idle=3600)))
    step = page.locator(".st-key-stage-bar")
    for key, number in (("PageDown", 2), ("PageUp", 1), ("ArrowRight", 2), ("ArrowLeft", 1), (" ", 2), ("Home", 1),
                        ("End", 2), ("F5", 1)):  # fmt: skip
        page.keyboard.press(key)
        expect(step.get_by_text(f"{number} / 2", exact=True)).to_be_visible()
        calm(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Speaker's page in a window of its own")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    calm(page)
    page.keyboard.press("PageDown")
    expect(step.get_by_text("2 / 2", exact=True)).to_be_visible()
    calm(page)
    with page.context.expect_page() as opening:
        page.keyboard.press("n")
    expect(opening.value.get_by_text("What to say")).to_be_visible()
    expect(page.get_by_text("What to say")).to_have_count(0)  # the speaker's, and not the audience's
    calm(opening.value)  # its words are there before what listens for its keys
    opening.value.keyboard.press("PageUp")
    expect(step.get_by_text("1 / 2", exact=True)).to_be_visible()
    page.keyboard.press("PageDown")
    expect(step.get_by_text("2 / 2", exact=True)).to_be_visible()
    page.keyboard.press("b")
    expect(page.locator("#stage-black")).to_be_visible()
    page.keyboard.press("PageDown")  # only brings the light back
    expect(page.locator("#stage-black")).to_have_count(0)
    expect(step.get_by_text("2 / 2", exact=True)).to_be_visible()


def test_an_upload_is_forgotten_when_nobody_is_there(talk: Callable, hall: Callable) -> None:
    page = hall(talk(SHORT.format(idle=20)))
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    page.keyboard.press("u")
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(str(CASES_DIR / "knee_worn.png"))
    row = page.get_by_role("button", name="knee_worn.png", exact=True)
    while not row.is_visible():
        page.mouse.move(200, 200)
        page.mouse.move(600, 600)  # somebody is there, however long the file takes
        page.wait_for_timeout(500)  # a touch is told in a pause
    expect(row).to_have_count(0)  # and then nobody is
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    calm(page)
    page.keyboard.press("u")
    expect(page.get_by_role("button", name="shoulder_anatomic.dcm", exact=True)).to_be_visible()
    assert page.locator("[class*='st-key-remove-']").count() == 1
