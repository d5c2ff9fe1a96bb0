"""The tables of a model card, each of which says one thing about a model; `models.cards.card` puts them together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1)]
ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
"""Of a card, in addresses, file names and on the command line."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Weights = Annotated[str, Field(pattern=r"^\w[\w.-]*\.safetensors$")]
"""Name of a file beside the card, never a path."""


class Table(BaseModel):
    """A table of a card: fields that it does not know are refused, and none is changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(Table):
    """One answer of a classifier."""

    key: Text
    """As in results and files."""
    name: Text
    """As on the screen."""
    definition: str = ""
    """What it means, for someone who does not know the scale."""
    colour: Annotated[str, Field(pattern=r"^#[0-9A-F]{6}$")] | None = None
    """Of a class that is painted on an image; none for the background."""


class Dichotomised(Table):
    """Where on an ordinal scale the finding counts as present."""

    from_key: Text
    """The lowest such label."""
    name: Text
    """What its probability is called: "definite osteoarthritis (KL ≥ 2)"."""


class Input(Table):
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
    closer: float = Field(0.0, ge=0)
    """Of a card that places points: the side of the square that is looked at once more, over the extent of the points
    that a look at the whole frame found; 0: one look."""
    kind: str = ""
    """Kind of picture of the shared look (`models.trust.image_kinds.KINDS`), whose opinion then counts too; or none."""


class Net(Table):
    """Which network, by its name in `models.nets`."""

    name: Text
    stage: Text = "stage5"
    """Stage explained unless the user picks another."""
    dropout: float = 0.2
    shape: dict[str, int] = {}
    """Sizes that this kind of network leaves open, such as the width of an HRNet."""


class Member(Table):
    """One set of weights; several make an ensemble whose logits are averaged."""

    file: Weights
    sha256: Sha256


class Calibration(Table):
    """Temperature scaling (Guo et al. 2017, arXiv:1706.04599): p = softmax(logits / temperature)."""

    temperature: float = Field(gt=0)
    n: int
    """Held-out images it was fitted on."""


class Platt(Table):
    """Logistic calibration (Platt 1999): p = sigmoid(slope · logit(raw score) + intercept)."""

    slope: float = Field(gt=0)
    intercept: float
    n: int
    """Held-out boxes or images it was fitted on."""


class OperatingPoint(Table):
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


class Detecting(Table):
    """How raw scores of a detector become probabilities, and from which on a box is shown."""

    boxes: Platt
    points: tuple[OperatingPoint, ...] = Field(min_length=1)
    """The first is the default."""


class Conformal(Table):
    """Adaptive prediction sets (Romano et al. 2020, arXiv:2006.02544): quantile of the score at each coverage."""

    coverages: tuple[float, ...]
    quantiles: tuple[float, ...]
    n: int

    @model_validator(mode="after")
    def _paired(self) -> Conformal:
        if len(self.coverages) != len(self.quantiles) or sorted(self.coverages) != list(self.coverages):
            raise ValueError("coverages must rise and have one quantile each")
        return self


class Locating(Table):
    """Of a card that places points: how far off they may be (split conformal, Vovk et al. 2005; Lei et al. 2018)."""

    coverage: float = Field(gt=0, lt=1)
    """Share of true places inside the circles."""
    factors: tuple[float, ...] = Field(min_length=1)
    """Radius of the circle round each point, as a multiple of the width of its heatmap."""
    n: int
    """Held-out images they were fitted on."""


class OodStatistics(Table):
    """When the model abstains: a score over `threshold` does not look like the training images."""

    file: Weights
    sha256: Sha256
    threshold: float
    kept: float
    """Share of held-out in-distribution images under the threshold."""
    n: int


class Use(Table):
    """What the model is for."""

    intended: Text
    not_intended: Text
    limits: tuple[Text, ...] = ()


class Data(Table):
    """What the model was trained on, and what that allows."""

    name: Text
    licence: Text
    citation: Text
    url: Annotated[str, Field(pattern=r"^(https?://[^\s()<>\[\]]+|[\w./-]+)$")]
    """Where it is, or the module that simulates it."""
    n: int
    split: Text
    shows: Text
    """What an image of this set is, after "this does not look like": "a knee radiograph"."""
    simulated: bool = False


class Published(Table):
    """A figure of the literature that ours stands beside."""

    what: Text
    value: float
    source: Text
    measure: str | None = None
    """Key of the figure of ours that it stands beside, as `ortholens evaluate` writes it."""
