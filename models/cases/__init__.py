"""The cases that come with the program, so that every page opens on an answered picture without a network.

`cases/cases.toml` says what each one is and what is to be found in it. What code draws is made again by
`models.cases.first`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from models.tasks import card_account_of
from models.types import Judged

CASES_DIR = Path(__file__).parent / "pictures"

Kind = Literal["generated", "simulated"]
"""Composed by a generative model from patches of public radiographs, or drawn by our own simulation of geometry."""


@dataclass(frozen=True)
class Case:
    """One picture of nobody.

    Attributes
    ----------
    file, title
        Name of the file and of the case.
    task, card
        Whom to ask.
    reference_text
        What was drawn, or asked of the generator, in words; no reader has graded it.
    origin
        The sentence that goes wherever the picture is shown.
    kind
        How it was made.
    pages
        Addresses of the pages that open with it, or offer it; none for one that its model does not know.
    labels
        Keys of the card's labels that a right answer names: the one of a classifier, every class that a detector is to
        find, which may be none; of what segments, `mask` says it.
    mask
        Name of the file that holds the class of every pixel, as indices into the card's labels; empty where there is
        none.
    """

    file: str
    title: str
    task: str
    card: str
    reference_text: str
    origin: str
    kind: Kind = "simulated"
    pages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    mask: str = ""

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return CASES_DIR / self.file

    def read_bytes(self) -> bytes:
        """Content of the file."""
        return self.path.read_bytes()

    @property
    def reference(self) -> NDArray[np.uint8] | None:
        """Class of every pixel as it was drawn (H, W); None where there is none."""
        return np.asarray(Pillow.open(CASES_DIR / self.mask)) if self.mask else None


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Return every case, in the order of the pages."""
    entries = tomllib.loads((CASES_DIR / "cases.toml").read_text("utf-8"))["case"]
    return tuple(_case(entry) for entry in entries)


def _case(entry: dict[str, Any]) -> Case:
    """Return an entry of the list as a case, which holds nothing that can change."""
    frozen: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Case(**frozen)


def list_first_cases(page: str) -> tuple[Case, ...]:
    """Return the cases of a page, by its address; the first is the one that it opens with."""
    return tuple(case for case in cases() if page in case.pages)


def is_right(case: Case, answer: Judged) -> bool:
    """Whether an answer is given, and says what the case was made for."""
    return not answer.abstained and card_account_of(answer).is_right(answer, case.labels, case.reference)
