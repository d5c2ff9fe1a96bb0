"""What is stated of a motion whose frames are registered: with or without priors, and by which limits it is flagged.

Both solutions of a motion are kept (`Motion.together`, `Motion.alone`), so that neither another limit nor the switch of
the priors has anything registered anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics import angles
from models.tasks.kinematics.axes import guess_femoral_axes, guess_tibial_axes
from models.tasks.kinematics.certainty import split_sigmas
from models.tasks.kinematics.flags import flag_frames
from models.types import AcceptanceLimits, Motion, Solution


def state_motion(
    motion: Motion, meshes: tuple[Mesh, Mesh], camera: Camera, *, priors: bool, limits: AcceptanceLimits
) -> Motion:
    """Return a motion with the solution that is asked for, and its frames flagged by limits.

    Parameters
    ----------
    motion
        As `motion.find_motion` returns it.
    """
    if (priors, limits) == (motion.priors, motion.limits):
        return motion
    if priors != motion.priors:
        chosen = motion.together if priors else motion.alone
        sigmas = split_sigmas(chosen.covariance)
        femoral, tibial = (
            replace(track, pose=pose, sigma=sigma)
            for track, pose, sigma in zip(motion.tracks, chosen.poses, sigmas, strict=True)
        )
        measured = measure_joint(chosen, meshes, motion.side)
        motion = replace(motion, femoral=femoral, tibial=tibial, priors=priors, **measured)
    return replace(motion, limits=limits, notes=flag_frames(motion.tracks, meshes, camera, limits))


def measure_joint(solution: Solution, meshes: tuple[Mesh, Mesh], side: str) -> dict[str, Any]:
    """Return the fields of a `Motion` that follow from its poses: angles, uncertainty, low points and axes."""
    femoral, tibial = solution.poses
    axes = guess_femoral_axes(meshes[0]), guess_tibial_axes(meshes[1])
    axes = axes[0], angles.face_tibial_axes(femoral, tibial, axes)
    centres = meshes[0].centre, meshes[1].centre
    return {
        "joint": angles.compute_joint_angles(femoral, tibial, axes, side),
        "joint_sigma": angles.propagate_joint_sigma((femoral, tibial), solution.covariance, axes, centres),
        "low_points_mm": angles.find_low_points(meshes[0], femoral, tibial, axes),
        "axes": (str(axes[0]), str(axes[1])),
    }
