"""The convolution that the page shows by hand, against torch's own."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.lessons import neuron

TORCH = {
    "Identity": lambda x: x,
    "ReLU": F.relu,
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "SiLU": F.silu,
}


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).random((17, 23))


@pytest.mark.parametrize("name", neuron.ACTIVATIONS)
@pytest.mark.parametrize("preset", neuron.PRESETS)
def test_the_convolution_by_hand_is_torchs(picture: np.ndarray, name: str, preset: str) -> None:
    kernel = np.array(neuron.PRESETS[preset].rows, float)
    ours = neuron.convolve_neuron(picture, kernel, -0.3, neuron.ACTIVATIONS[name])
    bias = torch.tensor([-0.3], dtype=torch.float64)
    given = torch.from_numpy(picture)[None, None]
    theirs = TORCH[name](F.conv2d(given, torch.from_numpy(kernel)[None, None], bias, padding=1))
    np.testing.assert_allclose(ours, theirs[0, 0].numpy(), atol=1e-12)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (5, 7), (16, 22)])
def test_one_neuron_is_one_place_of_the_convolution(picture: np.ndarray, row: int, column: int) -> None:
    kernel = np.arange(9.0).reshape(3, 3) - 4
    everywhere = neuron.convolve_neuron(picture, kernel, 0.5, neuron.silu)
    patch = neuron.cut_neuron_patch(picture, row, column)
    assert patch.shape == (3, 3)
    assert patch[1, 1] == picture[row, column]
    assert neuron.answer_one_neuron(patch, kernel, 0.5, neuron.silu) == pytest.approx(everywhere[row, column])


def test_presets_do_what_they_say() -> None:
    def answer(name: str, picture: np.ndarray) -> np.ndarray:
        return neuron.convolve_neuron(picture, np.array(neuron.PRESETS[name].rows, float), 0, neuron.identity)[
            2:-2, 2:-2
        ]

    down = np.repeat(np.arange(9.0)[:, None], 9, 1)  # brighter below
    assert (answer("Horizontal edge", down) > 0).all()
    assert np.allclose(answer("Vertical edge", down), 0)
    assert (answer("Vertical edge", down.T) > 0).all()
    assert np.allclose(answer("Laplacian", down), 0)  # an even slope is no spot
    flat = np.full((9, 9), 0.5)
    for name in ("Identity", "Sharpen", "Blur"):
        assert np.allclose(answer(name, flat), 0.5)
    steep, level = np.zeros((9, 9)), np.zeros((9, 9))
    steep[:, 4] = level[4] = 1
    assert answer("Gabor", steep).max() > 1.5 * answer("Gabor", level).max()


def test_the_sigmoid_does_not_overflow() -> None:
    assert neuron.sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_what_is_shown_says_its_shapes() -> None:
    assert "(H, W, 3, 3)" in inspect.getsource(neuron.convolve_neuron)
    assert "(3, 3)" in inspect.getsource(neuron.answer_one_neuron)
