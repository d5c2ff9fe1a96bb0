"""Which cards know an image: each card's out-of-distribution detector is asked, the most familiar card comes first."""

from __future__ import annotations

from models.cards import cards
from models.errors import BadWeights
from models.serving.engine import engine, middle
from models.types import Fit, Image, Judged, Triage


def triage(image: Image, frame: int = 0) -> Triage:
    """Rank the cards that know a frame; of a large image the middle is looked at, where tiles would slide over it."""
    found: list[tuple[float, str]] = []
    for card in cards().values():
        if card.gate is None or not card.members or card.id != card.stem:
            continue  # an alternative model knows the same images
        try:
            answer = engine().predict(middle(image, card.input.size) if card.input.tiled else image, card, frame)
        except BadWeights:
            continue  # the page that needs this model says what is wrong with it
        assert isinstance(answer, Judged)  # every kind of answer is
        if answer.strangeness is not None and not answer.abstained:
            found.append((answer.strangeness, card.id))
    known = cards()
    return Triage(tuple(Fit(id, known[id].task, score) for score, id in sorted(found)))
