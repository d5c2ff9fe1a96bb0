"""One run of the kinematics pipeline in a thread of its own, and poses that a reader moved by hand.

The thread never touches Streamlit; the page reads what `Tracking` has found so far.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

import models
from dashboard.i18n import later
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from models import Image
from models.cases.lunge import CARD, SIMULATED, Replay
from models.errors import Cancelled, InputError
from models.jobs import Job
from models.tasks.kinematics import angles
from models.tasks.kinematics.biplane import Plane, refine_by_hand
from models.tasks.kinematics.certainty import split_sigmas, widen_covariance
from models.tasks.kinematics.flags import flag_frames
from models.tasks.kinematics.locate import NAMES, Answer, Component, Frame, finish_by_hand
from models.tasks.kinematics.motion import Study, find_motion
from models.tasks.kinematics.observe import observe_component
from models.tasks.kinematics.points import CARD as POINTS
from models.tasks.kinematics.points import Place
from models.tasks.kinematics.register import FINE, Fit, assess_registration, refine_pose
from models.tasks.kinematics.sequence import Options
from models.tasks.kinematics.statement import measure_joint
from models.tasks.kinematics.study import OutlinedFrames, outline
from models.types import Motion, Solution, Track

Array = NDArray[np.float64]
Edits = Mapping[tuple[int, int], Fit]
"""Fits that a reader's own start led to, by frame and component (0 femoral, 1 tibial)."""

NETWORK, EXACT = later("The network's"), later("Exact (simulation)")
"""Where masks come from."""
GIVEN = "exact masks of the simulation"
FOLLOWED = 0.97
"""Share of the whole that is over when all frames have their poses."""


class Tracking:
    """The measurement of one sequence.

    Attributes
    ----------
    frames
        Pictures with their masks.
    second
        The other view of a biplane study, and its pictures with their masks.
    found
        Poses of both components as soon as a frame is done; which of them that fit is the right one is decided last.
    film
        Frames of its film that were drawn, by number: the poses as bytes, and what the player takes.
    """

    def __init__(self, sequence: Fluoroscopy, masks: str, side: str) -> None:
        self.sequence, self.masks, self.side = sequence, masks, side
        self.frames: Sequence[Frame] = ()
        self.second: Plane | None = None
        self.found: list[tuple[Answer, Answer]] = []
        self.film: dict[int, tuple[bytes, dict[str, object]]] = {}

    @classmethod
    def beforehand(cls, sequence: Fluoroscopy, replay: Replay) -> Tracking:
        """Return the measurement of a sequence whose motion is known already, for poses that a reader moves by hand."""
        done = cls(sequence, NETWORK, replay.motion.side)
        done.frames = [Frame(masks, i.grey()) for masks, i in zip(replay.masks, sequence.images, strict=True)]
        return done

    def run(self, job: Job[Motion]) -> Motion:
        """Outline, find and measure, frame by frame.

        Raises
        ------
        OrthoLensError
            Where a frame cannot be outlined or no component is found, and when the reader stopped it.
        """
        begun, sequence = time.perf_counter(), self.sequence

        def progress(share: float) -> None:
            doing = job.doing
            if share == 1:
                doing = later("Choosing between poses that look alike")
            elif sequence.second and share > 2 / 3:
                doing = later("Solving both views as one")
            job.report(FOLLOWED * share, 1, doing)

        self.frames = self._list_frames(job, sequence)
        options = Options(
            found=lambda femoral, tibial: self.found.append((femoral, tibial)),
            doing=lambda said: job.report(job.share, 1, said),
        )
        card = GIVEN if self.masks == EXACT else CARD
        study = Study(*sequence.meshes, camera=sequence.camera, side=self.side, card=card, options=options)
        if sequence.second:
            frames = self._list_frames(job, sequence.other)
            self.second = Plane(sequence.second.camera, frames, sequence.second.from_first)
        result = find_motion(study, self.frames, progress, job.stopped, self.second)
        seconds = time.perf_counter() - begun  # the outlines too: what a clock on the wall says
        return replace(result, seconds=seconds, warnings=(*self._made(), *result.warnings))

    def _list_frames(self, job: Job[Motion], shown: Fluoroscopy) -> OutlinedFrames:
        """Return the frames of a view, each outlined when it is asked for."""

        def outline_frame(t: int) -> Frame:
            if job.stopped():
                raise Cancelled(later("the measurement was stopped"), fix=later("Start it again to see its result."))
            image = shown.images[t]
            if self.masks == EXACT and shown.exact is not None:
                return Frame(shown.exact[t], image.grey(), points=find_placer(image))
            return outline(image, models.predict(image, CARD), find_placer(image))

        return OutlinedFrames(shown.images, outline_frame)

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
        if (fit := self._refine(t, component, pose)) is None:
            fix = later("Choose another frame; the pose stays as you set it.")
            raise InputError(
                later("the {name} component has no outline here", name=NAMES[component]),
                fix=fix,
                file=later("Frame {frame}", frame=t + 1),
            )
        if not np.isfinite(fit.pose).all() or fit.overlap == 0:
            fix = later("Start nearer to the outline.")
            raise InputError(
                later("from there the pose does not come back to the outline"),
                fix=fix,
                file=later("Frame {frame}", frame=t + 1),
            )
        return fit

    def _refine(self, t: int, component: int, pose: Array) -> Fit | None:
        """Return what a pose leads to, in both views where there are two; None without an outline."""
        mesh, camera = self.sequence.meshes[component], self.sequence.camera
        if self.second:
            return refine_by_hand(Component(mesh), pose, (Plane(camera, self.frames), self.second), t, component)
        frame = self.frames[t]
        if not frame.masks[component].any():
            return None
        seen = observe_component(frame.masks[component], camera, frame.masks[1 - component], frame.grey)
        outlined = refine_pose(mesh, pose, seen, FINE)
        return assess_registration(mesh, outlined, seen) if frame.grey is None else finish_by_hand(mesh, outlined, seen)


def find_placer(image: Image) -> Place | None:
    """Return what places the implant's points on a frame; None without a network for them."""
    known = models.cards().get(POINTS)
    return partial(models.predict, image, POINTS) if known and known.members else None


def apply_pose_edits(stated: Motion, sequence: Fluoroscopy, edits: Edits) -> Motion:
    """Return the motion with poses that came from a reader's own start, and everything that follows from them.

    A frame that a hand has touched knows no prior between its components.
    """
    if not edits:
        return stated
    fits = [{t: fit for (t, side), fit in edits.items() if side == index} for index in (0, 1)]
    tracks = _edited(stated.femoral, fits[0]), _edited(stated.tibial, fits[1])
    touched = np.isin(np.arange(stated.frames), [t for t, _ in edits])[:, None, None]
    apart = angles.join_sigmas(tracks[0].sigma, tracks[1].sigma)
    covariance = np.where(touched, apart, stated.stated.covariance)
    poses = Solution(np.stack([track.pose for track in tracks]), covariance)
    flagged = flag_frames(tracks, sequence.meshes, sequence.camera, stated.limits)
    by_hand = [[later("The {name} pose was started by hand.", name=name) for index, name in enumerate(NAMES)
                if (t, index) in edits] for t in range(stated.frames)]  # fmt: skip
    return replace(
        stated, femoral=tracks[0], tibial=tracks[1], **measure_joint(poses, sequence.meshes, stated.side),
        notes=tuple((*said, *own) for said, own in zip(flagged, by_hand, strict=True)),
    )  # fmt: skip


def _edited(track: Track, fits: Mapping[int, Fit]) -> Track:
    parts = {part.name: getattr(track, part.name).copy() for part in fields(Track)}
    for t, fit in fits.items():
        parts["pose"][t], parts["other_pose"][t] = fit.pose, np.nan
        parts["overlap"][t], parts["residual_px"][t], parts["edge_px"][t] = fit.overlap, fit.residual_px, fit.edge_px
        parts["sigma"][t] = _widen(fit)
    return Track(**parts)


def _widen(fit: Fit) -> Array:
    """Return (6,) standard deviations with what a fit cannot know of its own errors, as every pose states them."""
    own = fit.sigma[None]
    widened: Array = split_sigmas(widen_covariance(angles.join_sigmas(own, own)))[0][0]
    return widened


def find_poses_so_far(tracking: Tracking) -> tuple[list[Array], list[Array]]:
    """Return the best fit of each component in each frame that is done; not finite where none was found."""
    none = np.full((4, 4), np.nan)
    both = [[answer[side].fits for answer in tracking.found] for side in (0, 1)]
    femoral, tibial = ([fits[0].pose if fits else none for fits in track] for track in both)
    return femoral, tibial
