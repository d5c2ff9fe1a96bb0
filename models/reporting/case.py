"""One answer and what was found beside it: all that a chapter of a report is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.drawing.draw import RGB
from models.geometry.ruler import Ruler
from models.i18n import IN_ENGLISH, Language
from models.types import Box, Image, Pixels, Prediction


@dataclass(frozen=True, eq=False)
class Case:
    """What is written up.

    Attributes
    ----------
    image
        That was answered; of a motion, its first frame.
    shown, drawn
        The image and the image with the answer on it as the reader sees them, (h, w[, 3]) in [0, 1] and (h, w, 3)
        bytes of any size, in square pixels; None draws them as the page does before anything is changed.
    simulated
        Whether the image is no patient's.
    origin
        Where a case of the gallery comes from; empty for a user's own file.
    place
        That the explanation of a class or of a box is about; None: all of the image.
    beside
        What else the report of this kind tells, such as the agreement of a segmentation with a reference standard; its
        `Account` knows the type.
    ruler
        What a hand measured on the image; None: nothing.
    say
        The reader's language.
    """

    image: Image
    prediction: Prediction
    shown: Pixels | None = None
    drawn: RGB | None = None
    simulated: bool = False
    origin: str = ""
    place: Box | None = None
    beside: Any = None
    ruler: Ruler | None = None
    say: Language = IN_ENGLISH
