"""Shoot every page, light and dark, wide and narrow, each to its end: `python -m tests.browser.screenshots DIR`.

Real radiographs of the packed data are dropped where they are at hand, else simulated cases. `contact-*.png` holds all
pictures of one look side by side. `--readme docs/screenshot.png` makes the README's picture, of a simulated case.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from math import ceil
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw
from playwright.sync_api import Page

import models
from models.data.cases import CASES_DIR
from tests.browser.app import ROOT, calm, chromium, drop, go, opened, serving

SAMPLES = ROOT.parent / "shared" / "data" / "samples"
CASES = {
    "implant": (SAMPLES / "shoulder_zimmer_101.jpg", CASES_DIR / "shoulder_anatomic.dcm"),
    "pathology": (SAMPLES / "knee_kl3_9037494R.png", CASES_DIR / "knee_worn.png"),
}
"""What is dropped on each task's page: the first that is there."""
HIGH = 900
LONGEST = 8000
"""Pixels of a page that are shot."""
THUMBNAIL = 460
IN_A_ROW = 5

BEYOND = """() => { const main = document.querySelector('[data-testid="stMain"]');
    return main.scrollHeight - main.clientHeight }"""


class Album:
    """The pictures of one look, in one folder."""

    def __init__(self, page: Page, folder: Path, look: str) -> None:
        self.page, self.folder, self.look = page, folder, look
        self.taken: list[Path] = []

    def take(self, name: str, *, whole: bool = False) -> None:
        """Shoot what is on the screen, or the page to its end."""
        with self._tall() if whole else _as_it_is():
            self.taken.append(self.folder / f"{name}-{self.look}.png")
            self.page.screenshot(path=self.taken[-1])

    @contextmanager
    def _tall(self) -> Iterator[None]:
        width = self.page.viewport_size["width"]
        for _ in range(2):  # a chart that is drawn only now can make the page longer
            high = self.page.viewport_size["height"] + self.page.evaluate(BEYOND)
            self.page.set_viewport_size({"width": width, "height": min(high, LONGEST)})
            calm(self.page)
        yield
        self.page.set_viewport_size({"width": width, "height": HIGH})
        calm(self.page)

    def contact_sheet(self) -> None:
        """Lay all pictures out in rows."""
        tiles = [_tile(path) for path in self.taken]
        rows = [tiles[i : i + IN_A_ROW] for i in range(0, len(tiles), IN_A_ROW)]
        heights = [max(tile.height for tile in row) + 12 for row in rows]
        sheet = Pillow.new("RGB", (IN_A_ROW * (THUMBNAIL + 12), sum(heights)), "gray")
        for i, row in enumerate(rows):
            for j, tile in enumerate(row):
                sheet.paste(tile, (j * (THUMBNAIL + 12), sum(heights[:i])))
        sheet.save(self.folder / f"contact-{self.look}.png")


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


def _tile(path: Path) -> Pillow.Image:
    picture = Pillow.open(path).convert("RGB")
    picture = picture.resize((THUMBNAIL, ceil(picture.height * THUMBNAIL / picture.width)))
    tile = Pillow.new("RGB", (THUMBNAIL, min(picture.height, 2 * THUMBNAIL) + 16), "black")
    tile.paste(picture, (0, 16))
    ImageDraw.Draw(tile).text((4, 2), path.stem, fill="white")
    return tile


def shoot(album: Album) -> None:
    """Take every page of one session."""
    page = album.page
    album.take("home")
    album.take("home-whole", whole=True)
    for task in dict.fromkeys(card.task for card in models.cards().values() if card.members):
        if task in CASES:
            go(page, task.capitalize())
            album.take(f"{task}-empty")
            drop(page, next(path for path in CASES[task] if path.exists()))
            radiograph(album, task)
            page.locator("[class*='st-key-remove-'] button").first.click()
            calm(page)
    go(page, "Model cards")
    for card in models.cards().values():
        if card.members:
            page.get_by_test_id("stMain").get_by_text(card.title, exact=True).first.click()
            calm(page)
            album.take(f"card-{card.id}", whole=True)


def radiograph(album: Album, task: str) -> None:
    """Take the page of a task with an image on it: answer, trust, audit, card and reading first."""
    page = album.page
    album.take(task)
    anyway = page.get_by_text("Show anyway", exact=True)
    if anyway.count():  # a simulated film that the gate refuses: without this, nothing below is on the page
        anyway.click()
        calm(page)
        album.take(f"{task}-anyway")
    page.get_by_text("Side by side", exact=True).click()
    calm(page)
    album.take(f"{task}-side")
    page.get_by_text("Overlay", exact=True).first.click()
    calm(page)
    page.get_by_role("tab", name="How far to trust it").click()
    calm(page)
    album.take(f"{task}-trust", whole=True)
    page.get_by_role("button", name="About this model").click()
    calm(page)
    album.take(f"{task}-about")
    page.keyboard.press("Escape")
    page.get_by_text("Audit the explanation").click()
    page.get_by_role("button", name="Run the audit").click()
    page.get_by_text("In figures", exact=True).wait_for(timeout=900_000)  # slow methods on a loaded machine
    calm(page)
    album.take(f"{task}-audit", whole=True)
    page.get_by_text("Audit the explanation").click()
    read_first(album, task)


def read_first(album: Album, task: str) -> None:
    """Take a second image of the task with the answer hidden, and after a commitment."""
    page = album.page
    page.get_by_text("Read first", exact=True).click()
    calm(page)
    others = sorted(SAMPLES.glob("knee_kl2*" if task == "pathology" else "shoulder_depuy*")) or [
        CASES_DIR / ("knee_healthy.png" if task == "pathology" else "shoulder_reverse.png")
    ]
    drop(page, others[0])
    album.take(f"{task}-read-first", whole=True)
    page.locator(".st-key-reading").get_by_role("radiogroup").locator("label").nth(2).click()
    calm(page)
    page.get_by_role("button", name="Commit").click()
    calm(page)
    album.take(f"{task}-committed")
    page.get_by_text("Read first", exact=True).click()
    calm(page)
    page.locator("[class*='st-key-remove-'] button").first.click()
    calm(page)


def main() -> None:
    """Shoot, and make the README's picture where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--look", action="append", help="such as dark-1440; may be given more than once; default: all")
    parser.add_argument("--readme", type=Path, help="write the README's picture here, and nothing else")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with serving() as address, chromium() as browser:
        if wanted.readme:
            page = opened(browser, address)
            readme(Album(page, wanted.folder, "readme"), wanted.readme)
            page.context.close()
            return
        for scheme, width in product(("dark", "light"), (1440, 900)):
            look = f"{scheme}-{width}"
            if not wanted.look or look in wanted.look:
                page = opened(browser, address, width=width, scheme=scheme)
                album = Album(page, wanted.folder, look)
                try:
                    shoot(album)
                finally:
                    album.contact_sheet()
                page.context.close()


def readme(album: Album, file: Path) -> None:
    """Take the simulated case that the README shows."""
    go(album.page, "Implant")
    drop(album.page, CASES["implant"][-1])
    album.take("implant")
    file.parent.mkdir(parents=True, exist_ok=True)
    Pillow.open(album.taken[-1]).convert("RGB").quantize(192).save(file, optimize=True)


if __name__ == "__main__":
    main()
