"""`ortholens bundle`: hand a model on as one signed file, and take one that others made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.cards import Card, card
from models.commands.output import check_output_file, write_output
from models.tasks import kind_of_card

app = typer.Typer(help="A model as one signed file: to hand on, to check, to take.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="The bundle, such as knees.ortholens.")]
CardId = Annotated[str, typer.Argument(metavar="CARD", help="The model to hand on.")]
As = Annotated[str | None, typer.Option("--as", help="Id that the model gets here, where its own is taken.")]
Signer = Annotated[
    str | None,
    typer.Option(help="Fingerprint of a signer whom you trust from now on; have it told by other means than the file."),
]


@app.command("export")
def export_bundle(card_id: CardId, file: File) -> None:
    """Write a model's card, weights and figures as one file, signed with your own key."""
    from models.cards.bundle import make_bundle

    chosen = card(card_id)
    check_output_file(file, "FILE")
    data, signer = make_bundle(chosen)
    write_output(file, data)
    typer.echo(f"{file.name}: {len(data) / 1e6:.1f} MB, licence of its data {chosen.data.licence}")
    typer.echo(f"Signed by {signer}. Tell whoever gets it this fingerprint by other means.")


@app.command("verify")
def verify_bundle(file: File) -> None:
    """Say what a bundle holds and who signed it, and check every part; nothing is kept."""
    from models.cards.bundle import read_bundle

    bundle = read_bundle(file)
    held, made = bundle.card, bundle.manifest
    typer.echo(f"{held.id}: {held.title} (task {held.task}{', simulated' if held.data.simulated else ''})")
    typer.echo(f"Data: {held.data.licence}. {held.data.citation}")
    typer.echo(f"Made {made.made} with {', '.join(f'{name} {number}' for name, number in made.versions.items())}")
    for name, sha256 in sorted(made.files.items()):
        typer.echo(f"{sha256}  {name}")
    typer.echo(f"Signed by {bundle.signer}, {'whom you trust' if bundle.trusted else 'whom you do not trust yet'}.")


@app.command("import")
def import_bundle(file: File, card_id: As = None, signer: Signer = None) -> None:
    """Take a model from a bundle; it is on its page, on the command line and in reports at once."""
    from models.cards.bundle import install_bundle, read_bundle

    folder = install_bundle(read_bundle(file), _try, card_id, signer)
    typer.echo(f"{folder.name} lies in {folder}")


def _try(card: Card) -> None:
    """Load a card's networks and have them answer once."""
    from models.predictors.engine import engine
    from models.trust.ood import load_ood_detector

    kind_of_card(card).predictor(card, engine().device).warm_up()
    if card.ood is not None:
        load_ood_detector(card)
