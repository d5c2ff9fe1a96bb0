"""`ortholens listen`: a DICOM node that answers what is sent to it, by rules, and sends the results to an archive."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from models.settings import settings
from models.words import DISCLAIMER

RulesFile = Annotated[
    Path, typer.Argument(metavar="RULES.toml", exists=True, dir_okay=False, help="Which card answers what arrives.")
]


def listen(rules_file: RulesFile) -> None:
    """Answer the images that are sent here by C-STORE, and store the results in their studies; Ctrl+C ends it."""
    from models.pacs.listen import Listener
    from models.pacs.rules import read_rules
    from models.pacs.spool import Spool

    rules, spool = read_rules(rules_file), Spool(settings().spool_dir)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    listener = Listener(rules, spool)
    port = listener.start()
    waiting = spool.count()
    left = f"{waiting.images} images and {waiting.results} results wait from before."
    typer.echo(f"{settings().ae_title} listens at {rules.address}:{port}. {left} {DISCLAIMER}", err=True)
    ended.wait()
    listener.stop()
    waiting = spool.count()
    typer.echo(f"{waiting.images} images and {waiting.results} results wait for the next start.", err=True)
