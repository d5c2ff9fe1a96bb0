"""The form of what `ortholens evaluate` writes beside a card, which the files of cards from outside are held to.

Pages and reports draw the program's own figures as they are; those that others wrote are checked once, here. Fields
beyond these may be there.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from models.cards.card import Card
from models.errors import BadCard

FIX = "Take it away, or have it written by `ortholens evaluate`."


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class _Interval(_Form):
    value: float
    low: float
    high: float


class _Share(_Interval):
    n: int


class _Coverage(_Interval):
    coverage: float
    mean_size: float


class _Curve(_Form):
    false_positive: list[float]
    true_positive: list[float]


class _Bin(_Form):
    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


class _Error(_Form):
    truth: str
    answer: str
    confidence: float


class _OodSet(_Form):
    set: str
    n: int
    auroc: float
    refused: float


class _Ood(_Form):
    n: int
    kept: float
    sets: list[_OodSet]


class _Froc(_Form):
    threshold: list[float]
    sensitivity: list[float]
    false_positives: list[float]


class _Trial(_Form):
    n: int
    groups: int
    metrics: dict[str, _Interval | None]


class _Measured(_Form):
    how: str
    measured: str
    weights: list[str]
    versions: dict[str, str]
    machine: str


class _OfTrials(_Measured):
    """Of a card that segments or draws boxes."""

    trials: dict[str, _Trial]
    froc: _Froc | None = None
    ood: _Ood | None = None


class _Elsewhere(_Form):
    """Of images from another place."""

    n: int
    metrics: dict[str, _Interval]
    kept: float


class _OfLabels(_Measured):
    """Of a card that names a whole image."""

    n: int
    groups: int
    metrics: dict[str, _Interval]
    recall: dict[str, _Share]
    confusion: list[list[int]]
    roc: dict[str, _Curve]
    reliability: list[_Bin]
    worst: list[_Error]
    conformal: list[_Coverage]
    ood: _Ood
    subgroups: dict[str, dict[str, _Share]]
    elsewhere: _Elsewhere | None = None


def check_figures(card: Card) -> None:
    """See that the figures beside a card can be drawn, where there are any.

    Raises
    ------
    BadCard
        When they cannot; the message names the field.
    """
    name = f"{card.id}.figures.json"
    try:
        figures = dict(card.figures)
        if not figures:
            return
        if "trials" in figures:
            _OfTrials.model_validate(figures)
            return
        found = _OfLabels.model_validate(figures)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadCard(f"{where}: {first['msg']}", fix=FIX, file=name) from error
    except (OSError, TypeError, ValueError) as error:
        raise BadCard("is no table of figures", fix=FIX, file=name) from error
    keys, side = set(card.keys), len(card.keys)
    named = {key for row in found.worst for key in (row.truth, row.answer)}
    square = len(found.confusion) == side and all(len(row) == side for row in found.confusion)
    if not square or set(found.recall) != keys or set(found.roc) != keys or not named <= keys:
        raise BadCard("is of other labels than the card's", fix=FIX, file=name)
