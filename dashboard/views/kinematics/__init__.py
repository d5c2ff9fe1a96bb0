"""The page of a fluoroscopy sequence: the study, the motion found, its curves, and corrections by hand."""

from __future__ import annotations

from dashboard.case.page_kind import PageKind


class KinematicsPage(PageKind):
    """Motion of an implant."""

    name = "kinematics"
    panel = "kinematics-look"

    def show(self, task: str, invitation: str) -> None:
        from dashboard.views.kinematics import page

        page.show()


PAGE = KinematicsPage()
