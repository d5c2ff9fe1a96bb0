"""A labelled set of pictures in memory, which a classifier is trained and measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

ELSEWHERE = "elsewhere"
"""Split of pictures from another place, which figures are reported on and nothing is learned or chosen from."""


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """N pictures with their labels.

    Attributes
    ----------
    pixels
        (N, H, W) uint8.
    labels
        Key of each picture's label.
    groups
        Patient, or what stands in for one.
    splits
        "train", "val" or "test" where the set has published splits, or `ELSEWHERE`, else "".
    subgroups
        Attributes to report figures by, such as {"side": ("L", "R", …)}.
    """

    pixels: NDArray[np.uint8]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...]
    subgroups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, split: str) -> NDArray[np.intp]:
        """Return the indices of a split."""
        return np.flatnonzero(np.array(self.splits) == split)

    def only(self, indices: NDArray[np.intp]) -> LabelledSet:
        """Return the pictures at some indices as a set of their own."""
        return LabelledSet(
            pixels=self.pixels[indices],
            labels=tuple(self.labels[i] for i in indices),
            groups=tuple(self.groups[i] for i in indices),
            splits=tuple(self.splits[i] for i in indices),
            subgroups={name: tuple(values[i] for i in indices) for name, values in self.subgroups.items()},
        )


def assign_folds(data: LabelledSet, k: int) -> NDArray[np.intp]:
    """Return the fold of each picture, (N,): groups whole, labels spread evenly, the same on every machine."""
    from sklearn.model_selection import StratifiedGroupKFold

    fold = np.empty(len(data), np.intp)
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=0)
    for i, (_, held_out) in enumerate(splitter.split(np.zeros(len(data)), data.labels, data.groups)):
        fold[held_out] = i
    return fold
