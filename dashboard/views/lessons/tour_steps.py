"""The guided tour of the how-it-works page: its steps, from the one file that holds their texts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("tour.toml")


@dataclass(frozen=True)
class Step:
    """One stop of the tour.

    Attributes
    ----------
    section
        Key of the section that is shown, of `dashboard.views.lessons.sections.SECTIONS`.
    title, text
        What is said: a headline, and a sentence or two to be read aloud.
    notes
        For the speaker, markdown.
    state
        Values of widgets by their keys, set before the section is drawn.
    start
        Live work that begins on arrival; empty for none.
    """

    section: str
    title: str
    text: str
    notes: str
    state: Mapping[str, Any] = field(default_factory=dict)
    start: str = ""


@lru_cache(maxsize=1)
def list_tour_steps() -> tuple[Step, ...]:
    """Return the steps in their order."""
    return tuple(Step(**entry) for entry in tomllib.loads(PATH.read_text(encoding="utf-8"))["step"])
