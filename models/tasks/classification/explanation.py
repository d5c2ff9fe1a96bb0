"""Why a model answered so: signed heat maps in source pixels, all through captum.

Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) and HiResCAM (Draelos & Carin 2020, arXiv:2011.08891) go on from the
features of the pass that gave the answer, so the trunk runs once and the gradient only goes through the tail. The other
methods see the input. The members of an ensemble are averaged, as their logits are.

What is explained is a label's logit over the mean of all (`_OverMean`): a softmax answers the same when every logit
moves alike, so what all labels share speaks for none of them and has no place in the map.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from captum.attr import (
    GradientShap,
    GuidedGradCam,
    IntegratedGradients,
    LayerAttribution,
    LayerGradCam,
    LayerGradientXActivation,
    Occlusion,
)
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import UnknownCard
from models.nets.frame import scale_heat
from models.nets.staged import StagedClassifier
from models.progress import ProgressToken
from models.trust.methods import METHODS, Method, find_method
from models.types import Explanation, Image

if TYPE_CHECKING:
    from models.tasks.classification.predictor import Classifier
    from models.tasks.landmarks.predictor import Locator
    from models.tasks.segmentation.predictor import Segmenter

__all__ = ["METHODS", "Method", "choose_explained_stage", "explain_classification", "find_method", "guide_rectifiers"]

BATCH = 8
"""Copies of the input that go through the network at once."""
STEPS = 32
"""Points between black and the picture in integrated gradients."""
PATCH, STRIDE = 32, 16
"""Side and step of the occluding patch, in pixels of the network's input."""
SAMPLES = 32
"""Noisy copies in gradient SHAP."""


class _Tail(nn.Module):
    """What comes behind a stage, with an entry that captum can hook."""

    def __init__(self, net: StagedClassifier, stage: str) -> None:
        super().__init__()
        self.entry = nn.Identity()
        self.forward_tail = net.tail  # a bound method: the network is no child, so nothing of it is touched
        self.stage = stage

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, h, w) at the stage → logits (N, K)."""
        return self.forward_tail(self.entry(features), self.stage)


class _OverMean(nn.Module):
    """A network whose logits (N, K) are taken over their mean, which leaves every probability as it is."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K), of mean 0."""
        logits: Tensor = self.net(x)
        return logits - logits.mean(1, keepdim=True)


def choose_explained_stage(model: Classifier | Segmenter | Locator, stage: str | None) -> str:
    """Return the stage, or the card's own for None.

    Raises
    ------
    UnknownCard
        When the network has no such stage.
    """
    stages = list(model.members[0].stages)
    if stage is not None and stage not in stages:
        raise UnknownCard(f"{model.card.id} has no stage {stage!r}", fix=f"Choose one of {', '.join(stages)}.")
    return stage or model.card.net.stage


def explain_classification(
    model: Classifier,
    image: Image,
    method: Method,
    target: int,
    *,
    frame: int = 0,
    stage: str | None = None,
    features: list[Tensor] | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explanation:
    """Say why one output of a model is as large as it is, on one frame.

    Parameters
    ----------
    target
        Index of the output to explain.
    stage
        For methods that look at a stage; the card's own by default.
    features
        What each member computed at `stage`, (1, C, h, w), as `Classifier.answer` returns it; else computed here.
    progress, cancelled
        Told the share done, and asked whether to stop.

    Raises
    ------
    UnknownCard
        For a method that explains boxes alone, and a stage or an output that the network does not have.
    Cancelled
        When `cancelled` said so.
    """
    start = time.perf_counter()
    if method.key not in METHODS:
        raise UnknownCard(f"{method.name} explains boxes alone", fix=f"Choose one of {', '.join(METHODS)}.")
    stage = choose_explained_stage(model, stage)
    if not 0 <= target < len(model.card.labels):
        raise UnknownCard(f"{model.card.id} has no output {target}", fix=f"Choose 0 to {len(model.card.labels) - 1}.")
    watch = ProgressToken(
        len(model.members) * count_explanation_steps(method, model.card.input.size), progress, cancelled
    )
    watch.check()

    def of_member(i: int, net: StagedClassifier) -> Tensor:
        if method.key in ON_FEATURES:
            given = features[i] if features else _at(model, i, image, frame, stage)
            return _stage_heat(net, method, target, stage, given)
        if method.key == "guided-grad-cam":
            return _guided_grad_cam(net, model.input(image, frame), target, stage, watch)
        return ON_INPUT[method.key](watch.over(_OverMean(net)), model.input(image, frame), target)

    with model.lock:
        heat = torch.stack([of_member(i, net) for i, net in enumerate(model.members)]).mean(0)  # (1, 1, h, w)
    heat = model.task.frame(image, model.card).to_source(heat)[0, 0]
    return Explanation(
        heat=scale_heat(heat),
        method=method.key,
        layer=stage if method.needs_stage else "",
        target=model.card.keys[target],
        seconds=time.perf_counter() - start,
    )


def _at(model: Classifier, member: int, image: Image, frame: int, stage: str) -> Tensor:
    with torch.no_grad():
        return model.members[member].trunk(model.input(image, frame), stage)


def _stage_heat(net: StagedClassifier, method: Method, target: int, stage: str, features: Tensor) -> Tensor:
    if method.key == "grad-cam" and stage == list(net.stages)[-1] and _is_mean_and_linear(net.head):
        return compute_class_activation(net, target, features)
    tail = _Tail(net, stage)
    method_on = ON_FEATURES[method.key](_OverMean(tail), tail.entry)
    heat = method_on.attribute(features.detach().float().requires_grad_(), target=target)
    return cast(Tensor, heat.detach().sum(1, keepdim=True))  # (1, 1, h, w); Grad-CAM has one channel already


def _is_mean_and_linear(head: nn.Sequential) -> bool:
    parts = [type(part) for part in head if not isinstance(part, nn.Flatten | nn.Dropout)]
    return parts == [nn.AdaptiveAvgPool2d, nn.Linear]


def compute_class_activation(net: StagedClassifier, target: int, features: Tensor) -> Tensor:
    """Return Grad-CAM at the last stage without a gradient: (1, C, h, w) → (1, 1, h, w).

    Behind a mean and a linear layer, the gradient of a logit over the mean of all is the label's row of weights less
    the mean row, divided by the number of places, everywhere the same (Zhou et al. 2016, arXiv:1512.04150). It equals
    captum's map and takes no second pass.
    """
    features = features.detach().float()
    rows = cast(nn.Linear, net.head[-1]).weight.detach().float()  # (K, C)
    weights = rows[target] - rows.mean(0)
    return F.conv2d(features, weights[None, :, None, None]) / features[0, 0].numel()


ON_FEATURES: Mapping[str, Callable[[nn.Module, nn.Module], LayerAttribution]] = MappingProxyType(
    {"grad-cam": LayerGradCam, "hirescam": LayerGradientXActivation}
)


Logits = Callable[[Tensor], Tensor]
"""From an input (N, 3, h, w) to logits (N, K)."""


def _integrated_gradients(logits: Logits, x: Tensor, target: int) -> Tensor:
    heat = IntegratedGradients(logits).attribute(
        x.requires_grad_(), torch.full_like(x, -1), target=target, n_steps=STEPS, internal_batch_size=BATCH
    )
    return cast(Tensor, heat.detach().sum(1, keepdim=True))


def _occlusion(logits: Logits, x: Tensor, target: int) -> Tensor:
    with torch.no_grad():
        heat = Occlusion(logits).attribute(
            x, (3, PATCH, PATCH), (3, STRIDE, STRIDE), baselines=0, target=target, perturbations_per_eval=BATCH
        )
    return cast(Tensor, heat[:, :1])  # one patch covers all channels, so they are equal


def _gradient_shap(logits: Logits, x: Tensor, target: int) -> Tensor:
    levels = torch.linspace(-1, 1, 3, device=x.device)[:, None, None, None].expand(-1, *x.shape[1:])
    shap = GradientShap(logits)
    with _seeded():
        parts = [
            shap.attribute(x.requires_grad_(), levels, n_samples=BATCH, stdevs=0.1, target=target).detach()
            for _ in range(SAMPLES // BATCH)
        ]
    return torch.stack(parts).mean(0).sum(1, keepdim=True)


def _guided_grad_cam(net: StagedClassifier, x: Tensor, target: int, stage: str, watch: ProgressToken) -> Tensor:
    twin = guide_rectifiers(net)
    watch.step()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")  # on the twin, which is thrown away
        heat = GuidedGradCam(_OverMean(twin), twin.stages[stage]).attribute(
            x.requires_grad_(), target=target, interpolate_mode="bilinear"
        )
    return cast(Tensor, heat.detach().sum(1, keepdim=True))


ON_INPUT: Mapping[str, Callable[[Logits, Tensor, int], Tensor]] = MappingProxyType(
    {
        "integrated-gradients": _integrated_gradients,
        "occlusion": _occlusion,
        "gradient-shap": _gradient_shap,
    }
)


def guide_rectifiers(net: StagedClassifier) -> StagedClassifier:
    """Return a copy whose rectifiers captum can guide, computing the same function.

    Captum guides `nn.ReLU` and nothing else, and its hooks need rectifiers that do not work in place. A ReLU6 becomes a
    ReLU with a ceiling behind it: min(relu(x), 6).
    """
    twin = deepcopy(net)
    for parent in list(twin.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU6):
                setattr(parent, name, nn.Sequential(nn.ReLU(), nn.ReLU6()))
            elif isinstance(child, nn.ReLU):
                setattr(parent, name, nn.ReLU())
    return twin


def count_explanation_steps(method: Method, size: tuple[int, int]) -> int:
    """Forward passes of one member."""
    patches = [ceil((side - PATCH) / STRIDE) + 1 for side in size]
    return {
        "integrated-gradients": STEPS // BATCH,
        "occlusion": 1 + ceil(patches[0] * patches[1] / BATCH),
        "gradient-shap": SAMPLES // BATCH,
    }.get(method.key, 1)


@contextmanager
def _seeded() -> Iterator[None]:
    """Make captum's draws, which come from the global generators, the same each time, and leave those as they were."""
    state = np.random.get_state()  # noqa: NPY002 - captum draws from it
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
