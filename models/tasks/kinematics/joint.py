"""The joint as one: both components of all frames in one least-squares problem, with what is known of knees beside.

Seen from one side, a component's distance is known ten times worse than its place in the picture. Three things are
known beside the pictures, and are stated as soft priors: the components lie side by side (the mediolateral offset of
one against the other is small, varies little over a movement, and less from frame to frame), a leg moves smoothly in
depth, and a border that is drawn too wide is so in all frames. Each frame enters by its `Evidence`, a quadratic about
its own pose, so that a thousand frames are one sparse system.

Reference: reweighted least squares after P. W. Holland and R. E. Welsch 1977, doi 10.1080/03610927708827533. How wide
the priors are is a judgement, wider than the fit of a fixed insert's condyles lets a knee move; none was fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from models.geometry.mesh import Mesh
from models.tasks.kinematics.evidence import OFFSET_PX, Evidence
from models.tasks.kinematics.register import move_pose

Array = NDArray[np.float64]

SIDE_MM = 3.0
"""Standard deviation, over knees, of the mean mediolateral offset between the middles of both components."""
OWN_SIDE_MM, STEP_SIDE_MM = 1.5, 0.5
"""The same of a frame about the sequence's mean, and of the change from frame to frame."""
SWAY_MM, SWAY_SHARE = 1.0, 0.5
"""Change of the velocity in depth from frame to frame: so much, and so much of what is seen in the picture's plane."""
ROBUST = 2.5
"""Standard deviations of a prior beyond which it gives way."""
ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Placed:
    """A component through T frames: its CAD, its (T, 4, 4) poses and what each frame says about them.

    A pose that is not finite is of a frame that does not show the component.
    """

    mesh: Mesh
    poses: Array
    evidence: Sequence[Evidence]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(T,) where there is a pose with evidence."""
        said = [np.isfinite(evidence.scatter_px) for evidence in self.evidence]
        return np.isfinite(self.poses).all((1, 2)) & np.array(said)

    @property
    def centres_mm(self) -> Array:
        """(T, 3) of the component's middle, in the source's frame."""
        placed: Array = self.poses[:, :3, :3] @ self.mesh.centre + self.poses[:, :3, 3]
        return placed


@dataclass(frozen=True, eq=False)
class Solved:
    """Both components' (T, 4, 4) poses, and the (T, 12, 12) covariance of each frame's, not finite where unknown.

    In the order femoral shift in mm, femoral rotation about the source's axes in degrees, then the tibial's.
    """

    femoral: Array
    tibial: Array
    covariance: Array


def solve_joint(femoral: Placed, tibial: Placed, right: Array, *, priors: bool = True) -> Solved:
    """Find all poses together.

    Parameters
    ----------
    right
        (3,) direction of the patient's right in the femoral component's file.
    priors
        Whether what is known of knees is used; without, each frame stands for itself but for the border's offset.
    """
    problem = _Problem(femoral, tibial, right)
    step = np.zeros(problem.size)
    for _ in range(ROUNDS if priors else 1):
        matrix, gradient = problem.build(step, priors)
        step = splu(matrix).solve(gradient)
    poses = [placed.poses.copy() for placed in (femoral, tibial)]
    for side, placed in enumerate((femoral, tibial)):
        for t in np.flatnonzero(placed.known).tolist():
            at = problem.start(t, side)
            poses[side][t] = move_pose(placed.poses[t], step[at : at + 6], placed.mesh.centre)
    return Solved(poses[0], poses[1], problem.measure_covariance(matrix))


class _Problem:
    """The system: 12 numbers a frame (rotation in radians, shift in mm, of each component), then three for all.

    Those are the borders' offsets in px and the mean mediolateral offset in mm.
    """

    def __init__(self, femoral: Placed, tibial: Placed, right: Array) -> None:
        self.both = femoral, tibial
        self.frames = len(femoral.poses)
        self.size = 12 * self.frames + 3
        self.known: NDArray[np.bool_] = np.stack([placed.known for placed in self.both], 1)
        self.right = np.where(self.known[:, :1], femoral.poses[:, :3, :3] @ right, 0.0)
        both = np.asarray(self.known.all(1))
        self.apart = np.where(both[:, None], tibial.centres_mm - femoral.centres_mm, 0.0)

    def start(self, frame: int, side: int) -> int:
        """Where a component's six numbers of a frame begin."""
        return int(12 * frame + 6 * side)

    def build(self, step: Array, priors: bool) -> tuple[sparse.csc_matrix, Array]:
        """Return matrix and right-hand side of the normal equations, with weights as of a step so far."""
        parts = [self._seen()]
        if priors:
            parts += [self._weighed(*rows, step) for rows in (*self._side_by_side(), self._smooth())]
        matrix = sum((part[0] for part in parts), sparse.csc_matrix((self.size, self.size)))
        gradient = np.sum([part[1] for part in parts], axis=0)
        return sparse.csc_matrix(matrix), np.asarray(gradient)

    def _seen(self) -> tuple[sparse.csc_matrix, Array]:
        """Return what the frames say, and that borders are drawn nearly right."""
        rows, columns, values = [], [], []
        gradient = np.zeros(self.size)
        for side, placed in enumerate(self.both):
            border = 12 * self.frames + side
            for t, evidence in enumerate(placed.evidence):
                at = np.append(np.arange(6) + self.start(t, side), border)
                if self.known[t, side]:
                    block = evidence.hessian
                    gradient[at] -= evidence.gradient
                else:
                    block = np.diag([*[1.0] * 6, 0.0])  # stays where it is
                rows.append(np.repeat(at, 7))
                columns.append(np.tile(at, 7))
                values.append(block.ravel())
        last = np.arange(3) + 12 * self.frames
        rows.append(last)
        columns.append(last)
        values.append(np.array([1 / OFFSET_PX**2, 1 / OFFSET_PX**2, 1 / SIDE_MM**2]))
        tiny = np.arange(self.size)
        rows.append(tiny)
        columns.append(tiny)
        values.append(np.full(self.size, 1e-9))
        where = np.concatenate(rows), np.concatenate(columns)
        return sparse.csc_matrix((np.concatenate(values), where), shape=(self.size, self.size)), gradient

    def _weighed(
        self, matrix: sparse.csr_matrix, values: Array, sigma: Array, step: Array
    ) -> tuple[sparse.csc_matrix, Array]:
        """Return a prior's part of the normal equations: `matrix` · step + `values` is about 0 ± `sigma`."""
        off = (matrix @ step + values) / sigma
        weights = 1 / (1 + (off / ROBUST) ** 2) ** 2 / sigma**2
        weighted = sparse.diags(weights) @ matrix
        return sparse.csc_matrix(matrix.T @ weighted), np.asarray(-(weighted.T @ values))

    def _side_by_side(self) -> tuple[tuple[sparse.csr_matrix, Array, Array], ...]:
        """Each frame's mediolateral offset about the mean, and its change to the next frame."""
        both = np.flatnonzero(self.known.all(1))
        matrix = sparse.lil_matrix((len(both), self.size))
        values = np.einsum("ti,ti->t", self.right[both], self.apart[both])
        for row, t in enumerate(both.tolist()):
            femoral, tibial = self.start(t, 0), self.start(t, 1)
            matrix[row, femoral : femoral + 3] = np.cross(self.right[t], self.apart[t])
            matrix[row, femoral + 3 : femoral + 6] = -self.right[t]
            matrix[row, tibial + 3 : tibial + 6] = self.right[t]
        own = matrix.copy()
        own[:, -1] = -1.0
        neighbours = np.flatnonzero(np.diff(both) == 1)
        rows = sparse.csr_matrix(matrix)
        return (
            (sparse.csr_matrix(own), values, np.full(len(both), OWN_SIDE_MM)),
            (
                rows[neighbours + 1] - rows[neighbours],
                values[neighbours + 1] - values[neighbours],
                np.full(len(neighbours), STEP_SIDE_MM),
            ),
        )

    def _smooth(self) -> tuple[sparse.csr_matrix, Array, Array]:
        """How little the tibia's velocity in depth changes."""
        known = self.known[:, 1]
        middle = np.flatnonzero(known[:-2] & known[1:-1] & known[2:]) + 1
        centres = np.where(known[:, None], self.both[1].centres_mm, 0.0)
        turn = centres[middle + 1] - 2 * centres[middle] + centres[middle - 1]
        matrix = sparse.lil_matrix((len(middle), self.size))
        for row, t in enumerate(middle.tolist()):
            for frame, factor in ((t - 1, 1.0), (t, -2.0), (t + 1, 1.0)):
                matrix[row, self.start(frame, 1) + 5] = factor
        sigma = SWAY_MM + SWAY_SHARE * np.linalg.norm(turn[:, :2], axis=1)
        return sparse.csr_matrix(matrix), turn[:, 2], sigma

    def measure_covariance(self, matrix: sparse.csc_matrix) -> Array:
        """Return (T, 12, 12) of each frame, in mm and degrees, in the order that `Solved` says."""
        factor = splu(matrix)
        order = [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]
        unit = np.tile(np.repeat([1.0, np.degrees(1.0)], 3), 2)
        found = np.full((self.frames, 12, 12), np.nan)
        for t in range(self.frames):
            at = np.arange(12) + 12 * t
            wanted = np.zeros((self.size, 12))
            wanted[at, np.arange(12)] = 1.0
            block = factor.solve(wanted)[at]
            block = ((block + block.T) / 2)[np.ix_(order, order)] * np.outer(unit, unit)
            for side in (0, 1):
                if not self.known[t, side]:
                    block[6 * side : 6 * side + 6] = block[:, 6 * side : 6 * side + 6] = np.nan
            found[t] = block
        return found
