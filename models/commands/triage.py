"""`ortholens triage`: which card knows each of many files, one line of JSON for each; none is asked its question.

Of a file with several frames, the first is looked at.
"""

from __future__ import annotations

import typer

import models
from models.commands.batch import Lines, NoNames, Out, Paths, list_batch_files, write_lines
from models.reporting.account import Record
from models.types import Image


def triage(paths: Paths, out: Out, no_names: NoNames = False) -> None:
    """Say of every file which model knows it, null where none does, and write one line of JSON for each."""
    files = list_batch_files(paths, out)
    asked = ["triage", no_names, *(member.sha256 for one in models.cards().values() for member in one.members)]
    with Lines(out, asked, files) as lines:
        failures = write_lines(
            files, lines, lambda file: write_triage(models.read(file), hashed=no_names), named=not no_names
        )
    typer.echo(f"{len(files) - failures} of {len(files)} files looked at. {models.DISCLAIMER}", err=True)
    raise typer.Exit(1 if failures else 0)


def write_triage(image: Image, *, hashed: bool) -> Record:
    """Return the line of an image; `hashed`: with the hash of its bytes."""
    found = models.triage(image)
    best = found.best
    return {
        **({"sha256": image.sha256} if hashed else {}),
        "ok": True,
        "task": best and best.task,
        "card": best and best.card,
        "ranked": [{"card": fit.card, "task": fit.task, "ood_score": round(fit.ood_score, 4)} for fit in found.ranked],
        "resembles": found.resembles,
    }
