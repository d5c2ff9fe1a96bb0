"""What stands under every exported picture: the answer in one line, why, which model, and the disclaimer."""

from __future__ import annotations

from models.cards import card
from models.i18n import IN_ENGLISH, Language
from models.reporting.reason import find_method_of_reason
from models.types import Judged, Prediction
from models.words import DISCLAIMER, later

NO_ANSWER = later("No answer")


def write_withheld_line(answer: Judged, say: Language = IN_ENGLISH) -> str:
    """Return what stands in the place of an answer that the model withholds."""
    return f"{say(NO_ANSWER)}: {say(answer.reason or '')}"


def write_caption_footer(answer: Prediction, say: Language = IN_ENGLISH) -> list[str]:
    """Return the lines below the answer's own, the disclaimer last."""
    known, lines = card(answer.card), []
    if why := answer.explanation:
        method = by.name if (by := find_method_of_reason(why)) else why.method
        name = say(known.labels[known.index(why.target)].name)
        at = later("{method} at {layer}: what speaks for {name}")
        said = at if why.layer else later("{method}: what speaks for {name}")
        lines.append(say(said, method=say(method), layer=why.layer, name=name))
    made = later("Model {card}, trained on simulated images") if known.data.simulated else later("Model {card}")
    return [*lines, say(made, card=answer.card), say(DISCLAIMER)]
