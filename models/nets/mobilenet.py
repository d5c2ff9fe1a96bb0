"""MobileNetV2 as five named stages and a linear head.

The trunk is torchvision's own (Sandler et al. 2018, arXiv:1801.04381); only the grouping into stages is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from models.nets.staged import StagedClassifier

STAGES: dict[str, int] = {"stage1": 2, "stage2": 4, "stage3": 7, "stage4": 14, "stage5": 19}
"""Stage name → index in torchvision's `features` after its last block; strides 2, 4, 8, 16, 32."""

FEATURES = 1280
"""Channels of the last stage, and so the length of the pooled feature vector."""


class StagedMobileNetV2(StagedClassifier):
    """MobileNetV2: 2.2 million weights in the trunk, 0.3 billion products at 224 × 224."""

    file = "mobilenet_v2_imagenet"

    def __init__(self, classes: int, dropout: float = 0.2) -> None:
        features = mobilenet_v2(weights=None).features
        edges = [0, *STAGES.values()]
        stages = {name: features[start:end] for name, (start, end) in zip(STAGES, pairwise(edges), strict=True)}
        super().__init__(stages, FEATURES, classes, dropout)

    def load_start(self, state: Mapping[str, Tensor]) -> None:
        """Take torchvision's names; the classifier of 1,000 classes is left behind."""
        edges = dict(zip(STAGES, pairwise([0, *STAGES.values()]), strict=True))
        for name, (start, end) in edges.items():
            part = {}
            for key, value in state.items():
                root, _, rest = key.partition(".")
                index, _, rest = rest.partition(".")
                if root == "features" and start <= int(index) < end:
                    part[f"{index}.{rest}"] = value.float()
            missing, _ = self.stages[name].load_state_dict(part, strict=False)
            if lost := [key for key in missing if not key.endswith("num_batches_tracked")]:
                raise RuntimeError(f"the starting weights lack {lost[0]} of {name}")


@torch.no_grad()
def rescale_batch_norms(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give folded batch norms the statistics of the data without changing what the network computes.

    Weights expanded from a folded model carry mean 0 and variance 1 with the shift in the bias; in train mode such a
    norm would normalise by the batch and change the function at once. So the input mean m and variance v of each norm
    are recorded in eval mode and γ, β rewritten: γ' = γ·√((v+ε)/(σ²+ε)), β' = β + γ·(m−μ)/√(σ²+ε).

    Parameters
    ----------
    net
        Left in eval mode; every `BatchNorm2d` in it is rewritten.
    batches
        A few batches (N, C, H, W) of the data to be trained on.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    count: dict[nn.Module, int] = dict.fromkeys(norms, 0)
    total: dict[nn.Module, Tensor] = {norm: torch.zeros_like(norm.bias) for norm in norms}
    squares: dict[nn.Module, Tensor] = {norm: torch.zeros_like(norm.bias) for norm in norms}

    def record(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].float()  # (N, C, H, W)
        count[norm] += x.numel() // x.shape[1]
        total[norm] += x.sum((0, 2, 3))
        squares[norm] += x.square().sum((0, 2, 3))

    hooks = [norm.register_forward_pre_hook(record) for norm in norms]
    try:
        net.eval()
        for batch in batches:
            net(batch)
    finally:
        for hook in hooks:
            hook.remove()
    for norm in norms:
        mean = total[norm] / count[norm]
        variance = (squares[norm] / count[norm] - mean.square()).clamp_min(1e-6)
        assert norm.running_mean is not None  # norms of MobileNetV2 track both
        assert norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        norm.bias.add_(scale * (mean - norm.running_mean))
        norm.weight.copy_(scale * (variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
