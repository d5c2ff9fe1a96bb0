"""The command line: `ortholens` alone starts the dashboard, and each command does what a page does, for many files.

Nothing heavy is imported before a command needs it, so `ortholens --help` answers at once. Exit codes: 0 all went well,
1 something could not be done, 2 the command was wrong (https://clig.dev).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import structlog
import typer

from models.audit_log import name_system_user, subject
from models.commands import (
    audit,
    bundle,
    catalogue,
    deidentify,
    kinematics,
    library,
    listen,
    predict,
    serve,
    training,
    triage,
)
from models.commands.allocation import keep_freed_memory
from models.errors import OrthoLensError, UnknownCard
from models.service import command as service
from models.words import DISCLAIMER

app = typer.Typer(
    name="ortholens",
    help="See what a neural network sees in an orthopaedic image. Without a command, the dashboard starts.",
    epilog=DISCLAIMER,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _dashboard(context: typer.Context, stage: serve.Stage = False) -> None:
    if context.invoked_subcommand is None:
        serve.serve(stage=stage)


app.command()(serve.serve)
app.command()(predict.predict)
app.command()(triage.triage)
app.command()(deidentify.deidentify)
app.command("cards")(catalogue.list_cards)
app.add_typer(bundle.app, name="bundle")
app.add_typer(library.app, name="library")
app.command("cases")(catalogue.list_cases)
app.command("samples")(catalogue.fetch_samples)
app.command()(catalogue.simulate)
app.command()(kinematics.kinematics)
app.command()(listen.listen)
app.add_typer(service.app, name="api")
app.add_typer(audit.app, name="audit")
app.command()(training.train)
app.command()(training.evaluate)
app.command()(training.ood)
app.command()(training.curves)
app.command()(training.benchmark)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its exit code; an error of ours is one sentence on stderr."""
    if arguments is None and sys.argv[1:2] in (
        ["train"],
        ["evaluate"],
        ["ood"],
    ):  # as a program of its own, not from a test
        keep_freed_memory()
    subject.set(name_system_user())
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        app(args=serve.spell_out_stage(sys.argv[1:] if arguments is None else arguments))
    except OrthoLensError as error:
        typer.echo(str(error), err=True)
        sys.exit(2 if isinstance(error, UnknownCard) else 1)
