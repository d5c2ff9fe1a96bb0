"""How long from a drop to the picture and to the answer: `python -m tests.benchmarks.door_speed [--visitors 1 8]`.

A real server and browsers, one session a visitor; each drops its file on the page that belongs to it, or on Home, once
the page is warm, and again a picture that differs in one pixel so that nothing is cached. The picture counts when the
chart of that very file has it; the answer, or the refusal, when its box stands and, having looked at the file, no
longer does, or the page is done with it, so that nothing of the file before counts. Median and worst of the rounds are
printed as a table of Markdown with the load of the machine, without which such figures say nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
import typer
from PIL import Image as Pillow
from playwright.sync_api import Browser, Page
from skimage import data as pictures

from tests.browser import app

SAMPLES = app.ROOT.parent / "shared" / "data" / "samples"
KINDS = {
    "shoulder": ("Implant", "shoulder_depuy_102.jpg"),
    "knee": ("Pathology", "knee_kl3_9037494R.png"),
    "two knees": ("Pathology", "knee_kl3_9037494R.png"),
    "limb": ("Detection", "fracture_img0000151.jpg"),
    "H&E": ("Tissue", "histology_4590d7d47f52.png"),
    "grey H&E": ("Tissue", "histology_4590d7d47f52.png"),
    "MR slice": ("Tissue", "knee_mri.dcm"),
    "fluoroscopy": ("Tissue", "tka_at_k1_v1_0160.tif"),
    "photograph": ("Pathology", None),
    "refused film": ("Pathology", None),
}
"""Kind → its page, and the file of the samples that it is made of; None is drawn, or comes with scikit-image."""
HOME = "Home"
WATCH = """sha256 => {
  const begun = performance.now(), times = window.doorTimes = {};
  const picture = `[data-testid=stMain] [class*="st-key-viewer-${sha256.slice(0, 12)}"] .js-plotly-plot image`;
  const boxes = () => [...document.querySelectorAll('[data-testid=stMain] .st-key-answer')];
  const looks = box => /hourglass|Looking at the image/.test(box.innerText);
  const stands = box => box.innerText.trim() && !box.closest('[data-stale=true]');
  const done = () => document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning';
  let looked = false;  // what was said of the file before counts no more once this one is looked at, or all is drawn
  const observer = new MutationObserver(() => { looked ||= boxes().some(looks); });
  observer.observe(document.body, {childList: true, subtree: true, characterData: true});
  const look = () => {
    if (document.querySelector(picture)?.getAttribute('href')) times.picture ??= performance.now() - begun;
    if (times.picture && (looked || done()) && !boxes().some(looks) && boxes().some(stands)) {
      times.answer = performance.now() - begun;
      observer.disconnect();
    } else requestAnimationFrame(look);
  };
  look();
}"""


def altered(kind: str, seed: int, folder: Path) -> Path:
    """Return a picture of a kind, under a new name, of which a pixel is like in no other."""
    sample = KINDS[kind][1]
    if sample and sample.endswith(".dcm"):
        whole = pydicom.dcmread(SAMPLES / sample)
        whole.PixelData = bytes([seed % 200]) + whole.PixelData[1:]
        whole.save_as(folder / f"{seed}.dcm")
        return folder / f"{seed}.dcm"
    picture = _picture(kind, seed)
    grey = seed % 200
    picture.putpixel((seed % 7, seed // 7), (grey,) * 3 if picture.mode == "RGB" else grey)
    file = folder / f"{kind.split()[0].replace('&', '')}-{seed}.png"
    picture.save(file, compress_level=1)
    return file


def _picture(kind: str, seed: int) -> Pillow.Image:
    if kind == "photograph":
        return Pillow.fromarray(pictures.astronaut())
    if kind == "refused film":
        noise = np.random.default_rng(seed).integers(0, 255, (9, 13), np.uint8)
        return Pillow.fromarray(noise).resize((1300, 900), Pillow.Resampling.BICUBIC)
    picture = Pillow.open(SAMPLES / str(KINDS[kind][1]))
    if kind == "two knees":
        one = np.asarray(picture.convert("L"))
        return Pillow.fromarray(np.hstack([one, one[:, ::-1]]))
    return picture.convert("L") if kind == "grey H&E" else picture


def dropped(pages: list[Page], files: list[Path]) -> Iterator[tuple[float, float]]:
    """Drop a file on each page at once, and yield the seconds to its picture and to its answer."""
    for page, file in zip(pages, files, strict=True):
        page.evaluate(WATCH, hashlib.sha256(file.read_bytes()).hexdigest())
        page.locator("[data-testid=stSidebar] input[type=file]").first.set_input_files(file)
    for page in pages:
        page.wait_for_function("() => window.doorTimes?.answer", timeout=60_000)
        times = page.evaluate("() => window.doorTimes")
        yield times["picture"] / 1000, times["answer"] / 1000
        app.calm(page)


def measure(browser: Browser, address: str, kind: str, visitors: int, asked: Namespace) -> tuple[list[float], ...]:
    """Return the seconds to the pictures and to the answers of all rounds but the first, which warms up."""
    title = HOME if asked.home else KINDS[kind][0]
    pages = [app.opened(browser, address) for _ in range(visitors)]
    pictures, answers = [], []
    with TemporaryDirectory() as folder:
        for turn in range(asked.rounds + 1):
            for page in pages:
                if asked.home or not turn:
                    app.go(page, title)
            seeds = [1 + turn * visitors + number for number in range(visitors)]
            files = [altered(kind, seed, Path(folder)) for seed in seeds]
            for picture, answer in dropped(pages, files):
                if turn:
                    pictures.append(picture)
                    answers.append(answer)
    for page in pages:
        page.context.close()
    return pictures, answers


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--home", action="store_true", help="Drop on Home, which gives the file to its page.")
    asked = parser.parse_args()
    typer.echo(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    typer.echo("| kind | visitors | n | picture, median (worst) | answer, median (worst) | load |")
    typer.echo("| --- | --- | --- | --- | --- | --- |")
    with app.serving() as address, app.chromium() as browser:
        for visitors in asked.visitors:
            for kind in asked.kinds:
                pictures, answers = measure(browser, address, kind, visitors, asked)
                said = [f"{statistics.median(s):.2f} s ({max(s):.2f})" for s in (pictures, answers)]
                load = f"{os.getloadavg()[0]:.1f}"
                typer.echo(f"| {kind} | {visitors} | {len(answers)} | {said[0]} | {said[1]} | {load} |")


if __name__ == "__main__":
    main()
