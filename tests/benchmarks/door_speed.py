"""How long from a drop to the picture and to the answer: `python -m tests.benchmarks.door_speed [--visitors 1 8]`.

A real server and browsers, one session a visitor; each drops its file on the page that belongs to it once the page is
warm, and again a picture that differs in one bit so that nothing is cached. The picture counts when the chart has it,
the answer when the box of the answer stands and no longer looks. Median and worst of the rounds are printed as a table
of Markdown with the load of the machine, without which such figures say nothing.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer
from PIL import Image as Pillow
from playwright.sync_api import Browser, Page

from tests.browser import app

SAMPLES = app.ROOT.parent / "shared" / "data" / "samples"
KINDS = {
    "shoulder": ("Implant", "shoulder_depuy_102.jpg"),
    "knee": ("Pathology", "knee_kl3_9037494R.png"),
    "limb": ("Detection", "fracture_img0000151.jpg"),
    "H&E": ("Tissue", "histology_4590d7d47f52.png"),
    "fluoroscopy": ("Tissue", "tka_at_k1_v1_0160.tif"),
    "refused film": ("Pathology", None),
}
"""Kind → its page, and a file of the samples; None is drawn."""
WATCH = """() => {
  window.doorTimes = {};
  const begun = performance.now();
  const look = () => {
    const times = window.doorTimes, main = document.querySelector('[data-testid=stMain]');
    const chart = main.querySelector(".js-plotly-plot .layer-below image, .js-plotly-plot image");
    const answer = main.querySelector('.st-key-answer');
    const stale = answer && answer.closest('[data-stale=true]');
    if (!times.picture && chart && chart.getAttribute('href') !== window.doorBefore) {
      times.picture = performance.now() - begun;
    }
    if (times.picture && !times.answer && answer && !stale && !/hourglass|Looking at the image/.test(answer.innerText)
        && answer.innerText.trim()) times.answer = performance.now() - begun;
    if (!times.answer) requestAnimationFrame(look);
  };
  look();
}"""
BEFORE = """() => { window.doorBefore =
    document.querySelector('[data-testid=stMain] .js-plotly-plot image')?.getAttribute('href') ?? null; }"""


def altered(path: Path | None, seed: int, folder: Path) -> Path:
    """Return a copy of a picture of which a corner differs, or a drawn one that no model knows, under a new name."""
    if path is None:
        grey = np.random.default_rng(seed).integers(0, 255, (9, 13), np.uint8)
        picture = Pillow.fromarray(grey).resize((1300, 900), Pillow.Resampling.BICUBIC)
    else:
        picture = Pillow.open(path)
        picture.putpixel((seed % 7, seed // 7), tuple([seed % 200] * len(picture.getbands())) if picture.mode == "RGB"
                         else seed % 200)  # fmt: skip
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    file = folder / f"{path.stem if path else 'stranger'}-{seed}.png"
    file.write_bytes(out.getvalue())
    return file


def dropped(pages: list[Page], files: list[Path]) -> Iterator[tuple[float, float]]:
    """Drop a file on each page at once, and yield the seconds to its picture and to its answer."""
    for page in pages:
        page.evaluate(BEFORE)
    for page, file in zip(pages, files, strict=True):
        page.evaluate(WATCH)
        page.locator("[data-testid=stSidebar] input[type=file]").first.set_input_files(file)
    for page in pages:
        page.wait_for_function("() => window.doorTimes?.answer", timeout=120_000)
        times = page.evaluate("() => window.doorTimes")
        yield times["picture"] / 1000, times["answer"] / 1000
        app.calm(page)


def measure(browser: Browser, address: str, kind: str, visitors: int, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds to the pictures and to the answers of all rounds but the first, which warms up."""
    title, sample = KINDS[kind]
    pages = [app.opened(browser, address) for _ in range(visitors)]
    pictures, answers = [], []
    with TemporaryDirectory() as folder:
        for page in pages:
            app.go(page, title)
        for turn in range(rounds + 1):
            seeds = [1 + turn * visitors + number for number in range(visitors)]
            files = [altered(SAMPLES / sample if sample else None, seed, Path(folder)) for seed in seeds]
            for picture, answer in dropped(pages, files):
                if turn:
                    pictures.append(picture)
                    answers.append(answer)
    for page in pages:
        page.context.close()
    return pictures, answers


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    asked = parser.parse_args()
    typer.echo(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    typer.echo("| kind | visitors | n | picture, median (worst) | answer, median (worst) | load |")
    typer.echo("| --- | --- | --- | --- | --- | --- |")
    with app.serving() as address, app.chromium() as browser:
        for visitors in asked.visitors:
            for kind in asked.kinds:
                pictures, answers = measure(browser, address, kind, visitors, asked.rounds)
                said = [f"{statistics.median(s):.2f} s ({max(s):.2f})" for s in (pictures, answers)]
                load = f"{os.getloadavg()[0]:.1f}"
                typer.echo(f"| {kind} | {visitors} | {len(answers)} | {said[0]} | {said[1]} | {load} |")


if __name__ == "__main__":
    main()
