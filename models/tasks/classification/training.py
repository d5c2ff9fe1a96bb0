"""Fine-tune a classifier: frozen early stages, AdamW under one learning-rate cycle, a moving average of the weights.

The early stages keep their ImageNet weights, so what they make of a picture is computed once: a handful of augmented
views of each picture are drawn beforehand, and every fold and member of a card trains on those. On a CPU that is half
of the time. Seeded and resumable: every epoch ends in a checkpoint, and a run that finds one goes on from it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.distributions import Beta
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.cards import Card
from models.cards import card as known
from models.errors import Unreachable
from models.nets.frame import Frame, normalise
from models.nets.loading import build_classifier, load_trunk
from models.nets.mobilenet import StagedMobileNetV2, load_imagenet, rescale_batch_norms
from models.progress import Progress
from models.settings import settings
from models.tasks.classification.augmentation import augment_radiographs
from models.tasks.classification.labelled import LabelledSet
from models.tasks.classification.probe import start_head
from models.tasks.classification.recipe import Recipe
from models.training import denormals
from models.training.checkpoint import Stateful, keep_checkpoint, resume_checkpoint
from models.words import later


@dataclass(frozen=True)
class Run:
    """One network to train: on which pictures, from which seed, kept where."""

    name: str
    indices: NDArray[np.intp]
    seed: int
    folder: Path
    title: str = ""
    """What it is called where it is told how far it is; by default its name."""

    @property
    def checkpoint(self) -> Path:
        """State after the last whole epoch."""
        return self.folder / f"{self.name}.ckpt"


def draw_frozen_views(card: Card, data: LabelledSet, progress: Progress) -> Tensor:
    """Draw the augmented views of every picture and run them through the frozen stages.

    Returns
    -------
    Tensor
        (V, N, C, h, w) half precision.
    """
    recipe = Recipe.of(card)
    net, generator = start_classifier(card, data), torch.Generator().manual_seed(recipe.seed)
    drawn = []
    for view in range(recipe.views):
        parts = []
        for pictures in torch.from_numpy(data.pixels).split(32):
            seen = augment_radiographs(
                pictures[:, None].float() / 255, recipe.view_size, recipe.augmentation, generator
            )
            with torch.no_grad():
                parts.append(net.trunk(normalise(seen), recipe.frozen).half())
        drawn.append(torch.cat(parts))
        progress(
            later("Drawing views of the pictures: {n} of {total}", n=view + 1, total=recipe.views),
            (view + 1) / recipe.views,
        )
    return torch.stack(drawn)


@denormals.flush_denormals()
def fit_classifier(card: Card, data: LabelledSet, seen: Tensor, run: Run, progress: Progress) -> StagedMobileNetV2:
    """Train one network on the pictures of a run.

    Parameters
    ----------
    seen
        What `draw_frozen_views` returned.

    Returns
    -------
    StagedMobileNetV2
        The moving average, in eval mode.

    Raises
    ------
    Unreachable
        Without the starting weights.
    """
    recipe, device = Recipe.of(card), torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(run.seed)
    reference = torch.tensor([card.index(label) for label in data.labels])
    net = start_classifier(card, data)
    if recipe.probe and not run.checkpoint.exists():
        start_head(net, seen[:, run.indices], reference[run.indices].numpy(), recipe.frozen)
    net = net.to(device).to(memory_format=torch.channels_last)
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(recipe.average), use_buffers=True)
    names = list(net.stages)
    trained = [net.stages[name] for name in names[names.index(recipe.frozen) + 1 :]]
    optimiser = torch.optim.AdamW(
        [{"params": [p for stage in trained for p in stage.parameters()]}, {"params": list(net.head.parameters())}],
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        [recipe.learning_rate, recipe.learning_rate * recipe.head_rate],
        total_steps=recipe.epochs * (len(run.indices) // recipe.batch),
        pct_start=0.15,
    )
    state: dict[str, Stateful] = {"net": net, "average": average, "optimiser": optimiser, "cycle": cycle}
    targets = soften_targets(card, recipe) * weigh_classes(card, data, run.indices, recipe)[:, None]  # (K, K)
    for epoch in range(resume_checkpoint(run, state), recipe.epochs):
        generator = torch.manual_seed(run.seed * 10_007 + epoch)  # torch's own, so that dropout resumes too
        began, losses = time.perf_counter(), []
        for module in (*trained, net.head):
            module.train()
        for batch in _batches(run.indices, recipe.batch, generator):
            view = torch.randint(recipe.views, (len(batch),), generator=generator)
            features, wanted = seen[view, batch].float(), targets[reference[batch]]  # (N, C, h, w), (N, K)
            if recipe.mixup:
                share = Beta(recipe.mixup, recipe.mixup).sample().item()
                features = share * features + (1 - share) * features.flip(0)
                wanted = share * wanted + (1 - share) * wanted.flip(0)
            features = features.to(device).contiguous(memory_format=torch.channels_last)
            loss = -(wanted.to(device) * F.log_softmax(net.tail(features, recipe.frozen), 1)).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cycle.step()
            average.update_parameters(net)
            losses.append(loss.item())
        line = {"epoch": epoch + 1, "loss": float(np.mean(losses)), "seconds": time.perf_counter() - began}
        keep_checkpoint(run, state, epoch + 1, line)
        progress(
            later(
                "{name}: epoch {epoch} of {epochs}, loss {loss:.3f}",
                name=run.title or run.name, epoch=epoch + 1, epochs=recipe.epochs, loss=line["loss"],
            ),
            (epoch + 1) / recipe.epochs,
        )  # fmt: skip
    return cast(StagedMobileNetV2, average.module).eval()


def start_classifier(card: Card, data: LabelledSet) -> StagedMobileNetV2:
    """Return the card's network with the weights it starts from, whose batch norms know a hundred of its pictures.

    Those are ImageNet's, or the trunk of another card.
    """
    net, source = build_classifier(card), Recipe.of(card).start
    if source is None:
        load_imagenet(net, load_imagenet_weights())
    else:
        load_trunk(net, known(source), card.net.name)
    chosen = torch.from_numpy(data.pixels[:: max(1, len(data) // 100)])[:, None].float() / 255
    fitted = Frame((chosen.shape[2], chosen.shape[3]), card.input.size).to_network(chosen)
    rescale_batch_norms(net, normalise(fitted).split(32))
    return net


def load_imagenet_weights() -> dict[str, Tensor]:
    """Return ImageNet weights of MobileNetV2 by torchvision's names: the project's own file, or torchvision's download.

    Raises
    ------
    Unreachable
        When neither is there.
    """
    path = settings().data_dir.parent / "weights" / "mobilenet_v2_imagenet.safetensors"
    if path.exists():
        return load_file(path)
    from torchvision.models import MobileNet_V2_Weights

    try:
        return dict(MobileNet_V2_Weights.IMAGENET1K_V1.get_state_dict(progress=False))
    except OSError as error:
        fix = "Train where there is a network, or from another model: --start knee-kl."
        raise Unreachable("the ImageNet weights cannot be downloaded", fix=fix) from error


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
    nets: list[StagedMobileNetV2], card: Card, data: LabelledSet, indices: NDArray[np.intp]
) -> Tensor:
    """(N, K) logits of an ensemble, in the manner of inference: the whole picture, fitted into the input."""
    frame = Frame((data.pixels.shape[1], data.pixels.shape[2]), card.input.size)
    logits = []
    for part in torch.from_numpy(indices).split(32):
        x = normalise(frame.to_network(torch.from_numpy(data.pixels[part])[:, None].float() / 255))
        logits.append(torch.stack([net(x) for net in nets]).mean(0))
    return torch.cat(logits)


def _batches(indices: NDArray[np.intp], size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield shuffled whole batches; what is left over waits for another epoch."""
    order = torch.from_numpy(indices)[torch.randperm(len(indices), generator=generator)]
    yield from order[: len(order) // size * size].split(size)
