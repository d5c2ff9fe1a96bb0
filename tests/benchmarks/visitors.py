"""Many visitors at once, and one with a bad file: `python -m tests.benchmarks.visitors [--visitors 8] [--seconds 180]`.

First: what reading a picture takes for one visitor, alone, while another's file hangs in its decoder, and while it
burns a core there; a decoder that cannot end is what any bomb comes to. Then the real program with so many browsers,
each of which drops fresh radiographs on the implant page, all at once, again and again: seconds from the drop to the
answer, what went wrong in any of them, and the server's memory (Linux) before, after, and when all have gone.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import numpy as np
import typer
from playwright.sync_api import Error

import models
from models.cases import CASES_DIR
from models.errors import DecoderFailed
from models.io.pool import find_decoder_pool, user
from tests.benchmarks.door_speed import altered, dropped
from tests.browser import app

READS = 30
BOMBS = {"hangs": "__import__('time').sleep(600)", "burns a core": "[None for _ in iter(int, 1)]"}
FILM = CASES_DIR / "shoulder_reverse.png"


def as_user(name: str, work: object) -> threading.Thread:
    """Start work for a visitor in a thread of its own."""

    def run() -> None:
        user.set(name)
        work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def read_times() -> list[float]:
    """Return the seconds that each of some readings of one visitor's picture takes."""
    data, times = FILM.read_bytes(), []

    def read() -> None:
        for _ in range(READS):
            begun = time.perf_counter()
            models.read(data, "mine.png")
            times.append(time.perf_counter() - begun)

    as_user("good", read).join()
    return times


def bombs() -> None:
    """Print what another's bad file costs a visitor."""
    find_decoder_pool().stand_by()
    read_times()
    alone = read_times()
    typer.echo("| another's file | n | median | worst | worst beyond alone |")
    typer.echo("| --- | --- | --- | --- | --- |")
    for name, expression in {"none": "", **BOMBS}.items():
        bomb = None
        if expression:

            def hold(expression: str = expression) -> None:
                try:
                    find_decoder_pool().call(20, eval, expression)
                except DecoderFailed:
                    return

            bomb = as_user("bad", hold)
            time.sleep(0.3)
        times = read_times() if bomb else alone
        more = max(times) - statistics.median(alone)
        typer.echo(f"| {name} | {len(times)} | {statistics.median(times):.3f} s | {max(times):.3f} s | {more:.3f} s |")
        if bomb:
            bomb.join()


def resident_mb(address: str) -> float:
    """Return the memory of the server and its decoders that is resident, in MiB."""
    return family_mb(f"--server.port={urlsplit(address).port}")


def family_mb(word: str) -> float:
    """Return the resident memory of the processes with a word in their command line, and of their children, in MiB."""
    own, parents = set(), {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if word.encode() in words:
            own.add(int(folder.name))
    sizes = []
    for pid in own | {pid for pid, parent in parents.items() if parent in own}:
        with suppress(OSError):  # it has just ended
            sizes.append(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()))
    return sum(int(size[1]) for size in sizes if size) / 1024


def visits(visitors: int, seconds: float) -> None:
    """Print how so many visitors fare."""
    with app.serving() as address, app.chromium() as browser, TemporaryDirectory() as folder:
        first = app.opened(browser, address)
        app.go(first, "Implant")
        list(dropped([first], [altered("shoulder", 0, Path(folder))]))
        first.context.close()
        before = resident_mb(address)
        pages = [app.opened(browser, address) for _ in range(visitors)]
        for page in pages:
            app.go(page, "Implant")
        answers, late, turn, end = [], [], 0, time.monotonic() + seconds
        while time.monotonic() < end:
            turn += 1
            files = [altered("shoulder", turn * visitors + number, Path(folder)) for number in range(visitors)]
            try:
                answers += [answer for _, answer in dropped(pages, files)]
            except Error as problem:
                late.append(problem.message)
        after = resident_mb(address)
        trouble = [*late, *(one for page in pages for one in page.trouble if not app.overtaken(one))]
        for page in pages:
            page.context.close()
        time.sleep(5)
        typer.echo(
            "| visitors | seconds | answers | errors | median | p95 | worst | MiB before | after | when gone | load |"
        )
        typer.echo("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        times = " | ".join(f"{at:.2f} s" for at in np.percentile(answers, [50, 95, 100]))
        typer.echo(
            f"| {visitors} | {seconds:.0f} | {len(answers)} | {len(trouble)} | {times} "
            f"| {before:.0f} | {after:.0f} | {resident_mb(address):.0f} | {os.getloadavg()[0]:.1f} |"
        )
        for one in dict.fromkeys(trouble):
            typer.echo(f"error: {one}")


def main() -> None:
    """Print both tables."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--visitors", type=int, default=8)
    asked.add_argument("--seconds", type=float, default=180)
    options = asked.parse_args()
    typer.echo(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    bombs()
    visits(options.visitors, options.seconds)


if __name__ == "__main__":
    main()
