"""Cases for the first sight without a network: simulated radiographs that come with the program.

`models.data.phantom.write_cases` makes the files again; `cases/cases.toml` says what each one is.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CASES_DIR = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One simulated radiograph.

    Attributes
    ----------
    file, title
        Name of the file and of the case.
    task, card
        Whom to ask.
    truth
        What was simulated; no reader has graded it.
    simulated
        The sentence that goes wherever the picture is shown.
    """

    file: str
    title: str
    task: str
    card: str
    truth: str
    simulated: str

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return CASES_DIR / self.file

    def read_bytes(self) -> bytes:
        """Content of the file."""
        return self.path.read_bytes()


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Return every case, in the order of the gallery."""
    return tuple(Case(**entry) for entry in tomllib.loads((CASES_DIR / "cases.toml").read_text("utf-8"))["case"])
