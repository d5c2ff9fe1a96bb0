"""Train a network that places points: cross-entropy of its heatmaps, and the distances that are measured with them.

Cross-entropy of a map's softmax against a narrow Gaussian makes the map the distribution of where the point may be; the
mean place is drawn to the point (Sun et al. 2018, arXiv:1711.08229), and the space between femur and tibia, which no
single point decides, to the space that is known. How a run is stepped through, stopped and resumed is
`models.training.loop`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.cards import Card
from models.cards import card as known
from models.nets.dense import DenseNet
from models.nets.device import choose_device
from models.nets.frame import normalise
from models.nets.loading import build_dense, load_trunk
from models.nets.mobilenet import StagedMobileNetV2, rescale_batch_norms
from models.nets.starting import load_starting_weights
from models.nets.unet import UNetMobileNetV2
from models.progress import Progress
from models.tasks.landmarks.augmentation import draw_closer_view, draw_landmark_view
from models.tasks.landmarks.heatmaps import average_place, count_cells, draw_heatmaps, mirror_order, order_pairs
from models.tasks.landmarks.landmark_set import LandmarkSet
from models.tasks.landmarks.recipe import LandmarkRecipe
from models.training import loop
from models.training.loop import StepRun


@dataclass(frozen=True)
class LandmarkRun(StepRun):
    """One network to train: how often each picture is drawn, and what it begins with.

    Attributes
    ----------
    draw
        (N,) weight of each picture of the set in the draw; 0: never seen.
    start
        Run whose finished weights this one goes on from; None: as the recipe says.
    """

    draw: NDArray[np.float64]
    start: LandmarkRun | None = None


def fit_locator(card: Card, data: LandmarkSet, run: LandmarkRun, progress: Progress) -> DenseNet:
    """Train one network, or read it where the run is finished; the moving average, in eval mode.

    Raises
    ------
    Unreachable
        Without the starting weights.
    """
    if not run.finished.exists():
        if run.start:
            fit_locator(card, data, run.start, progress)
        _train(card, data, run, progress)
    net = build_dense(card)
    net.load_state_dict(_weights(run))
    return net.eval().requires_grad_(False)


def _weights(run: LandmarkRun) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(run.finished, map_location="cpu", weights_only=True)
    return found


def _train(card: Card, data: LandmarkSet, run: LandmarkRun, progress: Progress) -> None:
    recipe = LandmarkRecipe.of(card)
    torch.manual_seed(run.seed)
    net = _start(card, data, run)

    def losses_at(step: int) -> Mapping[str, Tensor]:
        net.train()
        return measure_losses(net, card, *draw_landmark_batch(card, data, run, step))

    steps = recipe.tuning_steps if run.start else recipe.steps
    loop.train(net, _rates(net, recipe), recipe, run, losses_at, progress, steps=steps, rise=0.15, clip=5.0)


def _start(card: Card, data: LandmarkSet, run: LandmarkRun) -> DenseNet:
    """Return the network a run begins with."""
    net = build_dense(card)
    if run.start:
        net.load_state_dict(_weights(run.start))
    elif (source := LandmarkRecipe.of(card).start) is not None:
        load_trunk(net, known(source), card.net.name)
    elif isinstance(net, UNetMobileNetV2):
        net.load_start(load_starting_weights(StagedMobileNetV2))
        views = [draw_landmark_batch(card, data, run, -1 - i)[0] for i in range(4)]
        with torch.no_grad():
            rescale_batch_norms(net.to(choose_device()), views)
    return net.to(choose_device()).to(memory_format=torch.channels_last)


ABSENT = -1e4
"""Where a point is put that is not there: outside every view, where it counts for nothing."""


def draw_landmark_batch(card: Card, data: LandmarkSet, run: LandmarkRun, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw the batch of one step: pictures (N, 3, h, w) in [−1, 1], points (N, K, 2) in their pixels, trust (N,)."""
    recipe, generator, turned = LandmarkRecipe.of(card), run.generator(step), mirror_order(data.names)
    chosen = torch.multinomial(torch.from_numpy(run.draw), recipe.batch, replacement=True, generator=generator)
    views, points = [], []
    for i in chosen.tolist():
        picture, known_points = torch.from_numpy(data.pictures[i])[None], torch.from_numpy(data.points[i])
        if card.input.closer:
            view, found = draw_closer_view(picture, known_points, recipe.view_size, recipe.augmentation, generator)
            views.append(view)
            points.append(order_pairs(found, data.names).nan_to_num(ABSENT))
            continue
        view, found, mirrored = draw_landmark_view(
            picture, known_points, recipe.view_size, recipe.augmentation, generator
        )
        views.append(view)
        points.append((found[turned] if mirrored else found).nan_to_num(ABSENT))
    device, trust = choose_device(), trust_fit(data.fit[chosen.numpy()])
    return normalise(torch.stack(views).to(device)), torch.stack(points).to(device), trust.to(device)


def trust_fit(fit: NDArray[np.float32]) -> Tensor:
    """Return how much the points of a picture count in the loss, (N,): the better they fit, up to 1."""
    return torch.from_numpy(np.clip((fit - 0.2) / 0.4, 0.25, 1).astype(np.float32))


def measure_losses(net: DenseNet, card: Card, pictures: Tensor, points: Tensor, trust: Tensor) -> Mapping[str, Tensor]:
    """Return the parts of the loss of a batch as `draw_landmark_batch` draws it."""
    recipe, size = LandmarkRecipe.of(card), (pictures.shape[2], pictures.shape[3])
    last = list(net.stages)[-1]
    with loop.choose_precision():
        logits = net.tail(net.trunk(pictures, last), last, count_cells(size))
    logs = logits.float().flatten(2).log_softmax(-1).view_as(logits)
    wanted = draw_heatmaps(points, size, recipe.sigma)
    inside = wanted.sum((2, 3))  # (N, K): 1 for points in the view
    weight = trust[:, None] * inside
    found = average_place(logs.exp())
    off = F.smooth_l1_loss(found, points, reduction="none", beta=2.0).sum(-1)
    losses = {
        "cross-entropy": (-(wanted * logs).sum((2, 3)) * weight).sum() / weight.sum(),
        "places": recipe.places * (off * weight).sum() / weight.sum(),
    }
    if recipe.spaces:
        error = F.smooth_l1_loss(measure_spaces(found, card.keys), measure_spaces(points, card.keys), reduction="none")
        losses["spaces"] = recipe.spaces * (error * trust[:, None]).sum() / trust.sum() / error.shape[1]
    return losses


SPACES = (("femur_0", "tibia_0"), ("femur_1", "tibia_1"), ("femur_2", "tibia_2"), ("femur_4", "tibia_6"),
          ("femur_5", "tibia_7"), ("femur_6", "tibia_8"))  # fmt: skip
"""Points of femur and tibia that face each other across the joint."""


def measure_spaces(points: Tensor, names: Sequence[str]) -> Tensor:
    """Return the distances between points that face each other: (N, K, 2) → (N, 6)."""
    above, below = ([names.index(pair[side]) for pair in SPACES] for side in (0, 1))
    found: Tensor = torch.linalg.vector_norm(points[:, above] - points[:, below], dim=-1)
    return found


def _rates(net: DenseNet, recipe: LandmarkRecipe) -> list[dict[str, object]]:
    """Return parameter groups: the head starts at random, the trunk seldom."""
    trunk = {"params": list(net.stages.parameters()), "lr": recipe.learning_rate * recipe.trunk_rate}
    return [trunk, {"params": list(net.head.parameters()), "lr": recipe.learning_rate}]
