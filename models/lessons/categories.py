"""One backbone, three heads: what changes between naming a picture, segmenting its pixels and finding things in it.

The steps are read off the product's own networks, MobileNetV2 with a linear head, with the way up of a U-Net, and with
a pyramid and the head of FCOS, by a pass without numbers. (Of the three categories: Voulodimos et al. 2018, "Deep
learning for computer vision: a brief review", doi 10.1155/2018/7068349.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

import torch
from torch import nn

from models.errors import UnknownCard
from models.lessons.anatomy import compute_blocks, make_meta_input, plan_blocks
from models.lessons.records import Step
from models.nets.fcos import FCOSMobileNetV2
from models.nets.mobilenet import STAGES, StagedMobileNetV2
from models.nets.unet import UNetMobileNetV2

CATEGORIES: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType(
    {
        "classification": StagedMobileNetV2,
        "segmentation": UNetMobileNetV2,
        "detection": FCOSMobileNetV2,
    }
)
"""Network of each category, given its number of labels."""

DOES = MappingProxyType(
    {
        "input": "the picture",
        "stage1": "edges and spots",
        "stage2": "lines and corners",
        "stage3": "textures and small shapes",
        "stage4": "parts",
        "stage5": "larger parts in their surroundings",
        "last": "320 → 1280 channels, for the linear layer",
        "head": "mean over all places, then one number a label",
        "segment": "one number a label, at every second pixel",
        "p5": "pyramid: 32 pixels a place",
        "p4": "pyramid: 16 pixels a place, with p5 enlarged",
        "p3": "pyramid: 8 pixels a place, with p4 enlarged",
        "classification head": "one number a label, at every place",
        "regression head": "four distances to the box's edges, at every place",
    }
)
"""What a step does, for the screen."""


@lru_cache(maxsize=32)
def list_category_steps(category: str, size: tuple[int, int], labels: int) -> tuple[Step, ...]:
    """Return the way from a picture to an answer.

    Parameters
    ----------
    category
        "classification", "segmentation" or "detection".
    size
        (rows, columns) of the network's input.
    labels
        Number of labels K.

    Raises
    ------
    UnknownCard
        For a category that does not exist.
    """
    if category not in CATEGORIES:
        raise UnknownCard(f"there is no category {category!r}", fix=f"Choose one of {', '.join(CATEGORIES)}.")
    with torch.device("meta"):
        net = CATEGORIES[category](labels).eval()
    parts = plan_blocks(net)
    maps = compute_blocks(net, parts, make_meta_input(size))
    found = [Step("input", DOES["input"], (1, 3, *size), 0, shared=True)]
    for stage in STAGES:
        blocks = [p for p in parts if p.stage == stage and p.name != "stage5.5"]
        shape = tuple(maps[blocks[-1].name].shape)
        found.append(Step(stage, DOES[stage], shape, _numel(net, (p.module for p in blocks)), shared=True))
    for part in parts:
        if part.stage not in STAGES or part.name == "stage5.5":
            name = "last" if part.name == "stage5.5" else part.name
            shape = tuple(maps[part.name].shape)
            found.append(
                Step(name, _does(category, name), shape, _numel(net, part.owns or (part.module,)), shared=False)
            )
    return tuple(found)


def _does(category: str, name: str) -> str:
    if name.startswith("up"):
        return f"twice as large, joined with stage{name[2:]}"
    return DOES["segment"] if (category, name) == ("segmentation", "head") else DOES[name]


def _numel(net: nn.Module, modules: Iterable[str]) -> int:
    return sum(p.numel() for path in modules for p in net.get_submodule(path).parameters())
