import numpy as np
import pytest
import torch
from torch import nn

from models.errors import Cancelled
from models.tasks.classification.sanity import forget_weights, randomise_in_cascade
from models.trust.methods import METHODS


def test_the_map_of_a_network_that_knows_falls_apart(model_of, corner_net, image) -> None:
    model, told = model_of(corner_net, labels=2), []
    before = [parameter.clone() for parameter in corner_net.parameters()]
    found = randomise_in_cascade(model, image, METHODS["hirescam"], 0, progress=told.append)
    assert [step.down_to for step in found.steps] == ["head", "stage5", "stage4"]
    assert found.falls_apart
    assert all(abs(step.agreement) < 0.5 for step in found.steps)
    assert np.abs(found.original.heat[:24, :24]).sum() > 0.95 * np.abs(found.original.heat).sum()
    assert told == pytest.approx([0.25, 0.5, 0.75, 1])
    assert all(torch.equal(was, now) for was, now in zip(before, corner_net.parameters(), strict=True))
    assert model.members == [corner_net]


def test_members_forget_differently(model_of, small_net, image) -> None:
    one = randomise_in_cascade(model_of(small_net(0)), image, METHODS["hirescam"], 1)
    two = randomise_in_cascade(model_of(small_net(0), small_net(0)), image, METHODS["hirescam"], 1)
    np.testing.assert_allclose(one.original.heat, two.original.heat, atol=1e-6)
    assert not np.allclose(one.steps[-1].explanation.heat, two.steps[-1].explanation.heat, atol=1e-3)


def test_it_can_be_stopped(model_of, corner_net, image) -> None:
    told: list[float] = []
    with pytest.raises(Cancelled):
        randomise_in_cascade(
            model_of(corner_net, labels=2),
            image,
            METHODS["hirescam"],
            0,
            progress=told.append,
            cancelled=lambda: len(told) == 2,
        )
    assert len(told) == 2


def test_forgetting_keeps_the_size_of_the_weights() -> None:
    layer = nn.Linear(200, 100).requires_grad_(False)
    nn.init.normal_(layer.weight, 0.3, 2.0)
    kept = layer.weight.clone()
    forget_weights(layer, seed=0)
    assert layer.weight.mean().item() == pytest.approx(0.3, abs=0.05)
    assert layer.weight.std().item() == pytest.approx(2.0, abs=0.05)
    assert abs(torch.corrcoef(torch.stack([kept.flatten(), layer.weight.flatten()]))[0, 1]) < 0.05
