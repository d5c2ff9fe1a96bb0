"""`ortholens train`, `evaluate`, `ood`, `curves` and `benchmark`: make a model, and measure how good and how fast."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.cards import Card, card, cards
from models.commands.device import Device, run_on
from models.commands.own_training import (
    Group,
    LookOnly,
    Name,
    NewId,
    Quick,
    Start,
    Table,
    TaskName,
    go_on,
    train_on_folder,
)
from models.errors import BadCard, OrthoLensError
from models.nets.stages import list_stages
from models.tasks import kind_of_card

if TYPE_CHECKING:
    from models.tasks.own import Wish

Target = Annotated[str, typer.Argument(metavar="CARD|FOLDER", help="A model of `ortholens cards`, or your pictures.")]
CardId = Annotated[str, typer.Argument(metavar="CARD", help="A model of `ortholens cards`.")]
BenchmarkedCard = Annotated[
    str | None, typer.Argument(metavar="[CARD]", help="By default the first classifier with weights.")
]
Folds = Annotated[int, typer.Option(min=2, help="Parts of a cross-validation, for sets without a split of their own.")]
Test = Annotated[bool, typer.Option("--test", help="Touch the test split: once, when the model is final.")]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Also write the figures here.")]
Repeats = Annotated[int, typer.Option(min=3, help="Warm repeats of each path, interleaved.")]
ImageFile = Annotated[
    Path | None, typer.Option("--image", exists=True, dir_okay=False, help="By default a simulated case.")
]

GENERATOR = "generated-radiographs"
"""The generator of first cases, which is no card: it answers nothing, but is trained, and measured for copies."""


def train(
    target: Target,
    task: TaskName = None,
    name: Name = None,
    card_id: NewId = None,
    table: Table = None,
    group: Group = None,
    start: Start = None,
    quick: Quick = False,
    look: LookOnly = False,
    device: Device = None,
) -> None:
    """Train a model: of the program, by the recipe in its card; or one of your own, on a folder of pictures.

    Labels are the names of the folder's folders, or a column of a table. What was stopped goes on where it was with
    the card's id.
    """
    run_on(device)
    with _progress() as progress:
        if target == GENERATOR:
            from models.cases.generated import make

            make.train_sharpener(progress)
            return
        with _needing_extras():
            from models.tasks import own
            from models.training.own_files import Source

            if target not in cards() and Path(target).is_dir():
                source = Source(folder=Path(target).resolve(), table=table and table.resolve(), group=group)
                wish = None if look else _wish(task, name, card_id, start, quick)
                train_on_folder(source, task or own.list_teachable_tasks()[0], wish, progress)
            elif target not in cards() and "/" in target.replace("\\", "/"):
                raise typer.BadParameter(f"there is no folder {target}")
            elif own.is_own(card(target)):
                go_on(target, progress)
            else:
                kind_of_card(_own(target)).trials().train(target, progress)


def _wish(task: str | None, name: str | None, card_id: str | None, start: str | None, quick: bool) -> Wish:
    from models.tasks.own import Wish

    if not task or not name:
        raise typer.BadParameter("a folder needs --task and --name, or --look to see what it holds")
    return Wish(task, name, card_id, start, quick)


def evaluate(card_id: CardId, folds: Folds = 10, test: Test = False, device: Device = None) -> None:
    """Measure a model on images it was not trained on, or `generated-radiographs` for copies; write the figures."""
    run_on(device)
    with _progress() as progress:
        if card_id == GENERATOR:
            from models.cases.generated import measure

            measure.measure_memorisation(progress)
            return
        with _needing_extras():
            kind_of_card(_own(card_id)).trials().evaluate(card_id, folds, test, progress)


def ood(card_id: CardId, device: Device = None) -> None:
    """Fit the OOD detector of a model that segments or draws boxes anew, on its own weights, and measure it."""
    run_on(device)
    with _progress() as progress, _needing_extras():
        kind_of_card(_own(card_id)).trials().ood(card_id, progress)


def curves(card_id: CardId = "knee-kl") -> None:
    """Measure how accuracy grows with the number of training images, and write the curves beside the card."""
    with _progress() as progress, _needing_extras():
        from models.tasks.classification import curves as learning

        learning.measure_learning_curves(_own(card_id).id, progress)


def _own(card_id: str) -> Card:
    """Return a card whose training images are here: those of one from outside are elsewhere, of a user's own known.

    Raises
    ------
    BadCard
        For one that others made.
    """
    from models.tasks.own import is_own

    chosen = card(card_id)
    if chosen.folder is not None and not is_own(chosen):
        fix = "Whoever made it can train and measure it, and hand it on with `ortholens bundle export`."
        raise BadCard("comes from outside, and what it learned from is not here", fix=fix, file=card_id)
    return chosen


@contextmanager
def _needing_extras() -> Iterator[None]:
    """Say what to install where a library of the extra `train` is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise OrthoLensError(
            f"training and evaluation need {error.name}", fix="Install them with `pip install -e '.[train]'`."
        ) from error


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Yield what shows a step's name and the share of it that is done: a bar on a terminal, else a line a step."""
    from rich.console import Console
    from rich.progress import Progress

    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def show(step: str, share: float) -> None:
            bar.update(task, description=step, completed=share)
            if not screen.is_terminal:
                typer.echo(step, err=True)

        yield show


def benchmark(
    card_id: BenchmarkedCard = None,
    repeats: Repeats = 30,
    image: ImageFile = None,
    json_file: Json = None,
    device: Device = None,
) -> None:
    """Time a model from file to answer and explanation, beside its bare network."""
    run_on(device)
    from rich.console import Console

    from models import cases
    from models.commands import benchmark as timing

    chosen = card_id or next((card.id for card in cards().values() if card.members and list_stages(card)), None)
    if chosen is None:
        raise BadCard("no card has weights", fix="Train one with `ortholens train`.")
    own = [case.path for case in cases.cases() if case.task == card(chosen).task]
    report = timing.run_benchmark(card(chosen), (image or next(iter(own), cases.cases()[0].path)).read_bytes(), repeats)
    Console().print(timing.format_benchmark(report))
    if json_file:
        json_file.write_text(json.dumps(report, indent=2) + "\n")
