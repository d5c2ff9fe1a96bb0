"""Every error that OrthoLens raises on purpose, as one tree.

Each carries three things a person needs: which file, what is wrong, and what to do about it. The page and the command
line print `str(error)`; nothing else of it, so a message never holds a patient's identifier, a path or a traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class OrthoLensError(Exception):
    """Base of the tree: `str()` reads "<file>: <problem>. <fix>".

    Parameters
    ----------
    problem
        What is wrong, a clause without a full stop.
    fix
        What the user can do, a sentence.
    file
        Name of the file as the user knows it, without its folder; None where no file is involved.
    """

    def __init__(self, problem: str, *, fix: str, file: str | None = None) -> None:
        self.problem, self.fix, self.file = problem.rstrip("."), fix, file
        super().__init__(problem, fix, file)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip between processes."""
        return (_rebuild, (type(self), self.problem, self.fix, self.file))

    def __str__(self) -> str:
        """Return the one sentence that is shown."""
        return f"{self.file + ': ' if self.file else ''}{self.problem}. {self.fix}"


def _rebuild(kind: type[OrthoLensError], problem: str, fix: str, file: str | None) -> OrthoLensError:
    return kind(problem, fix=fix, file=file)


class InputError(OrthoLensError):
    """A file that cannot become an `Image`."""


@contextmanager
def name_file_in_errors(file: str | None) -> Iterator[None]:
    """Have each `InputError` of a block name a file, also one of a decoder that does not know what it reads."""
    try:
        yield
    except InputError as error:
        error.file = file
        raise


class UnsupportedFormat(InputError):
    """Not an image, or a kind that no decoder here reads."""


class DamagedFile(InputError):
    """Begins like an image, but is truncated or inconsistent."""


class TooLarge(InputError):
    """Over a limit of `models.settings`."""


class NoPixels(InputError):
    """A DICOM object without pixel data."""


class DecoderFailed(InputError):
    """A native decoder died, hung or ran out of memory in its worker process."""


class ModelError(OrthoLensError):
    """A model cannot be used."""


class UnknownCard(ModelError):
    """No card, task, stage, label or method of that name."""


class BadCard(ModelError):
    """A card's TOML that does not describe a model."""


class BadWeights(ModelError):
    """Weights missing, or not the ones that the card's hash names."""


class BadBundle(ModelError):
    """A bundle that is not what its signer signed, or that no one here trusts."""


class ReplicaDied(ModelError):
    """The processes that were to answer an image died of it, one after another."""


class NoVote(OrthoLensError):
    """The audience's vote cannot be opened to the network."""


class BadPlaylist(OrthoLensError):
    """A playlist of the conference mode that cannot be played."""


class Unreachable(OrthoLensError):
    """A download without a network or with another content than its hash says; a cluster that is not there."""


class CannotRead(OrthoLensError):
    """A file of the program's own, such as that of tokens, that cannot be read or is not what it must be."""


class BadAuditLog(OrthoLensError):
    """An audit log that is not as it was written."""


class CannotWrite(OrthoLensError):
    """A place for results that cannot be written to, or is full."""


def why(error: OSError) -> str:
    """Return what the system says of a file that it would not open or write, as the end of a sentence."""
    return (error.strerror or "unknown error").lower()


class Cancelled(OrthoLensError):
    """The user stopped a long computation."""
