"""How far the answer moves when the picture is perturbed by what should not matter: place, angle, window, noise.

A steady answer is not a right one; an unsteady one should not be leant on. After Wang et al. 2019, "Aleatoric
uncertainty estimation with test-time augmentation", doi 10.1016/j.neucom.2019.01.103.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from models.progress import ProgressToken
from models.tasks.classification.task import calibrate_logits
from models.types import Image

if TYPE_CHECKING:
    from models.tasks.classification.predictor import Classifier

SHIFT = 0.03
"""Of the input's side."""
ANGLE_DEG = 4.0
WINDOW = 0.1
"""Part of the grey range by which the window moves or widens."""
NOISE = 0.02
"""Standard deviation, as a part of the grey range."""


@dataclass(frozen=True, eq=False)
class Perturbation:
    """The answer to a perturbed picture.

    Attributes
    ----------
    name
        What was done, in words.
    probabilities
        (K,) calibrated.
    """

    name: str
    probabilities: NDArray[np.float32]


def measure_robustness(
    model: Classifier,
    image: Image,
    frame: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Perturbation, ...]:
    """Answer the same frame under small changes; the first entry is the picture as it is.

    The changes are fixed, and the noise is seeded, so the same picture gets the same spread.

    Raises
    ------
    Cancelled
        When `cancelled` said so.
    """
    x = model.input(image, frame)  # (1, 3, h, w) in [−1, 1]
    changes = _changes(x)
    watch = ProgressToken(len(changes), progress, cancelled)
    perturbations = []
    for name, changed in changes.items():
        watch.step()
        perturbations.append(Perturbation(name, calibrate_logits(model.logits(changed), model.card)[0]))
    return tuple(perturbations)


def _changes(x: Tensor) -> dict[str, Tensor]:
    rows, columns = (max(1, round(SHIFT * side)) for side in x.shape[2:])
    noise = NOISE * 2 * torch.randn(x[:, :1].shape, generator=torch.Generator().manual_seed(0)).to(x)

    def moved(right: int = 0, down: int = 0, angle_deg: float = 0.0) -> Tensor:
        bilinear = tv.InterpolationMode.BILINEAR
        return cast(
            Tensor, tv.affine(x, angle_deg, [right, down], 1.0, [0.0, 0.0], interpolation=bilinear, fill=[-1.0])
        )

    return {
        "As it is": x,
        "Moved left": moved(right=-columns),
        "Moved right": moved(right=columns),
        "Moved up": moved(down=-rows),
        "Moved down": moved(down=rows),
        f"Turned {ANGLE_DEG:g}° left": moved(angle_deg=-ANGLE_DEG),
        f"Turned {ANGLE_DEG:g}° right": moved(angle_deg=ANGLE_DEG),
        "Darker": (x - 2 * WINDOW).clamp(-1, 1),
        "Brighter": (x + 2 * WINDOW).clamp(-1, 1),
        "Softer contrast": x * (1 - WINDOW),
        "Harder contrast": (x * (1 + WINDOW)).clamp(-1, 1),
        "Noise": (x + noise).clamp(-1, 1),
    }
