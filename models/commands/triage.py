"""`ortholens triage`: which card knows each of many files, one line of JSON for each; none is asked its question.

Of a file with several frames, the first is looked at.
"""

from __future__ import annotations

from pathlib import Path

import typer

import models
from models.commands.batch import Out, Paths, files_of, opened, write_lines
from models.reporting.record import Record


def triage(paths: Paths, out: Out) -> None:
    """Say of every file which model knows it, null where none does, and write one line of JSON for each."""
    files = files_of(paths, out)
    with opened(out) as lines:
        failures = write_lines(files, lines, _answer)
    typer.echo(f"{len(files) - failures} of {len(files)} files looked at. {models.DISCLAIMER}", err=True)
    raise typer.Exit(1 if failures else 0)


def _answer(file: Path) -> Record:
    found = models.triage(models.read(file))
    best = found.best
    return {
        "ok": True,
        "task": best and best.task,
        "card": best and best.card,
        "ranked": [{"card": fit.card, "task": fit.task, "ood_score": round(fit.ood_score, 4)} for fit in found.ranked],
        "resembles": found.resembles,
    }
