"""Both solutions of a motion that is made up."""

from __future__ import annotations

import numpy as np

from models.types import Solution


def solve_as(femoral: np.ndarray, tibial: np.ndarray) -> dict[str, Solution]:
    """The fields of a `Motion` that hold (T, 4, 4) poses as both solutions, each number off by 1 mm or 1 degree."""
    solved = Solution(np.stack([femoral, tibial]), np.tile(np.eye(12), (len(femoral), 1, 1)))
    return {"together": solved, "alone": solved}
