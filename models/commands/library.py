"""`ortholens library`: implant designs as CAD, those that the program generates and a user's own among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from models.commands.catalogue import AsJson

app = typer.Typer(help="Implant designs as CAD, for identification by shape: list, add, remove.", no_args_is_help=True)

Femoral = Annotated[Path, typer.Argument(metavar="FEMORAL.stl", help="CAD of the femoral component, in millimetres.")]
Tibial = Annotated[
    Path | None,
    typer.Argument(metavar="[TIBIAL.stl]", help="CAD of the tibial component; none for an implant without one."),
]
Maker = Annotated[str, typer.Option(help="Who makes it.")]
Model = Annotated[str, typer.Option(help="What it is called; sizes of one model are one series.")]
Size = Annotated[str, typer.Option(help="Its size, as the maker calls it.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="The design's key, as `library list` says it.")]


@app.command("list")
def list_library(as_json: AsJson = False) -> None:
    """Say which designs there are: those that the program generates, and your own."""
    from models.tasks.identification.library import list_broken_designs, list_designs

    for design in list_designs():
        if as_json:
            about = {"key": design.key, "maker": design.maker, "model": design.model, "size": design.size or None}
            typer.echo(json.dumps({**about, "widths_mm": design.widths_mm, "generated": design.generated}))
            continue
        size = f", size {design.size}" if design.size else f", {len(design.widths_mm)} sizes"
        widths = " to ".join(f"{width:.0f}" for width in sorted({min(design.widths_mm), max(design.widths_mm)}))
        typer.echo(f"{design.key:22} {design.name}{size} ({widths} mm wide)")
    for problem in list_broken_designs():
        typer.echo(str(problem), err=True)


@app.command("add")
def add_to_library(femoral: Femoral, maker: Maker, model: Model, size: Size, tibial: Tibial = None) -> None:
    """Keep a copy of a design's STL files, once they are read as closed meshes in millimetres."""
    from models.tasks.identification.library import add_design

    design = add_design((femoral, tibial), maker, model, size)
    typer.echo(f"{design.key} {design.name}, size {design.size} ({design.widths_mm[0]:.0f} mm wide) is in the library.")


@app.command("remove")
def remove_from_library(key: Key) -> None:
    """Take a design of your own out of the library, with its files."""
    from models.tasks.identification.library import remove_design

    typer.echo(f"{remove_design(key).key} is no longer in the library.")
