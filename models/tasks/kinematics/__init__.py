"""Knee-implant motion from single-plane fluoroscopy: camera, CAD, initial pose, refinement, angles.

The source of the X-rays is the origin, x points to the right of the image, y up, and the detector lies at negative z;
poses are `source_from_implant`, 4 × 4, in mm. Nothing here needs a network, a screen or a GPU: no card answers the
question alone, a segmentation outlines the components, and what follows is geometry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.tasks.kind import Kind, Question
from models.words import later

if TYPE_CHECKING:
    from models.tasks.kinematics.account import KinematicsAccount

KINEMATICS = Question("kinematics", later("How does it move?"), "kinematics")


class KinematicsKind(Kind):
    """Follows an implant through the frames of a study."""

    name = "kinematics"

    def account(self) -> KinematicsAccount:
        from models.tasks.kinematics.account import KinematicsAccount

        return KinematicsAccount()


KINDS = (KinematicsKind(),)
QUESTIONS = (KINEMATICS,)
