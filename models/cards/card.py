"""The model card: one TOML file that says everything about a model, and the loader that refuses a wrong one.

A card is the one source for pages, command line, training, evaluation, benchmark and tests. It is read
without torch, so listing the models is instant. After Mitchell et al. 2019, "Model Cards for Model Reporting",
doi 10.1145/3287560.3287596. Tables that `ortholens train` and `ortholens evaluate` write (`members`, `calibration`,
`conformal`, `detecting`, `ood`) are never edited by hand.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import BadCard, UnknownCard

CARDS_DIR = Path(__file__).parent
WEIGHTS_DIR = CARDS_DIR.parent / "weights"

ALTERNATIVES = ("-hrnet", "-unet")
"""Endings of the ids of cards that hold, for the same task and set, the architecture that lost on validation."""

Text = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(_Table):
    """One answer of a classifier."""

    key: Text
    """As in results and files."""
    name: Text
    """As on the screen."""
    definition: str = ""
    """What it means, for someone who does not know the scale."""
    colour: Annotated[str, Field(pattern=r"^#[0-9A-F]{6}$")] | None = None
    """Of a class that is painted on an image; none for the background."""


class Dichotomised(_Table):
    """Where on an ordinal scale the finding counts as present."""

    from_key: Text
    """The lowest such label."""
    name: Text
    """What its probability is called: "definite osteoarthritis (KL ≥ 2)"."""


class Input(_Table):
    """What the network is fed."""

    size: tuple[int, int]
    """(rows, columns) after fitting the whole image in, padded with black."""
    channels: Literal["grey", "rgb"] = "grey"
    """What the network looks at; a grey picture is shown to all three of its inputs."""
    grey: bool = False
    """Whether a card of "rgb" learned from grey copies too, and answers them; else it refuses what has no colours."""
    metal: bool = True
    """Whether the training pictures show metal, or may; a card of pictures without any abstains where it sees some."""
    tiled: bool = False
    """Whether tiles of `size` slide over the image at its own resolution instead of fitting all of it in."""
    trim: bool = False
    """Whether black borders are cut off first, so that what was exposed fills the input."""
    crop: bool = False
    """Whether the training pictures are tight crops: a whole film is searched for them."""


class Net(_Table):
    """Which network, by its name in `models.nets`."""

    name: Text
    stage: Text = "stage5"
    """Stage explained unless the user picks another."""
    dropout: float = 0.2
    shape: dict[str, int] = {}
    """Sizes that this kind of network leaves open, such as the width of an HRNet."""


class Member(_Table):
    """One set of weights; several make an ensemble whose logits are averaged."""

    file: Text
    sha256: Sha256


class Calibration(_Table):
    """Temperature scaling (Guo et al. 2017, arXiv:1706.04599): p = softmax(logits / temperature)."""

    temperature: float = Field(gt=0)
    n: int
    """Held-out images it was fitted on."""


class Platt(_Table):
    """Logistic calibration (Platt 1999): p = sigmoid(slope · logit(raw score) + intercept)."""

    slope: float = Field(gt=0)
    intercept: float
    n: int
    """Held-out boxes or images it was fitted on."""


class OperatingPoint(_Table):
    """A threshold chosen on held-out images: an image counts as positive where a box reaches it."""

    key: Text
    name: Text
    """As on the screen: "Sensitivity 0.90"."""
    threshold: float
    """Calibrated score of a box."""
    sensitivity: float
    """Share of the images with a finding that show a box."""
    specificity: float | None = None
    """Share of the images without one that show none; None where every image had one."""


class Detecting(_Table):
    """How raw scores of a detector become probabilities, and from which on a box is shown."""

    boxes: Platt
    points: tuple[OperatingPoint, ...] = Field(min_length=1)
    """The first is the default."""


class Conformal(_Table):
    """Adaptive prediction sets (Romano et al. 2020, arXiv:2006.02544): quantile of the score at each coverage."""

    coverages: tuple[float, ...]
    quantiles: tuple[float, ...]
    n: int

    @model_validator(mode="after")
    def _paired(self) -> Conformal:
        if len(self.coverages) != len(self.quantiles) or sorted(self.coverages) != list(self.coverages):
            raise ValueError("coverages must rise and have one quantile each")
        return self


class OodStatistics(_Table):
    """When the model abstains: a score over `threshold` does not look like the training images."""

    file: Text
    sha256: Sha256
    threshold: float
    kept: float
    """Share of held-out in-distribution images under the threshold."""
    n: int


class Use(_Table):
    """What the model is for."""

    intended: Text
    not_intended: Text
    limits: tuple[Text, ...] = ()


class Data(_Table):
    """What the model was trained on, and what that allows."""

    name: Text
    licence: Text
    citation: Text
    url: Text
    n: int
    split: Text
    shows: Text
    """What an image of this set is, after "this does not look like": "a knee radiograph"."""
    simulated: bool = False


class Published(_Table):
    """A figure of the literature that ours stands beside."""

    what: Text
    value: float
    source: Text
    measure: str | None = None
    """Key of the figure of ours that it stands beside, as `models.tasks.classification.metrics.measures` names it."""


class Card(_Table):
    """A model: identity, answers, input, network, weights, trust, use and data."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
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
    ood: OodStatistics | None = None
    use: Use
    data: Data
    published: tuple[Published, ...] = ()
    training: dict[str, Any] = {}
    """The recipe; `models.tasks.classification.recipe` validates it, since only training needs it."""

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
        """The id, of an alternative's card that of the card it is the alternative to."""
        return find_base_id(self.id)

    @property
    def figures(self) -> Mapping[str, Any]:
        """What `ortholens evaluate` measured, from the JSON beside the card; empty before that."""
        path = CARDS_DIR / f"{self.id}.figures.json"
        return MappingProxyType(json.loads(path.read_text()) if path.exists() else {})

    @property
    def curves(self) -> Mapping[str, Any]:
        """What `ortholens curves` measured, from the JSON beside the card; empty before that."""
        path = CARDS_DIR / f"{self.id}.curves.json"
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


def load_card(path: Path) -> Card:
    """Read and check one card.

    Raises
    ------
    BadCard
        When the file is not TOML, or a field is missing, unknown or out of range; the message names the field.
    """
    try:
        card = Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fix = "Mend it or take it out of models/cards."
        raise BadCard(f"not a TOML file ({error})", fix=fix, file=path.name) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the card"
        raise BadCard(f"{where}: {first['msg']}", fix="Compare it with another card.", file=path.name) from error
    if card.id != path.stem:
        raise BadCard(f"its id is {card.id!r}", fix=f"Call the file {card.id}.toml or change the id.", file=path.name)
    return card


@lru_cache(maxsize=1)
def cards() -> Mapping[str, Card]:
    """Return every card of the product by its id, in the order of their file names."""
    paths = sorted(
        CARDS_DIR.glob("*.toml"), key=lambda path: path.stem
    )  # an alternative's longer id stands after its own
    return MappingProxyType({path.stem: load_card(path) for path in paths})


def card(id: str) -> Card:
    """Return one card.

    Raises
    ------
    UnknownCard
        When there is none of that id; the message lists those there are.
    """
    try:
        return cards()[id]
    except KeyError:
        raise UnknownCard(f"there is no model {id!r}", fix=f"Choose one of {', '.join(cards())}.") from None


def cards_of(task: str) -> tuple[Card, ...]:
    """Return the cards of a task, those that learned from real pictures first; the first is the default.

    Raises
    ------
    UnknownCard
        When no card has that task.
    """
    found = tuple(
        sorted((card for card in cards().values() if card.task == task), key=lambda card: card.data.simulated)
    )
    if not found:
        tasks = sorted({card.task for card in cards().values()})
        raise UnknownCard(f"there is no task {task!r}", fix=f"Choose one of {', '.join(tasks)}.")
    return found
