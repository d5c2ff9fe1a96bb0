import numpy as np
import pytest
import torch

from models.errors import Cancelled
from models.tasks.classification.robustness import NOISE, _changes, measure_robustness
from models.types import Image


def test_the_answer_moves_with_what_was_done(model_of, corner_net) -> None:
    grey = np.full((1, 64, 64), 0.3, np.float32)
    grey[:, 16:32, 16:] = 0.9  # bright right of what the network looks at
    picture = Image(grey, name="a.png", sha256="0" * 64)
    model, told = model_of(corner_net, labels=2), []
    perturbations = {
        perturbation.name: perturbation.probabilities
        for perturbation in measure_robustness(model, picture, progress=told.append)
    }
    first, *others = perturbations
    as_it_is = perturbations[first][0]
    assert first == "As it is"
    assert as_it_is == pytest.approx(model.answer(picture, stage="stage5")[0].logits.softmax(0)[0].item(), abs=1e-6)
    assert perturbations["Moved left"][0] > as_it_is > perturbations["Moved right"][0]
    assert perturbations["Moved down"][0] == pytest.approx(as_it_is, abs=1e-6)  # nothing changes there
    assert perturbations["Brighter"][0] > as_it_is > perturbations["Darker"][0]
    assert perturbations["Noise"][0] == pytest.approx(as_it_is, abs=0.01)
    assert len(others) == 11
    assert all(p.sum() == pytest.approx(1) for p in perturbations.values())
    assert told[-1] == 1


def test_noise_is_as_strong_as_is_said() -> None:
    grey = torch.zeros(1, 3, 128, 128)  # the middle of [−1, 1], which is twice as wide as [0, 1]
    noise = _changes(grey)["Noise"]
    assert float(noise.std()) == pytest.approx(2 * NOISE, rel=0.03)
    assert torch.equal(noise[:, 0], noise[:, 2])  # of a grey picture


def test_it_is_repeatable_and_can_be_stopped(model_of, small_net, image) -> None:
    model = model_of(small_net(0), small_net(1))
    for first, second in zip(measure_robustness(model, image), measure_robustness(model, image), strict=True):
        np.testing.assert_array_equal(first.probabilities, second.probabilities)
    with pytest.raises(Cancelled):
        measure_robustness(model, image, cancelled=lambda: True)
