"""`ortholens predict`: one question to many files, one line of JSON for each.

Of a file with several frames, the first is answered and the line says so.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

import models
from models.cards import Card, card, cards_of
from models.commands.batch import Lines, NoNames, Out, Paths, files_of, write_lines
from models.commands.output import check_file, check_folder, keep
from models.reporting.parts import Chapter
from models.reporting.record import Record, areas, record
from models.settings import settings
from models.trust.methods import method_of
from models.types import Detections, Image, Prediction, Segmentation

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
Device = Annotated[Literal["auto", "cuda", "cpu"] | None, typer.Option(help="Where the network runs.")]


@dataclass(frozen=True)
class Question:
    """What is asked of every file."""

    card: Card
    method: str | None
    folder: Path | None
    point: str | None = None
    fused: bool = False
    chapters: list[Chapter] | None = None
    """Filled with a chapter for every answer where a report is wanted."""


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
) -> None:
    """Answer one question about every file and write one line of JSON for each."""
    question = Question(
        _card(task, card_id), explain and method_of(explain).key, save, point, fused, [] if report else None
    )
    if report and report.suffix.lower() not in (".pdf", ".html"):
        raise typer.BadParameter("--report ends in .pdf or .html")
    if task != "detection" and (point or fused):
        raise typer.BadParameter("--point and --fused belong to detection")
    if save and not explain and task not in ("tissue", "detection"):
        raise typer.BadParameter("--save keeps explanations; name a method with --explain")
    if device:
        os.environ["ORTHOLENS_DEVICE"] = device
        settings.cache_clear()
    files = files_of(paths, out)
    if point:
        _check_point(question.card, point)
    if out != "-":
        check_file(Path(out), "--out")
    if save:
        check_folder(save, "--save")
    if report:
        check_file(report, "--report")
    _load(question.card)
    with Lines(out, _asked(question, no_names), [] if report else files) as lines:  # a report needs every answer anew
        failures = write_lines(files, lines, lambda file: _answer(file, question), named=not no_names)
    if report and question.chapters:
        _bind(report, question.chapters)
    typer.echo(f"{len(files) - failures} of {len(files)} files answered. {models.DISCLAIMER}", err=True)
    raise typer.Exit(1 if failures else 0)


def _asked(question: Question, no_names: bool) -> list[object]:
    """Return all that an answer depends on but the file."""
    weights = [member.sha256 for member in question.card.members]
    return [
        question.card.id, weights, question.method, str(question.folder), question.point, question.fused, no_names,
    ]  # fmt: skip


def _card(task: str, card_id: str | None) -> Card:
    choice = cards_of(task)
    if card_id is None:
        return choice[0]
    if card(card_id).task != task:
        raise typer.BadParameter(f"{card_id} does not answer {task}; choose {', '.join(c.id for c in choice)}")
    return card(card_id)


def _check_point(card: Card, key: str) -> None:
    known = [point.key for point in card.detecting.points] if card.detecting else []
    if key not in known:
        raise typer.BadParameter(f"{card.id} has no operating point {key}; choose {', '.join(known) or 'none'}")


def _load(card: Card) -> None:
    from models.predictors.engine import engine

    engine().predictor(card)


def _answer(file: Path, question: Question) -> Record:
    image = models.read(file)
    prediction = models.predict(
        image, question.card.id, explain=question.method, point=question.point, fused=question.fused
    )
    if image.frames > 1:
        note = f"Only the first of {image.frames} frames was answered."
        prediction = replace(prediction, warnings=(*prediction.warnings, note))
    if question.folder:
        _save(question.folder, image, prediction)
    if question.chapters is not None:
        _write_up(question.chapters, image, prediction)
    return record(prediction) | _painted(question.folder, image, prediction)


def _painted(folder: Path | None, image: Image, prediction: Prediction) -> Record:
    """Keep a label map in the pixels of the source, and say where it is and how large its classes are."""
    if not isinstance(prediction, Segmentation):
        return {}
    from models.tasks.segmentation.label_png import label_png

    path = folder and folder / f"{prediction.sha256[:16]}-{prediction.card}-mask.png"
    if path:
        keep(path, label_png(prediction.mask, card(prediction.card)))
    return {"mask": str(path) if path else None, **areas(prediction, image)}


def _write_up(chapters: list[Chapter], image: Image, prediction: Prediction) -> None:
    """Add an answer to the report; its pictures are small from here on."""
    from models.reporting.report import Case, chapter

    chapters.append(chapter(Case(image, prediction)))


def _bind(path: Path, chapters: Sequence[Chapter]) -> None:
    """Write the report; it names no file and no one."""
    from models.reporting.html import html
    from models.reporting.pdf import pdf
    from models.reporting.report import bound

    keep(path, (html if path.suffix.lower() == ".html" else pdf)(bound(chapters)))


def _save(folder: Path, image: Image, prediction: Prediction) -> None:
    from models.reporting.boxes import boxes_png
    from models.reporting.reason import picture_png

    if isinstance(prediction, Detections):
        picture = boxes_png(image, prediction)
        keep(folder / f"{prediction.sha256[:16]}-{prediction.card}-boxes.png", picture)
    if prediction.explanation is None:
        return
    name = f"{prediction.sha256[:16]}-{prediction.card}-{prediction.explanation.method}.png"
    keep(folder / name, picture_png(image, prediction))
