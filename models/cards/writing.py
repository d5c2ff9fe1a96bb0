"""Write what training and evaluation found: into a card, whose other lines stay as they stand, and beside it.

Figures beside a card say when, with which programs and on what machine they were measured.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import tomlkit
import torch
from pydantic import BaseModel

from models.cards import CARDS_DIR, cards, reload_cards
from models.settings import settings


def write_card(card_id: str, tables: Mapping[str, BaseModel | Sequence[BaseModel] | None]) -> None:
    """Set, or with None remove, tables such as `members`, `calibration`, `conformal` and `ood` of a card."""
    path = _folder(card_id) / f"{card_id}.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    for name, value in tables.items():
        if value is None:
            document.pop(name, None)
        elif isinstance(value, BaseModel):
            document[name] = tomlkit.item(value.model_dump(mode="json", exclude_none=True))
        else:
            document[name] = tomlkit.item([row.model_dump(mode="json", exclude_none=True) for row in value])
    text = re.sub(r"\n+(?=\[)", "\n\n", tomlkit.dumps(document))  # one blank line before every table
    path.write_text(text, encoding="utf-8")
    reload_cards()


PROGRAMS = ("ortholens", "torch", "torchvision", "numpy", "scipy")


def publish_metrics(card_id: str, report: Mapping[str, Any], what: Literal["figures", "curves"] = "figures") -> None:
    """Write `<card>.figures.json`, or the curves."""
    _write(card_id, what, {"card": card_id, **_heading(), **report})


def update_metrics(card_id: str, name: str, value: Any) -> None:
    """Change one of the figures that stand beside a card, if any; what is measured anew has a heading of its own.

    Parameters
    ----------
    value
        What was measured, as a mapping; or a list, such as of the weights that the other figures are shown for.
    """
    path = _folder(card_id) / f"{card_id}.figures.json"
    if path.exists():
        told = {**_heading(), **value} if isinstance(value, Mapping) else value
        _write(card_id, "figures", {**json.loads(path.read_text(encoding="utf-8")), name: told})


def _folder(card_id: str) -> Path:
    """Return where a card lies: that of a user's own is its own."""
    return (cards()[card_id].folder if card_id in cards() else None) or CARDS_DIR


def _heading() -> dict[str, Any]:
    return {
        "measured": date.today().isoformat(),
        "versions": {name: version(name) for name in PROGRAMS},
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, {platform.system()}{_name_gpu()}",
    }


def _name_gpu() -> str:
    return f", {torch.cuda.get_device_name()}" if settings().device != "cpu" and torch.cuda.is_available() else ""


def _write(card_id: str, what: str, report: Mapping[str, Any]) -> None:
    (_folder(card_id) / f"{card_id}.{what}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
