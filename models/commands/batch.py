"""What commands over many files share: which files, where the lines go, and that one bad file does not end the batch.

What cannot be read becomes a line that says why, and the rest goes on. After the line-delimited JSON of
https://jsonlines.org.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import Annotated, TextIO

import structlog
import typer

from models.commands.output import say_cannot_write
from models.errors import CannotWrite, OrthoLensError, Unreachable
from models.io.text import natural_name_key
from models.reporting.account import Record

Paths = Annotated[list[Path], typer.Argument(exists=True, help="Files, and folders whose files are all taken.")]
Out = Annotated[str, typer.Option(help="JSON Lines file to write, - for the terminal.")]
AHEAD = 2
"""Files in work or answered for each that can be in work, so that one slow file does not hold up the others."""
NoNames = Annotated[
    bool, typer.Option("--no-names", help="Leave the names of files out, which may be a patient's; a hash stays.")
]


def list_batch_files(paths: Sequence[Path], out: str) -> list[Path]:
    """Return files as given and those of folders, sorted, without hidden ones and without `out`, each once.

    Raises
    ------
    typer.BadParameter
        When there is none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = (
            sorted((file for file in path.rglob("*") if file.is_file()), key=lambda file: natural_name_key(str(file)))
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


class Lines:
    """The file that the lines of a batch go to, one for each file that was asked about.

    A batch that was stopped goes on: while it is not done, a second file beside the first (`.unfinished`) holds what
    was asked, and where the same is asked again, the lines that are there stay.

    Parameters
    ----------
    out
        Path, or "-" for the terminal.
    asked
        All that an answer depends on.
    files
        In the order of their lines.

    Attributes
    ----------
    kept
        Lines that an earlier run has written, of the first so many files.
    """

    def __init__(self, out: str, asked: object, files: Sequence[Path]) -> None:
        self._path = Path(out)
        self._plain = out == "-" or (self._path.exists() and not self._path.is_file())  # a pipe, a device
        self._mark = self._path.with_name(f"{self._path.name}.unfinished")
        self._asked = hashlib.sha256(json.dumps([asked, [str(file) for file in files]]).encode()).hexdigest()
        self.kept: list[Record] = []
        self._file: TextIO = sys.stdout
        if out == "-":
            return
        try:
            size = 0 if self._plain else self._resume(len(files))
            self._file = self._path.open("a" if size else "w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise typer.BadParameter(f"{out} of --out cannot be written: {error.strerror}") from error

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is not sys.stdout:
            with suppress(OSError):  # what could not be written was said
                self._file.close()
        if kind is None and not self._plain:
            self._mark.unlink(missing_ok=True)

    def write(self, line: Record) -> None:
        """Write one line, whole and at once.

        Raises
        ------
        CannotWrite
            When there is no room for it, say.
        """
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise say_cannot_write(self._path, error) from error

    def _resume(self, most: int) -> int:
        """Take the whole lines of a run that was stopped, cut off what follows them, and return their bytes."""
        whole = 0
        if self._mark.is_file() and self._mark.read_text("utf-8") == self._asked and self._path.is_file():
            for line in self._path.read_bytes().splitlines(keepends=True)[:most]:
                try:
                    record = json.loads(line)
                except ValueError:
                    break
                if not line.endswith(b"\n"):
                    break
                self.kept.append(record)
                whole += len(line)
            os.truncate(self._path, whole)
        self._mark.write_text(self._asked, "utf-8")
        return whole


def write_lines(
    files: Sequence[Path],
    lines: Lines,
    answer: Callable[[Path], Record],
    *,
    named: bool = True,
    at_once: int = 1,
) -> int:
    """Write one line for each file, whole and at once, and return how many could not be answered.

    Parameters
    ----------
    answer
        Returns what the line says after the file's name; what it raises becomes an `error` of that line.
    named
        Whether lines begin with the file's path; else with its number, and its hash says which it is.
    at_once
        How many files are being answered at a time; the lines stay in the order of the files.

    Raises
    ------
    CannotWrite, Unreachable
        When a result could not be kept, or those who compute answers are not there: the others could not either.
    """
    from rich.console import Console
    from rich.progress import track

    screen = Console(stderr=True)
    failures = sum(not line.get("ok") for line in lines.kept)
    if lines.kept:
        typer.echo(f"Going on after {len(lines.kept)} of {len(files)} files, where the last run stopped.", err=True)
    rest = files[len(lines.kept) :]
    answered = zip(rest, _answer_in_order(rest, lambda file: _attempted(file, answer, named), at_once), strict=True)
    shown = track(answered, "Answering", len(rest), console=screen, disable=not screen.is_terminal, transient=True)
    for number, (file, said) in enumerate(shown, 1 + len(lines.kept)):
        line: Record = {"file": str(file)} if named else {"number": number}
        line |= said
        lines.write(line)
        failures += not line["ok"]
    return failures


def _answer_in_order(files: Sequence[Path], answer: Callable[[Path], Record], at_once: int) -> Iterator[Record]:
    """Yield what is said of each file in the order of the files, of which so many are in work."""
    if at_once == 1:  # in this thread, so that Ctrl-C ends it at once
        yield from map(answer, files)
        return
    threads = ThreadPoolExecutor(at_once)
    waiting: deque[Future[Record]] = deque()
    try:
        for file in files:
            if len(waiting) == AHEAD * at_once:
                yield waiting.popleft().result()
            waiting.append(threads.submit(copy_context().run, answer, file))  # whose work it is goes along
        while waiting:
            yield waiting.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)


def _attempted(file: Path, answer: Callable[[Path], Record], named: bool) -> Record:
    try:
        return answer(file)
    except (CannotWrite, Unreachable):
        raise
    except OrthoLensError as error:
        if not named:
            error.file = None
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - one file must not end the batch; the log says where, and no name
        place = _last_place(error)
        structlog.get_logger().error("a file was not answered", kind=type(error).__name__, place=place)
        problem = (
            f"could not be answered ({type(error).__name__} at {place}). Please report this as a fault of OrthoLens."
        )
        problem = f"{file.name}: {problem}" if named else problem
    return {**({} if named else {"sha256": _hash(file)}), "ok": False, "error": problem}


def _hash(file: Path) -> str | None:
    try:
        with file.open("rb") as data:
            return hashlib.file_digest(data, "sha256").hexdigest()
    except OSError:
        return None


def _last_place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown"
