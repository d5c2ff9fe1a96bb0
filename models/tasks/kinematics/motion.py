"""From frames, masks and CAD to a `Motion`: the poses that were chosen, the joint's angles, and what is uncertain.

Reference: A. J. Jensen et al., Joint Track Machine Learning, J Biomech Eng 2023, doi 10.1115/1.4056678, for the course
from segmentation through pose to angles.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics import angles
from models.tasks.kinematics.certainty import DOUBTFUL, Limits, judge_risk, split_sigmas, widen_covariance
from models.tasks.kinematics.choice import Choice, choose_fits_of_sequence
from models.tasks.kinematics.evidence import NOTHING
from models.tasks.kinematics.joint import Placed, solve_joint
from models.tasks.kinematics.observe import observe_component
from models.tasks.kinematics.register import Fit
from models.tasks.kinematics.sequence import (
    BAD_OVERLAP,
    COMPONENTS,
    NAMES,
    Answer,
    Component,
    Frame,
    Options,
    follow_sequence,
    list_mirror_poses,
    locate_component,
)
from models.tasks.kinematics.shape import measure_rotation_deg
from models.types import Motion, Track
from models.words import later

MISSING = (later("no frame shows a femoral component"), later("no frame shows a tibial component"))

Array = NDArray[np.float64]

BETTER = 0.6
"""The mirrored CAD fits with less than this share of the residual: the implant is another side's."""


@dataclass(frozen=True)
class Study:
    """What stays the same over a sequence.

    Attributes
    ----------
    femoral, tibial
        CAD of the components.
    camera
        Of the frames.
    side
        Of the patient.
    card
        What made the masks: a card's id, or words for masks that were given.
    priors
        Whether what is known of knees helps to find depths (`joint.solve_joint`).
    limits
        Errors that are accepted; frames that may be off by more are flagged.
    """

    femoral: Mesh
    tibial: Mesh
    camera: Camera
    side: str = "right"
    card: str = "given masks"
    priors: bool = True
    limits: Limits = field(default_factory=Limits)
    options: Options = field(default_factory=Options)


def find_motion(
    study: Study,
    frames: Sequence[Frame],
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Motion:
    """Find how both components move.

    Raises
    ------
    InputError
        When the frames have unlike sizes, or none of them shows a component.
    Cancelled
        When `cancelled` said so.
    """
    start = time.perf_counter()
    check_frame_shapes([frame.masks[0].shape for frame in frames], study.camera)
    components = Component(study.femoral), Component(study.tibial)
    answers = follow_sequence(frames, components, study.camera, study.options, progress, cancelled)
    for side, missing in enumerate(MISSING):
        if not any(answer[side].fits for answer in answers):
            fix = later("Check that the frames show the implant and that masks and STL files are not exchanged.")
            raise InputError(missing, fix=fix)
    axes = angles.guess_femoral_axes(study.femoral), angles.guess_tibial_axes(study.tibial)
    choice = choose_fits_of_sequence(answers, partial(angles.score_joint_oddness, axes=axes))
    chosen = [[(both[side], at[side]) for both, at in zip(answers, choice.path, strict=True)] for side in (0, 1)]
    placed = _place(study.femoral, chosen[0]), _place(study.tibial, chosen[1])
    right = axes[0].component_from_axes[:, 0]
    alone = solve_joint(*placed, right, priors=False)
    solved = solve_joint(*placed, right) if study.priors else alone
    covariance = widen_covariance(solved.covariance)
    sigmas = split_sigmas(covariance)
    poses = solved.femoral, solved.tibial
    femoral, tibial = (_track(side, chosen[side], choice, poses[side], sigmas[side]) for side in (0, 1))
    axes = axes[0], angles.face_tibial_axes(*poses, axes)
    warnings: list[str] = [
        later("{component}: {said}.", component=component, said=said)
        for component, mesh in zip(COMPONENTS, (study.femoral, study.tibial), strict=True)
        for said in mesh.warnings
    ]
    warnings += [w for side in (0, 1) if (w := _other_side(components[side], side, chosen[side], frames, study.camera))]
    if unsure := sum(bool(frame.abstention) for frame in frames):
        total = len(frames)
        warnings.append(
            later("The network is not certain of its outlines in {n} of {total} frames.", n=unsure, total=total)
        )
    doubt = _Doubt(study, (femoral, tibial))
    return Motion(
        task="kinematics",
        card=study.card,
        sha256=_digest(frames),
        seconds=time.perf_counter() - start,
        warnings=tuple(warnings),
        femoral=femoral,
        tibial=tibial,
        joint=angles.compute_joint_angles(*poses, axes, study.side),
        joint_sigma=angles.propagate_joint_sigma(poses, covariance, axes, (study.femoral.centre, study.tibial.centre)),
        joint_columns=angles.COLUMNS,
        low_points_mm=angles.find_low_points(study.femoral, *poses, axes),
        axes=(str(axes[0]), str(axes[1])),
        side=study.side,
        notes=tuple(doubt.list_notes(t) for t in range(len(frames))),
        alone=np.stack([alone.femoral, alone.tibial]),
    )


def check_frame_shapes(shapes: Sequence[tuple[int, ...]], camera: Camera, names: Sequence[str] = ()) -> None:
    """Raise an InputError that names the first frame whose size is not the others' or the camera's."""
    for number, shape in enumerate(shapes):
        if tuple(shape[:2]) != camera.shape:
            fix = later("Give frames of one sequence, all of the size for which the calibration was made.")
            size, wanted = f"{shape[1]} × {shape[0]}", f"{camera.shape[1]} × {camera.shape[0]}"
            name = names[number] if names else f"frame {number + 1}"
            raise InputError(
                later("has {size} pixels and not {wanted} as the first frame", size=size, wanted=wanted),
                fix=fix,
                file=name,
            )


def _place(mesh: Mesh, chosen: Sequence[tuple[Answer, int]]) -> Placed:
    none = np.full((4, 4), np.nan)
    poses = np.stack([answer.fits[at].pose if at >= 0 else none for answer, at in chosen])
    return Placed(mesh, poses, [answer.fits[at].evidence if at >= 0 else NOTHING for answer, at in chosen])


def _track(side: int, chosen: Sequence[tuple[Answer, int]], choice: Choice, poses: Array, sigma: Array) -> Track:
    fits: list[Fit | None] = [answer.fits[at] if at >= 0 else None for answer, at in chosen]
    rivals = [choice.find_rival(t, side) for t in range(len(chosen))]
    others = [answer.fits[rival] if rival >= 0 else None for (answer, _), rival in zip(chosen, rivals, strict=True)]
    none = np.full((4, 4), np.nan)
    return Track(
        pose=poses,
        other_pose=np.stack([fit.pose if fit else none for fit in others]),
        overlap=np.array([fit.overlap if fit else np.nan for fit in fits]),
        residual_px=np.array([fit.residual_px if fit else np.nan for fit in fits]),
        sigma=sigma,
    )


class _Doubt:
    """What a reader of each frame must know."""

    def __init__(self, study: Study, tracks: tuple[Track, Track]) -> None:
        self.study, self.tracks = study, tracks
        self.meshes = study.femoral, study.tibial
        self.risks = [judge_risk(track.sigma, study.limits) for track in tracks]

    def list_notes(self, t: int) -> tuple[str, ...]:
        """Return the sentences of one frame; none where all is well."""
        return tuple(note for side in (0, 1) for note in self._notes(t, side) if note)

    def _notes(self, t: int, side: int) -> list[str | None]:
        name, track = NAMES[side], self.tracks[side]
        if not np.isfinite(track.pose[t]).all():
            return [later("No {name} component was found in this frame.", name=name)]
        notes: list[str | None] = []
        if np.isfinite(track.other_pose[t]).all():
            apart = measure_rotation_deg(track.pose[t], track.other_pose[t])
            said = later(
                "Another pose of the {name} component, {apart:.0f}° away, fits almost as well.", name=name, apart=apart
            )
            notes.append(said)
        if not self.risks[side][t] <= DOUBTFUL:
            notes.append(self._word_risk(t, side))
        notes.append(warn_beyond_detector(name, track.pose[t], self.meshes[side], self.study.camera))
        if track.overlap[t] < BAD_OVERLAP:
            said = later(
                "The {name} component overlaps its mask by {overlap:.2f} only.", name=name, overlap=track.overlap[t]
            )
            notes.append(said)
        return notes

    def _word_risk(self, t: int, side: int) -> str:
        sigma, limits = self.tracks[side].sigma[t], self.study.limits
        return later(
            "The {name} pose may be off by more than you accept: ± {plane:.1f} mm in the plane, ± {depth:.1f} mm in "
            "depth, ± {turn:.1f}° (95 %), against {most_plane:g} mm, {most_depth:g} mm and {most_turn:g}°.",
            name=NAMES[side],
            plane=1.96 * sigma[:2].max(),
            depth=1.96 * sigma[2],
            turn=1.96 * sigma[3:].max(),
            most_plane=limits.plane_mm,
            most_depth=limits.depth_mm,
            most_turn=limits.turn_deg,
        )


def warn_beyond_detector(name: str, pose: NDArray[np.float64], mesh: Mesh, camera: Camera) -> str | None:
    """Return a sentence where a component would lie behind the detector: the calibration or the CAD's size is wrong."""
    depth = -float((pose[:3, :3] @ mesh.centre + pose[:3, 3])[2])
    if camera.distance_mm is None or depth <= camera.distance_mm:
        return None
    return later(
        "The {name} component would lie {depth:,.0f} mm from the source, beyond the detector at {distance:,.0f} mm: "
        "check the calibration and the unit of its STL.",
        name=name,
        depth=depth,
        distance=camera.distance_mm,
    )


def _other_side(
    component: Component, index: int, chosen: Sequence[tuple[Answer, int]], frames: Sequence[Frame], camera: Camera
) -> str | None:
    """Return a sentence where the mirrored CAD fits much better: an implant of the other side, or a flipped picture."""
    found = [(answer.fits[at].residual_px, t) for t, (answer, at) in enumerate(chosen) if at >= 0]
    residual, t = sorted(found)[len(found) // 2]
    answer, at = chosen[t]
    side = int(np.abs(_axes_of(component.mesh, index).component_from_axes[:, 0]).argmax())
    flipped = replace(component, mesh=component.mesh.mirrored(side))
    pose = answer.fits[at].pose
    seen = observe_component(frames[t].masks[index], camera, frames[t].masks[1 - index])
    tried = locate_component(
        flipped, seen, [pose, *list_mirror_poses(pose, flipped.mesh.centre)], Options(mirrors=False)
    )
    if tried.fits and tried.fits[0].residual_px < BETTER * residual:
        return (
            f"The mirror image of the {NAMES[index]} component fits better (residual {tried.fits[0].residual_px:.2f} "
            f"against {residual:.2f} px): a left implant with a right image, or a flipped picture? Check the side."
        )
    return None


def _axes_of(mesh: Mesh, index: int) -> angles.Axes:
    return angles.guess_femoral_axes(mesh) if index == 0 else angles.guess_tibial_axes(mesh)


def _digest(frames: Sequence[Frame]) -> str:
    digest = hashlib.sha256()
    for frame in frames:
        for part in (*frame.masks, frame.grey):
            digest.update(b"" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
