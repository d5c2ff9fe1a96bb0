"""Lay out held-out images with their true boxes and a detector's: hits, misses and false positives.

    python tests/benchmarks/detection_sheet.py fracture sheet.png

Needs the packed data and the first fold's network in `runs/`, which `ortholens evaluate` leaves there. Half of the
images hold a true box, drawn at random with a fixed seed. Prints what share of true boxes is found, by their size and
by what is known of the image. The sheet shows real images: it does not go into the repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow

from models.cards import card
from models.nets.loading import fold_batch_norms
from models.tasks.detection.boxes import Mark, draw_box_marks
from models.tasks.detection.dataset import PARTS, read_box_set
from models.tasks.detection.froc import match_boxes
from models.tasks.detection.predictor import Detector
from models.tasks.detection.training import fit_detector
from models.tasks.detection.trials import list_detection_trials
from models.tasks.segmentation.task import make_frame_pixels
from models.types import Detections, Image

SHOWN, ACROSS, SIDE = 24, 6, 420


def main() -> None:
    """Answer one fold's held-out images that hold a box, and as many that do not; lay out 24."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    chosen, data = card(arguments.card), read_box_set(arguments.card)
    trial = list_detection_trials(chosen, data, 5)[0]
    net = fit_detector(chosen, [], trial.run, lambda step, share: None)
    fold_batch_norms(net)
    detector = Detector(chosen, torch.device("cpu"), [net])
    rng = np.random.default_rng(0)
    marked, clean = (rng.permutation([i for i in trial.measured if data.positive[i] == there]) for there in (1, 0))
    found = {int(i): answered(detector, data.pictures[i]) for i in [*marked, *clean[: SHOWN // 2]]}
    tiles = [tile(data.pictures[i], found[i], data.boxes[i]) for i in [*marked[: SHOWN // 2], *clean[: SHOWN // 2]]]
    rows = [np.concatenate(tiles[k : k + ACROSS], 1) for k in range(0, len(tiles), ACROSS)]
    Pillow.fromarray(np.concatenate(rows)).save(arguments.out)
    report([(found[int(i)], data.boxes[i], data.pictures[i].shape, data.facts[i]) for i in marked])


def answered(detector: Detector, picture: np.ndarray) -> Detections:
    """Return the boxes of one picture (H, W) at the card's first operating point."""
    image = Image(make_frame_pixels(picture), name="", sha256="")
    return detector.task.read(detector.detect(image), image, detector.card)


def tile(picture: np.ndarray, found: Detections, reference: np.ndarray) -> np.ndarray:
    """Return one picture with its boxes, (SIDE, SIDE, 3)."""
    boxes, scores = found.boxes[found.shown], found.scores[found.shown]
    met = match_boxes(boxes, scores, reference)
    marks = [
        Mark(tuple(map(float, box)), "hit" if true >= 0 else "false positive", f"{score:.0%}")
        for box, score, true in zip(boxes, scores, met, strict=True)
    ]
    marks += [Mark(tuple(map(float, reference[k])), "miss") for k in range(len(reference)) if k not in met]
    shown = Pillow.fromarray(draw_box_marks(picture.astype(np.float32) / 255, marks))
    shown.thumbnail((SIDE - 8, SIDE - 8))
    square = Pillow.new("RGB", (SIDE, SIDE))
    square.paste(shown, ((SIDE - shown.width) // 2, (SIDE - shown.height) // 2))
    return np.asarray(square)


def report(rows: list[tuple[Detections, np.ndarray, tuple[int, ...], str]]) -> None:
    """Print which true boxes are found at the first operating point."""
    boxes = []
    for found, reference, shape, facts in rows:
        met = match_boxes(found.boxes[found.shown], found.scores[found.shown], reference)
        boxes += [(float(np.sqrt(w * h)) / max(shape), facts, k in met) for k, (_, _, w, h) in enumerate(reference)]
    line("all", [hit for _, _, hit in boxes])
    for low, high in ((0, 0.04), (0.04, 0.06), (0.06, 0.09), (0.09, 1)):
        line(f"side {low:.0%} to {high:.0%} of the image", [hit for side, _, hit in boxes if low <= side < high])
    for part in PARTS:
        line(part, [hit for _, facts, hit in boxes if part in facts.split(", ")])


def line(name: str, hits: list[bool]) -> None:
    """Print the share of hits."""
    if hits:
        print(f"{name}: {np.mean(hits):.2f} of {len(hits)}")  # noqa: T201


if __name__ == "__main__":
    main()
