"""`ortholens audit`: whether the audit log is as it was written, and under which name it knows somebody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The audit log (ORTHOLENS_AUDIT_LOG).", no_args_is_help=True)
LogFile = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)]
Holds = Annotated[str | None, typer.Option(help="A hash that was kept elsewhere, which a line must have.")]
Name = Annotated[str, typer.Argument(help="A subject, a token's name, a user.")]


@app.command()
def verify(file: LogFile, holds: Holds = None) -> None:
    """Say whether a log is as it was written: no byte changed, no line missing before the last."""
    from models.audit_log import verify as follow

    found = follow(file, holds)
    typer.echo(f"{found.lines} lines, each as it was written. Keep the last hash elsewhere: {found.last}")


@app.command()
def who(name: Name) -> None:
    """Say under which name the log of this machine knows somebody."""
    from models.io.identity.pseudonym import name_user

    typer.echo(name_user(name))
