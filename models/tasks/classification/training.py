"""Fine-tune a classifier: soft targets on random views, the trunk at a lower rate than the head.

How a run is stepped through, stopped and resumed is `models.training.loop`. Views come from one of two sources, as the
recipe says. Where early stages keep their starting weights, what they make of a picture is computed once: a handful of
views of each picture are drawn beforehand, and every fold and member of a card trains on those; on a CPU that is half
of the time. Where all is trained, as on a GPU, every batch draws new views from the pictures, which lie on the device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.distributions import Beta
from torch.nn import functional as F

from models.cards import Card
from models.cards import card as known
from models.nets.device import choose_device
from models.nets.frame import Frame, normalise
from models.nets.loading import build_classifier, load_trunk
from models.nets.mobilenet import rescale_batch_norms
from models.nets.staged import StagedClassifier
from models.nets.starting import load_starting_weights
from models.progress import Progress
from models.tasks.classification.augmentation import augment_radiographs
from models.tasks.classification.labelled import LabelledSet
from models.tasks.classification.probe import start_head
from models.tasks.classification.recipe import Recipe
from models.tasks.classification.teachers import ask_teachers
from models.training import loop
from models.training.loop import StepRun
from models.words import later


@dataclass(frozen=True)
class Run(StepRun):
    """One network to train, on these pictures (indices)."""

    indices: NDArray[np.intp]


@dataclass(frozen=True)
class Views:
    """What batches are made of, on the device that trains.

    Attributes
    ----------
    pixels
        (N, H, W) uint8, the pictures themselves.
    drawn
        (V, N, C, h, w) half precision: what the frozen stages make of views that were drawn beforehand; None where
        every batch draws new ones.
    """

    pixels: Tensor
    drawn: Tensor | None

    def batch(self, which: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
        """Return one view of each of some pictures (B,) as the stages behind the frozen ones take it: (B, C, h, w)."""
        if self.drawn is not None:
            view = torch.randint(len(self.drawn), which.shape, generator=generator, device=generator.device)
            return self.drawn[view, which].float().contiguous(memory_format=torch.channels_last)
        return draw_views(self.pixels[which], recipe, generator)

    def several(self, which: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
        """Return several views of each of some pictures, likewise: (V, B, C, h, w)."""
        if self.drawn is not None:
            return self.drawn[:, which]
        return torch.stack([self.batch(which, recipe, generator) for _ in range(recipe.views)])


def prepare_views(card: Card, data: LabelledSet, progress: Progress) -> Views:
    """Put the pictures on the device, and run views of them through the frozen stages where the recipe has any."""
    recipe = Recipe.of(card)
    pixels = torch.from_numpy(data.pixels).to(choose_device())
    if not recipe.frozen:
        return Views(pixels, None)
    net = start_classifier(card, data)
    generator = Generator(pixels.device).manual_seed(recipe.seed)
    drawn = torch.empty(0)
    for view in range(recipe.views):
        done = 0
        for pictures in pixels.split(32):
            with torch.no_grad():
                seen = net.trunk(draw_views(pictures, recipe, generator), recipe.frozen)
            if not len(drawn):
                drawn = seen.new_empty((recipe.views, len(pixels), *seen.shape[1:]), dtype=torch.half)
            drawn[view, done : done + len(seen)] = seen
            done += len(seen)
        progress(
            later("Drawing views of the pictures: {n} of {total}", n=view + 1, total=recipe.views),
            (view + 1) / recipe.views,
        )
    return Views(pixels, drawn)


def draw_views(pictures: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    """Draw one random view of each picture, (N, H, W) uint8 → (N, 3, h, w) in [−1, 1]."""
    return normalise(
        augment_radiographs(pictures[:, None].float() / 255, recipe.view_size, recipe.augmentation, generator)
    )


def fit_classifier(card: Card, data: LabelledSet, views: Views, run: Run, progress: Progress) -> StagedClassifier:
    """Train one network on the pictures of a run, or read it where the run is finished.

    Parameters
    ----------
    views
        What `prepare_views` returned for the set.

    Returns
    -------
    StagedClassifier
        The moving average, in eval mode.

    Raises
    ------
    Unreachable
        Without the starting weights.
    """
    if not run.finished.exists():
        _train(card, data, views, run, progress)
    net = build_classifier(card)
    net.load_state_dict(torch.load(run.finished, map_location="cpu", weights_only=True))
    return net.to(choose_device()).to(memory_format=torch.channels_last).eval()


def _train(card: Card, data: LabelledSet, views: Views, run: Run, progress: Progress) -> None:
    recipe, device = Recipe.of(card), choose_device()
    torch.manual_seed(run.seed)
    net = start_classifier(card, data)
    reference = torch.tensor([card.index(label) for label in data.labels])
    if recipe.probe and not run.checkpoint.exists():
        own = torch.from_numpy(run.indices).to(device)
        start_head(
            net, views.several(own, recipe, run.generator(-1, device)), reference[run.indices].numpy(), recipe.frozen
        )
    trained = [net.stages[name] for name in net.names(after=recipe.frozen)]
    targets = soften_targets(card, recipe)[reference]  # (N, K)
    if recipe.teachers:
        said = torch.from_numpy(ask_teachers(card, data, run.indices, recipe, run.folder, progress))
        targets[run.indices] = torch.lerp(targets[run.indices], said, recipe.taught)
    targets = targets * weigh_classes(card, data, run.indices, recipe)[reference, None]
    targets, indices = targets.to(device), torch.from_numpy(run.indices)
    batch = min(recipe.batch, len(indices))
    whole = len(indices) // batch  # batches of an epoch; what is left over waits for another

    def losses_at(step: int) -> Mapping[str, Tensor]:
        net.eval()
        for module in (*trained, net.head):
            module.train()
        epoch, at = divmod(step, whole)
        order = torch.randperm(len(indices), generator=Generator().manual_seed(run.seed * 10_007 + epoch))
        which = indices[order[at * batch : (at + 1) * batch]].to(device)
        features, wanted = (
            views.batch(which, recipe, run.generator(step, device)),
            targets[which],
        )  # (B, C, h, w), (B, K)
        if recipe.mixup:
            share = Beta(recipe.mixup, recipe.mixup).sample().item()
            features = share * features + (1 - share) * features.flip(0)
            wanted = share * wanted + (1 - share) * wanted.flip(0)
        with loop.choose_precision():
            logits = net.tail(features, recipe.frozen)
        return {"cross-entropy": -(wanted * F.log_softmax(logits.float(), 1)).sum(1).mean()}

    rates = [
        {"params": [p for stage in trained for p in stage.parameters()], "lr": recipe.learning_rate},
        {"params": list(net.head.parameters()), "lr": recipe.learning_rate * recipe.head_rate},
    ]
    loop.train(net, rates, recipe, run, losses_at, progress, steps=recipe.epochs * whole, rise=0.15)


def start_classifier(card: Card, data: LabelledSet) -> StagedClassifier:
    """Return the card's network with the weights it starts from, whose batch norms know a hundred of its pictures.

    Those are ImageNet's, or the trunk of another card.
    """
    net, source, device = build_classifier(card), Recipe.of(card).start, choose_device()
    if source is None:
        net.load_start(load_starting_weights(type(net)))
    else:
        load_trunk(net, known(source), card.net.name)
    net = net.to(device).to(memory_format=torch.channels_last)
    chosen = torch.from_numpy(data.pixels[:: max(1, len(data) // 100)]).to(device)[:, None].float() / 255
    fitted = Frame((chosen.shape[2], chosen.shape[3]), card.input.size).to_network(chosen)
    rescale_batch_norms(net, normalise(fitted).split(32))
    return net


def soften_targets(card: Card, recipe: Recipe) -> Tensor:
    """(K, K) target distribution of each label; an ordinal card gives its neighbours the larger share."""
    k = len(card.labels)
    distance = (torch.arange(k)[:, None] - torch.arange(k)).abs().float()
    others = torch.exp(-distance if card.ordinal else torch.zeros_like(distance)) * (distance > 0)
    return (1 - recipe.softness) * torch.eye(k) + recipe.softness * others / others.sum(1, keepdim=True)


def weigh_classes(card: Card, data: LabelledSet, indices: NDArray[np.intp], recipe: Recipe) -> Tensor:
    """(K,) weight of each label in the loss, 1 on average over the pictures."""
    counts = torch.tensor([sum(data.labels[i] == key for i in indices) for key in card.keys]).float().clamp_min(1)
    weights = (counts.sum() / counts) ** recipe.balance
    return weights * counts.sum() / (weights * counts).sum()


@torch.no_grad()
def compute_ensemble_logits(
    nets: Sequence[StagedClassifier], card: Card, data: LabelledSet, indices: NDArray[np.intp]
) -> Tensor:
    """(N, K) logits of an ensemble, in the manner of inference: the whole picture, fitted into the input."""
    frame, device = Frame((data.pixels.shape[1], data.pixels.shape[2]), card.input.size), choose_device()
    logits = []
    for part in torch.from_numpy(indices).split(32):
        x = normalise(frame.to_network(torch.from_numpy(data.pixels[part]).to(device)[:, None].float() / 255))
        logits.append(torch.stack([net.to(device)(x) for net in nets]).mean(0).cpu())
    return torch.cat(logits)
