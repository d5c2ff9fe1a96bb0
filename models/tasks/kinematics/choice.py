"""Which of the poses that fit each frame is the right one: decided over the whole sequence and both components at once.

Every frame keeps the poses that fit, a component's mirror image in depth among them. The cheapest path through all
frames is chosen, and what any other pose of a frame would cost the whole path says how safe the choice is.

Reference: G. D. Forney, The Viterbi algorithm, Proc IEEE 1973, doi 10.1109/PROC.1973.9030.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from models.tasks.kinematics.locate import Answer
from models.tasks.kinematics.shape import measure_rotation_deg

Array = NDArray[np.float64]

EDGES_TELL, OUTLINES_TELL = 20.0, 10.0
"""By how much, in log likelihood, a pose whose misfit is e times the best's is behind, by edges and by outlines."""
LIKELY = 3.0
"""A pose that costs no more than so much beyond the chosen one could be the right one."""
JUMP_MM = 2.0
"""A change of the depth between the components, from frame to frame, that costs as much as `JUMP_DEG`."""
JUMP_DEG = 6.0
"""A turn from frame to frame that costs as much as a residual that is a third larger."""


@dataclass(frozen=True, eq=False)
class Choice:
    """Which fit of each component every frame takes.

    Attributes
    ----------
    path
        For each frame the numbers of the femoral and of the tibial fit, −1 where there is none.
    rivals
        The next best number of each, −1 where there is no other.
    margins
        By how much the whole sequence would cost more with it, as a log likelihood.
    """

    path: tuple[tuple[int, int], ...]
    rivals: tuple[tuple[int, int], ...]
    margins: Array

    def find_rival(self, frame: int, side: int) -> int:
        """Return the number of another fit that could be the right one; −1 where there is none."""
        return self.rivals[frame][side] if self.margins[frame, side] < LIKELY else -1


def choose_fits_of_sequence(
    answers: Sequence[tuple[Answer, Answer]], plausible: Callable[[Array, Array], float]
) -> Choice:
    """Choose so that all frames and both components agree best (min-sum over the chain, forwards and backwards).

    Parameters
    ----------
    plausible
        Cost (0 for a healthy joint) of a femoral and a tibial pose together.
    """
    states = [list(product(*(range(len(answer.fits)) or range(-1, 0) for answer in both))) for both in answers]
    own = [
        np.array([_own(both, state, plausible) for state in here]) for both, here in zip(answers, states, strict=True)
    ]
    changes = [
        np.array([[_change(answers[t], a, answers[t + 1], b) for b in states[t + 1]] for a in states[t]])
        for t in range(len(answers) - 1)
    ]
    before, after = [np.zeros(len(states[0]))], [np.zeros(len(states[-1]))]
    for t, change in enumerate(changes):
        before.append((before[t][:, None] + own[t][:, None] + change).min(0))
    for t, change in reversed(list(enumerate(changes))):
        after.insert(0, (change + (own[t + 1] + after[0])[None]).min(1))
    path: list[tuple[int, int]] = []
    rivals: list[tuple[int, int]] = []
    margins, at = np.full((len(answers), 2), np.inf), 0
    for t, here in enumerate(states):
        total = before[t] + own[t] + after[t]
        at = int((own[t] + after[t] + (changes[t - 1][at] if t else 0.0)).argmin())
        found = [-1, -1]
        for side in (0, 1):
            others = [i for i, state in enumerate(here) if state[side] != here[at][side]]
            if others:
                best = min(others, key=lambda i: total[i])
                found[side] = here[best][side]
                margins[t, side] = total[best] - total[at]
        path.append((here[at][0], here[at][1]))
        rivals.append((found[0], found[1]))
    return Choice(tuple(path), tuple(rivals), margins)


def _own(both: tuple[Answer, Answer], state: tuple[int, ...], plausible: Callable[[Array, Array], float]) -> float:
    """Cost of one frame's choice: how much worse than the best each pose fits, and how odd the joint is."""
    cost = 0.0
    for answer, index in zip(both, state, strict=True):
        if index >= 0:
            cost += _behind(answer, index)
    if min(state) >= 0:
        cost += plausible(both[0].fits[state[0]].pose, both[1].fits[state[1]].pose)
    return cost


def _behind(answer: Answer, index: int) -> float:
    """Log likelihood by which a pose is behind the best, by edges where all were followed along them."""
    edged = all(np.isfinite(fit.edge_px) for fit in answer.fits)
    misfits = [fit.edge_px if edged else fit.residual_px for fit in answer.fits]
    ratio = (misfits[index] + 0.03) / (min(misfits) + 0.03)
    return (EDGES_TELL if edged else OUTLINES_TELL) * float(np.log(ratio))


def _change(before: tuple[Answer, Answer], a: tuple[int, ...], now: tuple[Answer, Answer], b: tuple[int, ...]) -> float:
    """Cost of turning from one frame's choice to the next's, and of coming nearer to each other along the ray.

    Large steps cost alike: the movement may have a gap.
    """
    cost = 0.0
    if min(*a, *b) >= 0:
        earlier, later = (
            both[1].fits[state[1]].depth_mm - both[0].fits[state[0]].depth_mm for both, state in ((before, a), (now, b))
        )
        cost += min(((later - earlier) / JUMP_MM) ** 2, 6.0)
    for side in (0, 1):
        if a[side] >= 0 and b[side] >= 0:
            turn = measure_rotation_deg(before[side].fits[a[side]].pose, now[side].fits[b[side]].pose)
            cost += min((turn / JUMP_DEG) ** 2, 6.0)
    return cost
