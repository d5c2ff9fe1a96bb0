"""When a model should not answer: the picture does not look like those it was made for.

The score is the Mahalanobis distance (Lee et al. 2018, arXiv:1807.03888) between the mean features of the two stages
before the last and those of the training images. Middle features know a knee from a shoulder, a slice and a photograph,
and have not yet been taught to ignore what the labels do not need. The training images come perturbed as well
(`models.trust.perturbations`), so that another machine's sharpness or compression is no reason to refuse. The free
energy of the logits (Liu et al. 2020, arXiv:2010.03759) is the second opinion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp
from torch import Tensor

from models.cards import Card
from models.errors import BadCard
from models.nets.loading import read_tensors
from models.words import later

KEPT = 0.95
"""Share of held-out images of the right kind that an out-of-distribution detector lets in."""


@dataclass(frozen=True)
class Verdict:
    """Whether an image is outside what a model was made for.

    Attributes
    ----------
    outside
        The score is over the threshold.
    reason
        The sentence for the screen; None inside.
    ood_score
        Score divided by threshold.
    """

    outside: bool
    reason: str | None
    ood_score: float


def pool_features(features: Mapping[str, Tensor]) -> Tensor:
    """Pool what a network computed: stage → (N, C, h, w), in their order, becomes (N, D), the mean of each channel."""
    return pool_stages(list(features.values())[-3:-1])


def pool_stages(parts: Sequence[Tensor]) -> Tensor:
    """Return the mean of each channel of the stages that an OOD detector looks at: (N, C, h, w) each → (N, D)."""
    return torch.cat([part.float().mean((2, 3)) for part in parts], 1)


@dataclass(frozen=True, eq=False)
class OodDetector:
    """What training images look like, and how far from them is too far.

    Attributes
    ----------
    tensors
        `centre` and `scale` (D,),
        `whiten` (D, D): the distance of x is |whiten · (x − centre) / scale|; `compute_energy` (),
        over which the logits are unusually weak. In half precision, as on disk.
    threshold
        Distance over which an image is outside.
    """

    tensors: Mapping[str, Tensor]
    threshold: float

    def distance(self, pooled: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the distance to the training images: (N, D) → (N,)."""
        centre, scale, whiten = self._arrays
        away = (pooled.astype(np.float32) - centre) / scale @ whiten.T
        return np.asarray(np.linalg.norm(away, axis=1))

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.float32], ...]:
        return tuple(self.tensors[name].float().numpy() for name in ("centre", "scale", "whiten"))

    def judge(self, pooled: NDArray[np.floating], logits: NDArray[np.floating], shows: str) -> Verdict:
        """Judge one image.

        Parameters
        ----------
        pooled, logits
            (D,) and (K,) of the image.
        shows
            What an image should be, after "this does not look like".
        """
        ood_score = float(self.distance(pooled[None])[0] / self.threshold)
        if ood_score <= 1:
            return Verdict(False, None, ood_score)
        what = later(shows)
        if compute_energy(logits[None])[0] > float(self.tensors["energy"]):
            reason = later("this does not look like {what}, and the network's own answer is unusually weak", what=what)
        else:
            reason = later("this does not look like {what}", what=what)
        return Verdict(True, reason, ood_score)


def compute_energy(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the free energy of logits, (N, K) → (N,): high where no output stands out."""
    return -np.asarray(logsumexp(logits.astype(np.float64), axis=1))


def fit_ood_statistics(pooled: NDArray[np.floating], logits: NDArray[np.floating]) -> OodDetector:
    """Return the statistics of a model's own images; needs scikit-learn (the extra `train`).

    Parameters
    ----------
    pooled
        (N, D) of training images, best each as it is and perturbed.
    logits
        (M, K) of known images, best held out.

    Returns
    -------
    OodDetector
        Its threshold keeps `KEPT` of the images it was fitted on, which is too tight for others: the one to ship is
        the same quantile of the distances of held-out images.
    """
    from sklearn.covariance import ledoit_wolf

    centre, scale = pooled.mean(0), pooled.std(0) + 1e-3 * pooled.std()
    covariance, _ = ledoit_wolf((pooled - centre) / scale, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    found = {"centre": centre, "scale": scale, "whiten": (vectors / np.sqrt(values)).T}
    tensors = {name: torch.from_numpy(array).half() for name, array in found.items()}
    tensors["energy"] = torch.tensor(np.quantile(compute_energy(logits), KEPT)).half()
    return OodDetector(tensors, float(np.quantile(OodDetector(tensors, 1.0).distance(pooled), KEPT)))


@lru_cache(maxsize=32)
def _loaded(file: str, sha256: str, threshold: float, folder: Path | None) -> OodDetector:
    return OodDetector(read_tensors(file, sha256, folder), threshold)


def load_ood_detector(card: Card) -> OodDetector:
    """Return the out-of-distribution detector of a card, loaded once.

    Raises
    ------
    BadCard
        When the card has none.
    BadWeights
        When its file is missing or changed.
    """
    if card.ood is None:
        raise BadCard("it has no out-of-distribution detector", fix=f"Run `ortholens train {card.id}`.", file=card.id)
    return _loaded(card.ood.file, card.ood.sha256, card.ood.threshold, card.folder)
