"""The page of a fluoroscopy sequence: the study, the motion found, its curves, and corrections by hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

import models
from dashboard.case.page_kind import StudyPage, Tile
from dashboard.i18n import later
from models import Image
from models.cases import Case, lunge
from models.tasks.kinematics import export


class KinematicsPage(StudyPage):
    """Motion of an implant."""

    name = "kinematics"
    panel = "kinematics-panel"

    def panels(self) -> Collection[str]:
        from dashboard.views.kinematics import page

        return page.PANELS

    def show(self, task: str, invitation: str) -> None:
        from dashboard.views.kinematics import page

        page.show_kinematics_page()

    def still(self) -> Image:
        from dashboard import session
        from dashboard.views.kinematics import fluoroscopy

        return session.share_work(fluoroscopy.simulate, "fluoroscopy", fluoroscopy.SIMULATED_FRAMES).images[-1]

    def tile(self, case: Case) -> Tile:
        scene, found = lunge.simulate_lunge(), lunge.replay_lunge()
        if found is None:
            return Tile()
        motion, image = found.motion, models.read(case.path)
        poses = motion.femoral.pose[0], motion.tibial.pose[0]
        drawn = export.draw_component_borders(image.grey(), (scene.femoral, scene.tibial), poses, scene.camera)
        least, most = np.nanmin(motion.joint[:, 0]), np.nanmax(motion.joint[:, 0])
        bend = later("{count} frames, flexion {least:.0f}° to {most:.0f}°", count=motion.frames, least=least, most=most)
        return Tile(drawn, None, bend)

    def take(self, study: Sequence[tuple[str, bytes]], second: Sequence[tuple[str, bytes]] = ()) -> None:
        from dashboard.views.kinematics import source

        source.take_sequence_files(study, second)

    def holds(self) -> bool:
        from dashboard.views.kinematics import source

        return source.has_own_sequence()

    def awaits(self) -> bool:
        from dashboard.views.kinematics import source

        return source.waits_for_sequence()


PAGE = KinematicsPage()
