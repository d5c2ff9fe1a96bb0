"""`ortholens train FOLDER`: a model of one's own, from the look at its pictures to a card on its page."""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.cards import Card, card, cards
from models.progress import Progress
from models.tasks import kind_of, questions

if TYPE_CHECKING:
    from models.tasks.classification.own_card import Wish
    from models.tasks.classification.own_set import Look, Source

TaskName = Annotated[str | None, typer.Option("--task", help="Of a folder: what the model answers, as pathology.")]
Name = Annotated[str | None, typer.Option("--name", help="Of a folder: title of the model, as on the screen.")]
NewId = Annotated[str | None, typer.Option("--id", help="Of a folder: id of the model; by default made of its name.")]
Table = Annotated[
    Path | None,
    typer.Option("--table", dir_okay=False, help="Of a folder: CSV with file, label and perhaps group, not folders."),
]
Group = Annotated[
    str | None,
    typer.Option("--group", help=r"Of a folder: pattern of a file's path, one bracket for the patient, as '(\d+)_'."),
]
Start = Annotated[
    str | None,
    typer.Option("--start", help="Of a folder: model whose trunk it starts from, for ImageNet."),
]
LookOnly = Annotated[bool, typer.Option("--look", help="Of a folder: only say what it holds.")]


def train_on_folder(source: Source, wish: Wish | None, progress: Progress) -> None:
    """Look at a folder, say what it holds, and train and measure a model on it; without a wish only look.

    Raises
    ------
    typer.BadParameter
        When the task is none that a folder of labels can teach, or there is no such start.
    BadCard
        When there is too little to learn, or a model of that id.
    """
    from models.tasks.classification.own_card import SIDE, draft, sentences
    from models.tasks.classification.own_set import look

    if wish is not None:
        _check(wish)
    seen = look(source, SIDE, progress)
    for sentence in (*sentences(seen), *(f"Too little: {sentence}" for sentence in seen.too_little())):
        typer.echo(sentence)
    if wish is not None:
        chosen = draft(wish, source, seen)
        _train(chosen, seen, progress)


def go_on(chosen: Card, source: Source, progress: Progress) -> None:
    """Train a user's own model where it was stopped, or anew where its pictures changed since."""
    from models.tasks.classification.own_set import look

    _train(chosen, look(source, chosen.input.size[0], progress), progress)


def _check(wish: Wish) -> None:
    fitting = [name for name in questions() if kind_of(name).name == "classification"]
    if wish.task not in fitting:
        raise typer.BadParameter(f"a folder of labels teaches {' or '.join(fitting)}, not {wish.task!r}")
    starts = [one.id for one in cards().values() if one.task in fitting and one.members]
    if wish.start is not None and wish.start not in starts:
        raise typer.BadParameter(f"{wish.start} of --start is no classifier with weights; choose {', '.join(starts)}")


def _train(chosen: Card, seen: Look, progress: Progress) -> None:
    from models.tasks.classification.evaluation import evaluate
    from models.tasks.classification.final import runs_of, train
    from models.tasks.classification.own_card import FOLDS

    began, runs = time.perf_counter(), runs_of(chosen)
    stamp = hashlib.sha256(
        repr((seen.names, seen.labels, seen.groups, chosen.training)).encode() + seen.pixels.tobytes()
    ).hexdigest()
    if not (runs / stamp).exists():  # what was trained on other pictures, or by another recipe, is no start
        shutil.rmtree(runs, ignore_errors=True)
        runs.mkdir()
        (runs / stamp).touch()
    train(chosen.id, progress)
    evaluate(chosen.id, FOLDS, False, progress)
    shutil.rmtree(runs)
    made, minutes = card(chosen.id), (time.perf_counter() - began) / 60
    found, row = made.figures, made.figures["metrics"]["accuracy"]
    typer.echo(
        f"{made.id}: accuracy {row['value']:.1%} ({row['low']:.1%} to {row['high']:.1%}), cross-validated by group on "
        f"{found['n']} pictures of {found['groups']} groups, in {minutes:.1f} min"
    )
    typer.echo(f"It is on its page and answers `ortholens predict {made.task}`. Fill in the open lines of {made.path}")
