"""Classifiers beside MobileNetV2: their stages, what their starting weights were trained on, and that those fit."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from models.errors import Unreachable
from models.nets.efficientnet import SameConv2d, StagedEfficientNetLite0, StagedEfficientNetLite2
from models.nets.staged import StagedClassifier
from models.nets.starting import load_starting_weights
from models.nets.vgg import StagedVGG16
from models.settings import settings

needs_weights = pytest.mark.skipif(
    not (settings().data_dir.parent / "weights").exists(), reason="the starting weights are not in ../shared"
)


@pytest.mark.parametrize(
    ("kind", "millions"),
    [(StagedEfficientNetLite0, 3.371), (StagedEfficientNetLite2, 4.811), (StagedVGG16, 14.715)],  # published, less head
)
def test_stages_halve_the_resolution_and_weigh_what_was_published(
    kind: type[StagedClassifier], millions: float
) -> None:
    with torch.device("meta"):
        net = kind(4, 0.2)
        found = net.pyramid(torch.empty(2, 3, 64, 96))
    assert [tuple(part.shape[2:]) for part in found.values()] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert sum(p.numel() for p in net.stages.parameters()) / 1e6 == pytest.approx(millions, abs=1e-3)


def test_a_network_goes_on_behind_any_stage_or_from_the_picture() -> None:
    torch.manual_seed(0)
    net, x = StagedEfficientNetLite0(3).eval(), torch.randn(1, 3, 33, 47)
    with torch.no_grad():
        for stage in ("", *net.stages):
            torch.testing.assert_close(net.tail(net.trunk(x, stage), stage), net(x))
    assert net.names(upto="stage2") + net.names(after="stage2") == list(net.stages)
    with pytest.raises(ValueError, match="stage9"):
        net.trunk(x, "stage9")


@pytest.mark.parametrize(("side", "stride"), [(5, 1), (6, 2), (7, 2)])
def test_what_padding_is_left_over_lies_right_and_below(side: int, stride: int) -> None:
    torch.manual_seed(0)
    convolution, x = SameConv2d(1, 1, 3, stride, bias=False), torch.randn(1, 1, side, side)
    before, after = {(5, 1): (1, 1), (6, 2): (0, 1), (7, 2): (1, 1)}[side, stride]
    right = F.conv2d(F.pad(x, (before, after, before, after)), convolution.weight, stride=stride)
    torch.testing.assert_close(convolution(x), right)
    assert right.shape[-1] == -(-side // stride)


def test_vgg_sees_colours_less_their_mean() -> None:
    first = StagedVGG16(2).stages["stage1"][0]
    white, black = first(torch.ones(1, 3, 1, 1)).flatten(), first(-torch.ones(1, 3, 1, 1)).flatten()
    assert white.tolist() == pytest.approx([255 - 123.68, 255 - 116.779, 255 - 103.939], abs=1e-4)
    assert black.tolist() == pytest.approx([-123.68, -116.779, -103.939], abs=1e-4)


@needs_weights
@pytest.mark.parametrize("kind", [StagedEfficientNetLite0, StagedEfficientNetLite2])
def test_starting_weights_name_a_cat(kind: type[StagedClassifier]) -> None:
    from skimage.data import chelsea  # an Egyptian cat, says ImageNet

    state = load_starting_weights(kind)
    net = kind(1000, 0.2)
    net.load_start(state)
    with torch.no_grad():
        net.head[-1].weight.copy_(state["_fc.weight"])
        net.head[-1].bias.copy_(state["_fc.bias"])
        picture = torch.from_numpy(chelsea().copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        x = F.interpolate(picture, (224, 224), mode="bilinear", antialias=True)
        assert int(net.eval()(x).argmax()) == 285


@needs_weights
def test_starting_weights_of_vgg_fill_every_convolution() -> None:
    net = StagedVGG16(1)
    state = load_starting_weights(StagedVGG16)
    net.load_start(state)
    own = [p for name, p in net.stages.named_parameters() if name.endswith("weight")]
    given = [state[f"features.{i}.weight"] for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)]
    assert all(torch.equal(mine, theirs.float()) for mine, theirs in zip(own, given, strict=True))


def test_missing_weights_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("models.nets.starting.settings", lambda: settings().model_copy(update={"data_dir": tmp_path}))
    with pytest.raises(Unreachable, match="starting weights are not here"):
        load_starting_weights(StagedEfficientNetLite0)
    with pytest.raises(RuntimeError, match="lack weight of _conv_stem"):
        StagedEfficientNetLite0(1).load_start({})
