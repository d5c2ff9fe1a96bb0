"""The answers to many files as one table: what each model said, the reference standard, and how often both agree.

The interval of a share is Wilson's (Wilson 1927, doi 10.1080/01621459.1927.10502953), as recommended for small n by
Brown, Cai & DasGupta 2001 (doi 10.1214/ss/1009213286).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from models.cards import Card, card
from models.errors import InputError
from models.io.text import split_table
from models.reporting.outcome import Outcome
from models.tasks import card_account_of, kind_of_card
from models.types import Judged
from models.words import DISCLAIMER, later

NO_CARD = later("no model here was made for such images")
MOST_LINES, MOST_BYTES = 10_000, 2**20
"""Of a file of reference labels."""
TWO_COLUMNS = later("Give a CSV of two columns: file, label.")
COLUMNS = ("sha256", "part", "frame", "task", "card", "answer", "confidence", "abstained", "reason", "reference",
           "agrees", "note")  # fmt: skip


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
        if (
            said is None
            or said.abstained
            or said.label is None
            or self.reference not in list_worklist_labels(card(said.card))
        ):
            return None
        return said.label == self.reference


@dataclass(frozen=True)
class Share:
    """How many of how many, and the 95 % interval of the share; both ends are 0 and 1 where there are none."""

    right: int
    n: int
    low: float
    high: float


def describe_outcome(prediction: Judged) -> Outcome:
    """Return what stands of an answer in the table."""
    said: Outcome = card_account_of(prediction).outcome(prediction)
    return said


def list_worklist_labels(of: Card) -> Mapping[str, str]:
    """Return the keys that the answer of a card can be in the table, with their names; none where it is no label."""
    return kind_of_card(of).account().labels(of)


def find_meant_label(typed: str, of: Card | None) -> str:
    """Return the key of the label that a reader means by its key or its name; what was typed where it is none."""
    said = typed.strip()
    if of is None:
        return said
    known = {label.key: label.name for label in of.labels} | dict(list_worklist_labels(of))
    names = {key.lower(): key for key in list_worklist_labels(of)} | {name.lower(): key for key, name in known.items()}
    return names.get(said.lower(), said)


def count_worklist_agreement(rows: Sequence[Row]) -> Share:
    """Count the rows whose answer is the reference label, among those that have both."""
    judged = [row.agrees for row in rows if row.agrees is not None]
    if not judged:
        return Share(0, 0, 0.0, 1.0)
    from scipy.stats import binomtest

    interval = binomtest(sum(judged), len(judged)).proportion_ci(0.95, "wilson")
    return Share(sum(judged), len(judged), float(interval.low), float(interval.high))


def read_references(data: bytes, name: str) -> Mapping[str, str]:
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
    try:
        lines = split_table(text)
    except csv.Error:
        lines = []
    if not lines or "\0" in text or any(len(line) < 2 for line in lines):
        raise InputError(later("it has no two columns"), fix=TWO_COLUMNS, file=name)
    if len(lines) > MOST_LINES:
        raise InputError(
            later("it has more than {n} lines", n=MOST_LINES), fix=later("Give only the files of the list."), file=name
        )
    heading = [cell.lower() for cell in lines[0][:2]]
    where = 1 if heading[1] in ("label", "truth", "reference", "reference standard", "class") else 0
    return {line[0]: line[1] for line in lines[where:]}


def match_references(given: Mapping[str, str], files: Mapping[str, str]) -> Mapping[str, str]:
    """Find the files that a table of references names, by hash, by name, or by name without folder and ending.

    Parameters
    ----------
    given
        As `read_references` returns it.
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


def export_worklist(rows: Sequence[Row], *, named: bool) -> bytes:
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
            cell = "" if said.abstained else said.cell
            cells += [said.frame, said.task, said.card, cell, sure, str(said.abstained).lower(), said.reason or ""]
        cells += [row.reference, agrees, DISCLAIMER]
        lines.writerow([disarm_formula(row.name), *cells] if named else cells)
    return out.getvalue().encode()


def disarm_formula(name: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in "=+-@\t" else name
