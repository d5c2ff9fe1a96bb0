"""Networks that segment: shapes, stages that a picture can stop between, weights that fit the product."""

import numpy as np
import pytest
import torch
from torch import nn

from models.nets.dense import DenseNet
from models.nets.hrnet import Fusion, HRNet
from models.nets.loading import fold_batch_norms
from models.nets.unet import UNetMobileNetV2

NETS = {
    "hrnet": lambda: HRNet(3),
    "hrnet, stride 2": lambda: HRNet(3, width=8, stride=2, blocks=1),
    "unet": lambda: UNetMobileNetV2(3),
}


@pytest.fixture(params=NETS, scope="module")
def net(request: pytest.FixtureRequest) -> DenseNet:
    torch.manual_seed(0)
    built: DenseNet = NETS[request.param]().eval().requires_grad_(False)
    return built


@pytest.mark.parametrize("size", [(64, 64), (70, 45)])
def test_every_pixel_gets_its_logits_whatever_the_size(net: DenseNet, size: tuple[int, int]) -> None:
    assert net(torch.randn(2, 3, *size)).shape == (2, 3, *size)


def test_stopping_at_any_stage_and_going_on_is_the_whole_network(net: DenseNet) -> None:
    x = torch.randn(1, 3, 64, 48)
    whole = net(x)
    for stage in net.stages:
        torch.testing.assert_close(net.tail(net.trunk(x, stage), stage, (64, 48)), whole)


def test_an_unknown_stage_is_named_with_the_known_ones(net: DenseNet) -> None:
    with pytest.raises(ValueError, match=r"no stage called 'attic'; stages are \w+"):
        net.trunk(torch.zeros(1, 3, 32, 32), "attic")


def test_half_precision_weights_stay_under_16_mb(net: DenseNet) -> None:
    assert 2 * sum(value.numel() for value in net.state_dict().values()) < 16 * 2**20


def test_folding_batch_norms_changes_nothing() -> None:
    for make in NETS.values():
        torch.manual_seed(1)
        net = make()
        for norm in (module for module in net.modules() if isinstance(module, nn.BatchNorm2d)):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias)
            norm.running_mean.normal_()
        net.eval().requires_grad_(False)
        x = torch.randn(1, 3, 64, 64)
        before = net(x)
        fold_batch_norms(net)
        assert not any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
        torch.testing.assert_close(net(x), before, rtol=1e-3, atol=1e-3)


def test_branches_of_an_hrnet_halve_in_size_and_double_in_width() -> None:
    net = HRNet(2, width=8).eval()
    state = net.trunk(torch.randn(1, 3, 64, 64), "stage4")
    assert [tuple(branch.shape[1:]) for branch in state] == [(8, 16, 16), (16, 8, 8), (32, 4, 4), (64, 2, 2)]


def test_a_fusion_adds_what_the_other_branch_says() -> None:
    fusion = Fusion([1, 2]).eval().requires_grad_(False)
    for path in (fusion.paths[0][1], fusion.paths[1][0][0]):
        for module in path.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.constant_(module.weight, 1.0)
    fine, coarse = torch.full((1, 1, 4, 4), 3.0), torch.full((1, 2, 2, 2), 5.0)
    up, down = fusion((fine, coarse))
    np.testing.assert_allclose(up.numpy(), 3 + 5 + 5, rtol=1e-4)  # a 1 × 1 over both coarse channels
    assert down[0, 0, 1, 1] == pytest.approx(
        5 + 9 * 3, rel=1e-4
    )  # a strided 3 × 3 over the fine one, away from its edge


def test_a_u_net_takes_imagenet_weights_on_its_way_down() -> None:
    from torchvision.models import mobilenet_v2

    donor, net = mobilenet_v2(weights=None).eval(), UNetMobileNetV2(2).eval()
    net.load_start(donor.state_dict())
    x = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(net.trunk(x, "stage5")[0], donor.features[:-1](x))
