"""`ortholens predict`: one question to many files, one line of JSON for each.

Of a file with several frames, the first is answered and the line says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

import models
from models.answers.record import write_record
from models.cards import Card, card, cards_of
from models.commands.batch import Lines, NoNames, Out, Paths, list_batch_files, write_lines
from models.commands.device import Backend, Device, run_on
from models.commands.output import check_output_file, check_output_folder, write_output
from models.errors import UnknownCard
from models.reporting.account import Keep, Record
from models.reporting.parts import Chapter
from models.tasks import card_account_of, kind_of_card
from models.trust.methods import find_method
from models.types import Image, Judged

Task = Annotated[str, typer.Argument(help="What to ask, such as implant; `ortholens cards` lists the tasks.")]
CardId = Annotated[str | None, typer.Option("--card", help="Model to ask; by default the task's first.")]
Method = Annotated[str | None, typer.Option("--explain", help="Also say why, by a method such as grad-cam.")]
Save = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Folder for one label map, overlay or picture with boxes a file, by content."),
]
Point = Annotated[str | None, typer.Option(help="Of a detector: key of the operating point that shows boxes.")]
Fused = Annotated[bool, typer.Option("--fused", help="Of a detector: look again mirrored and enlarged; slower.")]
Binding = Annotated[
    Path | None,
    typer.Option("--report", dir_okay=False, help="One report of all answers, FILE.pdf or FILE.html."),
]


@dataclass(frozen=True)
class Question:
    """What is asked of every file."""

    card: Card
    method: str | None
    folder: Path | None = None
    point: str | None = None
    fused: bool = False
    label: str | None = None
    """That is explained; the answer's own by default."""
    frame: int | None = None
    """Which is answered; by default the first, and the answer says that there are more."""
    chapters: dict[Path, Chapter] | None = None
    """Filled with a chapter for every file that was answered, where a report is wanted."""


def predict(
    task: Task,
    paths: Paths,
    out: Out,
    card_id: CardId = None,
    explain: Method = None,
    save: Save = None,
    device: Device = None,
    point: Point = None,
    fused: Fused = False,
    report: Binding = None,
    no_names: NoNames = False,
    backend: Backend = None,
) -> None:
    """Answer one question about every file and write one line of JSON for each."""
    question = Question(
        choose_card(task, card_id),
        explain and find_method(explain).key,
        save,
        point,
        fused,
        chapters={} if report else None,
    )
    if report and report.suffix.lower() not in (".pdf", ".html"):
        raise typer.BadParameter("--report ends in .pdf or .html")
    kind = kind_of_card(question.card)
    if (point or fused) and not kind.seeks:
        raise typer.BadParameter("--point and --fused belong to detection")
    if save and not explain and not kind.account().files:
        raise typer.BadParameter("--save keeps explanations; name a method with --explain")
    run_on(device, backend)
    files = list_batch_files(paths, out)
    if point:
        _check_point(question.card, point)
    if out != "-":
        check_output_file(Path(out), "--out")
    if save:
        check_output_folder(save, "--save")
    if report:
        check_output_file(report, "--report")
    at_once = _load(question.card)
    kept = [] if report else files  # a report needs every answer anew
    with Lines(out, _asked(question, no_names), kept) as lines, redirect_stdout(sys.stderr):  # Ray prints to stdout
        failures = write_lines(
            files,
            lines,
            lambda file: _answer(file, question),
            named=not no_names,
            at_once=at_once,
        )
    if report and question.chapters:
        _bind(report, [question.chapters[file] for file in files if file in question.chapters])
    typer.echo(f"{len(files) - failures} of {len(files)} files answered. {models.DISCLAIMER}", err=True)
    raise typer.Exit(1 if failures else 0)


def _asked(question: Question, no_names: bool) -> list[object]:
    """Return all that an answer depends on but the file."""
    weights = [member.sha256 for member in question.card.members]
    return [
        question.card.id, weights, question.method, str(question.folder), question.point, question.fused, no_names,
    ]  # fmt: skip


def choose_card(task: str | None, card_id: str | None) -> Card:
    """Return the card that is asked: one by its id, which answers the task if one is given, or the task's first.

    Raises
    ------
    UnknownCard
        For a task or card that does not exist, a card of another task, and for neither.
    """
    if card_id is None:
        if task is None:
            raise UnknownCard("neither a task nor a card is given", fix="Name one; `ortholens cards` lists both.")
        return cards_of(task)[0]
    chosen = card(card_id)
    if task is not None and chosen.task != task:
        known = ", ".join(one.id for one in cards_of(task))
        raise UnknownCard(f"{card_id} does not answer {task}", fix=f"Choose {known}.")
    return chosen


def _check_point(card: Card, key: str) -> None:
    known = [point.key for point in card.detecting.points] if card.detecting else []
    if key not in known:
        raise typer.BadParameter(f"{card.id} has no operating point {key}; choose {', '.join(known) or 'none'}")


def _load(card: Card) -> int:
    """Have a card ready to answer, and return how many files it is best asked about at a time."""
    from models.predictors.engine import engine

    engine().prepare(card)
    return engine().count_at_once(card)


def _answer(file: Path, question: Question) -> Record:
    image = models.read(file)
    prediction = answer_question(image, question)
    if question.chapters is not None:
        question.chapters[file] = _write_up(image, prediction)

    def keep(name: str, make: Callable[[], bytes]) -> str | None:
        if question.folder is None:
            return None
        path = question.folder / f"{prediction.sha256[:16]}-{prediction.card}-{name}.png"
        write_output(path, make())
        return str(path)

    return write_line(image, prediction, keep)


def answer_question(image: Image, question: Question) -> Judged:
    """Answer what is asked of every file about an image; raises as `models.predict`."""
    prediction = models.predict(
        image,
        question.card.id,
        frame=question.frame or 0,
        explain=question.method,
        label=question.label,
        point=question.point,
        fused=question.fused,
    )
    if image.frames > 1 and question.frame is None:
        note = f"Only the first of {image.frames} frames was answered."
        prediction = replace(prediction, warnings=(*prediction.warnings, note))
    return prediction


def write_line(image: Image, prediction: Judged, keep: Keep) -> Record:
    """Return what is said of an answer, and hand its pictures, by name, to `keep`, which returns where they are."""
    from models.answers.picture import export_picture_png

    if why := prediction.explanation:
        keep(why.method, lambda: export_picture_png(image, prediction))
    return write_record(prediction) | card_account_of(prediction).keep(prediction, image, keep)


def _write_up(image: Image, prediction: Judged) -> Chapter:
    """Return the chapter of an answer; its pictures are small from here on."""
    from models.answers.report import write_chapter
    from models.reporting.case import Case

    return write_chapter(Case(image, prediction))


def _bind(path: Path, chapters: Sequence[Chapter]) -> None:
    """Write the report; it names no file and no one."""
    from models.answers.report import bind_chapters
    from models.reporting.html import write_html
    from models.reporting.pdf import write_pdf

    write_output(path, (write_html if path.suffix.lower() == ".html" else write_pdf)(bind_chapters(chapters)))
