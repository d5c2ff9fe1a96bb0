"""An answer as a picture to show, with what belongs to it in its margins."""

from __future__ import annotations

from dataclasses import replace

from models.answers.record import caption
from models.drawing import plate
from models.drawing.draw import HeatLook, rgb
from models.i18n import IN_ENGLISH, Language
from models.reporting.reason import heated, notes, title_of
from models.types import Image, Judged, Pixels


def picture_png(
    image: Image,
    prediction: Judged,
    shown: Pixels | None = None,
    look: HeatLook | None = None,
    say: Language = IN_ENGLISH,
) -> bytes:
    """Return a frame as PNG with the heat of its explanation, if it has one: a plate with label, colour bar and scale.

    Parameters
    ----------
    shown
        The frame as it is looked at, (H, W[, 3]) in [0, 1], by default as the file asks.
    """
    why = prediction.explanation
    below = plate.enlarged(image.shown(prediction.frame) if shown is None else shown, image.cell)
    if why is None:
        bare = plate.Plate(rgb(below), tuple(caption(prediction, say)), say=say)
        return plate.png(replace(bare, pixel_mm=plate.pixel_mm(image, bare.picture)))
    picture, look, probability = heated(below, prediction, look or HeatLook())
    return plate.png(
        plate.Plate(
            picture, (*caption(prediction, say), *(say(note) for note in notes(why))),
            title_of(prediction, why, probability, say), plate.pixel_mm(image, picture), look, say=say,
        )
    )  # fmt: skip
