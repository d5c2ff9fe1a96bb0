"""`ortholens cards`, `samples` and `simulate`: what there is to ask, and images to ask it of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from models.cards import Card, card, cards

CardId = Annotated[str | None, typer.Argument(metavar="[CARD]", help="One model, in full.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
OnlyList = Annotated[bool, typer.Option("--list", help="Say what there is and download nothing.")]
What = Annotated[str, typer.Argument(metavar="cases", help="What to simulate.")]
Folder = Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.")]


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
            typer.echo(f"{c.id:24} {c.task:12} {c.title}{'' if c.members else ' (no weights yet)'}")


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


def fetch_samples(only_list: OnlyList = False) -> None:
    """Download the public cases to try, checked by hash and kept; prints where each file is."""
    from rich.console import Console
    from rich.progress import Progress

    from models.data.samples import fetch_all, samples

    if only_list:
        for sample in samples():
            typer.echo(f"{sample.file:32} {sample.bytes:>9,} bytes  {sample.licence}. {sample.cite}")
        return
    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal, transient=True) as bar:
        shown = bar.add_task("Downloading", total=None)
        paths = fetch_all(lambda received, total: bar.update(shown, completed=received, total=total))
    for path in paths:
        typer.echo(str(path))


def simulate(what: What, folder: Folder) -> None:
    """Write the simulated cases, which need no download: `ortholens simulate cases FOLDER`."""
    from models.data.phantom import write_cases

    if what != "cases":
        raise typer.BadParameter(f"{what} cannot be simulated; only cases can")
    for path in write_cases(folder):
        typer.echo(str(path))
