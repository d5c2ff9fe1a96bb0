"""Find what a model was made for inside a larger picture: each knee of a film of two, or of a long leg.

The model's own out-of-distribution detector is the detector, so no further label is needed: windows of a few sizes
slide over the picture, the most familiar are moved and stretched a little, and of those that overlap the most familiar
stays (sliding windows as in Dalal & Triggs 2005, doi 10.1109/CVPR.2005.177). One pass of the whole film at each size
says which windows are worth a closer look: its means over a window cost nothing, but miss the rim that a cut-out has.
So the most promising are judged again as the out-of-distribution detector judges any picture, and only that judgement
counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.nets.frame import normalise
from models.progress import ProgressToken
from models.trust.ood import load_ood_detector, pool_stages
from models.types import Box, Image, Pixels

if TYPE_CHECKING:
    from models.tasks.classification.predictor import Classifier

SCALES = (1.0, 0.8, 0.63, 0.5, 0.4)
"""Sides of the windows, as a share of the picture's shorter side."""
STRIDE = 1 / 3
"""Distance of two windows, as a share of their side."""
SHIFTS = (-1 / 6, 0.0, 1 / 6)
STRETCHES = (0.85, 0.92, 1.08, 1.17, 1.27)
"""Moves of a candidate as a share of its side, and changes of its side."""
EMPTY = 0.02
"""A window whose grey spreads less shows nothing."""
PROMISING, CANDIDATES, PROPOSALS = 32, 6, 4
"""Windows that are judged after the first glance, those looked at closely, and boxes returned at most."""
HOPELESS, NEAR = 1.8, 1.1
"""OOD score from which a window is dropped, and up to which it is proposed; the OOD detector itself answers up to 1."""
COMFORT = 0.9
"""Of windows about one place at or under this score, the largest is taken: it keeps the margins of the joint."""
OVERLAP = 0.2
"""Of two windows that share more of the smaller one's area, the one with the higher score goes."""
BATCH = 8


def propose_crops(
    model: Classifier,
    image: Image,
    frame: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Box, ...]:
    """Return the square parts of a picture that look like those the model was trained on.

    Parameters
    ----------
    progress, cancelled
        Told the share done, and asked before every batch whether to stop.

    Returns
    -------
    tuple of Box
        From left to right, hardly overlapping; empty where there are none, or the card has no out-of-distribution
        detector.

    Raises
    ------
    Cancelled
        When `cancelled` said so.
    """
    if model.card.ood is None:
        return ()
    closely = CANDIDATES * (len(SHIFTS) ** 2 - 1 + len(STRETCHES))
    watch = ProgressToken(len(SCALES) + (PROMISING + closely) // BATCH + 2 * CANDIDATES, progress, cancelled)
    grey, enlarged = _small(image.grey(frame), model.card.input.size[0])
    candidates = keep_crops_apart(judge_crops(model, grey, _promising(model, grey, watch), watch), CANDIDATES)
    found = []
    for box in candidates:
        if _ood_score(box) < HOPELESS:
            box = min([box, *judge_crops(model, grey, _moved(box, grey), watch)], key=_ood_score)
            found.append(_largest([box, *judge_crops(model, grey, _stretched(box, grey), watch)]))
    familiar = keep_crops_apart([box for box in found if _ood_score(box) <= NEAR], PROPOSALS)
    return tuple(_enlarged(box, enlarged) for box in sorted(familiar, key=lambda box: box.column))


def _small(grey: Pixels, side: int) -> tuple[Tensor, float]:
    """Return a picture as (1, 1, H, W), no larger than the smallest window needs, and how much larger it was."""
    enlarged = max(1.0, min(grey.shape) * min(SCALES) / side)
    rows, columns = (max(1, round(length / enlarged)) for length in grey.shape)
    return _scaled(torch.from_numpy(grey)[None, None], (rows, columns)), enlarged


def _enlarged(box: Box, by: float) -> Box:
    row, column, side = (round(by * length) for length in (box.row, box.column, box.height))
    return Box(row, column, side, side, box.ood_score)


@torch.no_grad()
def judge_crops(model: Classifier, grey: Tensor, boxes: Iterable[Box], watch: ProgressToken) -> list[Box]:
    """Return boxes of a picture (1, 1, H, W) with their OOD score, each as a picture of its own.

    One member is enough: the out-of-distribution detector is fitted on the first.
    """
    ood_detector, waiting, found = load_ood_detector(model.card), list(boxes), []
    while waiting:
        watch.step()
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        x = torch.cat([_scaled(_cut(grey, box), model.card.input.size) for box in batch])
        away = ood_detector.distance(pool_stages(_seen(model, x)).cpu().numpy()) / ood_detector.threshold
        found += [replace(box, ood_score=float(far)) for box, far in zip(batch, away, strict=True)]
    return found


@torch.no_grad()
def _promising(model: Classifier, grey: Tensor, watch: ProgressToken) -> list[Box]:
    """Return the windows of a picture (1, 1, H, W) with the lowest OOD scores at a glance, and show something."""
    ood_detector, found = load_ood_detector(model.card), []
    for scale in SCALES:
        watch.step()
        boxes = [box for box in _scan(grey, scale) if _cut(grey, box).std() > EMPTY]
        if not boxes:
            continue
        rows, columns = (round(length * model.card.input.size[0] / boxes[0].height) for length in grey.shape[2:])
        seen = _seen(model, _scaled(grey, (rows, columns)))
        pools = torch.cat([pool_stages([_under(part, box, grey) for part in seen]) for box in boxes])
        away = ood_detector.distance(pools.cpu().numpy()) / ood_detector.threshold
        found += [replace(box, ood_score=float(far)) for box, far in zip(boxes, away, strict=True)]
    return sorted(found, key=_ood_score)[:PROMISING]


def _seen(model: Classifier, x: Tensor) -> list[Tensor]:
    """Return the two stages before the last, at which the OOD detector looks: (N, 1, h, w) → (N, C, h', w') each."""
    net = model.members[0]
    with model.lock, model.precision():
        return list(net.pyramid(normalise(x).to(model.device), below=list(net.stages)[-1]).values())[-2:]


def _under(features: Tensor, box: Box, grey: Tensor) -> Tensor:
    """Return the part of a feature map that lies under a window of the picture, at least one cell."""
    down, across = (have / of for have, of in zip(features.shape[2:], grey.shape[2:], strict=True))
    top, left = int(box.row * down), int(box.column * across)
    bottom, right = round((box.row + box.height) * down), round((box.column + box.width) * across)
    return features[..., top : max(top + 1, bottom), left : max(left + 1, right)]


def keep_crops_apart(boxes: Sequence[Box], most: int) -> list[Box]:
    """Return at most `most` boxes, lowest OOD score first, without those that overlap a better one."""
    kept: list[Box] = []
    for box in sorted(boxes, key=_ood_score):
        if len(kept) < most and all(measure_shared_area(box, other) <= OVERLAP for other in kept):
            kept.append(box)
    return kept


def measure_shared_area(one: Box, other: Box) -> float:
    """Return the common area of two boxes as a share of the smaller one's."""
    down = min(one.row + one.height, other.row + other.height) - max(one.row, other.row)
    right = min(one.column + one.width, other.column + other.width) - max(one.column, other.column)
    return max(0, down) * max(0, right) / min(one.height * one.width, other.height * other.width)


def _scan(grey: Tensor, scale: float) -> Iterator[Box]:
    rows, columns = grey.shape[2:]
    side = max(1, round(scale * min(rows, columns)))
    tops, lefts = (
        np.linspace(0, length - side, 1 + round((length - side) / (side * STRIDE))).round().astype(int)
        for length in (rows, columns)
    )
    yield from (Box(int(top), int(left), side, side) for top, left in product(tops, lefts))


def _moved(box: Box, grey: Tensor) -> Iterator[Box]:
    for down, right in product(SHIFTS, SHIFTS):
        if (down, right) != (0, 0):
            yield _inside(box.row + down * box.height, box.column + right * box.height, box.height, grey)


def _stretched(box: Box, grey: Tensor) -> Iterator[Box]:
    """Yield larger and smaller boxes about the same centre."""
    for stretch in STRETCHES:
        side = box.height * stretch
        yield _inside(box.row + (box.height - side) / 2, box.column + (box.height - side) / 2, side, grey)


def _inside(row: float, column: float, side: float, grey: Tensor) -> Box:
    """Return a square box, moved so that it lies within the picture."""
    rows, columns = grey.shape[2:]
    whole = min(round(side), rows, columns)
    return Box(min(max(round(row), 0), rows - whole), min(max(round(column), 0), columns - whole), whole, whole)


def _cut(grey: Tensor, box: Box) -> Tensor:
    return grey[..., box.row : box.row + box.height, box.column : box.column + box.width]


def _scaled(grey: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(grey, size, mode="bilinear", antialias=True, align_corners=False)


def _largest(boxes: Sequence[Box]) -> Box:
    familiar = [box for box in boxes if _ood_score(box) <= COMFORT]
    return max(familiar, key=lambda box: box.height) if familiar else min(boxes, key=_ood_score)


def _ood_score(box: Box) -> float:
    return np.inf if box.ood_score is None else box.ood_score
