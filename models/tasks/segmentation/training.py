"""Train a network that segments: cross-entropy and Dice on random views, one learning-rate cycle, a moving average.

How a run is stepped through, stopped and resumed is `models.training.loop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from models.cards import Card
from models.cards import card as known
from models.nets.dense import DenseNet
from models.nets.device import choose_device
from models.nets.loading import build_dense, load_trunk
from models.nets.mobilenet import STAGES, StagedMobileNetV2, rescale_batch_norms
from models.nets.starting import load_starting_weights
from models.nets.unet import UNetMobileNetV2
from models.progress import Progress
from models.tasks.segmentation.augmentation import Samples, draw_segmentation_views
from models.tasks.segmentation.dataset import DenseSet
from models.tasks.segmentation.recipe import DenseRecipe
from models.tasks.segmentation.task import fit_segmenter_input, make_network_input
from models.training import loop
from models.training.loop import StepRun
from models.training.views import Resident


@dataclass(frozen=True)
class DenseRun(StepRun):
    """One network to train: how often each picture is drawn, and what it begins with.

    Attributes
    ----------
    draw
        (N,) weight of each picture of the set in the draw; 0: never seen.
    start
        Run whose finished weights this one goes on from; None: ImageNet, or at random.
    """

    draw: NDArray[np.float64]
    start: DenseRun | None = None


def prepare_segmentation_samples(card: Card, data: DenseSet) -> Samples:
    """Put the pictures of a set on the device that trains, fitted into the input of cards that are not tiled."""
    pictures, references, heights, device = [], [], [], choose_device()
    for i, (picture, mask) in enumerate(zip(data.pictures, data.masks, strict=True)):
        planes = torch.from_numpy(np.atleast_3d(picture).transpose(2, 0, 1).copy())
        reference = torch.from_numpy(mask)
        if card.instances:
            depth = (compute_distance_maps(data.instances[i]) * 255).round().astype(np.uint8)
            heights.append(torch.from_numpy(depth)[None])
        if not card.input.tiled:
            planes, reference = fit_segmenter_input(
                planes, reference, DenseRecipe.of(card).fitted_size or card.input.size
            )
        pictures.append(planes)
        references.append(reference)
    return Samples(
        pictures=Resident.of(pictures, device),
        references=Resident.of([reference[None] for reference in references], device),
        heights=Resident.of(heights, device) if heights else None,
        outlined=references,
    )


def compute_distance_maps(instances: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return how deep each pixel lies inside its own object: 0 outside, 1 at the point farthest from its edge."""
    found = np.zeros(instances.shape, np.float32)
    for number, where in enumerate(ndimage.find_objects(instances), 1):
        if where is None:
            continue
        room = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in where)
        inside = np.pad(instances[room] == number, 1)
        depth = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
        found[room] = np.maximum(found[room], depth / depth.max())
    return found


def fit_segmenter(card: Card, drawn: Samples, run: DenseRun, progress: Progress) -> DenseNet:
    """Train one network, or read it where the run is finished.

    Returns
    -------
    DenseNet
        The moving average, in eval mode; of a run that goes on from another, between both as the recipe says.

    Raises
    ------
    Unreachable
        Without the starting weights.
    """
    share = DenseRecipe.of(card).tuned_share
    if run.start and (share < 1 or not run.finished.exists()):
        fit_segmenter(card, drawn, run.start, progress)
    if not run.finished.exists():
        _train(card, drawn, run, progress)
    weights = _weights(run)
    if run.start and share < 1:
        first = _weights(run.start)
        weights = {
            name: torch.lerp(first[name], w, share) if w.is_floating_point() else w for name, w in weights.items()
        }
    net = build_dense(card)
    net.load_state_dict(weights)
    return net.eval()


def _weights(run: DenseRun) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(run.finished, map_location="cpu", weights_only=True)
    return found


def _train(card: Card, drawn: Samples, run: DenseRun, progress: Progress) -> None:
    recipe = DenseRecipe.of(card)
    steps = recipe.tuning_steps if run.start else recipe.steps
    torch.manual_seed(run.seed)
    net = start_segmenter(card, drawn, run)

    def losses_at(step: int) -> Mapping[str, Tensor]:
        _train_mode(net, recipe)
        return _losses(net, card, recipe, draw_segmentation_batch(card, drawn, run, step))

    loop.train(net, _rates(net, recipe), recipe, run, losses_at, progress, steps=steps, rise=0.2)


def start_segmenter(card: Card, drawn: Samples, run: DenseRun) -> DenseNet:
    """Return the network a run begins with."""
    net = build_dense(card)
    if run.start:
        net.load_state_dict(_weights(run.start))
    elif (source := DenseRecipe.of(card).start) is not None:
        load_trunk(net, known(source), card.net.name)
    elif isinstance(net, UNetMobileNetV2):
        net.load_start(load_starting_weights(StagedMobileNetV2))
        views = [draw_segmentation_batch(card, drawn, run, -1 - i)[0] for i in range(4)]
        with torch.no_grad():
            rescale_batch_norms(net.to(choose_device()), views)
    return net.to(choose_device()).to(memory_format=torch.channels_last)


def draw_segmentation_batch(card: Card, drawn: Samples, run: DenseRun, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw the batch of one step: pictures (N, 3, h, w) in [−1, 1], classes (N, h, w), heights (N, h, w)."""
    recipe, device = DenseRecipe.of(card), choose_device()
    generator = run.generator(step)
    chosen = torch.multinomial(torch.from_numpy(run.draw), recipe.batch, replacement=True, generator=generator)
    centres = torch.stack([_centre(drawn.outlined[i], recipe, card.input.tiled, generator) for i in chosen.tolist()])
    pictures, references, heights = draw_segmentation_views(
        drawn, chosen.to(device), centres.to(device), recipe.view_size, recipe.augmentation, run.generator(step, device)
    )
    return make_network_input(pictures), references, heights


def _centre(reference: Tensor, recipe: DenseRecipe, tiled: bool, generator: torch.Generator) -> Tensor:
    """Return the middle of a view, (2,): on an object or anywhere; of cards that see all at once it stays inside."""
    sides = torch.tensor(reference.shape)
    if float(torch.rand(1, generator=generator)) < recipe.focus and len(found := torch.nonzero(reference)):
        middle = found[int(torch.randint(len(found), (1,), generator=generator))].float()
    else:
        middle = torch.rand(2, generator=generator) * sides
    if not tiled:
        room = torch.minimum(torch.tensor(recipe.view_size), sides) / 2
        middle = torch.maximum(torch.minimum(middle, sides - room), room) - 0.5
    return middle


def _losses(
    net: DenseNet, card: Card, recipe: DenseRecipe, batch: tuple[Tensor, Tensor, Tensor]
) -> Mapping[str, Tensor]:
    pictures, reference, depth = batch
    with loop.choose_precision():
        logits = net(pictures)
    logits = logits.float()  # (N, K (+ 1), h, w)
    k = len(card.labels)
    found = {
        "cross-entropy": F.cross_entropy(logits[:, :k], reference),
        "dice": recipe.dice * compute_dice_loss(logits[:, :k], reference),
    }
    if card.instances:
        found["height"] = recipe.heights * F.mse_loss(logits[:, k].sigmoid(), depth)
    return found


def compute_dice_loss(logits: Tensor, reference: Tensor) -> Tensor:
    """Return one minus the mean Dice of the classes that the batch shows: logits (N, K, h, w), reference (N, h, w)."""
    p = logits.softmax(1)
    wanted = F.one_hot(reference, logits.shape[1]).permute(0, 3, 1, 2).to(p.dtype)
    overlap, total = (p * wanted).sum((0, 2, 3)), (p + wanted).sum((0, 2, 3))
    there = wanted.sum((0, 2, 3)) > 0
    return 1 - (2 * overlap[there] / total[there]).mean()


def _rates(net: DenseNet, recipe: DenseRecipe) -> list[dict[str, object]]:
    """Return parameter groups: layers with ImageNet weights learn slowly, frozen ones not at all."""
    pretrained = list(STAGES) if isinstance(net, UNetMobileNetV2) else []
    frozen = _frozen(net, recipe)
    for name in frozen:
        net.stages[name].requires_grad_(False)
    slow = [p for name in pretrained if name not in frozen for p in net.stages[name].parameters()]
    fast = [p for name, stage in net.stages.items() if name not in pretrained for p in stage.parameters()]
    rates = [{"params": [*fast, *net.head.parameters()], "lr": recipe.learning_rate}]
    return rates + ([{"params": slow, "lr": recipe.learning_rate * recipe.trunk_rate}] if slow else [])


def _frozen(net: DenseNet, recipe: DenseRecipe) -> list[str]:
    names = list(net.stages)
    return names[: names.index(recipe.frozen) + 1] if recipe.frozen else []


def _train_mode(net: DenseNet, recipe: DenseRecipe) -> None:
    net.train()
    for name in _frozen(net, recipe):
        net.stages[name].eval()
