"""Does Grad-CAM find what the model uses? Its insertion area against a random map's, on held-out pictures of a card.

    .venv/bin/python tests/benchmarks/explanations.py knee-kl --pictures 100

Pictures are spread evenly over the validation split, or over a set without splits (which the shipped weights have then
seen: said in the report). Each gets a random map of its own, as coarse as Grad-CAM's. The interval of the share won is
Wilson's (Wilson 1927), that of the mean difference a bootstrap.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

import models
from models.cards import card
from models.commands.benchmark import describe_machine
from models.predictors.engine import engine
from models.tasks.classification.dataset import read_labelled_set
from models.tasks.classification.faithfulness import draw_random_heat, measure_faithfulness
from models.tasks.classification.predictor import Classifier
from models.types import Classification, Image, Pixels

RESAMPLES = 1000


def pictures(card_id: str, n: int) -> tuple[str, list[Image]]:
    """Return what the pictures are, and n of them."""
    data = read_labelled_set(card_id)
    split = "val" if "val" in data.splits else ""
    indices = data.of(split)
    chosen = indices[np.linspace(0, len(indices) - 1, min(n, len(indices))).round().astype(int)]
    grey = [data.pixels[i].astype(np.float32)[None] / np.float32(255) for i in chosen]
    what = "validation split" if split else "whole set, which the shipped weights have seen"
    return what, [Image(pixels, name="", sha256=str(i)) for i, pixels in zip(chosen, grey, strict=True)]


def areas(card_id: str, image: Image, seed: int) -> tuple[float, float]:
    """Return the insertion areas of Grad-CAM and of a random map, for the model's own answer."""
    answer = models.predict(image, card_id, explain="grad-cam")
    assert isinstance(answer, Classification)
    assert answer.explanation is not None
    model, target = engine().load(card(card_id), Classifier), card(card_id).index(answer.label)

    def area(heat: Pixels) -> float:
        return measure_faithfulness(model, image, heat, target).insertion_area

    return area(answer.explanation.heat), area(draw_random_heat(image.shape, seed))


def report(found: NDArray[np.float64]) -> Mapping[str, object]:
    """Return the share won and the mean difference with 95 % intervals: (N, 2) areas of Grad-CAM and random."""
    difference = found[:, 0] - found[:, 1]
    won = int((difference > 0).sum())
    share = binomtest(won, len(found)).proportion_ci(method="wilson")
    drawn = np.random.default_rng(0).integers(len(found), size=(RESAMPLES, len(found)))
    low, high = np.quantile(difference[drawn].mean(1), [0.025, 0.975])
    return {
        "n": len(found),
        "won": won,
        "share_won": {"value": won / len(found), "low": round(share.low, 3), "high": round(share.high, 3)},
        "mean_insertion_area": dict(zip(("grad_cam", "random"), found.mean(0).round(4).tolist(), strict=True)),
        "mean_difference": {name: round(float(value), 4) for name, value in
                            (("value", difference.mean()), ("low", low), ("high", high))},
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("card")
    options.add_argument("--pictures", type=int, default=100)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    what, images = pictures(chosen.card, chosen.pictures)
    found = []
    for i, image in enumerate(images):
        found.append(areas(chosen.card, image, seed=i))
        sys.stderr.write(f"\r{i + 1} of {len(images)}")
    weights = [member.sha256 for member in card(chosen.card).members]
    facts = {"card": chosen.card, "weights": weights, "pictures": what, **report(np.array(found))}
    text = json.dumps({**facts, "machine": describe_machine(engine().device)}, indent=2)
    sys.stdout.write(text + "\n")
    if chosen.json:
        chosen.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
