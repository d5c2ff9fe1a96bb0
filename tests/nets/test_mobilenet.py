import torch

from models.nets.mobilenet import StagedMobileNetV2, rescale_batch_norms


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
