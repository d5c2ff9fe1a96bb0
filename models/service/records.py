"""What the service returns, as its OpenAPI document describes it.

An answer is the record of `models.answers.record` as it is: what its kind adds goes through untouched.
"""

from __future__ import annotations

from enum import Enum

from pydantic import BaseModel, ConfigDict, Field


class Problem(BaseModel):
    """Why something was not done."""

    error: str = Field(description="One sentence: what is wrong, and what to do.")


class Health(BaseModel):
    """That the service answers."""

    ok: bool
    version: str


class Label(BaseModel):
    """One thing that a card can say."""

    key: str
    name: str


class CardRecord(BaseModel):
    """A model that can be asked."""

    id: str
    task: str
    kind: str
    title: str
    summary: str
    labels: list[Label]
    explained_by: str | None = Field(description="Method of explanation that goes with its answers.")
    points: list[str] = Field(description="Operating points, of a detector.")
    intended: str
    not_intended: str
    simulated: bool = Field(description="Whether it learned from simulated images.")


class ImageRecord(BaseModel):
    """What an image is, without anything that names a patient."""

    sha256: str
    frames: int
    rows: int
    columns: int
    colour: bool
    spacing_mm: tuple[float, float] | None = Field(description="Between rows, between columns; null: not calibrated.")
    spacing_source: str | None
    tags: dict[str, str]
    warnings: list[str]


class Ranked(BaseModel):
    """A card that knows an image."""

    card: str
    task: str
    ood_score: float


class TriageRecord(BaseModel):
    """Which cards know an image, the best first; none: ask none of them."""

    sha256: str
    ok: bool
    task: str | None
    card: str | None
    ranked: list[Ranked]
    resembles: str | None


class Answer(BaseModel):
    """One answer: the line that `ortholens predict --no-names` writes. Each kind of task adds fields of its own."""

    model_config = ConfigDict(extra="allow")

    sha256: str
    task: str
    card: str
    ok: bool
    seconds: float
    warnings: list[str]
    abstained: bool = Field(description="The model withholds its answer; the reason says why.")
    reason: str | None
    pictures: dict[str, str] = Field(default={}, description="PNG files in base64, by name, where they were asked for.")


class ExplanationRecord(BaseModel):
    """Why, as a signed heat map."""

    sha256: str
    card: str
    frame: int
    method: str
    layer: str
    target: str
    seconds: float
    heat: str = Field(
        description="16-bit grey PNG in base64, in the image's pixels: value / 32767 - 1 is in [-1, 1]; positive "
        "speaks for the target, negative against it."
    )


class State(Enum):
    """How far a job is."""

    WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"


class JobRecord(BaseModel):
    """A measurement of motion."""

    id: str
    state: State
    before: int = Field(description="Jobs whose turn comes first, that which runs included.")
    share: float = Field(ge=0, le=1, description="How much of it is done.")
    left_s: float | None = Field(description="Seconds until it is done, those before it included; null: not known yet.")
    error: str | None
