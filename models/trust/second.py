"""The second opinion on whether a model should answer: what kind of picture the shared look takes the frame for.

A card's own detector looks through features that were trained for its question; it is fitted on the small, soft
pictures of one set, and one in twenty of its own kind falls outside. The shared look (`models.trust.image_kinds`) knows
all kinds, and what is none of them from all of them. So both count: the OOD score of an answer is the mean of the two
scores; of kinds known from one or two patients it is the detector's, within what the look allows. Where the look is
sure of another kind the model abstains whatever its own detector says, and where a card that never saw metal is shown
some, it says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from models.cards import Card
from models.trust.image_kinds import NARROW, Kinds, find_image_kind, look_at_image_kind
from models.types import Image, Judged
from models.words import later

Answer = TypeVar("Answer", bound=Judged)

SURE = 0.98
"""Share of other kinds together from which a frame is one of them."""
METAL = 0.6
"""Probability from which a frame shows metal."""
ROOM = 1.15
"""Mean of both scores over which the model abstains: what both find a little unusual is of the kind more often than
not, and of images of other kinds hardly any is near it."""
FARTHEST = 2.0
"""Score over which one opinion is enough to abstain, however familiar the frame is to the other."""


def give_second_opinion(answer: Answer, image: Image, card: Card) -> Answer:
    """Return an answer whose verdict is that of the card's own detector and of the shared look together.

    An answer of a card without a detector, or of a kind that the look does not know, stays as it is.
    """
    kind = find_image_kind(card)
    if answer.ood_score is None or kind is None:
        return answer
    seen = look_at_image_kind(image, answer.frame)
    score = combine_ood_scores(answer.ood_score, seen, kind)
    reason = answer.reason or later("this does not look like {what}", what=later(card.data.shows))
    if not card.input.metal and seen.metal > METAL and seen.shares[kind] > 1 - SURE:
        score = max(score, 1 + seen.metal - METAL)
        reason = later("it shows metal, and the model was made for {what} without any", what=later(card.data.shows))
    return replace(answer, abstained=score > 1, reason=reason if score > 1 else None, ood_score=score)


def combine_ood_scores(own: float, seen: Kinds, kind: str) -> float:
    """Return the OOD score of a frame for a card of a kind, over 1 outside.

    Parameters
    ----------
    own
        Score of the card's own detector.
    """
    theirs = seen.ood_scores[kind]
    score = own if kind in NARROW else (own + theirs) / 2 / ROOM
    if max(own, theirs) > FARTHEST:
        score = max(score, max(own, theirs) / FARTHEST)
    if seen.shares[kind] < 1 - SURE:
        score = max(score, 1 + SURE - seen.shares[kind])
    return score
