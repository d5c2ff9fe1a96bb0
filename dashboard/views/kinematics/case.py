"""What the pieces of the kinematics page share: a sequence, its motion with a reader's own poses, and the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dashboard import session
from dashboard.i18n import later
from dashboard.views.kinematics import tracking
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from dashboard.views.kinematics.tracking import Edits, Tracking
from models.tasks.kinematics import angles
from models.tasks.kinematics.axes import Axes, guess_femoral_axes, guess_tibial_axes
from models.tasks.kinematics.statement import state_motion
from models.types import AcceptanceLimits, Motion, Track

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MotionCase:
    """One measurement as the reader sees it.

    Attributes
    ----------
    name
        Of the job, for the keys of the session.
    result
        What the pipeline found, never changed.
    t
        The frame that is looked at.
    priors, limits
        What the reader wants stated of it.
    """

    name: str
    sequence: Fluoroscopy
    run: Tracking
    result: Motion
    t: int = 0
    priors: bool = True
    limits: AcceptanceLimits = field(default_factory=AcceptanceLimits)

    @property
    def edits(self) -> Edits:
        """Poses that a reader's own start led to."""
        return session.get(f"{self.name}-edits", {})

    @cached_property
    def motion(self) -> Motion:
        """The motion as the reader wants it stated, and with the reader's own poses."""
        sequence = self.sequence
        stated = state_motion(self.result, sequence.meshes, sequence.camera, priors=self.priors, limits=self.limits)
        return tracking.apply_pose_edits(stated, sequence, self.edits)

    @property
    def tracks(self) -> tuple[Track, Track]:
        """Femoral and tibial track."""
        return self.motion.tracks

    @property
    def poses(self) -> tuple[Array, Array]:
        """Femoral and tibial poses (T, 4, 4)."""
        return self.motion.femoral.pose, self.motion.tibial.pose

    @cached_property
    def axes(self) -> tuple[Axes, Axes]:
        """Anatomical directions of femoral and tibial component, as the angles have them."""
        femoral, tibial = self.sequence.meshes
        axes = guess_femoral_axes(femoral), guess_tibial_axes(tibial)
        return axes[0], angles.face_tibial_axes(*self.poses, axes)

    @property
    def reference_joint(self) -> Array | None:
        """(T, 6) angles and translations of the reference poses; None where one of them is missing."""
        femoral, tibial = self.sequence.reference
        if femoral is None or tibial is None:
            return None
        axes = guess_femoral_axes(self.sequence.femoral), guess_tibial_axes(self.sequence.tibial)
        axes = axes[0], angles.face_tibial_axes(femoral, tibial, axes)
        return angles.compute_joint_angles(femoral, tibial, axes, self.motion.side)

    @property
    def reference_name(self) -> str:
        """What the reference poses are."""
        return later("exact") if self.sequence.simulated else later("reference")

    def at(self, t: int) -> MotionCase:
        """Return the same with another frame looked at."""
        return replace(self, t=t)

    def edit(self, edits: Edits) -> None:
        """Keep other poses of the reader's own."""
        session.put(f"{self.name}-edits", edits)

    def flagged(self) -> Sequence[int]:
        """Return the frames that a reader must look at."""
        return [t for t, said in enumerate(self.motion.notes) if said]
