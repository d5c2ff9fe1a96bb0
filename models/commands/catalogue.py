"""`ortholens cards`, `cases`, `samples` and `simulate`: what there is to ask, and images to ask it of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from models.cards import Card, card, cards

CardId = Annotated[str | None, typer.Argument(metavar="[CARD]", help="One model, in full.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
CasesTo = Annotated[Path | None, typer.Option("--out", file_okay=False, help="Also copy the files into this folder.")]
OnlyList = Annotated[bool, typer.Option("--list", help="Say what there is and download nothing.")]
What = Annotated[
    str,
    typer.Argument(metavar="cases|joint-section|equine-stifle|fluoroscopy|motion|generated", help="What to simulate."),
]
Where = Annotated[
    list[str], typer.Argument(metavar="[N] FOLDER", help="How many sections, films or frames, and where the files go.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Of the first picture; the next have the next seeds. [0]")]
Size = Annotated[int | None, typer.Option(min=64, max=8192, help="Pixels a side of a section or film. [512]")]
StainKey = Annotated[str | None, typer.Option("--stain", help="Of every section; drawn by the seed if not given.")]
Wanted = Annotated[
    str | None, typer.Option("--label", help="Card and label to generate for, as knee-kl:3; needs the public set.")
]
Elsewhere = Annotated[bool, typer.Option("--elsewhere", help="Stifles as another clinic takes them.")]
Views = Annotated[int, typer.Option(min=1, max=2, help="Of a fluoroscopy; 2: a second C-arm too, in FOLDER/second.")]
Damage = Annotated[float | None, typer.Option(min=0, max=1, help="Osteoarthritis, 0 to 1; drawn if not given.")]


def list_cards(card_id: CardId = None, as_json: AsJson = False) -> None:
    """List the models, or show the card of one."""
    chosen = [card(card_id)] if card_id else list(cards().values())
    if as_json:
        records = [{**c.model_dump(mode="json"), "figures": dict(c.figures)} for c in chosen]
        typer.echo(json.dumps(records[0] if card_id else records, indent=2, ensure_ascii=False))
    elif card_id:
        typer.echo("\n".join(_description(chosen[0])))
    else:
        for c in chosen:
            where = f" ({c.folder})" if c.folder else ""
            typer.echo(f"{c.id:24} {c.task:12} {c.title}{'' if c.members else ' (no weights yet)'}{where}")
        for problem in cards().refused:
            typer.echo(f"Left out: {problem}", err=True)


def _description(card: Card) -> list[str]:
    data, simulated = card.data, ", simulated" if card.data.simulated else ""
    return [
        f"{card.title} ({card.id}, task {card.task})",
        card.summary,
        f"Answers: {', '.join(label.name for label in card.labels)}",
        f"For: {card.use.intended}",
        f"Not for: {card.use.not_intended}",
        *(f"Limit: {limit}" for limit in card.use.limits),
        f"Data: {data.n} images, {data.name}, {data.licence}{simulated}",
        f"Cite: {data.citation}",
        f"Network: {card.net.name}, {len(card.members)} member(s), input {card.input.size[0]} × {card.input.size[1]}",
        *(f"Published: {figure.what} {figure.value} ({figure.source})" for figure in card.published),
        "`ortholens cards --json` adds the figures that were measured.",
    ]


def list_cases(as_json: AsJson = False, out: CasesTo = None) -> None:
    """List the pictures that come with the program, that the pages open with, and what a right answer to each is."""
    from models.cases import cases

    shown = [case for case in cases() if case.pages]
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for case in shown:
            (out / case.file).write_bytes(case.read_bytes())
    lines = [
        {
            "file": str((out or case.path.parent) / case.file), "task": case.task, "card": case.card,
            "truth": case.reference_text, "labels": list(case.labels), "pages": list(case.pages), "kind": case.kind,
            "origin": case.origin,
        }
        for case in shown
    ]  # fmt: skip
    for line in lines:
        said = f"{line['file']}  {line['task']}  {line['card']}  {line['kind']}: {line['truth']}"
        typer.echo(json.dumps(line, ensure_ascii=False) if as_json else said)


def fetch_samples(only_list: OnlyList = False) -> None:
    """Download the public cases to try, checked by hash and kept; prints where each file is."""
    from rich.console import Console
    from rich.progress import Progress

    from models.cases.samples import fetch_all_samples, list_samples

    if only_list:
        for sample in list_samples():
            typer.echo(f"{sample.file:32} {sample.bytes:>9,} bytes  {sample.licence}. {sample.cite}")
        return
    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal, transient=True) as bar:
        shown = bar.add_task("Downloading", total=None)
        paths = fetch_all_samples(lambda received, total: bar.update(shown, completed=received, total=total))
    for path in paths:
        typer.echo(str(path))


def simulate(
    what: What,
    where: Where,
    seed: Seed = None,
    size: Size = None,
    stain: StainKey = None,
    damage: Damage = None,
    label: Wanted = None,
    elsewhere: Elsewhere = False,
    views: Views = 1,
) -> None:
    """Write what is of no patient: `simulate cases|motion FOLDER`, or N FOLDER of anything else."""
    *numbers, folder = where
    if elsewhere and what != "equine-stifle":
        raise typer.BadParameter("--elsewhere is a choice of equine-stifle only")
    if views != 1 and what != "fluoroscopy":
        raise typer.BadParameter("--views is a choice of fluoroscopy only")
    if Path(folder).is_file():
        raise typer.BadParameter(f"{folder} is a file, and a folder is needed")
    if what == "cases":
        if numbers or {seed, size, stain, damage} != {None}:
            raise typer.BadParameter("cases are always the same, and only a folder can be given")
        from models.cases.first import write_cases

        paths: Iterable[Path] = write_cases(Path(folder))
    elif what == "motion":
        if numbers or {seed, size, stain, damage} != {None}:
            raise typer.BadParameter("the motion is always of the same case, and only a folder can be given")
        from models.cases import lunge

        paths = [lunge.write_lunge(Path(folder))]
    elif what == "joint-section":
        if len(numbers) != 1 or not numbers[0].isdecimal():
            raise typer.BadParameter("joint-section needs a number and a folder: simulate joint-section 12 FOLDER")
        paths = _sections(int(numbers[0]), Path(folder), seed or 0, size or 512, stain, damage)
    elif what == "equine-stifle":
        if len(numbers) != 1 or not numbers[0].isdecimal() or (stain, damage, label) != (None,) * 3:
            raise typer.BadParameter("equine-stifle needs a number and a folder: simulate equine-stifle 40 FOLDER")
        from models.simulation.stifle_files import write_stifles

        paths = write_stifles(Path(folder), int(numbers[0]), seed=seed or 0, size=size or 512, elsewhere=elsewhere)
    elif what == "fluoroscopy":
        if (stain, damage) != (None, None) or len(numbers) > 1 or not all(map(str.isdecimal, numbers)):
            raise typer.BadParameter("fluoroscopy needs frames and a folder: simulate fluoroscopy 60 FOLDER --seed 0")
        paths = _fluoroscopy(int(numbers[0]) if numbers else 60, Path(folder), seed or 0, size or 1024, views)
    elif what == "generated":
        if len(numbers) != 1 or not numbers[0].isdecimal() or label is None or (size, stain, damage) != (None,) * 3:
            raise typer.BadParameter("generated needs a label: simulate generated 12 FOLDER --label knee-kl:3")
        from models.cases.generated import make

        paths = make.write_generated(Path(folder), int(numbers[0]), label, seed or 0)
    else:
        raise typer.BadParameter(
            f"{what} cannot be simulated; only cases, joint-section, equine-stifle, fluoroscopy, motion and generated "
            "can"
        )
    for path in paths:
        typer.echo(str(path))


def _sections(
    count: int, folder: Path, seed: int, size: int, stain: str | None, damage: float | None
) -> Iterable[Path]:
    """Write simulated sections of a joint."""
    from models.simulation.stains import STAINS
    from models.tasks.segmentation.section_files import write_sections

    if stain is not None and stain not in STAINS:
        raise typer.BadParameter(f"there is no stain {stain}; there are {', '.join(STAINS)}")
    chosen = STAINS[stain] if stain else None
    return write_sections(folder, count, seed=seed, size=(size, size), stain=chosen, damage=damage)


def _fluoroscopy(frames: int, folder: Path, seed: int, size: int, views: int) -> Iterable[Path]:
    """Write a simulated sequence with its exact poses; the seed also picks one of the implants and movements."""
    from models.simulation.components import DESIGNS
    from models.simulation.motion import MOVEMENTS, simulate_motion, write_biplane_case, write_motion_case

    if frames < 1:
        raise typer.BadParameter("fluoroscopy needs a frame at least")
    design, movement = DESIGNS[seed % len(DESIGNS)], MOVEMENTS[seed % len(MOVEMENTS)]
    case = simulate_motion(design, movement, frames, size, seed)
    return write_motion_case(case, folder) if views == 1 else write_biplane_case(case, folder)
