"""Measure `models.triage`: pictures of held-out groups of every set, and images of other kinds, as a table of
confusions.

    python -m tests.benchmarks.triage [--fit]

`--fit` first fits the shared look anew. Figures, with n and 95 % intervals (Wilson 1927), are printed and written
beside the look's weights. Needs the sets (`ORTHOLENS_DATA_DIR`) and the extras `train` and `dev`. The look has seen
nothing of these groups; the networks of cards without a split of their own have. `ROOM` and `METAL` of
`models.trust.second` were chosen on other held-out pictures of the knees, shoulders, limbs and sections, and on
images of other kinds drawn from other seeds, but on the same few of histology, MR, fluoroscopy, photographs and DICOM
files.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import numpy as np

import models
from models.cards import card
from models.predictors import image_kinds_training as training
from models.predictors.image_kinds_augmentation import sharpen_as_film
from models.predictors.image_kinds_set import Sample, draw_kind_samples
from models.simulation.hardware import add_hardware
from models.trust import image_kinds
from models.trust.image_kinds import KINDS, find_image_kind, look_at_image_kind
from models.trust.perturbations import grey_picture
from models.trust.second import METAL
from models.types import Image, Pixels
from tests.benchmarks.ood_sets import ood_sets

WANTED = {"knee": 45, "shoulder": 35, "limb": 45, "histology": 25, "section": 20, "mri": 19, "fluoroscopy": 31}
"""Pictures of each kind, fewer where fewer are held out."""
SHARP = 10
"""Of each kind, those that are measured as sharp films of full size too."""


@dataclass(frozen=True)
class Case:
    """A picture, the row of the table it belongs to, and the cards that fit it; none for an image of another kind."""

    row: str
    image: Image
    cards: tuple[str, ...]


def as_image(picture: Pixels) -> Image:
    """Return a picture as an image with an identity of its own."""
    return Image(picture[None], name="", sha256=sha256(np.ascontiguousarray(picture).tobytes()).hexdigest())


def made_for(kind: str) -> tuple[str, ...]:
    """Return the ids of the cards that were made for a kind of picture; an alternative model is never named."""
    return tuple(one.id for one in models.cards().values() if find_image_kind(one) == kind and one.id == one.base_id)


def cases() -> Iterator[Case]:
    """Yield what triage is measured on."""
    rng = np.random.default_rng(0)
    held_out: dict[str, list[Sample]] = {kind: [] for kind in KINDS}
    for sample in draw_kind_samples(held_out=True):
        held_out[sample.kind].append(sample)
    for kind, found in held_out.items():
        picked = [found[i] for i in np.unique(np.linspace(0, len(found) - 1, WANTED[kind]).round().astype(int))]
        for sample in picked:
            yield Case(kind, as_image(sample.picture), made_for(kind))
        if kind == "histology" and card("histology-nuclei").input.grey:
            for sample in picked:
                yield Case("histology, grey copies", as_image(grey_picture(sample.picture)), made_for(kind))
        for sample in picked[:: max(1, len(picked) // SHARP)]:
            larger = max(1.0, 2200 / max(sample.picture.shape[:2]))
            if kind in ("knee", "shoulder", "limb", "fluoroscopy"):  # no other comes as a film
                yield Case(
                    f"{kind}, sharp at full size",
                    as_image(sharpen_as_film(sample.picture, rng, larger)),
                    made_for(kind),
                )
    knees = held_out["knee"]
    for one, other in zip(knees[0:20:2], knees[1:20:2], strict=True):
        yield Case("two knees on a film", as_image(np.concatenate([one.picture, other.picture], 1)), made_for("knee"))
    for name, _, image in ood_sets():
        yield Case(f"other kind: {name}", image, ())


def interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float((middle - half) / (1 + z * z / n)), float((middle + half) / (1 + z * z / n))


def share(hits: int, n: int) -> dict[str, float]:
    """Return a share with its interval, as it stands in the file."""
    low, high = interval(hits, n)
    return {"n": n, "value": hits / n, "low": low, "high": high}


def measure() -> dict[str, object]:
    """Ask triage of every case, and return the figures."""
    for known in models.cards().values():  # warm
        if known.id == known.base_id:
            models.predict(as_image(np.zeros((64, 64), np.float32)), known.id)
    table: dict[str, Counter[str]] = {}
    right: Counter[str] = Counter()
    seconds: list[float] = []
    for case in cases():
        start = time.perf_counter()
        found = models.triage(case.image)
        seconds.append(time.perf_counter() - start)
        named = found.best.card if found.best else "none"
        table.setdefault(case.row, Counter())[named] += 1
        good = named in case.cards if case.cards else named == "none"
        right[case.row] += good
        if not good:
            seen = look_at_image_kind(case.image)
            say(f"  {case.row}: {named}; looks like {seen.likeliest} {seen.ood_scores[seen.likeliest]:.2f}")
    whole = [row for row in table if row in KINDS]
    outside = [row for row in table if row.startswith("other kind")]
    return {
        "measured": date.today().isoformat(),
        "machine": f"{platform.machine()}, {platform.system()}",
        "fitting card": share(sum(right[row] for row in whole), sum(table[row].total() for row in whole)),
        "other kinds known to no card": share(
            sum(right[row] for row in outside), sum(table[row].total() for row in outside)
        ),
        "seconds": {"median": statistics.median(seconds), "most": max(seconds)},
        "rows": {
            row: {"right": share(right[row], counts.total()), "answers": dict(counts)} for row, counts in table.items()
        },
        "metal": metal(),
    }


def metal() -> dict[str, object]:
    """Return how often the look sees metal: in limbs with and without hardware, knees without and with drawn one."""
    rng, seen = np.random.default_rng(1), {}
    for sample in draw_kind_samples(held_out=True):
        if sample.kind not in ("knee", "limb"):
            continue
        pictures = {f"{sample.kind}, {'with' if sample.metal else 'without'}": sample.picture}
        if sample.kind == "knee":
            pictures["knee, with simulated hardware"] = add_hardware(sample.picture, rng)
        for row, picture in pictures.items():
            seen.setdefault(row, []).append(look_at_image_kind(as_image(picture)).metal > METAL)
    return {row: share(sum(found), len(found)) for row, found in seen.items()}


def show(figures: dict[str, object]) -> None:
    """Print the table of confusions."""
    names = sorted({name for row in figures["rows"].values() for name in row["answers"]})  # type: ignore[attr-defined]
    say("| |" + "|".join(names) + "| right | 95 % interval |\n|---|" + "---|" * (len(names) + 2))
    for row, found in figures["rows"].items():  # type: ignore[attr-defined]
        counts = "|".join(str(found["answers"].get(name, "")) for name in names)
        of = found["right"]
        say(f"|{row}|{counts}|{of['value']:.1%} of {of['n']}|{of['low']:.1%} to {of['high']:.1%}|")
    for name in ("fitting card", "other kinds known to no card", "seconds", "metal"):
        say(f"{name}: {figures[name]}")


def say(line: str) -> None:
    """Print a line."""
    print(line, flush=True)  # noqa: T201


def main() -> None:
    """Fit where asked, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="fit the shared look anew first")
    if parser.parse_args().fit:
        training.train_final_image_kinds(training.gather_image_kinds(lambda step, _: say(step)))
    figures = measure()
    image_kinds.RECORD.write_text(
        json.dumps({**image_kinds.record_image_kinds(), "figures": figures}, indent=1) + "\n", encoding="utf-8"
    )
    show(figures)


if __name__ == "__main__":
    main()
