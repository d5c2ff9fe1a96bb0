"""The page Train from a folder of 24 pictures to a card that answers, left and come back to on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

import models
from tests.browser.app import calm, go

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 420_000
"""For a training on a loaded machine; half a minute where it is not."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of each of two labels, of six patients; what is bright lies left or right. One file is broken."""
    home = tmp_path / "bars"
    for label in ("left", "right"):
        (home / label).mkdir(parents=True)
        for i in range(12):
            small = Pillow.fromarray(np.random.default_rng([i, len(label)]).integers(0, 120, (9, 9), np.uint8))
            pixels = np.asarray(small.resize((96, 96), Pillow.Resampling.BICUBIC)).copy()
            pixels[:, slice(0, 24) if label == "left" else slice(-24, None)] = 220
            Pillow.fromarray(pixels).save(home / label / f"{label}{i // 2}_{i}.png")
    (home / "left" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    return home


@pytest.fixture
def trained(own_cards: Path) -> Iterator[Path]:
    yield own_cards
    for made in own_cards.iterdir():
        shutil.rmtree(made)


def open_train(page: Page) -> None:
    go(page, "Train")
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()


@pytest.mark.timeout(600)
def test_a_folder_becomes_a_model_that_answers(visit: Callable[[], Page], folder: Path, trained: Path) -> None:
    if not models.card("knee-kl").members:
        pytest.skip("needs the weights of the knees")
    page = visit()
    open_train(page)
    page.get_by_text("Pathology:").click()
    page.locator("[class*='st-key-pictures-'] input[type=file]").set_input_files(str(folder))
    expect(page.get_by_text("2. What was found")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("left/cut.png")).to_be_visible()
    expect(page.get_by_text("No groups are given")).to_be_visible()
    page.get_by_role("combobox", name="Which pictures").click()
    page.get_by_role("option", name="The file's name").click()
    expect(page.get_by_text("No groups are given")).to_have_count(0)
    calm(page)
    expect(page.locator(".st-key-train-begin button")).to_be_disabled()
    page.get_by_role("textbox", name="Name of the model").fill("Bars left or right")
    page.keyboard.press("Tab")
    page.get_by_role("combobox", name="It starts from").click()
    page.get_by_role("option", name=models.card("knee-kl").title).click()
    page.get_by_text("A quick trial", exact=True).click()
    calm(page)
    page.locator(".st-key-train-begin button").click()
    row = page.locator(".st-key-training-bars-left-or-right")
    row.get_by_role("button", name="Pause").click()
    expect(row.get_by_text("Paused.")).to_be_visible()
    calm(page)
    row.get_by_role("button", name="Resume").click()
    expect(row.get_by_role("progressbar")).to_be_visible()
    go(page, "Home")  # it goes on
    open_train(page)
    expect(page.get_by_text("Your models")).to_be_visible(timeout=PATIENCE_MS)
    expect(row).to_have_count(0)
    calm(page)
    expect(page.get_by_text("95 % interval").first).to_be_visible()
    expect(page.get_by_text("Would more pictures help?")).to_be_visible()
    assert not (trained / "bars-left-or-right" / "runs").exists()  # nor the pictures
    page.get_by_text("Fill in its model card").click()
    page.get_by_role("textbox", name="Who made it").fill("The clinic of the bars")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("Kept in")).to_be_visible()
    assert "The clinic of the bars" in (trained / "bars-left-or-right" / "bars-left-or-right.toml").read_text()
    page.get_by_role("button", name="Open its page").click()
    expect(page.get_by_role("heading", name="Bars left or right")).to_be_visible()
