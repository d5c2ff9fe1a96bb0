"""Answers by Ray beside the bare network: `python -m tests.benchmarks.ray_serve [--seconds 20] [--files 20000]`.

First: images a second of the bare network (one thread, its best batch), of that and the shared look which every answer
takes too, of the engine in this process, and of four, two and one replica of Ray Serve, each of one thread; the four
with a network's delay before and after each question. Every answer is held against that of this process. Then a replica
is killed again and again while two answer. Last: `ortholens predict --backend ray` over many small pictures and a card
of random weights at 64 × 64 pixels, killed twice, and its lines counted. Linux alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import typer
from PIL import Image as Pillow

import models
from models.cards import Card, card
from models.cases import cases
from models.predictors import replica
from models.predictors.cluster import name_application
from models.predictors.engine import Engine, engine
from models.settings import Settings, settings
from models.tasks import kind_of_card
from models.tasks.classification.predictor import Classifier
from models.tasks.kind import Request
from models.trust.image_kinds import look_at_image_kind
from models.types import Image
from tests.outside import write_card
from tests.predictors.test_cluster import find_replicas, forget

BATCHES = (1, 4, 16)
IMAGES = 64
DELAY_S = 0.02
"""Of the simulated network, one way."""
ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from models.cli import main; main()"]


class FarReplica(replica.Replica):
    """A replica behind a slow network."""

    async def predict(self, known: Card, image: Image, frame: int, asked: Request) -> Any:
        """Answer as a replica does, `DELAY_S` later on either way."""
        await asyncio.sleep(DELAY_S)
        said = await super().predict(known, image, frame, asked)
        await asyncio.sleep(DELAY_S)
        return said


def make_images(of: Card) -> list[Image]:
    """Return images none of which is another: a case of the card with noise."""
    case = models.read(next(case.path for case in cases() if case.task == of.task and case.path.suffix == ".png"))
    made = []
    for seed in range(IMAGES):
        noise = np.random.default_rng(seed).normal(0, 0.01, case.pixels.shape).astype(np.float32)
        made.append(replace(case, pixels=(case.pixels + noise).clip(0, 1), sha256=f"{seed:064}"))
    return made


def rate(work: Callable[[], int], seconds: float) -> float:
    """Return how many images a second some work answers, after a first time that is not counted."""
    work()
    done, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds:
        done += work()
    return done / spent


def rate_bare(model: Classifier, image: Image, seconds: float) -> tuple[float, int]:
    """Return images a second of the bare network at its best batch, and that batch."""
    x, rates = model.input(image), {}
    for size in BATCHES:
        batch = x.repeat(size, 1, 1, 1)

        def run(batch: torch.Tensor = batch) -> int:
            return len(model.logits(batch))

        rates[size] = rate(run, seconds / len(BATCHES))
    best = max(rates, key=lambda size: rates[size])
    return rates[best], best


def ask(images: Sequence[Image], used: Card, seconds: float) -> tuple[float, list[models.Judged]]:
    """Return images a second of the replicas, all kept busy, and an answer to each image."""
    with ThreadPoolExecutor(engine().count_at_once(used)) as threads:

        def run() -> int:
            answers[:] = threads.map(lambda image: models.predict(image, used.id), images)
            return len(answers)

        answers: list[models.Judged] = []
        wanted = settings().ray_replicas
        while len(find_replicas()) < wanted:  # which come by themselves under load
            run()
        return rate(run, seconds), answers


def serve_anew(used: Card, replicas: int, of: type = replica.Replica) -> None:
    """Have a card's kind served by so many replicas at most."""
    from ray import serve

    if engine.cache_info().currsize:
        serve.delete(name_application(kind_of_card(used)))
    os.environ["ORTHOLENS_RAY_REPLICAS"] = str(replicas)
    forget()
    replica.Replica = of  # type: ignore[misc]
    engine().prepare(used)


def compare(used: Card, images: Sequence[Image], seconds: float) -> None:
    """Print the table of rates."""
    here = Engine(Settings(backend="local"))
    model = here.load(used, Classifier)
    expected = [here.predict(image, used) for image in images]
    typer.echo("| who answers | images a second | of the bare network | largest difference | load |")
    typer.echo("| --- | --- | --- | --- | --- |")

    def show(name: str, found: float, bare: float, said: Sequence[models.Judged] = ()) -> None:
        apart = ""
        if said:
            both = zip(said, expected, strict=True)
            apart = f"{max(np.abs(one.probabilities - other.probabilities).max() for one, other in both):.1e}"
        typer.echo(f"| {name} | {found:.1f} | {found / bare:.2f} | {apart} | {os.getloadavg()[0]:.1f} |")

    serve_anew(used, 4, FarReplica)
    far = ask(images, used, seconds)
    serve_anew(used, 2)
    two = ask(images, used, seconds)
    killed(images, used, expected, 3 * seconds)
    serve_anew(used, 1)
    one = ask(images, used, seconds)
    bare, batch = rate_bare(model, images[0], seconds)  # right after the one that is compared with it
    show(f"bare network, batches of {batch}", bare, bare)
    looks = iter(range(10**9))
    look = rate(lambda: bool(look_at_image_kind(replace(images[0], sha256=f"look {next(looks)}"))), seconds / 4)
    show("that and the shared look", 1 / (1 / bare + 1 / look), bare)
    alone = iter(images * 1000)
    show("engine in this process", rate(lambda: bool(here.predict(next(alone), used)), seconds), bare)
    show("1 replica", one[0], bare, one[1])
    show("2 replicas", two[0], bare, two[1])
    show(f"4 replicas, {DELAY_S * 1000:.0f} ms away either way", far[0], bare, far[1])


def killed(images: Sequence[Image], used: Card, expected: Sequence[models.Judged], seconds: float) -> None:
    """Print what becomes of the answers while a replica is killed every few seconds."""
    wrong, waits, kills, end = 0, [], 0, time.monotonic() + seconds

    def one(number: int) -> None:
        nonlocal wrong
        begun = time.perf_counter()
        said = models.predict(images[number % len(images)], used.id)
        waits.append(time.perf_counter() - begun)
        wrong += np.abs(said.probabilities - expected[number % len(images)].probabilities).max() > 1e-6

    with ThreadPoolExecutor(engine().count_at_once(used)) as threads:
        asked = []
        while time.monotonic() < end:
            asked += [threads.submit(one, number) for number in range(len(images))]
            for waiting in asked[-len(images) :]:
                waiting.result()
            if len(running := find_replicas()) == 2:
                os.kill(min(running), signal.SIGKILL)
                kills += 1
    typer.echo(f"{kills} replicas killed, {len(waits)} answers, {wrong} wrong, longest wait {max(waits):.1f} s")


def batch(folder: Path, cards: Path, files: int) -> None:
    """Print what becomes of a batch whose command is killed twice."""
    write_card(cards, "outside")
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(files):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)
        Pillow.fromarray(pixels).resize((64, 64)).save(pictures / f"{number:05}.png")
    os.environ["ORTHOLENS_RAY_REPLICAS"] = "2"
    forget()
    out, begun = folder / "answers.jsonl", time.monotonic()
    command = [
        *PROGRAM,
        "predict",
        "implant",
        str(pictures),
        "--card",
        "outside",
        "--backend",
        "ray",
        "--out",
        str(out),
    ]
    for share in (1 / 3, 2 / 3):
        run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        while count_lines(out) < share * files:
            if run.poll() is not None:
                raise SystemExit(f"the command ended with {run.returncode}")
            time.sleep(0.2)
        run.kill()
        run.wait()
        typer.echo(f"killed after {count_lines(out)} lines")
    code = subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL).returncode
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    named = [Path(line["file"]).name for line in lines]
    whole = named == sorted(path.name for path in pictures.iterdir())
    answered = sum(line["ok"] for line in lines)
    typer.echo(
        f"{files} files, {len(lines)} lines, each once and in order: {whole}, {answered} answered, exit code {code}"
    )
    typer.echo(f"{time.monotonic() - begun:.0f} s with three starts, load {os.getloadavg()[0]:.1f}")


def count_lines(path: Path) -> int:
    """Return how many whole lines a file has; none where there is no file yet."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def main() -> None:
    """Print the table, and what became of what was killed."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--card", default="knee-kl")
    asked.add_argument("--seconds", type=float, default=20)
    asked.add_argument("--files", type=int, default=20_000)
    options = asked.parse_args()
    torch.set_num_threads(1)
    typer.echo(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.card}")
    with TemporaryDirectory() as folder:
        cards = Path(folder) / "cards"
        os.environ |= {"ORTHOLENS_BACKEND": "ray", "ORTHOLENS_CARDS_DIR": str(cards)}
        forget()
        used = card(options.card)
        compare(used, make_images(used), options.seconds)
        os.environ["ORTHOLENS_RAY_ADDRESS"] = "auto"  # that of this process, which its commands join
        batch(Path(folder), cards, options.files)


if __name__ == "__main__":
    main()
