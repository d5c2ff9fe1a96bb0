"""Radiographs that are generated: knees, shoulders with an implant, hands; of no patient, learned from public sets.

`card()` says what the generator is and how near its committed pictures come to those it learned from, without torch.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHARPENER = HERE / "sharpener.safetensors"
FIGURES = HERE / "generated.figures.json"


@dataclass(frozen=True)
class GeneratorCard:
    """What the generator is.

    Attributes
    ----------
    title, summary, recipe, limits
        In words.
    data
        Each set learned from: card, name, licence, citation.
    figures
        What was measured: `chosen`, for each label how many were drawn and how many were answered right;
        `memorisation`, for each committed picture its distances from the nearest training picture, and the limits.
    """

    title: str
    summary: str
    recipe: str
    limits: tuple[str, ...]
    data: tuple[Mapping[str, str], ...]
    figures: Mapping[str, Any]


@lru_cache(maxsize=1)
def load_generator_card() -> GeneratorCard:
    """Return the generator's card."""
    table = tomllib.loads((HERE / "generated.toml").read_text("utf-8"))
    return GeneratorCard(
        title=table["title"],
        summary=table["summary"],
        recipe=table["recipe"],
        limits=tuple(table["limits"]),
        data=tuple(table["data"]),
        figures=json.loads(FIGURES.read_text("utf-8")),
    )
