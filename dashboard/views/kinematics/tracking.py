"""One run of the kinematics pipeline in a thread of its own, and poses that a reader moved by hand.

The thread never touches Streamlit; the page reads what `Tracking` has found so far.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

import models
from dashboard.i18n import later
from dashboard.session.jobs import Job
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from models import Image
from models.cases.lunge import CARD, SIMULATED, Replay
from models.errors import Cancelled, InputError
from models.tasks.kinematics import angles
from models.tasks.kinematics.motion import Study, find_motion
from models.tasks.kinematics.observe import observe_component
from models.tasks.kinematics.points import CARD as POINTS
from models.tasks.kinematics.points import Place
from models.tasks.kinematics.register import FINE, Fit, assess_registration, refine_pose
from models.tasks.kinematics.sequence import BAD_OVERLAP, NAMES, Answer, Frame, Options, finish_by_hand
from models.tasks.kinematics.study import outline
from models.types import Motion, Track

Array = NDArray[np.float64]
Edits = Mapping[tuple[int, int], Fit]
"""Fits that a reader's own start led to, by frame and component (0 femoral, 1 tibial)."""

NETWORK, EXACT = later("The network's"), later("Exact (simulation)")
"""Where masks come from."""
GIVEN = "exact masks of the simulation"
OUTLINED = 0.25
"""Share of the time that a network's masks take, for the bar."""


class Tracking:
    """The measurement of one sequence.

    Attributes
    ----------
    frames
        Pictures with their masks, as far as they are made.
    found
        Poses of both components as soon as a frame is done; which of them that fit is the right one is decided last.
    film
        Frames of its film that were drawn, by number: the poses as bytes, and what the player takes.
    """

    def __init__(self, sequence: Fluoroscopy, masks: str, side: str) -> None:
        self.sequence, self.masks, self.side = sequence, masks, side
        self.frames: list[Frame] = []
        self.found: list[tuple[Answer, Answer]] = []
        self.film: dict[int, tuple[bytes, dict[str, object]]] = {}

    @classmethod
    def beforehand(cls, sequence: Fluoroscopy, replay: Replay) -> Tracking:
        """Return the measurement of a sequence whose motion is known already, for poses that a reader moves by hand."""
        done = cls(sequence, NETWORK, replay.motion.side)
        done.frames = [Frame(masks, i.grey()) for masks, i in zip(replay.masks, sequence.images, strict=True)]
        return done

    def run(self, job: Job[Motion]) -> Motion:
        """Outline, find and measure.

        Raises
        ------
        OrthoLensError
            Where a frame cannot be outlined or no component is found, and when the reader stopped it.
        """
        begun, sequence, total = time.perf_counter(), self.sequence, len(self.sequence.images)
        outlined = 0.0 if self.masks == EXACT else OUTLINED
        for t, image in enumerate(sequence.images):
            if job.stopped():
                raise Cancelled(later("the measurement was stopped"), fix=later("Start it again to see its result."))
            job.report(
                outlined * t / total,
                1,
                later("Outlining the components, frame {frame} of {total}", frame=t + 1, total=total),
            )
            self.frames.append(self._outlined(t, image))

        def progress(share: float) -> None:
            done = round(share * total)
            doing = later("Finding the poses, frame {frame} of {total}", frame=done + 1, total=total)
            if done == total:
                doing = later("Choosing between poses that look alike")
            job.report(outlined + (0.97 - outlined) * share, 1, doing)

        progress(0.0)
        options = Options(found=lambda femoral, tibial: self.found.append((femoral, tibial)))
        card = GIVEN if self.masks == EXACT else CARD
        study = Study(*sequence.meshes, camera=sequence.camera, side=self.side, card=card, options=options)
        result = find_motion(study, self.frames, progress, job.stopped)
        seconds = time.perf_counter() - begun  # the outlines too: what a clock on the wall says
        return replace(result, seconds=seconds, warnings=(*self._made(), *result.warnings))

    def _outlined(self, t: int, image: Image) -> Frame:
        if self.masks == EXACT and self.sequence.exact is not None:
            return Frame(self.sequence.exact[t], image.grey(), points=find_placer(image))
        return outline(image, models.predict(image, CARD), find_placer(image))

    def _made(self) -> tuple[str, ...]:
        """Return what stands in every export about where the numbers come from."""
        said = (SIMULATED,) if self.sequence.simulated else ()
        return (*said, later("Outlined by the exact masks of the simulation.")) if self.masks == EXACT else said

    def refine(self, t: int, component: int, pose: Array) -> Fit:
        """Refine a pose that a reader gave.

        Raises
        ------
        InputError
            Where the frame has no outline of the component to refine to, or the pose is off the picture.
        """
        frame, mesh = self.frames[t], self.sequence.meshes[component]
        if not frame.masks[component].any():
            fix = later("Choose another frame; the pose stays as you set it.")
            raise InputError(
                later("the {name} component has no outline here", name=NAMES[component]),
                fix=fix,
                file=later("Frame {frame}", frame=t + 1),
            )
        seen = observe_component(frame.masks[component], self.sequence.camera, frame.masks[1 - component], frame.grey)
        outlined = refine_pose(mesh, pose, seen, FINE)
        fit = assess_registration(mesh, outlined, seen) if frame.grey is None else finish_by_hand(mesh, outlined, seen)
        if not np.isfinite(fit.pose).all() or fit.overlap == 0:
            fix = later("Start nearer to the outline.")
            raise InputError(
                later("from there the pose does not come back to the outline"),
                fix=fix,
                file=later("Frame {frame}", frame=t + 1),
            )
        return fit


def find_placer(image: Image) -> Place | None:
    """Return what places the implant's points on a frame; None without a network for them."""
    known = models.cards().get(POINTS)
    return partial(models.predict, image, POINTS) if known and known.members else None


def apply_pose_edits(result: Motion, sequence: Fluoroscopy, edits: Edits) -> Motion:
    """Return the motion with poses that came from a reader's own start, and everything that follows from them."""
    if not edits:
        return result
    tracks = [_edited(track, {t: fit for (t, side), fit in edits.items() if side == index})
              for index, track in enumerate((result.femoral, result.tibial))]  # fmt: skip
    axes = angles.guess_femoral_axes(sequence.femoral), angles.guess_tibial_axes(sequence.tibial)
    poses = tracks[0].pose, tracks[1].pose
    axes = axes[0], angles.face_tibial_axes(*poses, axes)
    return replace(
        result, femoral=tracks[0], tibial=tracks[1], joint=angles.compute_joint_angles(*poses, axes, result.side),
        joint_sigma=_spread_joint(result, sequence, edits, tracks, axes),
        low_points_mm=angles.find_low_points(sequence.femoral, *poses, axes), axes=(str(axes[0]), str(axes[1])),
        notes=tuple(_notes(said, t, edits) for t, said in enumerate(result.notes)),
    )  # fmt: skip


def _spread_joint(
    result: Motion, sequence: Fluoroscopy, edits: Edits, tracks: list[Track], axes: tuple[angles.Axes, angles.Axes]
) -> Array:
    """Return (T, 6) uncertainty of the joint; a frame that a hand has touched knows no prior between its components."""
    covariance = angles.join_sigmas(tracks[0].sigma, tracks[1].sigma)
    centres = sequence.femoral.centre, sequence.tibial.centre
    alone = angles.propagate_joint_sigma((tracks[0].pose, tracks[1].pose), covariance, axes, centres)
    touched = np.isin(np.arange(result.frames), [t for t, _ in edits])
    return np.where(touched[:, None], alone, result.joint_sigma)


def _edited(track: Track, fits: Mapping[int, Fit]) -> Track:
    parts = {name: getattr(track, name).copy() for name in ("pose", "other_pose", "overlap", "residual_px", "sigma")}
    for t, fit in fits.items():
        parts["pose"][t], parts["other_pose"][t] = fit.pose, np.nan
        parts["overlap"][t], parts["residual_px"][t], parts["sigma"][t] = fit.overlap, fit.residual_px, fit.sigma
    return Track(**parts)


def _notes(said: tuple[str, ...], t: int, edits: Edits) -> tuple[str, ...]:
    """Replace what was said of a component by that a reader has placed it."""
    kept = list(said)
    for index, name in enumerate(NAMES):
        if fit := edits.get((t, index)):
            kept = [sentence for sentence in kept if f"{name} component" not in sentence]
            if fit.overlap < BAD_OVERLAP:
                kept.append(
                    later(
                        "The {name} component overlaps its mask by {overlap:.2f} only.", name=name, overlap=fit.overlap
                    )
                )
            kept.append(later("The {name} pose was started by hand.", name=name))
    return tuple(kept)


def find_poses_so_far(tracking: Tracking) -> tuple[list[Array], list[Array]]:
    """Return the best fit of each component in each frame that is done; not finite where none was found."""
    none = np.full((4, 4), np.nan)
    both = [[answer[side].fits for answer in tracking.found] for side in (0, 1)]
    femoral, tibial = ([fits[0].pose if fits else none for fits in track] for track in both)
    return femoral, tibial
