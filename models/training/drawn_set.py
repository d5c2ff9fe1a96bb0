"""Where pictures of a simulation are kept once they are drawn, for sets that take minutes to draw."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from models.settings import settings


def locate_drawn_set(stem: str, sources: Iterable[ModuleType], choices: str) -> Path:
    """Return a file of the cache, under another name as soon as anything that decides the pictures changes.

    Parameters
    ----------
    stem
        What its name begins with.
    sources
        Modules that draw the pictures.
    choices
        Numbers that say which pictures they are.
    """
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in sources)
    return settings().cache_dir / f"{stem}-{hashlib.sha256(code + choices.encode()).hexdigest()[:16]}.npz"
