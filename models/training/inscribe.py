"""Write into a card what training and evaluation found, leaving every other line of the TOML as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tomlkit
from pydantic import BaseModel

from models.cards import CARDS_DIR, cards


def inscribe(card_id: str, tables: Mapping[str, BaseModel | Sequence[BaseModel] | None]) -> None:
    """Set, or with None remove, tables such as `members`, `calibration`, `conformal` and `gate` of a card."""
    path = CARDS_DIR / f"{card_id}.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    for name, value in tables.items():
        document.pop(name, None)
        if isinstance(value, BaseModel):
            document[name] = tomlkit.item(value.model_dump(mode="json", exclude_none=True))
        elif value is not None:
            document[name] = tomlkit.item([row.model_dump(mode="json", exclude_none=True) for row in value])
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    cards.cache_clear()
