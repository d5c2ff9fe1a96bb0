"""Which set of pictures and points each card was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models.cards import Card, find_base_id
from models.errors import BadCard, UnknownCard
from models.tasks.landmarks.implant_set import read_implant_landmarks
from models.tasks.landmarks.landmark_set import LandmarkSet, read_knee_landmarks, read_saved
from models.training.runs import locate_saved_set

LANDMARK_SETS: Mapping[str, Callable[[], LandmarkSet]] = {
    "knee-landmarks": read_knee_landmarks,
    "tka-landmarks": read_implant_landmarks,
}
"""The set of a card, by the card's base id."""


def read_landmark_set(card: Card) -> LandmarkSet:
    """Read the set that a card was made from, or is being, where it is a user's own.

    Raises
    ------
    UnknownCard
        When the card has no such set.
    BadCard
        When the points of the set are not the card's labels.
    Unreachable
        When it is not in the data folder.
    """
    name, saved = find_base_id(card.id), locate_saved_set(card)
    if saved.is_file():
        data = read_saved(saved)
    elif name in LANDMARK_SETS:
        data = LANDMARK_SETS[name]()
    else:
        raise UnknownCard(f"{card.id} has no set of landmarks", fix=f"Sets exist for {', '.join(LANDMARK_SETS)}.")
    if data.names != card.keys:
        raise BadCard(
            "its labels are not the points of its set", fix=f"They are {', '.join(data.names)}.", file=card.id
        )
    return data
