"""Places that a command writes to: checked before anything is computed, and a full disk is a sentence."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import typer

from models.errors import CannotWrite, why

FIX = "Make room, or choose another place, and run the command again."


def check_output_file(path: Path, option: str) -> None:
    """See to it that a file can be written, without changing what it holds.

    Raises
    ------
    typer.BadParameter
        When it cannot.
    """
    new = not path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise typer.BadParameter(f"{path} of {option} cannot be written: {error.strerror}") from error
    if new:
        with suppress(OSError):
            path.unlink()


def check_output_folder(path: Path, option: str) -> None:
    """Make a folder where there is none, and see to it that files can be written there.

    Raises
    ------
    typer.BadParameter
        When they cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise typer.BadParameter(f"nothing can be written to {path} of {option}: {error.strerror}") from error


def write_output(path: Path, data: bytes) -> None:
    """Write a file whole, or leave nothing of it.

    Raises
    ------
    CannotWrite
        When there is no room for it, say.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise say_cannot_write(path, error) from error


def say_cannot_write(path: Path, error: OSError) -> CannotWrite:
    """Return what is said of a place that could not be written to."""
    return CannotWrite(f"cannot be written: {why(error)}", fix=FIX, file=path.name)
