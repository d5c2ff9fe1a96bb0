"""Film the conference mode as a GIF: `python -m tests.browser.film docs/tour.gif`.

Walks the playlist that ships, of simulated cases only, and keeps one picture a step as soon as the page is at rest.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from io import BytesIO
from pathlib import Path

from PIL import Image as Pillow
from playwright.sync_api import Page

from tests.browser.app import ROOT, calm, chromium, opened, serving

WIDTH, HEIGHT = 1440, 810
SHOWN = (960, 540)
COLOURS = 128
SECONDS_A_STEP = 2.5
FADED_MS = 2500
"""After which heat has faded in, and what a step presses is pressed."""
LARGEST_MB = 5


def pictures(page: Page, steps: int) -> list[Pillow.Image]:
    """Return each step of the playlist as it stands on the stage."""
    taken = []
    for step in range(steps):
        page.locator(".st-key-stage-bar").get_by_text(f"{step + 1} / {steps}").wait_for()
        page.get_by_text("Looking at the image").wait_for(state="detached")
        page.locator("[data-stale=true]").first.wait_for(state="detached")
        page.wait_for_timeout(FADED_MS)
        calm(page)
        picture = Pillow.open(BytesIO(page.screenshot())).convert("RGB").resize(SHOWN, Pillow.Resampling.LANCZOS)
        taken.append(picture.quantize(COLOURS, dither=Pillow.Dither.NONE))
        if step + 1 < steps:
            page.keyboard.press("PageDown")
    return taken


def main() -> None:
    """Write the film."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    steps = len(tomllib.loads((ROOT / "dashboard" / "stage" / "playlist.toml").read_text(encoding="utf-8"))["step"])
    os.environ["ORTHOLENS_STAGE"] = "default"
    with serving() as address, chromium() as browser:
        page = opened(browser, address, width=WIDTH, height=HEIGHT, ready=".st-key-stage-bar")
        first, *others = pictures(page, steps)
    milliseconds = round(SECONDS_A_STEP * 1000)
    first.save(out, save_all=True, append_images=others, duration=milliseconds, loop=0, optimize=True)
    if out.stat().st_size > LARGEST_MB * 2**20:
        raise SystemExit(f"{out} is larger than {LARGEST_MB} MB")


if __name__ == "__main__":
    main()
