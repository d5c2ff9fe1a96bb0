"""Shoot every page, light and dark, wide and narrow, with a simulated case: `python -m tests.browser.screenshots DIR`.

The README's picture is made by the same command, with `--readme docs/screenshot.png`.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from PIL import Image as Pillow
from playwright.sync_api import Page

import models
from models.data.cases import CASES_DIR
from tests.browser.app import calm, chromium, drop, go, opened, serving

CASES = {"implant": "shoulder_anatomic.dcm", "pathology": "knee_worn.png"}
"""What is dropped on each task's page."""


def shoot(page: Page, folder: Path, tag: str) -> None:
    """Take every page of one session."""
    page.screenshot(path=folder / f"home-{tag}.png")
    for task in dict.fromkeys(card.task for card in models.cards().values() if card.members):
        go(page, task.capitalize())
        page.screenshot(path=folder / f"{task}-empty-{tag}.png")
        drop(page, CASES_DIR / CASES[task])
        page.screenshot(path=folder / f"{task}-{tag}.png")
        page.get_by_text("Side by side", exact=True).click()
        calm(page)
        page.screenshot(path=folder / f"{task}-side-{tag}.png")
        page.get_by_role("button", name="About this model").click()
        calm(page)
        page.screenshot(path=folder / f"{task}-card-{tag}.png")
        page.keyboard.press("Escape")
        page.get_by_text("Overlay", exact=True).first.click()
        page.locator("[class*='st-key-remove-'] button").first.click()
        calm(page)


def main() -> None:
    """Shoot, and make the README's picture where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--readme", type=Path, help="write the README's picture here")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with serving() as address, chromium() as browser:
        for scheme, width in product(("dark", "light"), (1440, 900)):
            page = opened(browser, address, width=width, scheme=scheme)
            shoot(page, wanted.folder, f"{scheme}-{width}")
            page.context.close()
    if wanted.readme:
        wanted.readme.parent.mkdir(parents=True, exist_ok=True)
        picture = Pillow.open(wanted.folder / "implant-dark-1440.png").convert("RGB")
        picture.quantize(192).save(wanted.readme, optimize=True)


if __name__ == "__main__":
    main()
