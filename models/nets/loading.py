"""Build the network a card names and fill it with the card's weights, checked by hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.cards import WEIGHTS_DIR, Card
from models.cards.tables import Member
from models.errors import BadCard, BadWeights
from models.nets.dense import DenseNet
from models.nets.efficientnet import StagedEfficientNetLite0, StagedEfficientNetLite2
from models.nets.fcos import FCOSMobileNetV2
from models.nets.hourglass import Hourglass
from models.nets.hrnet import HRNet
from models.nets.mobilenet import StagedMobileNetV2
from models.nets.staged import StagedClassifier
from models.nets.unet import UNetMobileNetV2
from models.nets.vgg import StagedVGG16

NETS: dict[str, Callable[[int, float], StagedClassifier]] = {
    "mobilenet_v2": StagedMobileNetV2,
    "efficientnet_lite0": StagedEfficientNetLite0,
    "efficientnet_lite2": StagedEfficientNetLite2,
    "vgg16": StagedVGG16,
}
"""Classifier networks by the name that cards use; each takes (classes, dropout) and has stages, `trunk` and `tail`."""

Network = TypeVar("Network", bound=nn.Module)

DENSE_NETS: dict[str, type[DenseNet]] = {"unet_mobilenet_v2": UNetMobileNetV2, "hrnet": HRNet, "hourglass": Hourglass}
"""Networks with logits for every pixel, likewise; they also take what a card's `net.shape` says."""

DETECTORS = {"fcos_mobilenet_v2": FCOSMobileNetV2}
"""Networks that draw boxes; each takes (classes) and what a card's `net.shape` says, such as the pyramid's `width`."""


def build_classifier(card: Card) -> StagedClassifier:
    """Return the card's classifier with random weights.

    Raises
    ------
    BadCard
        When the card names a network that does not exist.
    """
    if card.net.name not in NETS:
        raise BadCard(f"net.name: no network {card.net.name!r}", fix=f"Choose one of {', '.join(NETS)}.", file=card.id)
    return NETS[card.net.name](len(card.labels), card.net.dropout)


def build_dense(card: Card) -> DenseNet:
    """Return the card's network that segments, with random weights; one output more where objects are told apart.

    Raises
    ------
    BadCard
        When the card names a network that does not exist, or a shape that it cannot have.
    """
    if card.net.name not in DENSE_NETS:
        choice = ", ".join(DENSE_NETS)
        raise BadCard(f"net.name: no network {card.net.name!r}", fix=f"Choose one of {choice}.", file=card.id)
    outputs = len(card.labels) + card.instances
    try:
        return DENSE_NETS[card.net.name](outputs, card.net.dropout, **card.net.shape)
    except TypeError as error:
        raise BadCard(f"net.shape: {error}", fix="Compare it with another card.", file=card.id) from error


def build_detector(card: Card) -> FCOSMobileNetV2:
    """Return the card's network that draws boxes, with random weights.

    Raises
    ------
    BadCard
        When the card names a network that does not exist, or a shape that it cannot have.
    """
    if card.net.name not in DETECTORS:
        choice = ", ".join(DETECTORS)
        raise BadCard(f"net.name: no network {card.net.name!r}", fix=f"Choose one of {choice}.", file=card.id)
    try:
        return DETECTORS[card.net.name](len(card.labels), **card.net.shape)
    except (TypeError, ValueError) as error:
        raise BadCard(f"net.shape: {error}", fix="Compare it with another card.", file=card.id) from error


def read_tensors(file: str, sha256: str, folder: Path | None = None) -> dict[str, Tensor]:
    """Read a safetensors file of a folder, by default `models/weights`, after checking its hash; never a pickle.

    Raises
    ------
    BadWeights
        When the file is missing, changed or not safetensors.
    """
    path = (folder or WEIGHTS_DIR) / file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadWeights("the weights are missing", fix="Install OrthoLens again.", file=file) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BadWeights(
            "the weights are not the ones this card was measured with",
            fix="Install OrthoLens again, or train and evaluate the card anew.",
            file=file,
        )
    try:
        return load(data)
    except SafetensorError as error:
        raise BadWeights("not a safetensors file", fix="Install OrthoLens again.", file=file) from error


def write_tensors(tensors: dict[str, Tensor], path: Path) -> str:
    """Write tensors as safetensors, floating ones in half precision, and return the file's sha256."""
    half = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(half, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_classifier(card: Card, member: Member) -> StagedClassifier:
    """Return one trained classifier in eval mode, float32, batch norms folded into their convolutions.

    Raises
    ------
    BadWeights
        When the weights do not fit the network the card describes.
    """
    return fill_with_weights(build_classifier(card), card, member)


def load_dense(card: Card, member: Member) -> DenseNet:
    """Return one trained network that segments, likewise.

    Raises
    ------
    BadWeights
        When the weights do not fit the network the card describes.
    """
    return fill_with_weights(build_dense(card), card, member)


def load_detector(card: Card, member: Member) -> FCOSMobileNetV2:
    """Return one trained network that draws boxes, likewise.

    Raises
    ------
    BadWeights
        When the weights do not fit the network the card describes.
    """
    return fill_with_weights(build_detector(card), card, member)


def load_trunk(net: nn.Module, source: Card, name: str) -> None:
    """Give a network the weights of another card's first member, but for the head, which is for other labels.

    Parameters
    ----------
    name
        Of the kind of network, as cards have it.

    Raises
    ------
    BadWeights
        When that card has none, or they are of another network.
    """
    if not source.members or source.net.name != name:
        raise BadWeights(f"{source.id} has no weights of a {name}", fix="Start from one that has, or from ImageNet.")
    member = source.members[0]
    tensors = read_tensors(member.file, member.sha256, source.folder)
    state = {key: value.float() for key, value in tensors.items() if not key.startswith("head.")}
    net.load_state_dict(state, strict=False)


def fill_with_weights(net: Network, card: Card, member: Member) -> Network:
    """Return a card's network with a member's weights, in eval mode, float32, batch norms folded.

    Raises
    ------
    BadWeights
        When the weights do not fit the network.
    """
    state = {key: value.float() for key, value in read_tensors(member.file, member.sha256, card.folder).items()}
    counters = {key: value for key, value in net.state_dict().items() if key.endswith("num_batches_tracked")}
    try:
        net.load_state_dict(counters | state)
    except RuntimeError as error:
        problem = f"the weights do not fit the network of {card.id}"
        raise BadWeights(problem, fix="Train the card anew.", file=member.file) from error
    net.eval().requires_grad_(False)
    fold_batch_norms(net)
    return net.to(memory_format=torch.channels_last)


def fold_batch_norms(net: nn.Module) -> None:
    """Fold every batch norm that follows a convolution in a `Sequential` into it, in place; eval mode only."""
    for parent in net.modules():
        if not isinstance(parent, nn.Sequential):
            continue
        previous: tuple[str, nn.Module] | None = None
        for name, module in list(parent.named_children()):
            if isinstance(module, nn.BatchNorm2d) and previous and isinstance(previous[1], nn.Conv2d):
                setattr(parent, previous[0], fuse_conv_bn_eval(previous[1], module))
                setattr(parent, name, nn.Identity())
            previous = (name, module)
