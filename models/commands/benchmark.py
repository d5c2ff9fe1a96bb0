"""How fast a model is from a file's bytes to an answer and its Grad-CAM, beside the bare network in the same run.

All paths take turns, so that a busy machine slows all of them alike and their ratios stand; medians and quartiles,
since the noise of a busy machine only ever adds time (Chen and Revels 2016, arXiv:1608.04295).
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from rich.table import Table

import models
from models.cards import Card
from models.errors import BadCard
from models.predictors.engine import engine
from models.tasks.members import BARE, BARE_GRADIENT

WARM_UP = 5
COLD_STARTS = 3

DECODED = "bytes → image"
ANSWER, EXPLAINED = "bytes → prediction", "bytes → prediction + Grad-CAM"

_FIRST_ANSWER = """
import sys, time
start = time.perf_counter()
import models
models.predict(models.read(sys.argv[1]), sys.argv[2])
print(time.perf_counter() - start)
"""


def run_benchmark(card: Card, data: bytes, repeats: int = 30) -> dict[str, Any]:
    """Time one card on one image.

    Parameters
    ----------
    data
        Content of an image file.
    repeats
        Warm repeats of each path.

    Returns
    -------
    dict
        Ready for JSON: `milliseconds` by path (median, lower and upper quartile, n), `ratios` of medians,
        `read_peak_memory_mb` and `describe_machine`.
    """
    image = models.read(data)
    paths = {
        **list_bare_paths(card, image),
        DECODED: lambda: models.read(data),
        ANSWER: lambda: models.predict(models.read(data), card.id),
        EXPLAINED: lambda: models.predict(models.read(data), card.id, explain="grad-cam"),
    }
    timings = {"cold start, import to first answer": time_cold_starts(card, data), **time_interleaved(paths, repeats)}
    median = {path: float(np.median(times)) for path, times in timings.items()}
    return {
        "card": card.id,
        "members": len(card.members),
        "image": {"rows": image.shape[0], "columns": image.shape[1], "bytes": len(data)},
        "milliseconds": {path: compute_quartiles(times) for path, times in timings.items()},
        "ratios": {
            f"{whole} / {part}": round(median[whole] / median[part], 3)
            for whole, part in ((ANSWER, BARE), (EXPLAINED, BARE), (EXPLAINED, BARE_GRADIENT))
            if part in median
        },
        "peak_memory_mb": read_peak_memory_mb(),
        "machine": describe_machine(engine().device),
    }


def list_bare_paths(card: Card, image: models.Image) -> Mapping[str, Callable[[], object]]:
    """Return what the networks alone take, by path: of a detector from its input to its boxes.

    Raises
    ------
    BadCard
        For a card whose networks do not answer an image in one pass, such as one that segments tile by tile.
    """
    model = engine().predictor(card)
    paths = model.passes(image)
    if not paths:
        raise BadCard(f"it {model.does}", fix="Choose a card that names an image or draws boxes.", file=card.id)
    return paths


def time_interleaved(paths: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Time several paths in turn: milliseconds of each repeat after a warm-up, by path."""
    times: dict[str, list[float]] = {path: [] for path in paths}
    for repeat in range(WARM_UP + repeats):
        for path, run in paths.items():
            start = time.perf_counter()
            run()
            if repeat >= WARM_UP:
                times[path].append((time.perf_counter() - start) * 1000)
    return times


def time_cold_starts(card: Card, data: bytes) -> list[float]:
    """Time fresh processes from their first import to their first answer, in milliseconds."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "image")
        file.write_bytes(data)
        command = [sys.executable, "-c", _FIRST_ANSWER, str(file), card.id]
        runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(COLD_STARTS)]
    return [float(run.stdout) * 1000 for run in runs]


def compute_quartiles(times: Sequence[float]) -> dict[str, float]:
    """Median and quartiles, and how many times they stand on."""
    low, middle, high = np.percentile(times, [25, 50, 75]).round(2).tolist()
    return {"median": middle, "lower_quartile": low, "upper_quartile": high, "n": len(times)}


def read_peak_memory_mb() -> float | None:
    """Largest resident memory of this process so far, in MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    units = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / units, 1)


def describe_machine(device: torch.device) -> dict[str, str | int]:
    """Return what the figures were measured on."""
    libraries = {name: version(name) for name in ("torch", "torchvision", "captum", "numpy", "pillow")}
    gpu = {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
    return {
        "cpu": _cpu_name(),
        "threads": torch.get_num_threads(),
        "device": device.type,
        **gpu,
        "system": platform.platform(),
        "python": platform.python_version(),
        **libraries,
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def format_benchmark(report: Mapping[str, Any]) -> Table:
    """Return a report as a table for the terminal; the ratio is to the bare forward."""
    shown = Table(title=f"{report['card']}, {report['members']} member(s)", caption=_caption(report))
    for heading in ("Path", "Median ms", "Quartiles ms", "n", "Ratio"):
        shown.add_column(heading, justify="left" if heading == "Path" else "right")
    bare_ms = report["milliseconds"][BARE]["median"]
    for path, ms in report["milliseconds"].items():
        quarters = f"{ms['lower_quartile']:.1f} – {ms['upper_quartile']:.1f}"
        ratio = f"{ms['median'] / bare_ms:.2f}" if ms["n"] > COLD_STARTS or path == BARE else ""
        shown.add_row(path, f"{ms['median']:.1f}", quarters, str(ms["n"]), ratio)
    return shown


def _caption(report: Mapping[str, Any]) -> str:
    machine = report["machine"]
    memory = f"peak memory {report['peak_memory_mb']} MiB, " if report["peak_memory_mb"] else ""
    return f"{memory}{machine['cpu']}, {machine['threads']} threads, {machine['device']}, torch {machine['torch']}"
