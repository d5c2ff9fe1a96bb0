"""What every classifier network has in common, and what EfficientNet-Lite0 starts from."""

from __future__ import annotations

import pytest
import torch
from skimage import data
from torch import Tensor, nn

from models.nets import stages
from models.nets.classifier import StagedClassifier
from models.nets.efficientnet_lite import StagedEfficientNetLite, load_imagenet
from models.nets.loading import NETS, fold_batch_norms
from models.training.starts import lite_weights

EGYPTIAN_CAT, ESPRESSO = 285, 967


@pytest.fixture(params=list(NETS))
def net(request: pytest.FixtureRequest) -> StagedClassifier:
    torch.manual_seed(0)
    return NETS[request.param](3, 0.2).eval()


def test_stages_halve_the_resolution_and_chain_to_the_whole_network(net: StagedClassifier) -> None:
    x = torch.randn(2, 3, 64, 96)
    pyramid = net.pyramid(x)
    assert [tuple(part.shape[2:]) for part in pyramid.values()] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    for stage in net.stages:
        torch.testing.assert_close(net.tail(net.trunk(x, stage), stage), net(x))


def test_folded_norms_are_gone_and_the_answer_is_the_same(net: StagedClassifier) -> None:
    x = torch.randn(2, 3, 64, 64)
    before = net(x)
    fold_batch_norms(net)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    torch.testing.assert_close(net(x), before, atol=1e-4, rtol=1e-3)


def test_the_names_of_stages_are_those_of_the_networks() -> None:
    assert {name: tuple(net(2, 0.0).stages) for name, net in NETS.items()} == dict(stages.STAGES)


def test_lite0_has_the_size_of_the_published_network() -> None:
    assert sum(p.numel() for p in StagedEfficientNetLite(1000).parameters()) == 4_652_008


def seen(picture: str) -> Tensor:
    """A square picture of scikit-image as EfficientNet-Lite was trained to see it: (1, 3, 224, 224)."""
    pixels = torch.from_numpy(getattr(data, picture)()).permute(2, 0, 1)[None].float()
    side = min(pixels.shape[2:])
    top, left = ((n - side) // 2 for n in pixels.shape[2:])
    square = pixels[..., top : top + side, left : left + side]
    return nn.functional.interpolate(square, (224, 224), mode="bilinear", antialias=True) / 127.5 - 1


def test_the_starting_weights_know_a_cat_and_a_cup_of_coffee() -> None:
    weights, net = lite_weights(), StagedEfficientNetLite(1000).eval()
    load_imagenet(net, weights)
    net.head[3].load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    with torch.no_grad():
        assert [int(net(seen(name)).argmax()) for name in ("chelsea", "coffee")] == [EGYPTIAN_CAT, ESPRESSO]


def test_starting_weights_of_another_network_are_refused() -> None:
    state = dict(StagedEfficientNetLite(2).stages.state_dict())
    with pytest.raises(RuntimeError, match="tensors"):
        load_imagenet(StagedEfficientNetLite(2), dict(list(state.items())[:-1]))
    first = next(iter(state))
    with pytest.raises(RuntimeError, match=first):
        load_imagenet(StagedEfficientNetLite(2), state | {first: torch.zeros(8, 3, 3, 3)})
