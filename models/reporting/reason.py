"""How the heat of an explanation is drawn and named, the same on the screen, in every file and in a report.

Every map is scaled by its own largest value. So that the heat of an unlikely label does not glow like that of a sure
one, it is drawn the weaker the less probable the label is, and says so; maps of single pixels are lifted out of the
dark.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.cards import card
from models.drawing import plate
from models.drawing.draw import COLOUR_MAPS, RGB, HeatLook, blend_heat, compute_heat_strength, lift_heat
from models.i18n import IN_ENGLISH, Language
from models.trust.methods import BOX_METHODS, METHODS, POINT_METHODS, Method
from models.types import Box, Explanation, Pixels, Prediction
from models.words import later

EDGE = 0.5
"""Share of the strongest heat from which heat on the rim of the picture is worth a word."""


def choose_heat_look(look: HeatLook, probability: float | None) -> HeatLook:
    """Return a look whose glow follows the probability of the label, with what its colours mean."""
    signed = COLOUR_MAPS[look.colours].signed
    glow = 1.0 if probability is None else compute_heat_strength(probability)
    told = later(
        "The heat reaches {glow:.0%} of the brightest colour, since the label is {probability:.0%} probable.",
        glow=glow,
        probability=probability or 0.0,
    )
    return replace(
        look,
        strength=glow,
        low=later("against") if signed else later("nothing"),
        high=later("speaks for it") if signed else later("speaks most for it"),
        said="" if probability is None else told,
    )


def title_reason(
    prediction: Prediction, why: Explanation, probability: float | None, say: Language = IN_ENGLISH
) -> str:
    """Name the label that is explained, its probability and the method: "Zimmer, 89% · Grad-CAM"."""
    known = card(prediction.card)
    name = say(known.labels[known.index(why.target)].name)
    method = find_method_of_reason(why)
    sure = "" if probability is None else f", {say.number(probability, '.0%')}"
    return f"{name}{sure} · {say(method.name) if method else why.method}"


def find_method_of_reason(why: Explanation) -> Method | None:
    """Return the method that made an explanation; None for one that is not known here."""
    return {**METHODS, **BOX_METHODS, **POINT_METHODS}.get(why.method)


def lift_drawn_heat(why: Explanation) -> Pixels:
    """Return heat as it is drawn: that of single pixels is lifted, so that more than its few largest are seen."""
    method = find_method_of_reason(why)
    return lift_heat(why.heat) if method and method.fine else why.heat


def heat_runs_off(why: Explanation) -> bool:
    """Whether strong heat lies on the rim of what the network saw, and so may go on beyond the film."""
    heat = why.heat
    rows, columns = (np.flatnonzero(heat.any(axis)) for axis in (1, 0))  # beyond black borders there is none
    if not len(rows):
        return False
    heat = heat[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    rim = np.concatenate([heat[0], heat[-1], heat[:, 0], heat[:, -1]])
    return bool(rim.max(initial=0) > EDGE * max(float(heat.max(initial=0)), 1e-6))


RUNS_OFF = later(
    "The heat reaches the edge of the picture and is cut there: a coarse map spreads over whole cells of the network, "
    "and the network sees the edge too."
)
"""Said where `heat_runs_off`."""


def note_limits_of_reason(why: Explanation, look: HeatLook | None = None) -> list[str]:
    """Return what a reader must be told of the heat and, where a look is given, of how it is drawn."""
    return [text for text in (look.said if look else "", RUNS_OFF if heat_runs_off(why) else "") if text]


def draw_heat_over(
    below: Pixels, prediction: Prediction, look: HeatLook, place: Box | None = None
) -> tuple[RGB, HeatLook, float | None]:
    """Draw the heat of a prediction's explanation over a picture of the whole frame, of any size, (h, w[, 3]).

    Returns
    -------
    tuple
        The picture, how its heat was drawn, and how probable the label explained is.
    """
    why = prediction.explanation
    assert why is not None  # who draws heat has it
    probability = prediction.probability_of(why.target, place)
    look = choose_heat_look(look, probability)
    return blend_heat(below, plate.fit_to_grid(lift_drawn_heat(why), below.shape), look), look, probability
