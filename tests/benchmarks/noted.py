"""What decoder processes run of a test: they are no children of the test's process that coverage.py would follow."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import coverage

ROOT = Path(__file__).parents[2]


def note(
    file: str, test: str, function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> object:
    """Return what a decoder's function does, and add the lines that it runs to this process's notes.

    Parameters
    ----------
    file
        Notes of the tests; those of each process are put beside it, with a name that begins so.
    test
        Who asked for it.
    """
    measured = _measured(file)
    measured.start()
    measured.switch_context(test)
    try:
        return function(*arguments, **named)
    finally:
        measured.stop()
        measured.save()  # each time, since the process is killed when it is no longer needed


@cache
def _measured(file: str) -> coverage.Coverage:
    return coverage.Coverage(data_file=file, data_suffix=True, include=[f"{ROOT}/models/*"], config_file=False)
