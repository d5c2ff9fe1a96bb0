"""Train a detector: focal, box and centredness loss of FCOS on random views, one cycle, a moving average.

How a run is stepped through, stopped and resumed is `models.training.loop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.cards import Card
from models.cards import card as known
from models.nets.device import choose_device
from models.nets.fcos import FCOSMobileNetV2
from models.nets.loading import build_detector, load_trunk
from models.nets.mobilenet import StagedMobileNetV2, rescale_batch_norms
from models.nets.starting import load_starting_weights
from models.progress import Progress
from models.tasks.detection.augmentation import Samples, Seen, draw_detection_views
from models.tasks.detection.dataset import BoxSet
from models.tasks.detection.recipe import BoxRecipe
from models.tasks.segmentation.task import make_network_input
from models.training import loop
from models.training.loop import StepRun
from models.training.views import Resident


@dataclass(frozen=True)
class BoxRun(StepRun):
    """One detector to train, on these pictures (indices)."""

    learned: NDArray[np.intp]


def prepare_detection_samples(data: BoxSet, card: Card) -> Samples:
    """Put the pictures of a set on the device that trains, at the scale of a card's input."""
    fitted = data.fitted(max(card.input.size))
    return Samples(
        Resident.of([torch.from_numpy(picture.copy())[None] for picture in fitted.pictures], choose_device()),
        [torch.from_numpy(boxes) for boxes in fitted.boxes],
        [torch.from_numpy(classes) for classes in fitted.classes],
        [torch.tensor(picture.shape[::-1], dtype=torch.float32) for picture in fitted.pictures],
    )


def fit_detector(card: Card, drawn: Samples, run: BoxRun, progress: Progress) -> FCOSMobileNetV2:
    """Train one detector, or read it where the run is finished.

    Returns
    -------
    FCOSMobileNetV2
        The moving average, in eval mode.

    Raises
    ------
    Unreachable
        Without the starting weights.
    """
    if not run.finished.exists():
        _train(card, drawn, run, progress)
    net = build_detector(card)
    net.load_state_dict(torch.load(run.finished, map_location="cpu", weights_only=True))
    return cast(FCOSMobileNetV2, net.eval())


def _train(card: Card, drawn: Samples, run: BoxRun, progress: Progress) -> None:
    recipe = BoxRecipe.of(card)
    torch.manual_seed(run.seed)
    net = start_detector(card, drawn, run)

    def losses_at(step: int) -> Mapping[str, Tensor]:
        net.train()
        for name in list_frozen_stages(net, recipe):
            net.stages[name].eval()
        seen = draw_detection_batch(drawn, recipe, run, step)
        wanted = [{"boxes": boxes, "labels": of} for boxes, of in zip(seen.boxes, seen.classes, strict=True)]
        with loop.choose_precision():
            found: Mapping[str, Tensor] = net(list(make_network_input(seen.pictures)), wanted)
        return found

    loop.train(net, _rates(net, recipe), recipe, run, losses_at, progress, steps=recipe.steps, rise=0.15, clip=5.0)


def start_detector(card: Card, drawn: Samples, run: BoxRun) -> FCOSMobileNetV2:
    """Return the detector a run begins with: ImageNet weights whose batch norms know the statistics of some views."""
    net = build_detector(card)
    recipe = BoxRecipe.of(card)
    if recipe.start is not None:
        load_trunk(net, known(recipe.start), card.net.name)
        return cast(FCOSMobileNetV2, net.to(choose_device()).to(memory_format=torch.channels_last))
    net.load_start(load_starting_weights(StagedMobileNetV2))
    some = [make_network_input(draw_detection_batch(drawn, recipe, run, -1 - i).pictures) for i in range(4)]
    rescale_batch_norms(net.trunk.to(choose_device()), some)
    return cast(FCOSMobileNetV2, net.to(choose_device()).to(memory_format=torch.channels_last))


def draw_detection_batch(drawn: Samples, recipe: BoxRecipe, run: BoxRun, step: int) -> Seen:
    """Draw the views of one step."""
    generator = run.generator(step)
    marked = [int(i) for i in run.learned if len(drawn.boxes[i])]
    clean = [int(i) for i in run.learned if not len(drawn.boxes[i])] or marked
    which, centres = [], []
    for _ in range(recipe.batch):
        pool = clean if float(torch.rand(1, generator=generator)) < recipe.clean else marked
        which.append(pool[int(torch.randint(len(pool), (1,), generator=generator))])
        sides = drawn.sides[which[-1]]
        centres.append(_centre(sides, drawn.boxes[which[-1]], recipe, generator))
    return draw_detection_views(
        drawn, torch.tensor(which), torch.stack(centres), recipe.view_size, recipe.augmentation,
        run.generator(step, choose_device()),
    )  # fmt: skip


def _centre(sides: Tensor, boxes: Tensor, recipe: BoxRecipe, generator: torch.Generator) -> Tensor:
    """Return the middle (x, y) of a view: somewhere round a box, or anywhere, but not beyond the picture.

    Parameters
    ----------
    sides
        (2,) columns and rows of the picture.
    """
    room = torch.minimum(torch.tensor(recipe.view_size[::-1], dtype=torch.float32), sides) / 2
    if len(boxes) and float(torch.rand(1, generator=generator)) < recipe.focus / (1 - recipe.clean):
        box = boxes[int(torch.randint(len(boxes), (1,), generator=generator))]
        stray = (torch.rand(2, generator=generator) * 2 - 1) * room * 0.8
        middle = box[:2] + box[2:] / 2 + stray
    else:
        middle = torch.rand(2, generator=generator) * sides
    return torch.maximum(torch.minimum(middle, sides - room), room)


def _rates(net: FCOSMobileNetV2, recipe: BoxRecipe) -> list[dict[str, object]]:
    """Return parameter groups: layers with ImageNet weights learn slowly, frozen ones not at all."""
    still = list_frozen_stages(net, recipe)
    for name in still:
        net.stages[name].requires_grad_(False)
    slow = [p for name, stage in net.stages.items() if name not in still for p in stage.parameters()]
    fast = [*net.trunk.pyramid.parameters(), *net.head.parameters()]
    return [
        {"params": fast, "lr": recipe.learning_rate},
        {"params": slow, "lr": recipe.learning_rate * recipe.trunk_rate},
    ]


def list_frozen_stages(net: FCOSMobileNetV2, recipe: BoxRecipe) -> list[str]:
    """Return the stages that keep their ImageNet weights."""
    names = list(net.stages)
    return names[: names.index(recipe.frozen) + 1] if recipe.frozen else []
