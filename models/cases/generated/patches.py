"""Draw a new small radiograph out of noise, so that each part of it looks like that part of some real one.

The path is that of flow matching (Lipman et al. 2023, arXiv:2210.02747): x_t = (1 − t) x + t e, from noise at t = 1 to
a picture at t = 0. It needs, at each place, the mean of what may lie behind x_t there. A convolutional network that is
trained for it ends near the mean over the *patches* of the training pictures that stand at this place, weighed by how
well each explains the noisy patch; Kamb and Ganguli 2024 (arXiv:2412.20292) show that so such networks draw new
pictures instead of repeating old ones. Here that mean is computed as it stands. Patches are as large as the picture
while all is noise and shrink to the size of a detail; so the whole follows no single picture. Pictures must lie over
each other (`align`), and their exposure is taken out before and put back after.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Small = NDArray[np.float32]

STEPS = 20
LAST = 0.98
"""Time at which the first step looks: at 1 nothing shows through the noise."""


@dataclass(frozen=True)
class Look:
    """How patches are looked at.

    Attributes
    ----------
    finest
        Side of the smallest patch, in small pixels.
    softness
        Over one, patches that explain the noise less well count too: blends instead of copies.
    blend
        Side over which the weights of neighbouring patches are averaged, so that none has an edge.
    others
        Weight of a picture with another label beside one with the label drawn.
    """

    finest: int = 11
    softness: float = 4.0
    blend: int = 5
    others: float = 0.005


@dataclass(frozen=True, eq=False)
class Bank:
    """Small pictures of one kind, laid over each other.

    Attributes
    ----------
    pictures
        (N, h, w) float32, each with mean 0 and deviation 1.
    labels
        Of each picture.
    means, deviations
        (N,), the exposure that was taken out, in 255ths.
    groups
        Patient of each picture, or what stands in for one.
    """

    pictures: Small
    labels: tuple[str, ...]
    means: Small
    deviations: Small
    groups: tuple[str, ...]

    @classmethod
    def of(cls, pictures: NDArray[np.uint8], labels: tuple[str, ...], groups: tuple[str, ...], times: int = 4) -> Bank:
        """Return the bank of finished pictures (N, H, W), made `times` smaller."""
        count, rows, columns = pictures.shape
        small = pictures.reshape(count, rows // times, times, columns // times, times).mean((2, 4), dtype=np.float32)
        means, deviations = small.mean((1, 2)), small.std((1, 2)) + np.float32(1e-3)
        return cls((small - means[:, None, None]) / deviations[:, None, None], labels, means, deviations, groups)

    def __len__(self) -> int:
        return len(self.labels)

    def draw(self, label: str, seed: int, look: Look = Look()) -> Small:
        """Return a small picture (h, w) of a label, in 255ths; the same for the same seed."""
        own = np.array([of == label for of in self.labels])
        if not own.any():
            raise ValueError(f"no picture of the bank is labelled {label}")
        rng = np.random.default_rng(seed)
        among = own if look.others <= 0 else np.ones(len(self), bool)
        prior = np.where(own, 0, np.log(max(look.others, 1e-9))).astype(np.float32)[among]
        drawn = follow_patch_flow(self.pictures[among], prior, rng, look)
        exposed = rng.choice(np.flatnonzero(own))
        return np.asarray(drawn * self.deviations[exposed] + self.means[exposed], np.float32)


@dataclass(frozen=True)
class Refining:
    """How a picture of full size takes on the detail of real ones.

    Attributes
    ----------
    start
        Time at which it begins: how much noise is laid over the picture first.
    side
        Of a patch, in pixels.
    among
        Pictures that lend detail: those that look most like it as a whole.
    steps, softness, blend
        As for the small picture.
    """

    start: float = 0.4
    side: int = 21
    among: int = 48
    steps: int = 6
    softness: float = 4.0
    blend: int = 7


def refine_by_patches(picture: Small, among: Small, rng: np.random.Generator, how: Refining = Refining()) -> Small:
    """Return a picture (H, W) with the detail of others (N, H, W), patch by patch; all with mean 0 and deviation 1."""
    x = ((1 - how.start) * picture + how.start * rng.standard_normal(picture.shape, np.float32)).astype(np.float32)
    even = np.zeros(len(among), np.float32)
    times = np.linspace(how.start, 0, how.steps + 1)
    for now, then in itertools.pairwise(times):
        idea = _patchwise(x, among, even, float(now), (how.side, how.softness, how.blend))
        x = np.asarray(then / now * x + (1 - then / now) * idea, np.float32)
    return x


def follow_patch_flow(pictures: Small, prior: Small, rng: np.random.Generator, look: Look) -> Small:
    """Follow the flow from noise to a picture: (N, h, w) and the logarithms of their weights (N,) → (h, w)."""
    x = rng.standard_normal(pictures.shape[1:], np.float32)
    times = np.linspace(1, 0, STEPS + 1)
    for now, then in itertools.pairwise(times):
        idea = denoise_by_patches(x, pictures, prior, min(float(now), LAST), look)
        x = np.asarray(then / now * x + (1 - then / now) * idea, np.float32)
    return x


def denoise_by_patches(x: Small, pictures: Small, prior: Small, time: float, look: Look) -> Small:
    """Return the mean of what may lie behind a noisy picture (h, w) at a time, patch by patch."""
    whole = min(x.shape)
    side = int(max(look.finest, look.finest + (whole - look.finest) * time)) | 1
    return _patchwise(x, pictures, prior, time, (side, look.softness, look.blend))


def _patchwise(x: Small, pictures: Small, prior: Small, time: float, how: tuple[int, float, int]) -> Small:
    """Return `denoise_by_patches` for one side of the patches, softness and blend."""
    side, softness, blend = how
    weights = np.square(x - np.float32(1 - time) * pictures)  # (N, h, w)
    uniform_filter(weights, (0, side, side), output=weights, mode="nearest")
    independent = side**2 / max(1.0, side / 9)  # pixels of a patch say less than that many numbers
    weights *= np.float32(-independent / (2 * time**2 * softness))
    weights += prior[:, None, None]
    weights -= weights.max(0)
    np.exp(weights, out=weights)
    weights /= weights.sum(0)
    if blend > 1:
        uniform_filter(weights, (0, blend, blend), output=weights, mode="nearest")
    weights *= pictures
    return np.asarray(weights.sum(0))
