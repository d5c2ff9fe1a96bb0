"""Which size of a series was implanted: the neighbours of the CAD that was given, fitted on a few frames.

From one view, a component that is larger by some share and farther by the same share has exactly one outline. So a
size is told by what is not larger in proportion: sizes of a series differ more from side to side than in thickness.
Where outlines cannot tell, the distance to the other component can: a femur does not lie 30 mm behind its tibia. Both
are reported; what decides is the outlines, frame by frame against the best one.

Reference: J. M. Hitt et al., J Bone Joint Surg Am 2003, doi 10.2106/00004623-200300004-00015, on sizes and proportions
of knee components.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics.locate import LEAST_PIXELS, Frame
from models.tasks.kinematics.observe import Seen, observe_component
from models.tasks.kinematics.register import COARSE, FINE, assess_registration, refine_pose

Array = NDArray[np.float64]

FEW = 7
"""Frames on which sizes are compared, spread over the sequence."""
SURE = 2.0
"""Standard errors by which the best size must fit better than another, frame against frame, to be told from it."""


@dataclass(frozen=True, eq=False)
class SizeFit:
    """How one size fits.

    Attributes
    ----------
    name
        As it was given.
    residual_px
        (F,) on each of the frames.
    nearer_mm
        Median by which the component would lie nearer to the source than the other component, centre to centre.
    behind
        By how many standard errors it fits worse than the best, frame against frame; 0 for the best.
    """

    name: str
    residual_px: Array
    nearer_mm: float
    behind: float

    @property
    def told_apart(self) -> bool:
        """Whether it is worse than the best by more than chance."""
        return self.behind > SURE


def compare_sizes(
    sizes: Sequence[tuple[str, Mesh]], index: int, frames: Sequence[Frame], camera: Camera, poses: tuple[Array, Array]
) -> list[SizeFit]:
    """Fit every size of one component → the best first.

    Parameters
    ----------
    sizes
        Names and CAD, that of the poses first; all with the same axes, as the files of a series have.
    index
        0 femoral, 1 tibial.
    poses
        (T, 4, 4) femoral and tibial, as they were found with the first size.
    """
    finite = np.isfinite(poses[0]).all((1, 2)) & np.isfinite(poses[1]).all((1, 2))
    known = [t for t in np.flatnonzero(finite).tolist() if frames[t].masks[index].sum() >= LEAST_PIXELS]
    few = sorted({known[round(at)] for at in np.linspace(0, len(known) - 1, FEW)}) if known else []
    if not few:
        return []
    seen = [observe_component(frames[t].masks[index], camera, frames[t].masks[1 - index]) for t in few]
    given, others = sizes[0][1], poses[1 - index][few][:, 2, 3]
    fits = []
    for name, mesh in sizes:
        found = [_fit(mesh, _moved(poses[index][t], given, mesh), shown) for t, shown in zip(few, seen, strict=True)]
        depths = np.array([(pose[:3, :3] @ mesh.centre + pose[:3, 3])[2] for _, pose in found])
        fits.append((name, np.array([px for px, _ in found]), float(np.median(depths - others))))
    best = min(fits, key=lambda fit: float(fit[1].mean()))
    judged = [SizeFit(name, px, nearer, _behind(px - best[1])) for name, px, nearer in fits]
    return sorted(judged, key=lambda fit: (fit.name != best[0], fit.behind))


def _moved(pose: Array, given: Mesh, mesh: Mesh) -> Array:
    """Return the pose in which a larger component has the outline of the smaller one, but for its shape."""
    result = pose.copy()
    middle = pose[:3, :3] @ given.centre + pose[:3, 3]
    result[:3, 3] = middle * (mesh.radius_mm / given.radius_mm) - pose[:3, :3] @ mesh.centre
    return result


def _fit(mesh: Mesh, start: Array, seen: Seen) -> tuple[float, Array]:
    pose = refine_pose(mesh, refine_pose(mesh, start, seen, COARSE), seen, FINE)
    return assess_registration(mesh, pose, seen).residual_px, pose


def _behind(differences: Array) -> float:
    """Return the mean of paired differences in standard errors; without any scatter, as many as there are frames."""
    mean = float(differences.mean())
    if len(differences) < 2 or not differences.any():
        return 0.0 if not differences.any() else SURE * float(np.sign(mean))
    error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    return float(mean / max(error, 1e-9))


def word_sizes(component: str, fits: Sequence[SizeFit], given: str) -> str:
    """Say in a sentence which size fits best, and by how much the given one is behind."""
    best, own = fits[0], next(fit for fit in fits if fit.name == given)
    rivals = [fit.name for fit in fits[1:] if not fit.told_apart]
    said = f"{component}: {best.name} fits best, residual {best.residual_px.mean():.2f} px"
    if best is not own:
        said += f" against {own.residual_px.mean():.2f} px of {given}, which is given"
        said += (
            f" ({own.behind:.1f} standard errors behind, and {own.nearer_mm:+.0f} mm nearer than the other component)"
        )
    if rivals:
        said += f"; not to be told from {', '.join(rivals)}"
    return f"{said}."
