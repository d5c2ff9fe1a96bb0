"""An answer as a picture to show, with what belongs to it in its margins."""

from __future__ import annotations

from dataclasses import replace

from models.answers.record import write_caption
from models.drawing import plate
from models.drawing.draw import HeatLook, to_rgb_bytes
from models.i18n import IN_ENGLISH, Language
from models.reporting.reason import draw_heat_over, note_limits_of_reason, title_reason
from models.types import Image, Judged, Pixels


def export_picture_png(
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
    below = plate.enlarge_for_plate(image.shown(prediction.frame) if shown is None else shown, image.cell)
    if why is None:
        bare = plate.Plate(to_rgb_bytes(below), tuple(write_caption(prediction, say)), say=say)
        return plate.encode_plate(replace(bare, pixel_mm=plate.measure_pixel_mm(image, bare.picture)))
    picture, look, probability = draw_heat_over(below, prediction, look or HeatLook())
    return plate.encode_plate(
        plate.Plate(
            picture, (*write_caption(prediction, say), *(say(note) for note in note_limits_of_reason(why))),
            title_reason(prediction, why, probability, say), plate.measure_pixel_mm(image, picture), look, say=say,
        )
    )  # fmt: skip
