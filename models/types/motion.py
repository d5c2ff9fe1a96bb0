"""How an implant moved: both components through every frame, what is accepted as error, and what both solutions say."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.types.answers import Prediction


@dataclass(frozen=True)
class AcceptanceLimits:
    """Errors that a user accepts: in the picture's plane and along the rays, in mm, and of any turn, in degrees."""

    plane_mm: float = 1.0
    depth_mm: float = 5.0
    turn_deg: float = 2.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Track:
    """One implant component through a sequence of T frames; rows that are not finite are frames where it was not found.

    Attributes
    ----------
    pose
        (T, 4, 4) source_from_implant in mm.
    other_pose
        (T, 4, 4) the pose that fits almost as well, such as the mirror pose; not finite where there is none.
    overlap
        (T,) intersection over union with the mask.
    residual_px
        (T,) root mean square distance between the silhouette's border and the mask's.
    edge_px
        (T,) how far the picture's edges scatter about where the CAD would show them; not finite where not followed.
    sigma
        (T, 6) one standard deviation of x, y, z in mm and of the rotations about the source's x, y, z in degrees.
    """

    pose: NDArray[np.float64]
    other_pose: NDArray[np.float64]
    overlap: NDArray[np.float64]
    residual_px: NDArray[np.float64]
    edge_px: NDArray[np.float64]
    sigma: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Solution:
    """Poses of both components in T frames by one way to solve for them, not finite where a component is not known.

    Attributes
    ----------
    poses
        (2, T, 4, 4) femoral and tibial source_from_implant in mm.
    covariance
        (T, 12, 12) of each frame: femoral shift in mm and rotation about the source's axes in degrees, then tibial.
    """

    poses: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @property
    def depths_mm(self) -> NDArray[np.float64]:
        """(2, T) distance of each component's origin from the source, along the central ray."""
        depths: NDArray[np.float64] = -self.poses[:, :, 2, 3]
        return depths


@dataclass(frozen=True, eq=False, kw_only=True)
class Motion(Prediction):
    """How two implant components moved through T frames.

    Attributes
    ----------
    femoral, tibial
        The components' tracks.
    joint, joint_sigma
        (T, 6) Grood and Suntay's angles and translations, in the order of `joint_columns`, and one standard deviation.
    low_points_mm
        (T, 2, 3) lowest points of the condyles towards the left and the right of the patient on the tibial plateau.
    axes
        Which directions of the two CAD files were taken as right, anterior and proximal, in words.
    side
        Of the patient, "right" or "left".
    notes
        For each frame, the sentences that a reader must see; a frame with any is flagged.
    together, alone
        The solution of all frames with what is known of knees, and that of each frame by itself.
    priors
        Which of the two the tracks hold.
    limits
        By which frames are flagged.
    views
        How many views of the same instants were solved together: 1, or 2 of a biplane study.
    """

    femoral: Track
    tibial: Track
    joint: NDArray[np.float64]
    joint_sigma: NDArray[np.float64]
    joint_columns: tuple[str, ...]
    low_points_mm: NDArray[np.float64]
    axes: tuple[str, str]
    side: str
    notes: tuple[tuple[str, ...], ...]
    together: Solution
    alone: Solution
    priors: bool = True
    limits: AcceptanceLimits = field(default_factory=AcceptanceLimits)
    views: int = 1

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(self.notes)

    @property
    def tracks(self) -> tuple[Track, Track]:
        """Femoral and tibial track."""
        return self.femoral, self.tibial

    @property
    def stated(self) -> Solution:
        """The solution that the tracks hold."""
        return self.together if self.priors else self.alone
