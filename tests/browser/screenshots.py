"""Shoot every page, light and dark, wide and narrow, with simulated cases: `python -m tests.browser.screenshots DIR`.

`contact.png` holds all pictures: a row a page, a column a look. `--part how` takes only that. `--readme FILE` makes the
README's picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import ceil
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw
from playwright.sync_api import Page

import models
from dashboard.views.lessons.sections import SECTIONS
from models.cases import CASES_DIR, list_first_cases
from tests.browser.app import calm, chromium, drop, go, open_card, opened, serving

WIDTHS, SCHEMES = (1440, 900), ("light", "dark")
HIGH = 900
LONGEST = 8000
"""Pixels of a page that are shot."""
THUMBNAIL = 460
MARGIN = 12
MEASURED_MS = 900_000

BEYOND = """() => { const main = document.querySelector('[data-testid="stMain"]');
    return main.scrollHeight - main.clientHeight }"""


class Album:
    """The pictures of one width, each in light and in dark, in one folder."""

    def __init__(self, page: Page, folder: Path, schemes: Sequence[str] = SCHEMES) -> None:
        self.page, self.folder, self.schemes = page, folder, schemes
        self.width = page.viewport_size["width"]
        self.taken: dict[str, list[Path]] = {}

    def take(self, name: str, *, whole: bool = False) -> None:
        """Shoot what is on the screen, or the page to its end."""
        with self._tall() if whole else _as_it_is():
            for scheme in self.schemes:
                self.page.emulate_media(color_scheme=scheme)
                calm(self.page)
                path = self.folder / f"{name}-{scheme}-{self.width}.png"
                self.page.screenshot(path=path)
                self.taken.setdefault(name, []).append(path)

    @contextmanager
    def _tall(self) -> Iterator[None]:
        for _ in range(2):  # a chart that is drawn only now can make the page longer
            high = self.page.viewport_size["height"] + self.page.evaluate(BEYOND)
            self.page.set_viewport_size({"width": self.width, "height": min(high, LONGEST)})
            calm(self.page)
        yield
        self.page.set_viewport_size({"width": self.width, "height": HIGH})
        calm(self.page)


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


def contact_sheet(albums: Sequence[Album], file: Path) -> None:
    """Lay all pictures out: a row a page, a column a look."""
    names = dict.fromkeys(name for album in albums for name in album.taken)
    rows = [[_tile(path) for album in albums for path in album.taken.get(name, [])] for name in names]
    heights = [max(tile.height for tile in row) + MARGIN for row in rows]
    sheet = Pillow.new("RGB", (max(map(len, rows)) * (THUMBNAIL + MARGIN), sum(heights)), "gray")
    for i, row in enumerate(rows):
        for j, tile in enumerate(row):
            sheet.paste(tile, (j * (THUMBNAIL + MARGIN), sum(heights[:i])))
    sheet.save(file)


def _tile(path: Path) -> Pillow.Image:
    picture = Pillow.open(path).convert("RGB")
    picture = picture.resize((THUMBNAIL, ceil(picture.height * THUMBNAIL / picture.width)), Pillow.Resampling.LANCZOS)
    tile = Pillow.new("RGB", (THUMBNAIL, min(picture.height, 2 * THUMBNAIL) + 16), "black")
    tile.paste(picture, (0, 16))
    ImageDraw.Draw(tile).text((4, 2), path.stem, fill="white")
    return tile


def case_of(task: str) -> Path:
    """Return the case that a page opens with; where there is none, a radiograph drawn from geometry."""
    drawn = {"implant": "shoulder_anatomic.dcm", "pathology": "knee_worn.png"}
    first = list_first_cases(task)
    return first[0].path if first else CASES_DIR / drawn[task]


def _home(album: Album) -> None:
    go(album.page, "Home")
    album.take("home", whole=True)


def _task(album: Album, task: str) -> None:
    page = album.page
    if not models.cards_of(task)[0].members:
        return
    go(page, task.capitalize())
    album.take(f"{task}-first")
    drop(page, case_of(task))
    LOOKS[task](album, task)
    _forget(page)


def _how(album: Album) -> None:
    page = album.page
    for section, title in SECTIONS.items():
        go(page, "How it works")
        page.get_by_test_id("stMain").get_by_text(title, exact=True).first.click()
        calm(page)
        album.take(f"how-{section}", whole=True)
    page.get_by_role("button", name="Take the tour").click()
    page.get_by_role("button", name="Next").wait_for()
    album.take("tour")
    page.get_by_role("button", name="End").click()


def _cards(album: Album) -> None:
    page = album.page
    go(page, "Model cards")
    for card in models.cards().values():
        if card.members:
            open_card(page, card.title)
            album.take(f"card-{card.id}", whole=True)


def _kinematics(album: Album) -> None:
    page = album.page
    go(page, "Kinematics")
    page.get_by_text("Flexion from").wait_for(timeout=MEASURED_MS)
    calm(page)
    album.take("kinematics", whole=True)


def _forget(page: Page) -> None:
    page.locator("[class*='st-key-remove-'] button").first.click()
    calm(page)


def _look(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_text(name, exact=True).first.click()
    calm(page)


def _show_anyway(page: Page) -> None:
    """See the answer to a simulated film that the out-of-distribution detector refuses."""
    toggle = page.get_by_role("switch", name="Show anyway")
    if toggle.count() and not toggle.is_checked():  # it stays on for an image that was shown before
        page.get_by_text("Show anyway", exact=True).click()
        calm(page)


def _class(album: Album, task: str) -> None:
    page = album.page
    album.take(task)
    _show_anyway(page)
    _look(page, "Side by side")
    album.take(f"{task}-side")
    _look(page, "Overlay")
    page.get_by_role("tab", name="How far to trust it").click()
    calm(page)
    album.take(f"{task}-trust", whole=True)
    page.get_by_role("button", name="About this model").click()
    calm(page)
    album.take(f"{task}-about")
    page.keyboard.press("Escape")


def _tissue(album: Album, task: str) -> None:
    for look in ("Classes", "Reference", "Entropy", "Why", "Correct"):
        _look(album.page, look)
        album.take(f"{task}-{look.lower()}", whole=True)


def _detection(album: Album, task: str) -> None:
    page = album.page
    album.take(task)
    _show_anyway(page)
    page.locator(".st-key-threshold").get_by_role("slider").press("Home")
    page.locator("[class*='st-key-select-finding-']").first.wait_for()
    calm(page)
    for look in ("Findings", "Why", "Reference", "By hand"):
        _look(page, look)
        album.take(f"{task}-{look.lower().replace(' ', '-')}", whole=True)


LOOKS: dict[str, Callable[[Album, str], None]] = {
    "implant": _class, "pathology": _class, "tissue": _tissue, "detection": _detection
}  # fmt: skip


def _stage(album: Album) -> None:
    """Take every step of conference mode, and its keys."""
    page = album.page
    page.get_by_role("button", name="Conference mode").click()
    bar = page.locator(".st-key-stage-bar")
    bar.wait_for()
    count = int(bar.inner_text().partition("/")[2].split()[0])
    for number in range(1, count + 1):
        calm(page)
        album.take(f"stage-{number}")
        if number < count:
            page.keyboard.press("PageDown")
            bar.get_by_text(f"{number + 1} / {count}").wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    album.take("stage-keys")


def _audits(album: Album) -> None:
    """Take what takes long on the pages of a class."""
    for task in ("implant", "pathology"):
        go(album.page, task.capitalize())
        drop(album.page, case_of(task))
        _show_anyway(album.page)
        _audit(album, task)
        _read_first(album, task)
        _forget(album.page)


def _audit(album: Album, task: str) -> None:
    page = album.page
    page.get_by_text("Audit the explanation").click()
    page.get_by_role("button", name="Run the audit").click()
    page.get_by_text("In figures", exact=True).wait_for(timeout=MEASURED_MS)  # slow methods on a loaded machine
    calm(page)
    album.take(f"{task}-audit", whole=True)
    page.get_by_text("Audit the explanation").click()


def _read_first(album: Album, task: str) -> None:
    """Take a second image of the task with the answer hidden, and after a commitment."""
    page = album.page
    page.get_by_text("Read first", exact=True).click()
    calm(page)
    drop(page, CASES_DIR / ("knee_healthy.png" if task == "pathology" else "shoulder_reverse.png"))
    album.take(f"{task}-read-first", whole=True)
    page.locator(".st-key-reading").get_by_role("radiogroup").locator("label").nth(2).click()
    calm(page)
    page.get_by_role("button", name="Commit").click()
    calm(page)
    album.take(f"{task}-committed")
    page.get_by_text("Read first", exact=True).click()
    calm(page)
    _forget(page)


PARTS: dict[str, Callable[[Album], None]] = {
    "home": _home, **{task: partial(_task, task=task) for task in LOOKS}, "how": _how, "cards": _cards,
    "kinematics": _kinematics, "audit": _audits, "stage": _stage,
}  # fmt: skip
"""What can be shot, in this order."""


def readme(page: Page, folder: Path, file: Path) -> None:
    """Take the first page that opens on a case."""
    task = next(task for task in LOOKS if list_first_cases(task))
    go(page, task.capitalize())
    album = Album(page, folder, ("dark",))
    album.take(task)
    file.parent.mkdir(parents=True, exist_ok=True)
    Pillow.open(album.taken[task][0]).convert("RGB").save(file, optimize=True)


def main() -> None:
    """Shoot, and make the README's picture where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=int, action="append", help="may be given more than once; default: 1440 and 900")
    parser.add_argument("--part", choices=PARTS, action="append", help="may be given more than once; default: all")
    parser.add_argument("--readme", type=Path, help="write the README's picture here, and nothing else")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with serving() as address, chromium() as browser:
        if wanted.readme:
            readme(opened(browser, address), wanted.folder, wanted.readme)
            return
        albums: list[Album] = []
        try:
            for width in wanted.width or WIDTHS:
                page = opened(browser, address, width=width, height=HIGH, scheme=SCHEMES[0])
                albums.append(Album(page, wanted.folder))
                for part in wanted.part or PARTS:
                    PARTS[part](albums[-1])
                page.context.close()
        finally:
            contact_sheet(albums, wanted.folder / "contact.png")


if __name__ == "__main__":
    main()
