"""One neuron, and one layer of neurons that share their weights: a convolution, in the open, with shapes on the line.

The functions are short because the how-it-works page shows their source beside what they computed. Presets are the
kernels of Sobel, Laplace and Gabor (Gabor 1946; Jones and Palmer 1987, doi 10.1152/jn.1987.58.6.1233 on their likeness
to cells of the visual cortex); activations as in Hendrycks and Gimpel 2016, arXiv:1606.08415.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]


def identity(x: Array) -> Array:
    """Hand on the sum as it is."""
    return x


def relu(x: Array) -> Array:
    """Only what speaks for it: nothing below zero."""
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    """Squeeze into 0 to 1, like a probability."""
    return 0.5 * (1 + np.tanh(x / 2))  # 1 / (1 + exp(-x)) that cannot overflow


def tanh(x: Array) -> Array:
    """Squeeze into −1 to 1."""
    return np.tanh(x)


def silu(x: Array) -> Array:
    """Like ReLU with a smooth corner: x times its own sigmoid."""
    return x * sigmoid(x)


def answer_one_neuron(patch: Array, weights: Array, bias: float, activation: Callable[[Array], Array]) -> Array:
    """Answer for one place: weigh, add up, add the bias, decide."""
    products = patch * weights  # (3, 3) each input times its own weight
    total = products.sum() + bias  # ()
    return activation(total)  # ()


def convolve_neuron(picture: Array, kernel: Array, bias: float, activation: Callable[[Array], Array]) -> Array:
    """Ask the same neuron at every place of a picture."""
    padded = np.pad(picture, 1)  # (H + 2, W + 2) zeros round it, so that the edge has neighbours too
    patches = sliding_window_view(padded, (3, 3))  # (H, W, 3, 3) what each place sees
    products = patches * kernel  # (H, W, 3, 3) the same nine weights everywhere
    totals = products.sum((2, 3)) + bias  # (H, W)
    return activation(totals)  # (H, W)


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {"ReLU": relu, "Identity": identity, "Sigmoid": sigmoid, "Tanh": tanh, "SiLU": silu}
)
"""By the name on the screen."""


@dataclass(frozen=True)
class Preset:
    """A kernel worth knowing.

    Attributes
    ----------
    rows
        Three rows of three weights.
    says
        What it answers to, in one sentence.
    """

    name: str
    rows: tuple[tuple[float, float, float], ...]
    says: str


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset("Identity", ((0, 0, 0), (0, 1, 0), (0, 0, 0)), "Only the middle counts: nothing changes."),
            Preset(
                "Horizontal edge", ((-1, -2, -1), (0, 0, 0), (1, 2, 1)), "Answers where below is brighter than above."
            ),
            Preset(
                "Vertical edge", ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)), "Answers where right is brighter than left."
            ),
            Preset("Laplacian", ((0, -1, 0), (-1, 4, -1), (0, -1, 0)), "Answers to spots and lines of any direction."),
            Preset(
                "Blur", ((0.06, 0.12, 0.06), (0.12, 0.28, 0.12), (0.06, 0.12, 0.06)),
                "A weighted mean: fine detail goes, large shapes stay.",
            ),
            Preset("Sharpen", ((0, -1, 0), (-1, 5, -1), (0, -1, 0)), "The picture plus its edges."),
            Preset(
                "Gabor", ((0.0, 0.5, -0.4), (-0.6, 1.0, -0.6), (-0.4, 0.5, 0.0)),
                "A wave under a bell, as cells of the visual cortex have it: answers to thin steep lines.",
            ),
        )
    }
)  # fmt: skip
"""By the name on the screen."""


def cut_neuron_patch(picture: Array, row: int, column: int) -> Array:
    """Return the 3 × 3 places round one place, zeros beyond the edge."""
    padded = np.pad(picture, 1)
    patch: Array = padded[row : row + 3, column : column + 3]
    return patch
