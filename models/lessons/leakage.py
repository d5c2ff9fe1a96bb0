"""Why a set is split by patient: the same pictures, split in two ways, and the accuracy that each way promises.

Simulated patients have several pictures each. Those of one patient look alike, as real ones do: the same bones, the
same machine. Half of the patients are ill, which adds one faint sign to all of their pictures. A split by picture lets
the test meet patients of the training set, and a model that only recognises the patient is called right. The model is
the nearest neighbour (Cover and Hart 1967); the mistake has been found in many published studies (Kapoor and Narayanan
2023, doi 10.1016/j.patter.2023.100804).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIDE_PX = 16
TESTED = 0.3
"""Share of the pictures, or of the patients, that are kept for the test."""


@dataclass(frozen=True)
class Clinic:
    """Whom the pictures are of.

    Attributes
    ----------
    patients, images
        How many, and how many pictures each has.
    likeness
        Share of a picture's appearance that is its patient's own, 0 to 1; the rest changes from picture to picture.
    sign
        Strength of what the illness adds, in standard deviations of the appearance.
    """

    patients: int = 60
    images: int = 6
    likeness: float = 0.8
    sign: float = 0.4


@dataclass(frozen=True, eq=False)
class Pictures:
    """N simulated pictures (N, SIDE_PX, SIDE_PX) of any range, the patient of each (N,), and who is ill (N,)."""

    pixels: NDArray[np.float64]
    patient: NDArray[np.intp]
    ill: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Trials:
    """The two accuracies, once for each seed.

    Attributes
    ----------
    leaking, honest
        (S,) share of test pictures answered rightly, split by picture and split by patient.
    tested
        Test pictures of one trial of either split.
    """

    leaking: NDArray[np.float64]
    honest: NDArray[np.float64]
    tested: tuple[int, int]


def simulate_clinic(clinic: Clinic, seed: int) -> Pictures:
    """Simulate the pictures of a clinic, those of one patient after one another; every other patient is ill."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(clinic.patients), clinic.images)
    own = _appearances(clinic.patients, rng)[patient]
    changing = _appearances(len(patient), rng)
    ill = patient % 2 == 1
    rows = np.arange(SIDE_PX) - SIDE_PX / 2
    band = np.exp(-(rows**2) / 8)[:, None] * np.ones(SIDE_PX)  # a faint dark joint line
    looks = np.sqrt(clinic.likeness) * own + np.sqrt(1 - clinic.likeness) * changing
    return Pictures(looks - clinic.sign * ill[:, None, None] * band, patient, ill)


def _appearances(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return n smooth random pictures of mean 0 and standard deviation 1."""
    drawn = ndimage.gaussian_filter(rng.normal(size=(n, SIDE_PX, SIDE_PX)), (0, 1.5, 1.5), mode="wrap")
    looks: NDArray[np.float64] = drawn / drawn.std((1, 2), keepdims=True)
    return looks


def try_leaky_splits(clinic: Clinic, seeds: int = 20) -> Trials:
    """Measure both splits on pictures drawn anew for each seed."""
    leaking, honest = np.empty(seeds), np.empty(seeds)
    tested = (0, 0)
    for seed in range(seeds):
        seen, rng = simulate_clinic(clinic, seed), np.random.default_rng(1000 + seed)
        by_picture = rng.permutation(len(seen.ill)) < round(TESTED * len(seen.ill))
        by_patient = (rng.permutation(clinic.patients) < round(TESTED * clinic.patients))[seen.patient]
        leaking[seed], honest[seed] = measure_leaky_accuracy(seen, by_picture), measure_leaky_accuracy(seen, by_patient)
        tested = int(by_picture.sum()), int(by_patient.sum())
    return Trials(leaking, honest, tested)


def measure_leaky_accuracy(seen: Pictures, test: NDArray[np.bool_]) -> float:
    """Return the share of test pictures whose nearest training picture has the same label.

    Parameters
    ----------
    test
        (N,) which pictures are kept for the test.
    """
    flat = seen.pixels.reshape(len(seen.ill), -1)
    train, asked = flat[~test], flat[test]
    distance = (asked**2).sum(1)[:, None] - 2 * asked @ train.T + (train**2).sum(1)
    return float((seen.ill[~test][distance.argmin(1)] == seen.ill[test]).mean())
