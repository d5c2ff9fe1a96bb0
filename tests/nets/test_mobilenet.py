import torch
from torch import nn

from models.nets import stages
from models.nets.loading import NETS, fold_batch_norms
from models.nets.mobilenet import STAGES, StagedMobileNetV2, rescale_batch_norms


def test_stages_halve_the_resolution_and_chain_to_the_whole_network():
    net = StagedMobileNetV2(3).eval()
    x = torch.randn(2, 3, 64, 96)
    pyramid = net.pyramid(x)
    assert [tuple(part.shape[2:]) for part in pyramid.values()] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    for stage in STAGES:
        torch.testing.assert_close(net.tail(net.trunk(x, stage), stage), net(x))


def test_rescaling_keeps_the_function_and_gives_the_norms_the_data_statistics():
    torch.manual_seed(0)
    net = StagedMobileNetV2(3).eval()
    x = torch.randn(8, 3, 64, 64) * 2 + 1
    before = net(x)
    rescale_batch_norms(net, x.split(4))
    torch.testing.assert_close(net(x), before, atol=1e-4, rtol=1e-3)
    first = net.stages["stage1"][0]
    seen = first[0](x)  # (8, 32, 32, 32), what the first norm is given
    torch.testing.assert_close(first[1].running_mean, seen.mean((0, 2, 3)), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(first[1].running_var, seen.var((0, 2, 3), unbiased=False), atol=1e-4, rtol=1e-3)


def test_folded_norms_are_gone_and_the_answer_is_the_same():
    torch.manual_seed(0)
    net = StagedMobileNetV2(3).eval()
    x = torch.randn(2, 3, 64, 64)
    before = net(x)
    fold_batch_norms(net)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    torch.testing.assert_close(net(x), before, atol=1e-4, rtol=1e-3)


def test_the_names_of_stages_are_those_of_the_networks():
    with torch.device("meta"):
        assert {name: tuple(net(2, 0.0).stages) for name, net in NETS.items()} == dict(stages.STAGES)
