"""Why a part of an image was segmented so: seg-Grad-CAM and its kin, all through captum.

After Vinogradova et al. 2020, "Towards interpretable semantic segmentation via gradient-weighted class activation
mapping", arXiv:2002.11434: what is explained is the mean logit of a class over a set of pixels, a box that the reader
drew or all that was segmented with the class. With that one number a network that segments is explained like a
classifier.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from models.errors import UnknownCard
from models.nets.dense import DenseNet, State
from models.nets.frame import Frame, scale_heat
from models.progress import ProgressToken
from models.tasks.classification.explanation import (
    ON_FEATURES,
    ON_INPUT,
    choose_explained_stage,
    count_explanation_steps,
)
from models.tasks.segmentation.task import make_network_input, prepare_planes
from models.trust.methods import METHODS, Method
from models.types import Box, Explanation, Image

if TYPE_CHECKING:
    from models.tasks.segmentation.predictor import Segmenter

WINDOW = 768
"""Longest side of what is explained of a slide: a network that slides over tiles sees no farther."""
OFFERED = tuple(key for key in METHODS if key != "guided-grad-cam")
"""Methods for cards that segment; guided Grad-CAM would have to hook stages that hand on several tensors."""


class _Tail(nn.Module):
    """What comes behind a stage, with an entry that captum can hook; what else the stage handed on stays as it is."""

    def __init__(self, net: DenseNet, stage: str, others: State, region: Tensor) -> None:
        super().__init__()
        self.entry = nn.Identity()
        self.forward_tail = net.tail  # a bound method: the network is no child, so nothing of it is touched
        self.stage, self.others, self.region = stage, others, region

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, h, w) at the stage → mean logits over the region (N, K)."""
        size = (self.region.shape[2], self.region.shape[3])
        return average_over_region(
            self.forward_tail((self.entry(features), *self.others), self.stage, size), self.region
        )


class _Whole(nn.Module):
    """A network whose answer is the mean logit of each class over a region: (N, 3, H, W) → (N, K)."""

    def __init__(self, net: DenseNet, region: Tensor) -> None:
        super().__init__()
        self.net, self.region = net, region

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, K)."""
        return average_over_region(self.net(x), self.region)


def average_over_region(logits: Tensor, region: Tensor) -> Tensor:
    """Return the mean over a region (1, 1, H, W) of ones and zeros: (N, K, H, W) → (N, K)."""
    return (logits * region).sum((2, 3)) / region.sum().clamp_min(1)


def explain_region(
    segmenter: Segmenter,
    image: Image,
    method: Method,
    label: str | None = None,
    *,
    frame: int = 0,
    stage: str | None = None,
    box: Box | None = None,
) -> Explanation:
    """Say why a class was segmented in a box, or wherever it was.

    Parameters
    ----------
    label
        Class to explain; by default the one that takes most of the box, the background aside.

    Raises
    ------
    UnknownCard
        For a method, stage or class that the card does not have.
    """
    start = time.perf_counter()
    if method.key not in OFFERED:
        problem = f"{method.name} is not offered for cards that segment"
        raise UnknownCard(problem, fix=f"Choose one of {', '.join(OFFERED)}.")
    stage = choose_explained_stage(segmenter, stage)
    view = choose_explained_window(segmenter, image, box)
    whole = make_network_input(view.to_network(prepare_planes(image, segmenter.card, frame))).to(segmenter.device)
    inside = _inside(view, box).to(segmenter.device)  # (1, 1, h, w)
    with torch.no_grad():
        segmented = (
            segmenter.logits(whole)[:, : len(segmenter.card.labels)].argmax(1, keepdim=True).to(segmenter.device)
        )
    target = _target(segmenter, label, segmented[inside > 0])
    region = inside if box else inside * (segmented == target)
    region = (region if region.any() else inside).float()
    watch = ProgressToken(len(segmenter.members) * count_explanation_steps(method, view.network))
    with segmenter.lock:
        heats = [measure_heat(net, method, target, stage, whole, region, watch) for net in segmenter.members]
    heat = view.to_source(torch.stack(heats).mean(0))[0, 0]
    return Explanation(
        heat=scale_heat(heat),
        method=method.key,
        layer=stage if method.needs_stage else "",
        target=segmenter.card.keys[target],
        seconds=time.perf_counter() - start,
    )


def choose_explained_window(segmenter: Segmenter, image: Image, box: Box | None) -> Frame:
    """Return what is shown to the network: the whole image, fitted; of a tiled card a part of it as it is."""
    if not segmenter.card.input.tiled:
        return segmenter.task.frame(image, segmenter.card)
    height, width = (min(side, WINDOW) for side in image.shape)
    centre = (box.row + box.height // 2, box.column + box.width // 2) if box else (s // 2 for s in image.shape)
    top, left = (
        min(max(at - length // 2, 0), side - length)
        for at, length, side in zip(centre, (height, width), image.shape, strict=True)
    )
    return Frame(image.shape, (height, width), (top, left, height, width))


def _inside(view: Frame, box: Box | None) -> Tensor:
    """Return the pixels of the input, (1, 1, h, w), that lie in a box, or all that show the image."""
    source = torch.zeros(1, 1, *view.source)
    if box is None:
        source += 1
    else:
        source[..., box.row : box.row + box.height, box.column : box.column + box.width] = 1
    return (view.to_network(source) >= 0.5).float()


def _target(segmenter: Segmenter, label: str | None, segmented: Tensor) -> int:
    if label is not None:
        return segmenter.card.index(label)
    counts = torch.bincount(segmented.flatten(), minlength=len(segmenter.card.labels))
    return int(counts[1:].argmax()) + 1 if counts[1:].any() else 0


def measure_heat(
    net: DenseNet, method: Method, target: int, stage: str, x: Tensor, region: Tensor, watch: ProgressToken
) -> Tensor:
    """Return the heat over the input, (1, 1, h, w) at the stage's resolution or at the input's."""
    if method.key not in ON_FEATURES:
        return ON_INPUT[method.key](watch.over(_Whole(net, region)), x, target)
    with torch.no_grad():
        features, *others = net.trunk(x, stage)
    tail = _Tail(net, stage, tuple(others), region)
    explainer = ON_FEATURES[method.key](tail, tail.entry)
    heat = explainer.attribute(features.detach().float().requires_grad_(), target=target)
    return cast(Tensor, heat.detach().sum(1, keepdim=True))
