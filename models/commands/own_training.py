"""`ortholens train FOLDER`: a model of one's own, from the look at its pictures to a card on its page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.progress import Progress

if TYPE_CHECKING:
    from models.tasks.own import Wish
    from models.training.own_files import Source

TaskName = Annotated[str | None, typer.Option("--task", help="Of a folder: what the model answers, as pathology.")]
Name = Annotated[str | None, typer.Option("--name", help="Of a folder: title of the model, as on the screen.")]
NewId = Annotated[str | None, typer.Option("--id", help="Of a folder: id of the model; by default made of its name.")]
Table = Annotated[
    Path | None,
    typer.Option(
        "--table",
        dir_okay=False,
        help="Of a folder: CSV with file, label and perhaps group, not folders; of landmarks with image, point, x, y.",
    ),
]
Group = Annotated[
    str | None,
    typer.Option("--group", help=r"Of a folder: pattern of a file's path, one bracket for the patient, as '(\d+)_'."),
]
Start = Annotated[
    str | None,
    typer.Option("--start", help="Of a folder: model whose trunk it starts from, or imagenet; else the nearest."),
]
Quick = Annotated[bool, typer.Option("--quick", help="Of a folder: a trial, worse and in a fraction of the time.")]
LookOnly = Annotated[bool, typer.Option("--look", help="Of a folder: only say what it holds.")]


def train_on_folder(source: Source, task: str, wish: Wish | None, progress: Progress) -> None:
    """Look at a folder, say what it holds, and train and measure a model on it; without a wish only look.

    Raises
    ------
    typer.BadParameter
        When nothing of a user's own teaches the task.
    BadCard
        When there is too little to learn, or a model of that id, or no such start.
    """
    from models.tasks import own

    if task not in own.list_teachable_tasks():
        raise typer.BadParameter(f"a folder teaches {' or '.join(own.list_teachable_tasks())}, not {task!r}")
    seen = own.look_at_files(task, source.files(), progress).regrouped(source.group)
    for sentence in (*seen.sentences(), *(f"Too little: {sentence}" for sentence in seen.too_little())):
        typer.echo(sentence)
    if wish is not None:
        go_on(own.draft_card(wish, seen, source).id, progress)


def go_on(card_id: str, progress: Progress) -> None:
    """Train a user's own model where it was stopped, or one that is done anew on its pictures."""
    from models.tasks import own

    began = time.perf_counter()
    made = own.train_own(card_id, progress)
    minutes = (time.perf_counter() - began) / 60
    typer.echo(f"{made.id}: {own.say_result(made)}, in {minutes:.1f} min")
    if (growth := own.say_growth(made)) is not None:
        typer.echo(growth)
    typer.echo(f"It is on its page and answers `ortholens predict {made.task}`. Fill in the open lines of {made.path}")
