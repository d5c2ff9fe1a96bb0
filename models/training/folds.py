"""The folds of a cross-validation by group, for kinds whose pictures have no one label to be balanced over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def assign_grouped_folds(groups: Sequence[str], k: int) -> NDArray[np.intp]:
    """Return each picture's fold: the largest group first, each to the fold with the fewest pictures so far."""
    names, of, counts = np.unique(groups, return_inverse=True, return_counts=True)
    filled, fold_of = np.zeros(k), np.zeros(len(names), np.intp)
    for group in np.argsort(-counts, kind="stable"):
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += counts[group]
    found: NDArray[np.intp] = fold_of[of]
    return found
