"""Whether an image has the colours that a model needs: told at once, without torch and before any network is asked."""

from __future__ import annotations

from models.cards import Card
from models.types import Image
from models.words import later

COLOURLESS = later("this image has no colours, and the model was trained on coloured ones")
GREY = 10.0
"""OOD score of a grey image to a model of coloured ones: features pooled over a tile say too little of colour."""


def misses_colours(image: Image, card: Card) -> bool:
    """Whether an image is grey and the card was made for coloured ones alone, as it states itself."""
    return card.input.channels == "rgb" and not card.input.grey and not image.colour
