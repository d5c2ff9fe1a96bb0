"""Why a point was placed where it was: the network's own map of the point, or what spoke for the place of its peak.

Beside the map stand Grad-CAM and HiResCAM as for networks that segment (Vinogradova et al. 2020, arXiv:2002.11434):
what is explained is the mean logit of the point's map around its peak.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.errors import UnknownCard
from models.nets.frame import scale_heat
from models.progress import ProgressToken
from models.tasks.classification.explanation import choose_explained_stage
from models.tasks.kind import Why
from models.tasks.landmarks.heatmaps import CELL, read_heatmaps
from models.tasks.segmentation.explanation import measure_heat
from models.trust.methods import POINT_METHODS, Method, find_method
from models.types import Explanation, Image

if TYPE_CHECKING:
    from models.tasks.landmarks.predictor import Locator

HEATMAP = "heatmap"


def explain_point(locator: Locator, image: Image, why: Why, frame: int = 0) -> Explanation:
    """Say why one point was placed where it was.

    Parameters
    ----------
    why
        Its label is the name of the point, by default the card's first.

    Raises
    ------
    UnknownCard
        For a method, stage or point that the card does not have, and for a part of an image.
    """
    start, method = time.perf_counter(), find_method(why.method)
    if method.key not in POINT_METHODS:
        problem = f"{method.name} is not offered for cards that place points"
        raise UnknownCard(problem, fix=f"Choose one of {', '.join(POINT_METHODS)}.")
    if why.box is not None:
        raise UnknownCard(f"{locator.card.id} explains points, not a part of an image", fix="Name a point.")
    stage = choose_explained_stage(locator, why.stage)
    target = locator.card.index(why.label) if why.label is not None else 0
    placed, x = locator.prepare(image, frame)
    shares = locator.shares(x)[0]
    heat = shares[:, target : target + 1]
    if method.key != HEATMAP:
        heat = _heat(locator, method, x, target, shares, stage)
    return Explanation(
        heat=scale_heat(placed.to_source(heat)[0, 0]),
        method=method.key,
        layer=stage if method.needs_stage else "",
        target=locator.card.keys[target],
        seconds=time.perf_counter() - start,
    )


def _heat(locator: Locator, method: Method, x: Tensor, target: int, shares: Tensor, stage: str) -> Tensor:
    """Return what spoke for the peak of one point's map, over the input: (1, 1, h, w) at the stage's resolution."""
    column, row = (round(float(at)) for at in read_heatmaps(shares)[0][0, target])
    region = torch.zeros(1, 1, *x.shape[2:])
    region[..., max(row - CELL, 0) : row + CELL + 1, max(column - CELL, 0) : column + CELL + 1] = 1
    there, where = x.to(locator.device), region.to(locator.device)
    watch = ProgressToken(len(locator.members))
    with locator.lock:
        heats = [measure_heat(net, method, target, stage, there, where, watch) for net in locator.members]
    return torch.stack(heats).mean(0)
