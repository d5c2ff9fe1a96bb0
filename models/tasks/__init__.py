"""The tasks, found by themselves: every subclass of `Task` with a name in a module of this package."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from models.errors import UnknownCard
from models.tasks.task import Task


@lru_cache(maxsize=1)
def tasks() -> dict[str, Task]:
    """Return one instance of every task by its name."""
    found: dict[str, Task] = {}
    for module in iter_modules(__path__):
        for kind in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(kind, type) and issubclass(kind, Task) and "name" in vars(kind):
                found[kind.name] = kind()
    return found


def task(name: str) -> Task:
    """Return one task.

    Raises
    ------
    UnknownCard
        When there is none of that name.
    """
    try:
        return tasks()[name]
    except KeyError:
        raise UnknownCard(f"there is no task {name!r}", fix=f"Choose one of {', '.join(tasks())}.") from None
