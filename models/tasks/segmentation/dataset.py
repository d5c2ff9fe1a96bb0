"""A set of pictures with a class for every pixel, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


TRAIN, TUNING = "train", "tuning"
"""Splits that are learned from: throughout, and in the second cycle only."""


@dataclass(frozen=True, eq=False)
class DenseSet:
    """N pictures with a class for every pixel.

    Attributes
    ----------
    pictures
        (H, W) or (H, W, 3) uint8, each of its own size.
    masks
        (H, W) uint8 index into the card's labels.
    groups
        What may not be torn apart by a split.
    splits
        What each picture serves for: TRAIN, TUNING or a split that is measured; "" in a set that is cross-validated.
    instances
        (H, W) int32 number of the object, 0 for none; empty where objects are not told apart.
    folded
        Split that is also measured in folds, one picture each, with the rest of it in training; "" for none.
    shares
        How often each picture is drawn in training, against the others; empty where all are alike.
    sources
        What an out-of-distribution detector must know without having seen any of it, such as a whole study; empty where
        that is the group.
    spacing_mm, known
        Between pixels, and what else is known of each picture, such as the thickness of its cartilage; empty for none.
    """

    pictures: tuple[Grey, ...]
    masks: tuple[Grey, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...]
    instances: tuple[NDArray[np.int32], ...] = ()
    folded: str = ""
    shares: tuple[float, ...] = ()
    sources: tuple[str, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    known: tuple[Mapping[str, float], ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)

    def of(self, *splits: str) -> NDArray[np.intp]:
        """Return the indices of some splits."""
        return np.flatnonzero(np.isin(self.splits, splits))
