"""The model card: one TOML file that says everything about a model, and the loader that refuses a wrong one.

A card is the one source for pages, command line, training, evaluation, benchmark and tests. It is read
without torch, so listing the models is instant. After Mitchell et al. 2019, "Model Cards for Model Reporting",
doi 10.1145/3287560.3287596. Tables that `ortholens train` and `ortholens evaluate` write (`members`, `calibration`,
`conformal`, `detecting`, `locating`, `ood`) are never edited by hand.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from models.cards.tables import (
    ID,
    Calibration,
    Conformal,
    Data,
    Detecting,
    Dichotomised,
    Input,
    Label,
    Locating,
    Member,
    Net,
    OodStatistics,
    Published,
    Table,
    Text,
    Use,
)
from models.errors import BadCard, UnknownCard

CARDS_DIR = Path(__file__).parent
WEIGHTS_DIR = CARDS_DIR.parent / "weights"

ALTERNATIVES = ("-hrnet", "-unet", "-hourglass")
"""Endings of the ids of cards that hold, for the same task and set, the architecture that lost on validation."""


class Card(Table):
    """A model: identity, answers, input, network, weights, trust, use and data."""

    id: Annotated[str, Field(pattern=ID)]
    task: Text
    title: Text
    summary: Text
    labels: tuple[Label, ...] = Field(min_length=1)
    ordinal: bool = False
    """Whether the labels are grades, in rising order; their keys are then whole numbers."""
    dichotomised: Dichotomised | None = None
    instances: bool = False
    """Whether objects of a class are told apart and counted."""
    input: Input
    net: Net
    members: tuple[Member, ...] = ()
    calibration: Calibration | None = None
    conformal: Conformal | None = None
    detecting: Detecting | None = None
    locating: Locating | None = None
    ood: OodStatistics | None = None
    use: Use
    data: Data
    published: tuple[Published, ...] = ()
    training: dict[str, Any] = Field(default_factory=dict)
    """The recipe; `models.tasks.classification.recipe` validates it, since only training needs it."""
    _folder: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        if self.ordinal and self.keys != tuple(str(grade) for grade in range(len(self.keys))):
            raise ValueError("the keys of ordinal labels count from 0")
        if self.dichotomised and (not self.ordinal or self.dichotomised.from_key not in self.keys):
            raise ValueError("dichotomised belongs to an ordinal card and names one of its labels")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the labels, in the order of the network's outputs."""
        return tuple(label.key for label in self.labels)

    @property
    def base_id(self) -> str:
        """The id, of an alternative's card that of the card it is the alternative to; none comes from outside."""
        return self.id if self.folder else find_base_id(self.id)

    @property
    def parts(self) -> tuple[Member | OodStatistics, ...]:
        """Every file of weights that it needs."""
        return (*self.members, *([self.ood] if self.ood else []))

    @property
    def folder(self) -> Path | None:
        """Where a card from outside lies, with all its files; None for one of the program's own."""
        return self._folder

    @property
    def path(self) -> Path:
        """Its file; what was measured lies beside it."""
        return (self.folder or CARDS_DIR) / f"{self.id}.toml"

    @property
    def figures(self) -> Mapping[str, Any]:
        """What `ortholens evaluate` measured, from the JSON beside the card; empty before that."""
        return self._beside("figures")

    @property
    def curves(self) -> Mapping[str, Any]:
        """What `ortholens curves` measured, from the JSON beside the card; empty before that."""
        return self._beside("curves")

    def _beside(self, what: str) -> Mapping[str, Any]:
        path = self.path.with_suffix(f".{what}.json")
        return MappingProxyType(json.loads(path.read_text()) if path.exists() else {})

    def index(self, label: str) -> int:
        """Output of the network that belongs to a label's key.

        Raises
        ------
        UnknownCard
            When the card has no such label.
        """
        if label not in self.keys:
            raise UnknownCard(f"{self.id} has no label {label!r}", fix=f"Choose one of {', '.join(self.keys)}.")
        return self.keys.index(label)


def find_base_id(card_id: str) -> str:
    """Return an id without the ending of an alternative."""
    return next((card_id.removesuffix(ending) for ending in ALTERNATIVES if card_id.endswith(ending)), card_id)


def load_card(path: Path, outside: bool = False) -> Card:
    """Read and check one card.

    Parameters
    ----------
    outside
        Whether its weights lie in its own folder, and not in that of the program.

    Raises
    ------
    BadCard
        When the file cannot be read, or as `parse_card`.
    """
    try:
        card = parse_card(path.read_bytes(), path.name)
    except OSError as error:
        raise BadCard("cannot be read", fix="Check who may read it.", file=path.name) from error
    card._folder = path.parent if outside else None
    return card


def parse_card(toml: bytes, name: str) -> Card:
    """Check the text of a card.

    Parameters
    ----------
    name
        Of its file: its id and ".toml".

    Raises
    ------
    BadCard
        When the text is not TOML, a field is missing, unknown or out of range, or the id is not that of the name; the
        message names the field.
    """
    try:
        card = Card.model_validate(tomllib.loads(toml.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fix = "Mend it or take it out of its folder."
        raise BadCard(f"not a TOML file ({error})", fix=fix, file=name) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the card"
        raise BadCard(f"{where}: {first['msg']}", fix="Compare it with another card.", file=name) from error
    if f"{card.id}.toml" != name:
        raise BadCard(f"its id is {card.id!r}", fix=f"Call the file {card.id}.toml or change the id.", file=name)
    return card
