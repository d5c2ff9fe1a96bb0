"""What kind of picture a frame is: one small look that all cards share, before any of them is asked.

The first four stages of MobileNetV2 with their ImageNet weights, which no card has changed, see the frame at about
224 × 224 pixels; the means of the channels are told apart by a multinomial regression, and by the
Mahalanobis distance (Lee et al. 2018, arXiv:1807.03888) from each kind, with one covariance a kind. So the look knows a
knee from a shoulder, and both from a photograph, whatever resolution, sharpness or grain they come with: a film of
2,000 × 2,500 pixels is reduced to what the training pictures are before anything is judged.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.cards import WEIGHTS_DIR, Card
from models.nets.frame import find_exposed_part
from models.nets.loading import fold_batch_norms, read_tensors
from models.nets.mobilenet import StagedMobileNetV2
from models.types import Image, Pixels

KINDS = ("knee", "shoulder", "limb", "histology", "section", "mri", "fluoroscopy")
"""Kinds of picture that the look knows, in the order of its tensors; a card says which of them it was made for."""

NARROW = frozenset({"mri", "fluoroscopy"})
"""Kinds known from one or two patients: the look can tell what is none of them, and not how familiar one is."""

STAGES = ("stage3", "stage4")
"""Whose channels are pooled."""
AREA = 224 * 224
"""Pixels of what the trunk sees; the sides keep the frame's proportions, up to 1 : 3, in multiples of 32."""
LONGEST = 1024
"""A larger side is thinned first: what it holds beyond that is gone at 224 pixels anyway."""
FILE = "kinds.safetensors"
RECORD: Path = WEIGHTS_DIR / "kinds.json"
"""Which weights belong to the look, their thresholds, and what was measured with them."""
KEPT = 64
"""Frames whose kinds are remembered, by the hash of their file: numbers only, no pixels."""

_SEEN: OrderedDict[tuple[str, int], Kinds] = OrderedDict()
_LOCK = Lock()


@dataclass(frozen=True)
class Kinds:
    """What the look says of one frame.

    Attributes
    ----------
    shares
        Probability of each kind, were the frame of one of them.
    ood_scores
        Distance of the frame from each kind, divided by that kind's threshold.
    metal
        Probability that the frame shows metal, were it a radiograph.
    """

    shares: Mapping[str, float]
    ood_scores: Mapping[str, float]
    metal: float

    @property
    def likeliest(self) -> str:
        """The most probable kind."""
        return max(self.shares, key=lambda kind: self.shares[kind])


def find_image_kind(card: Card) -> str | None:
    """Return the kind of picture that a card was made for; None for one that the look does not know."""
    return card.input.kind if card.input.kind in KINDS else None


def make_kind_input(shown: Pixels) -> Tensor:
    """Return a frame as the trunk takes it: (H, W) or (H, W, 3) in [0, 1] → (1, 3, h, w) in [−1, 1]."""
    if shown.ndim == 2:
        top, left, height, width = find_exposed_part(shown)
        shown = shown[top : top + height, left : left + width, None]
    step = max(1, max(shown.shape[:2]) // LONGEST)
    x = torch.from_numpy(np.ascontiguousarray(shown[::step, ::step])).permute(2, 0, 1)[None]
    ratio = min(max(x.shape[2] / x.shape[3], 1 / 3), 3)
    rows, columns = (max(32, round((AREA * r) ** 0.5 / 32) * 32) for r in (ratio, 1 / ratio))
    x = F.interpolate(x, (rows, columns), mode="bilinear", antialias=True, align_corners=False)
    return (x * 2 - 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def load_kind_trunk(state: Mapping[str, Tensor]) -> nn.ModuleDict:
    """Return the stages of the look with the weights whose names begin with `trunk.`, ready to run."""
    stages = StagedMobileNetV2(1).stages
    del stages["stage5"]
    counters = {key: value for key, value in stages.state_dict().items() if key.endswith("num_batches_tracked")}
    own = {key.removeprefix("trunk."): part.float() for key, part in state.items() if key.startswith("trunk.")}
    stages.load_state_dict(counters | own)
    stages.eval().requires_grad_(False)
    fold_batch_norms(stages)
    return stages.to(memory_format=torch.channels_last)


@torch.no_grad()
def pool_kind_features(stages: nn.ModuleDict, shown: Pixels) -> NDArray[np.float32]:
    """Return what is looked at, (3, D): mean, spread and maximum of each channel of `STAGES`."""
    x, found = make_kind_input(shown), []
    for name, stage in stages.items():
        x = stage(x)
        if name in STAGES:
            flat = x[0].flatten(1)
            found.append(torch.stack([flat.mean(1), flat.std(1), flat.amax(1)]))
    return torch.cat(found, 1).numpy()


@dataclass(frozen=True, eq=False)
class Look:
    """The trunk, and what it makes of each kind.

    Attributes
    ----------
    stages
        The trunk, ready to run.
    tensors
        `centre`, `scale` (3, D): pooled features are standardised first. Of the means: `weight` (K, D), `bias` (K,).
        `middle` (K, D), `whiten` (K, D, D): the distance of x from kind k is |whiten[k] · (x − middle[k])|. `metal`
        (3, D), `metal_bias` (1,): the regression that tells metal, of all.
    thresholds
        Distance of each kind over which a frame is outside.
    """

    stages: nn.ModuleDict
    tensors: Mapping[str, NDArray[np.float32]]
    thresholds: Mapping[str, float]

    def kinds(self, features: NDArray[np.float32]) -> Kinds:
        """Tell the kinds apart by the pooled features (3, D) of one frame."""
        part = self.tensors
        whole = (features - part["centre"]) / part["scale"]
        x = whole[0]
        shares = torch.from_numpy(part["weight"] @ x + part["bias"]).softmax(0).tolist()
        away = np.linalg.norm(np.einsum("kij,kj->ki", part["whiten"], x - part["middle"]), axis=1)
        metal = 1 / (1 + np.exp(-float((part["metal"] * whole).sum() + part["metal_bias"][0])))
        names = list(self.thresholds)
        return Kinds(
            dict(zip(names, shares, strict=True)),
            {name: float(far) / self.thresholds[name] for name, far in zip(names, away, strict=True)},
            metal,
        )


@lru_cache(maxsize=1)
def record_image_kinds() -> Mapping[str, Any]:
    """Return what stands beside the weights of the look: their hash, the thresholds and the figures."""
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=1)
def load_image_kinds() -> Look:
    """Return the look, loaded once.

    Raises
    ------
    BadWeights
        When its file is missing or changed.
    """
    state = read_tensors(FILE, record_image_kinds()["sha256"])
    tensors = {name: part.float().numpy() for name, part in state.items() if not name.startswith("trunk.")}
    return Look(load_kind_trunk(state), tensors, record_image_kinds()["thresholds"])


def look_at_image_kind(image: Image, frame: int = 0) -> Kinds:
    """Say what kind of picture a frame is; a frame that was just looked at is not looked at again."""
    if not image.sha256:
        return _look(image, frame)
    key = (image.sha256, frame)
    with _LOCK:
        if key in _SEEN:
            return _SEEN[key]
    found = _look(image, frame)
    with _LOCK:
        _SEEN[key] = found
        while len(_SEEN) > KEPT:
            _SEEN.popitem(last=False)
    return found


def _look(image: Image, frame: int) -> Kinds:
    shared = load_image_kinds()
    return shared.kinds(pool_kind_features(shared.stages, image.shown(frame)))
