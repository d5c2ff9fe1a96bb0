"""What commands over many files share: which files, where the lines go, and that one bad file does not end the batch.

What cannot be read becomes a line that says why, and the rest goes on. After the line-delimited JSON of
https://jsonlines.org.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, TextIO

import structlog
import typer

from models.errors import OrthoLensError
from models.io.text import natural
from models.reporting.record import Record

Paths = Annotated[list[Path], typer.Argument(exists=True, help="Files, and folders whose files are all taken.")]
Out = Annotated[str, typer.Option(help="JSON Lines file to write, - for the terminal.")]


def files_of(paths: Sequence[Path], out: str) -> list[Path]:
    """Return files as given and those of folders, sorted, without hidden ones and without `out`, each once.

    Raises
    ------
    typer.BadParameter
        When there is none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = (
            sorted((file for file in path.rglob("*") if file.is_file()), key=lambda file: natural(str(file)))
            if path.is_dir()
            else [path]
        )
        found |= {
            file: None
            for file in inside
            if file == path or not any(p.startswith(".") for p in file.relative_to(path).parts)
        }
    files = [file for file in found if file.resolve() != Path(out).resolve()]
    if not files:
        raise typer.BadParameter("there is no file in these folders")
    return files


def opened(out: str) -> AbstractContextManager[TextIO]:
    """Open the file that the lines go to, or the terminal for "-".

    Raises
    ------
    typer.BadParameter
        When it cannot be written.
    """
    if out == "-":
        return nullcontext(sys.stdout)
    try:
        return Path(out).open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written: {error.strerror}") from error


def write_lines(files: Sequence[Path], lines: TextIO, answer: Callable[[Path], Record]) -> int:
    """Write one line for each file, whole and at once, and return how many could not be answered.

    Parameters
    ----------
    answer
        Returns what the line says after the file's name; what it raises becomes an `error` of that line.
    """
    from rich.console import Console
    from rich.progress import track

    screen = Console(stderr=True)
    failures = 0
    for file in track(files, "Answering", console=screen, disable=not screen.is_terminal, transient=True):
        line = {"file": str(file), **_attempted(file, answer)}
        lines.write(json.dumps(line) + "\n")
        lines.flush()
        failures += not line["ok"]
    return failures


def _attempted(file: Path, answer: Callable[[Path], Record]) -> Record:
    try:
        return answer(file)
    except OrthoLensError as error:
        return {"ok": False, "error": str(error)}
    except Exception as error:  # noqa: BLE001 - one file must not end the batch; the log says where, and no name
        place = _last_place(error)
        structlog.get_logger().error("a file was not answered", kind=type(error).__name__, place=place)
        problem = f"could not be answered ({type(error).__name__} at {place})"
        return {"ok": False, "error": f"{file.name}: {problem}. Please report this as a fault of OrthoLens."}


def _last_place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown"
