"""Shapes, parameters and receptive fields of the product's networks, against torch and against a gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import models
from models.cards import Card
from models.lessons import anatomy
from models.lessons.records import Layer
from models.nets.fcos import FCOSMobileNetV2
from models.nets.mobilenet import StagedMobileNetV2
from models.tasks import task_of

CARDS = ("knee-kl", "histology-nuclei", "histology-nuclei-hrnet")


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[Layer, ...]]:
    return {id: anatomy.dissect_network(models.card(id)) for id in CARDS}


@pytest.mark.parametrize("id", CARDS)
def test_every_parameter_belongs_to_one_layer(id: str, found: dict[str, tuple[Layer, ...]]) -> None:
    card = models.card(id)
    net = task_of(card.task).build(card)
    assert sum(layer.parameters for layer in found[id]) == sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("id", CARDS)
def test_shapes_are_those_of_a_real_pass(id: str, found: dict[str, tuple[Layer, ...]]) -> None:
    card = models.card(id)
    net = task_of(card.task).build(card).eval()
    small = (64, 96)
    with torch.no_grad():
        heard = anatomy.compute_blocks(net, found[id], torch.zeros(1, 3, *small))
    for layer in found[id]:
        shape = heard[layer.name].shape[1:]
        assert shape[0] == layer.shape[0]
        if layer.has_maps:
            assert tuple(shape[1:]) == tuple(-(-side // layer.stride) for side in small)
    assert not any(module._forward_hooks for module in net.modules())


def test_layers_name_what_they_read(found: dict[str, tuple[Layer, ...]]) -> None:
    for layers in found.values():
        seen: set[str] = set()
        for layer in layers:
            assert set(layer.inputs) <= seen, layer
            assert layer.inputs or not seen
            assert layer.name not in seen
            seen.add(layer.name)


def gradient_side(net: nn.Module, layer: Layer) -> int:
    """Side of the square that one place of a layer looks at, from the gradient over a whole picture."""
    anatomy.open_up_weights(net)
    x = torch.ones(1, 3, 640, 640, requires_grad=True)
    maps = anatomy.compute_blocks(net, (layer,), x)[layer.name]
    (gradient,) = torch.autograd.grad(maps[0, :, maps.shape[2] // 2, maps.shape[3] // 2].sum(), x)
    rows, columns = gradient[0].sum(0).nonzero(as_tuple=True)
    assert rows.max() - rows.min() == columns.max() - columns.min()
    return int(rows.max() - rows.min()) + 1


@pytest.mark.parametrize("name", ["stage1.1", "stage2.2", "stage3.3", "stage4.2", "stage5.4"])
def test_the_recursion_agrees_with_the_gradient(name: str, found: dict[str, tuple[Layer, ...]]) -> None:
    layer = next(layer for layer in found["knee-kl"] if layer.name == name)
    assert gradient_side(StagedMobileNetV2(5), layer) == layer.receptive_field_px


@pytest.mark.parametrize(("id", "name"), [("histology-nuclei", "up4"), ("histology-nuclei-hrnet", "stage3.fused2")])
def test_the_strip_agrees_with_the_whole_picture(id: str, name: str, found: dict[str, tuple[Layer, ...]]) -> None:
    layer = next(layer for layer in found[id] if layer.name == name)
    card = models.card(id)
    assert gradient_side(task_of(card.task).build(card), layer) == layer.receptive_field_px


def test_the_head_of_a_classifier_sees_all(found: dict[str, tuple[Layer, ...]]) -> None:
    head = found["knee-kl"][-1]
    assert (head.receptive_field_px, head.has_maps, head.shape) == (None, False, (5,))


def test_a_detector_has_an_anatomy() -> None:
    with torch.device("meta"):
        net = FCOSMobileNetV2(2).eval()
    parts = anatomy.plan_blocks(net)
    heard = anatomy.compute_blocks(net, parts, anatomy.make_meta_input((128, 128)))
    assert heard["p3"].shape == (1, 96, 16, 16)
    assert heard["classification head"].shape == (1, 16 * 16 + 8 * 8 + 4 * 4, 2)
    assert heard["regression head"].shape == (1, 336, 4)
    owned = [p for part in parts for path in part.owns or (part.module,) for p in net.get_submodule(path).parameters()]
    assert sum(p.numel() for p in owned) == sum(p.numel() for p in net.parameters())


def test_hooks_go_after_a_failure() -> None:
    net = StagedMobileNetV2(3).eval()
    with pytest.raises(RuntimeError):
        anatomy.compute_blocks(net, anatomy.plan_blocks(net), torch.zeros(1, 4, 32, 32))
    assert not any(module._forward_hooks for module in net.modules())


def test_a_card_without_weights_has_an_anatomy(segmentation_card: Card) -> None:
    layers = anatomy.dissect_network(segmentation_card)
    assert layers[-1].shape[0] == 3
    assert {layer.stage for layer in layers} >= {"stem", "stage4", "joined", "head"}
