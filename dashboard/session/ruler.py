"""What a user's hand measured on each image, kept while its file is on the table, and undone step by step."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from dashboard.session.table import find_selected_file, keep_in_session
from models import Image
from models.errors import InputError
from models.geometry.ruler import Ruler, calibrate_image

MEASURING = "measuring"
"""Key of the control that opens the ruler."""


@dataclass
class RulerSheet:
    """What was measured on one image, each state that it was in, and the file that it goes with."""

    file: str
    past: list[Ruler] = field(default_factory=lambda: [Ruler()])
    turn: float = 0.0

    @property
    def now(self) -> Ruler:
        """What is measured now."""
        return self.past[-1]

    def keep(self, ruler: Ruler, turn: float = 0.0) -> None:
        """Keep a new state; what a hand does in one turn is undone as one."""
        if turn and turn == self.turn:
            self.past[-1] = ruler
        else:
            self.past.append(ruler)
        self.turn = turn

    def undo(self) -> None:
        """Go back to the state before."""
        if len(self.past) > 1:
            self.past.pop()
        self.turn = 0.0


def find_ruler_sheet(image: Image) -> RulerSheet:
    """Return what was measured on an image, begun where nothing was."""
    file = find_selected_file()
    return list_ruler_sheets().setdefault(image.sha256, RulerSheet(file.sha256 if file else image.sha256))


def list_ruler_sheets() -> dict[str, RulerSheet]:
    """Return what was measured on every image, by its sha256; it stays up to date outside the session."""
    return keep_in_session("rulers", dict)


def calibrate(image: Image) -> Image:
    """Return an image with the spacing that its user's ruler gives; itself where there is none that holds."""
    return calibrate_by_sheet(image, list_ruler_sheets())


def calibrate_by_sheet(image: Image, sheets: dict[str, RulerSheet]) -> Image:
    """Return an image as `calibrate` does, outside the session."""
    sheet = sheets.get(image.sha256)
    with suppress(InputError):  # the ruler says what is wrong with it
        return calibrate_image(image, sheet.now.calibration) if sheet else image
    return image


def forget_rulers(*files: str) -> None:
    """Let go of what was measured on files, by their sha256."""
    sheets = list_ruler_sheets()
    for image in [image for image, sheet in sheets.items() if sheet.file in files]:
        sheets.pop(image)
