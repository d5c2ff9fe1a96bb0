"""Where cards from outside lie: in the user's folder, and in packages that are installed beside the program.

A card from outside lies in a folder with all its files: `mine/mine.toml`, `mine/mine-0.safetensors`,
`mine/mine.figures.json`. A package names the module whose folder holds its cards as an entry point of the group
`ortholens.cards` (https://packaging.python.org/specifications/entry-points/); it is found without being run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

GROUP = "ortholens.cards"


def folders(own: Path) -> Iterator[Path]:
    """Yield the folders of cards of installed packages, then the user's own, whether it is there or not."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            spec = find_spec(entry.module)
        except (ImportError, ValueError):  # a package above it is not there, or is none
            spec = None
        for folder in (spec and spec.submodule_search_locations) or ():
            yield Path(folder)
    yield own


def cards_in(folder: Path) -> list[Path]:
    """Return the TOML file of each card in a folder, or in one of its folders, whether the card is right or not.

    Raises
    ------
    OSError
        When there is a folder, but nobody may look into it.
    """
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    found = [path for path in entries if path.suffix == ".toml"]
    for entry in entries:
        if entry.is_dir() and not entry.name.startswith("."):
            closed = not os.access(entry, os.R_OK | os.X_OK)
            found += [entry / f"{entry.name}.toml"] if closed else sorted(entry.glob("*.toml"))
    return found
