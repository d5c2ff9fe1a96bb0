"""Does a heat map point at what the model uses? Deletion and insertion, agreement between maps, and heat on metal.

Deletion greys the hottest pixels first, and a faithful map makes the probability fall at once; insertion uncovers them
in a blurred picture, and it rises at once. Petsiuk et al. 2018 (RISE), arXiv:1806.07421.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as tv

from models.progress import ProgressToken
from models.tasks.classification.task import calibrate_logits
from models.types import Explanation, Image, Pixels

if TYPE_CHECKING:
    from models.tasks.classification.predictor import Classifier

STEPS = 24
"""Parts in which the picture is taken away or uncovered."""
BATCH = 5
BLUR = 0.05
"""Standard deviation of the blur that insertion starts from, as a share of the input's side."""
GRID = 56
"""Maps are compared on a grid of this side."""
PIECE = 0.1
"""Bright pieces smaller than this share of the largest are no metal: markers, letters, cortical bone."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Probability of one label while the picture is taken away or uncovered, hottest pixels first.

    Attributes
    ----------
    shares
        (S,) share of the pixels taken away or uncovered, 0 to 1.
    deletion, insertion
        (S,) calibrated probability of the label.
    """

    shares: NDArray[np.float64]
    deletion: NDArray[np.float32]
    insertion: NDArray[np.float32]

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve: small for a faithful map."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve: large for a faithful map."""
        return float(np.trapezoid(self.insertion, self.shares))


def measure_faithfulness(
    model: Classifier,
    image: Image,
    heat: Pixels,
    target: int,
    *,
    frame: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Curves:
    """Measure how faithful a map is to what the model uses for one output.

    Parameters
    ----------
    heat
        (H, W) in source pixels; the highest values are taken first.

    Raises
    ------
    Cancelled
        When `cancelled` said so.
    """
    x = model.input(image, frame)  # (1, 3, h, w)
    order = _order(model, image, heat).to(x.device)
    shares = np.linspace(0, 1, STEPS + 1)
    blurred = _blurred(x)
    parts = np.array_split(shares, len(shares) // BATCH)
    watch = ProgressToken(2 * len(parts), progress, cancelled)

    def probabilities(begin: Tensor, end: Tensor) -> NDArray[np.float32]:
        answers = []
        for part in parts:
            watch.step()
            changed = order < order.numel() * torch.tensor(part, device=x.device)[:, None, None, None]  # (B, 1, h, w)
            answers.append(calibrate_logits(model.logits(torch.where(changed, end, begin)), model.card)[:, target])
        return np.concatenate(answers)

    grey = x.mean((2, 3), keepdim=True).expand_as(x)
    return Curves(shares, deletion=probabilities(x, grey), insertion=probabilities(blurred, x))


def _order(model: Classifier, image: Image, heat: Pixels) -> Tensor:
    """Return the rank of each input pixel, hottest 0; pixels outside the picture come last: (1, 1, h, w)."""
    frame = model.task.frame(image, model.card)
    over = frame.to_network(torch.stack([torch.from_numpy(heat), torch.ones(heat.shape)])[None])  # (1, 2, h, w)
    ranked = over[:, :1].masked_fill(over[:, 1:] == 0, -torch.inf).flatten().argsort(descending=True, stable=True)
    order = torch.empty_like(ranked)
    order[ranked] = torch.arange(len(ranked))
    return order.view(1, 1, *over.shape[2:])


def _blurred(x: Tensor) -> Tensor:
    sigma = BLUR * min(x.shape[2:])
    return cast(Tensor, tv.gaussian_blur(x, [2 * round(2 * sigma) + 1] * 2, [sigma] * 2))


def draw_random_heat(shape: tuple[int, int], seed: int = 0, cells: int = 7) -> Pixels:
    """Return a map that knows nothing, (H, W) in [−1, 1], as coarse as Grad-CAM's: what the others have to beat."""
    coarse = torch.rand(1, 1, cells, cells, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, shape, mode="bilinear", align_corners=False)[0, 0].numpy()


def compare_maps(first: Pixels, second: Pixels) -> float:
    """Return the rank correlation of two maps of one picture, −1 to 1; 0 where a map is flat."""
    flat = [F.adaptive_avg_pool2d(torch.from_numpy(heat)[None], GRID).flatten().numpy() for heat in (first, second)]
    return 0.0 if any(np.ptp(heat) == 0 for heat in flat) else float(spearmanr(*flat).statistic)


def find_metal(image: Image, frame: int = 0) -> NDArray[np.bool_]:
    """Return where metal is likely, (H, W): large pieces brighter than Otsu's threshold of the bright half."""
    grey = image.grey(frame)
    bright = grey > _otsu(grey)
    if not bright.any() or bright.all():
        return np.zeros(grey.shape, bool)
    pieces, _ = ndimage.label(bright & (grey > _otsu(grey[bright])))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    large = sizes >= PIECE * sizes.max()
    large[0] = False
    return np.asarray(large[pieces])


def measure_heat_on_metal(image: Image, explanation: Explanation, frame: int = 0) -> tuple[float, float]:
    """Return the share of positive heat that lies on metal, and the share of the picture that is metal.

    A map that ignored the metal would have the two alike.
    """
    metal, positive = find_metal(image, frame), explanation.heat.clip(0)
    return float(positive[metal].sum() / max(positive.sum(), 1e-12)), float(metal.mean())


def _otsu(grey: Pixels) -> float:
    """Return the grey that parts values into the two most distinct classes (Otsu 1979)."""
    counts, edges = np.histogram(grey, 256)
    middles = (edges[:-1] + edges[1:]) / 2
    below, above = counts.cumsum(), counts[::-1].cumsum()[::-1]
    mean_below = (counts * middles).cumsum() / np.maximum(below, 1)
    mean_above = (counts * middles)[::-1].cumsum()[::-1] / np.maximum(above, 1)
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(edges[1 + int(between.argmax())])
