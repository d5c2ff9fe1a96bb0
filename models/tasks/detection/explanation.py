"""Why this box? Grad-CAM and HiResCAM on the score of the place that drew it, and D-RISE, which only sees the answers.

The class logit of one place of the pyramid is explained, either by the level of the pyramid that it lies on or by a
stage of the trunk; with that one number a detector is explained like a classifier, through captum. D-RISE (Petsiuk et
al. 2021, arXiv:2006.03204) looks at the picture through random masks and asks how well the box is found again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import box_iou

from models.cards import Card
from models.errors import UnknownCard
from models.nets.fcos import LEVELS, FCOSMobileNetV2, Places
from models.nets.frame import scale_heat
from models.progress import ProgressToken
from models.tasks.classification.explanation import ON_FEATURES
from models.tasks.detection.task import Scaled, fit_detector_input
from models.trust.methods import BOX_METHODS, Method
from models.types import Box, Detections, Explanation, Image

if TYPE_CHECKING:
    from models.tasks.detection.predictor import Detector

MASKS = 400
"""Random masks of D-RISE, each one pass; the paper takes 5,000, which no reader waits for."""
GRID = 16
"""Cells of a mask along each side, as in the paper."""
OPEN = 0.5
"""Share of the cells that let the picture through."""


@dataclass(frozen=True, eq=False)
class Subject:
    """The box to explain.

    Attributes
    ----------
    box
        (4,) x, y, width, height as in `Detections`; None: whatever scores highest.
    label
        Index of the class.
    place
        Place of the network that drew it; −1 where none did alone, then the place whose box lies nearest counts.
    """

    box: NDArray[np.float32] | None
    label: int
    place: int = -1

    @classmethod
    def of(cls, found: Detections, index: int) -> Subject:
        """Return one box of an answer.

        Raises
        ------
        UnknownCard
            When the answer has no such box.
        """
        if not 0 <= index < len(found.boxes):
            fix = f"Choose 0 to {len(found.boxes) - 1}." if len(found.boxes) else "There is no box to explain."
            raise UnknownCard(f"the answer has no box {index}", fix=fix)
        return cls(found.boxes[index], int(found.classes[index]), int(found.places[index]))

    @classmethod
    def best(cls, found: Detections, card: Card, label: str | None) -> Subject:
        """Return the best box of a label, or of all; where there is none, whatever comes nearest to one."""
        wanted = None if label is None else card.index(label)
        own = [i for i, kind in enumerate(found.classes) if wanted in (None, int(kind))]
        return cls.of(found, own[0]) if own else cls(None, wanted or 0)

    @classmethod
    def drawn(cls, box: Box, label: int) -> Subject:
        """Return a box that a reader drew, in whole pixels."""
        edges = (box.column - 0.5, box.row - 0.5, box.width, box.height)
        return cls(np.array(edges, np.float32), label)


class _Tail(nn.Module):
    """What comes behind a stage or level, up to the logits of one place, with an entry that captum can hook."""

    def __init__(self, net: FCOSMobileNetV2, at: str, others: dict[str, Tensor], place: tuple[str, int]) -> None:
        super().__init__()
        self.entry = nn.Identity()
        self.rest = partial(_logits, net, at, others, place)  # the network is no child, so nothing of it is touched

    def forward(self, features: Tensor) -> Tensor:
        """(1, C, h, w) at the stage → logits (1, K)."""
        return self.rest(self.entry(features))


def _logits(
    net: FCOSMobileNetV2, at: str, others: dict[str, Tensor], place: tuple[str, int], features: Tensor
) -> Tensor:
    """Return the class logits (1, K) of place (level, index in it), going on from what `at` computed."""
    level, index = place
    if at not in LEVELS:
        names = list(net.stages)
        own = {**others, at: features}
        for name in names[names.index(at) + 1 :]:
            features = own[name] = net.stages[name](features)
        features = net.trunk.levels(own)[level]
    logits: Tensor = net.head.classification_head([features])[:, index]
    return logits


def explain_box(
    detector: Detector,
    image: Image,
    method: Method,
    subject: Subject,
    *,
    frame: int = 0,
    stage: str | None = None,
    watch: ProgressToken | None = None,
) -> Explanation:
    """Say why one box was drawn, as heat in source pixels.

    Parameters
    ----------
    stage
        A stage of the trunk, or the level that the box comes from (the default).
    watch
        For D-RISE, whose steps it sets: told of every mask, and asked whether to stop.

    Raises
    ------
    UnknownCard
        For a method that is not offered, and a stage or level that has no part in the box.
    Cancelled
        When the watch says so.
    """
    start = time.perf_counter()
    if method.key not in BOX_METHODS:
        raise UnknownCard(f"{method.name} is not offered for boxes", fix=f"Choose one of {', '.join(BOX_METHODS)}.")
    view = detector.task.frame(image, detector.card)
    x = fit_detector_input(image.grey(frame), view).to(detector.device)
    layer = ""
    if method.needs_stage:
        heats = []
        with detector.lock:
            for net in detector.members:
                heat, layer = _stage_heat(net, method, subject, stage, (x, view))
                heats.append(heat)
    else:
        watch = watch or ProgressToken(0)
        watch.steps = MASKS * len(detector.members)
        heats = [_d_rise(detector, net, x, subject, view, watch) for net in detector.members]
    heat = view.to_source(torch.stack(heats).mean(0).float().cpu())[0, 0]
    return Explanation(
        heat=scale_heat(heat),
        method=method.key,
        layer=layer,
        target=detector.card.keys[subject.label],
        seconds=time.perf_counter() - start,
    )


def _stage_heat(
    net: FCOSMobileNetV2, method: Method, subject: Subject, stage: str | None, seen: tuple[Tensor, Scaled]
) -> tuple[Tensor, str]:
    """Return heat (1, 1, h, w) at the resolution of a stage or level, and its name."""
    x, view = seen
    with torch.no_grad():
        tapped = net.trunk.tapped(x)
        levels = net.trunk.levels(tapped)
        place = subject.place if subject.place >= 0 else _nearest(net.places(x, levels), subject, view)
    level, index = _on_level(levels, place)
    at = stage or level
    if at not in (*net.stages, level):
        others = f"this box comes from {level}" if at in LEVELS else f"there is no stage {at!r}"
        raise UnknownCard(others, fix=f"Choose one of {', '.join((*net.stages, level))}.")
    tail = _Tail(net, at, tapped, (level, index))
    explainer = ON_FEATURES[method.key](tail, tail.entry)
    features = levels[level] if at == level else tapped[at]
    heat = explainer.attribute(features.detach().float().requires_grad_(), target=subject.label)
    return cast(Tensor, heat.detach().sum(1, keepdim=True)), at


def _on_level(levels: OrderedDict[str, Tensor], place: int) -> tuple[str, int]:
    """Return the level of a place, and its index in that level."""
    for name, features in levels.items():
        count = features.shape[2] * features.shape[3]
        if place < count:
            return name, place
        place -= count
    raise UnknownCard("the box comes from another picture", fix="Ask for the boxes of this picture first.")


def _nearest(places: Places, subject: Subject, view: Scaled) -> int:
    """Return the place whose box overlaps the subject's most, the highest score among equals."""
    score = places.scores[:, subject.label].float()
    if subject.box is None:
        return int(score.argmax())
    near = box_iou(places.boxes.float(), _box_of(subject, view, places.boxes.device))[:, 0]
    return int((near + 1e-6 * score).argmax())


def _box_of(subject: Subject, view: Scaled, device: torch.device) -> Tensor:
    assert subject.box is not None  # the caller asks first
    return torch.from_numpy(view.boxes_to_network(subject.box[None])).float().to(device)


def draw_rise_mask(random: torch.Generator, size: tuple[int, int]) -> Tensor:
    """Return one random mask (h, w) in [0, 1]: coarse cells, enlarged smoothly and shifted by part of a cell."""
    cells = (torch.rand(1, 1, GRID + 1, GRID + 1, generator=random) < OPEN).float()
    height, width = (ceil(side / GRID) for side in size)
    grown = F.interpolate(cells, ((GRID + 1) * height, (GRID + 1) * width), mode="bilinear", align_corners=False)
    top, left = (int(torch.randint(step, (1,), generator=random)) for step in (height, width))
    return grown[0, 0, top : top + size[0], left : left + size[1]]


def _d_rise(
    detector: Detector, net: FCOSMobileNetV2, x: Tensor, subject: Subject, view: Scaled, watch: ProgressToken
) -> Tensor:
    """Return heat (1, 1, h, w) over the input: the masks, weighted by how much better than usual the box is found.

    A mask weighs the best overlap with the box times the score of the class, over all places. The mean weight is taken
    off, so that what hinders the box is negative and the masks' own mean leaves no trace.
    """
    size = (x.shape[2], x.shape[3])
    random = torch.Generator().manual_seed(0)
    weighted, plain, total = torch.zeros(size), torch.zeros(size), 0.0
    if subject.box is None:
        watch.check()
        whole = detector.places(net, x)[0]
        box = whole.boxes[int(whole.scores[:, subject.label].argmax())][None]
    else:
        box = _box_of(subject, view, x.device)
    for _ in range(MASKS):
        watch.check()
        mask = draw_rise_mask(random, size)
        places = detector.places(net, (x + 1) * mask.to(x.device) - 1)[0]
        weight = float((box_iou(places.boxes, box)[:, 0] * places.scores[:, subject.label]).max())
        weighted += weight * mask
        plain += mask
        total += weight
        watch.step()
    return ((weighted - plain * (total / MASKS)) / MASKS)[None, None]
