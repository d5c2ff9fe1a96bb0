"""The answers to many files as one table: what each model said, the reference standard, and how often both agree.

The interval of a share is Wilson's (Wilson 1927, doi 10.1080/01621459.1927.10502953), as recommended for small n by
Brown, Cai & DasGupta 2001 (doi 10.1214/ss/1009213286).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from pathlib import PurePath

import numpy as np

from models.cards import Card, card
from models.errors import InputError
from models.types import Box, Classification, Detections, Judged, Prediction, Segmentation
from models.words import DISCLAIMER, later

NOTHING = "none"
"""The label of an image on which a detector shows no box."""
NO_CARD = later("no model here was made for such images")
MOST_LINES, MOST_BYTES = 10_000, 2**20
"""Of a file of reference labels."""
TWO_COLUMNS = later("Give a CSV of two columns: file, label.")
COLUMNS = ("sha256", "part", "frame", "task", "card", "answer", "confidence", "abstained", "reason", "reference",
           "agrees", "note")  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a model said of one frame of a file, or of one part of it, without its pixels.

    Attributes
    ----------
    sha256, frame, card
        Of the image or the part that was answered; the card is empty where none knows the image.
    label
        Key of the label; `NOTHING` where a detector shows no box; None where the answer is no single label.
    confidence
        Calibrated probability of the answer, of a detector that there is any box; None of a segmentation.
    shares
        Of a segmentation: each class but the background and its share of the image, the largest first.
    count
        Of a segmentation the objects counted; else None.
    found
        What a detector found, from which its verdict is said.
    abstained, reason
        Whether the model refused, and why.
    box
        The part of the file that was answered; None for the whole, or where the page knows it.
    """

    sha256: str
    frame: int
    card: str
    task: str
    label: str | None = None
    confidence: float | None = None
    shares: tuple[tuple[str, float], ...] = ()
    count: int | None = None
    found: Detections | None = None
    abstained: bool = False
    reason: str | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    file, name
        sha256 and name of the file.
    part
        Number of the part of a film that was answered alone; 0 for the whole.
    outcome
        None where the file is not answered yet.
    reference
        Key of the true label, or what was typed where no model has such a label; empty where it is not known.
    """

    file: str
    name: str
    part: int = 0
    outcome: Outcome | None = None
    reference: str = ""

    @property
    def agrees(self) -> bool | None:
        """Whether answer and reference standard are one label; None where either is missing or no label of the card."""
        said = self.outcome
        if said is None or said.abstained or said.label is None or self.reference not in labels(card(said.card)):
            return None
        return said.label == self.reference


@dataclass(frozen=True)
class Share:
    """How many of how many, and the 95 % interval of the share; both ends are 0 and 1 where there are none."""

    right: int
    n: int
    low: float
    high: float


@singledispatch
def outcome(prediction: Prediction) -> Outcome:
    """Return what stands of an answer in the table."""
    raise TypeError(f"no outcome of a {type(prediction).__name__}")


@outcome.register
def _(prediction: Classification) -> Outcome:
    return replace(_common(prediction), label=prediction.label, confidence=prediction.confidence)


@outcome.register
def _(prediction: Detections) -> Outcome:
    shown = prediction.shown
    label = prediction.labels[int(prediction.classes[shown[0]])] if len(shown) else NOTHING
    found = replace(prediction, explanation=None)
    return replace(_common(prediction), label=label, confidence=prediction.score, found=found)


@outcome.register
def _(prediction: Segmentation) -> Outcome:
    shares = np.bincount(prediction.mask.ravel(), minlength=len(prediction.labels))[1:] / prediction.mask.size
    found = sorted(zip(prediction.labels[1:], shares.tolist(), strict=True), key=lambda pair: -pair[1])
    count = None if prediction.instances is None else len(np.unique(prediction.instances[prediction.instances > 0]))
    return replace(_common(prediction), shares=tuple(pair for pair in found if pair[1]), count=count)


def _common(prediction: Judged) -> Outcome:
    return Outcome(
        prediction.sha256, prediction.frame, prediction.card, prediction.task,
        abstained=prediction.abstained, reason=prediction.reason,
    )  # fmt: skip


def labels(of: Card) -> tuple[str, ...]:
    """Return the keys that the answer of a card can be in the table; none of one that segments."""
    if of.task == "detection":
        return (*of.keys, NOTHING)
    return () if of.task == "tissue" else tuple(of.keys)


def meant(typed: str, of: Card | None) -> str:
    """Return the key of the label that a reader means by its key or its name; what was typed where it is none."""
    said = typed.strip()
    if of is None:
        return said
    names = {key.lower(): key for key in labels(of)} | {label.name.lower(): label.key for label in of.labels}
    return names.get(said.lower(), said)


def agreement(rows: Sequence[Row]) -> Share:
    """Count the rows whose answer is the reference label, among those that have both."""
    judged = [row.agrees for row in rows if row.agrees is not None]
    if not judged:
        return Share(0, 0, 0.0, 1.0)
    from scipy.stats import binomtest

    interval = binomtest(sum(judged), len(judged)).proportion_ci(0.95, "wilson")
    return Share(sum(judged), len(judged), float(interval.low), float(interval.high))


def references(data: bytes, name: str) -> Mapping[str, str]:
    """Read a CSV of file and label, in any of the usual separators and with or without a heading.

    Returns
    -------
    mapping of str to str
        File, as in the first column, → label, as in the second.

    Raises
    ------
    InputError
        Where it is too large, no text, or has no second column.
    """
    if len(data) > MOST_BYTES:
        raise InputError(later("it is larger than 1 MB"), fix=TWO_COLUMNS, file=name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        lines = [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text), delimiter=separator)]
    except csv.Error:
        lines = []
    lines = [line for line in lines if any(line)]
    if not lines or "\0" in text or any(len(line) < 2 for line in lines):
        raise InputError(later("it has no two columns"), fix=TWO_COLUMNS, file=name)
    if len(lines) > MOST_LINES:
        raise InputError(
            later("it has more than {n} lines", n=MOST_LINES), fix=later("Give only the files of the list."), file=name
        )
    heading = [cell.lower() for cell in lines[0][:2]]
    where = 1 if heading[1] in ("label", "truth", "reference", "reference standard", "class") else 0
    return {line[0]: line[1] for line in lines[where:]}


def matched(given: Mapping[str, str], files: Mapping[str, str]) -> Mapping[str, str]:
    """Find the files that a table of references names, by hash, by name, or by name without folder and ending.

    Parameters
    ----------
    given
        As `references` returns it.
    files
        sha256 → name, of the list.

    Returns
    -------
    mapping of str to str
        sha256 → label.
    """
    by_name = {key.lower(): label for key, label in given.items()}
    by_end = {PurePath(key.replace("\\", "/")).name.lower(): label for key, label in given.items()}
    by_stem = {PurePath(key).stem: label for key, label in by_end.items()}
    found = {}
    for sha256, name in files.items():
        low = name.lower()
        label = next(
            (
                table[key]
                for table, key in (
                    (by_name, sha256), (by_name, low), (by_end, PurePath(low).name), (by_stem, PurePath(low).stem),
                )
                if key in table
            ),
            None,
        )  # fmt: skip
        if label is not None:
            found[sha256] = label
    return found


def table(rows: Sequence[Row], *, named: bool) -> bytes:
    """Return the table as CSV; files are named by their hash, and by their names only where `named`."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(["file", *COLUMNS] if named else COLUMNS)
    for row in rows:
        said = row.outcome
        agrees = "" if row.agrees is None else str(row.agrees).lower()
        cells: list[object] = [row.file, row.part or ""]
        if said is None:
            cells += ["", "", "", "", "", "", ""]
        else:
            sure = "" if said.confidence is None or said.abstained else round(said.confidence, 4)
            cells += [said.frame, said.task, said.card, _said(said), sure, str(said.abstained).lower(),
                      said.reason or ""]  # fmt: skip
        cells += [row.reference, agrees, DISCLAIMER]
        lines.writerow([harmless(row.name), *cells] if named else cells)
    return out.getvalue().encode()


def _said(said: Outcome) -> str:
    if said.abstained:
        return ""
    if said.label is not None:
        return said.label
    return f"{said.count} objects" if said.count is not None else " ".join(f"{k} {v:.1%}" for k, v in said.shares)


def harmless(name: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in "=+-@\t" else name
