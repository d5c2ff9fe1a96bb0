"""A fluoroscopy sequence as the page shows it, from a user's files or simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models import Image
from models.cases import lunge
from models.cases.lunge import Replay
from models.geometry.camera import Camera
from models.geometry.mesh import Mesh

Array = NDArray[np.float64]
Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]

SIMULATED_FRAMES = lunge.FRAMES
"""Of the case that the page opens with."""


@dataclass(frozen=True, eq=False)
class SecondView:
    """The other view of a biplane study.

    Attributes
    ----------
    images
        Taken at the instants of the first view's frames.
    from_first
        (4, 4) its source from the first view's, in mm.
    """

    images: tuple[Image, ...]
    camera: Camera
    from_first: Array


@dataclass(frozen=True, eq=False)
class Fluoroscopy:
    """A sequence that is ready to be measured.

    Attributes
    ----------
    key
        Names everything in it, for keys of the session.
    images
        One a frame, each of a single frame.
    exact
        Masks of the simulation; None for real frames.
    reference
        (T, 4, 4) poses to compare with, for each component; None where there are none.
    replay
        What was measured beforehand; None where it must be measured first.
    second
        The other view of the same instants, where there is one.
    """

    key: str
    images: tuple[Image, ...]
    femoral: Mesh
    tibial: Mesh
    camera: Camera
    simulated: bool = False
    exact: tuple[Masks, ...] | None = None
    reference: tuple[Array | None, Array | None] = (None, None)
    replay: Replay | None = None
    second: SecondView | None = None

    @property
    def other(self) -> Fluoroscopy:
        """The sequence as the second view shows it, its poses in that view's source."""
        assert self.second is not None  # who asks has seen that there are two
        return replace(
            self, key=f"{self.key}-second", images=self.second.images, camera=self.second.camera, exact=None,
            reference=(None, None), second=None,
        )  # fmt: skip

    @property
    def meshes(self) -> tuple[Mesh, Mesh]:
        """Femoral and tibial component."""
        return self.femoral, self.tibial

    @property
    def names(self) -> list[str]:
        """What exported files call the frames: never a file's name, which may identify a patient."""
        return [f"{'simulated ' if self.simulated else ''}frame {t + 1}" for t in range(len(self.images))]


def simulate() -> Fluoroscopy:
    """Return the case that the page opens with: the way down of a lunge, with exact masks and poses."""
    from models.simulation import motion

    case, frames = lunge.simulate_lunge(), range(SIMULATED_FRAMES)
    return Fluoroscopy(
        f"simulated-{SIMULATED_FRAMES}-{lunge.SIDE_PX}", lunge.load_lunge_images(case, SIMULATED_FRAMES),
        case.femoral, case.tibial, case.camera,
        simulated=True, exact=tuple(motion.render_motion_masks(case, t) for t in frames),
        reference=(case.femoral_poses[: len(frames)], case.tibial_poses[: len(frames)]),
        replay=lunge.replay_lunge() if len(frames) == lunge.FRAMES else None,
    )  # fmt: skip
