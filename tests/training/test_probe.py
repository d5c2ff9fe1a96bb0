"""A head that starts as a linear probe answers what it was fitted to, and leaves labels without a picture alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.nets.mobilenet import StagedMobileNetV2
from models.tasks.classification.probe import start_head


def views(labels: np.ndarray) -> torch.Tensor:
    """Two views (2, N, 32, 6, 6) behind the third stage, brighter in some channels by label."""
    generator = torch.Generator().manual_seed(0)
    seen = torch.rand((2, len(labels), 32, 6, 6), generator=generator)
    for i, label in enumerate(labels):
        seen[:, i, 8 * label : 8 * label + 8] += 3
    return seen.half()


@pytest.mark.parametrize("labels", [[0, 1] * 6, [0, 1, 2] * 4, [0, 2] * 6])
def test_the_head_answers_the_pictures_that_it_was_fitted_to(labels: list[int]) -> None:
    torch.manual_seed(0)
    net = StagedMobileNetV2(3)
    before = net.head[-1].weight.detach().clone()
    reference = np.array(labels)
    start_head(net, views(reference), reference, "stage3")
    with torch.no_grad():
        logits = net.eval().tail(views(reference)[0].float(), "stage3")
    present = np.unique(reference)
    assert (present[logits[:, present].argmax(1).numpy()] == reference).all()
    changed = (net.head[-1].weight.detach() != before).any(1).numpy()
    assert set(np.flatnonzero(changed)) == set(present)
