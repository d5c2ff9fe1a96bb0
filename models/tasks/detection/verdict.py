"""What the boxes of an image say in words: whether anything is suspected, or why that nothing is rules nothing out.

One scale for all of it: an image's score is that of its best box, so something is suspected exactly where a box is
shown and where the score reaches the threshold. The points' sensitivity and specificity are of that same rule.
"""

from __future__ import annotations

import numpy as np

from models.cards import Card
from models.i18n import IN_ENGLISH, Language
from models.types import Detections
from models.words import later

OWN = later("own threshold")
"""What the operating point is called where a reader set the threshold."""


def word_detection_verdict(found: Detections, card: Card, say: Language = IN_ENGLISH) -> str:
    """Say whether any of the card's labels is suspected in an image at its operating point, and in how many places.

    Where every image that the card was measured on had one, as with implants, it is found and not suspected.
    """
    names = [label.name for label in card.labels]
    kinds = np.bincount(found.classes[found.shown], minlength=len(names))
    if not kinds.any():
        return _none(found, card, say)
    if len(names) > 1:
        told = ", ".join(f"{say.number(n)} {say.lowered(name)}" for n, name in zip(kinds, names, strict=True) if n)
        text = later("Suspected: {told}") if were_clean_images_measured(card) else later("Found: {told}")
        return say(text, told=told)
    if not were_clean_images_measured(card):
        return say(later("{name} found: {n}"), name=say(names[0]), n=int(kinds[0]))
    text = later("{name} suspected: 1 place") if kinds[0] == 1 else later("{name} suspected: {n} places")
    return say(text, name=say(names[0]), n=int(kinds[0]))


def _none(found: Detections, card: Card, say: Language) -> str:
    names = say(later(" or ")).join(say.lowered(label.name) for label in card.labels)
    if found.operating_point == OWN:
        text = later("No {names} suspected at your own threshold")
        if not were_clean_images_measured(card):
            text = later("No {names} found at your own threshold")
    else:
        text = later("No {names} suspected at the {point} operating point")
        if not were_clean_images_measured(card):
            text = later("No {names} found at the {point} operating point")
    return say(text, names=names, point=say.lowered(found.operating_point))


def word_detection_caveat(found: Detections, card: Card, say: Language = IN_ENGLISH) -> str:
    """Say why nothing is ruled out where nothing is suspected; empty where something is."""
    if found.suspected:
        return ""
    points = card.detecting.points if card.detecting else ()
    point = next((one for one in points if one.threshold == found.threshold), None)
    if point is None:
        return say(later("That rules nothing out: an empty picture means nothing."))
    text = later(
        "That rules nothing out: of held-out images with a finding, {missed:.0%} show no box at this operating point."
    )
    return say(text, missed=1 - point.sensitivity)


def were_clean_images_measured(card: Card) -> bool:
    """Whether images without any were among those measured, so that a box is a suspicion and not a part found."""
    points = card.detecting.points if card.detecting else ()
    return not points or any(point.specificity is not None for point in points)
