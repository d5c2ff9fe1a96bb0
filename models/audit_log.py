"""Who asked what of which image, and what left the program: JSON lines, each of which holds the hash of all before it.

Written where `ORTHOLENS_AUDIT_LOG` names a file; an answer that cannot be written down is not given. No name of a file
or a patient gets in, and who asked is a keyed hash unless `ORTHOLENS_AUDIT_NAMES` says otherwise. A changed, missing or
foreign line breaks the chain (Schneier and Kelsey 1999, doi 10.1145/317087.317089, without their keys: whoever may
write the file can write it anew as a whole, so that its last hash belongs elsewhere too, for `verify` to look for).
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from models.errors import BadAuditLog, CannotWrite, why
from models.io.identity.pseudonym import name_user
from models.settings import settings

try:
    import fcntl
except ImportError:  # Windows: one process writes a file
    fcntl = None  # type: ignore[assignment]

PROGRAM = "program"
"""Who asks where nobody did: work that the program does by itself."""
FIRST = "0" * 64
"""Stands before the first line."""
_TAIL = 65_536
_LOCK = Lock()

subject: ContextVar[str] = ContextVar("subject", default="")
"""Who asks in this thread or request: a login's subject, a token's name, the user of a command."""


def name_system_user() -> str:
    """Return who the system says runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number alone
        return f"uid {os.getuid()}"


def record_answer(sha256: str, card: str) -> None:
    """Write down that a card answered an image; raises as `record`."""
    record("answer", sha256=sha256, card=card)


def record_export(make: Callable[[], bytes], file: str) -> Callable[[], bytes]:
    """Return what makes a file and writes down that it left, for whoever asks now.

    Parameters
    ----------
    file
        What it is called: a name of the program's own, with the first digits of its image's hash.
    """
    who = subject.get()

    def made() -> bytes:
        data = make()
        record("export", who, file=file, content=hashlib.sha256(data).hexdigest())
        return data

    return made


def record(event: str, who: str | None = None, **facts: str) -> None:
    """Write down an event, where there is a log.

    Parameters
    ----------
    who
        By default the `subject` of this thread or request.
    facts
        None of them a name of a person or of a user's file.

    Raises
    ------
    CannotWrite
        When it cannot be written.
    """
    limits = settings()
    if limits.audit_log is None:
        return
    asked = subject.get() if who is None else who
    named = asked if limits.audit_names or not asked else name_user(asked)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    _append(limits.audit_log, {"time": now, "event": event, "who": named or PROGRAM, **facts})


def _append(path: Path, facts: dict[str, str]) -> None:
    """Write one line after the last, whatever process wrote that."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _LOCK, open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            last = file.read().rpartition(b"\n")[0].rpartition(b"\n")[2]
            line = _write_line(facts, _find_hash(last) if last else FIRST)
            file.seek(0, os.SEEK_END)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        fix = "Nothing is answered without it: make room, or let this user write there."
        raise CannotWrite(f"the audit log cannot be written: {why(error)}", fix=fix, file=path.name) from error


def _write_line(facts: dict[str, str], previous: str) -> bytes:
    said = {**facts, "previous": previous}
    return json.dumps({**said, "hash": _hash(said)}, ensure_ascii=True).encode() + b"\n"


def _hash(said: dict[str, str]) -> str:
    """Return the hash of a line without its own: over its canonical form, keys in order and no spaces."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _find_hash(line: bytes) -> str:
    """Return the hash of the last line, or of its bytes where it is none: `verify` finds it in its place."""
    try:
        return str(json.loads(line)["hash"])
    except (ValueError, KeyError, TypeError):
        return hashlib.sha256(line).hexdigest()


@dataclass(frozen=True)
class Verified:
    """A log whose chain is whole: its lines, and the hash of the last."""

    lines: int
    last: str


def verify(path: Path, holds: str | None = None) -> Verified:
    """Follow the chain of a log from its first line to its last.

    Parameters
    ----------
    holds
        A hash that was kept elsewhere, which a line must have: without that line, lines were cut off or all was written
        anew.

    Raises
    ------
    BadAuditLog
        Where a line is changed, missing, no line of a log or not whole, with its number.
    """
    previous, number, found = FIRST, 0, holds is None or holds == FIRST
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                previous = _check_line(line, previous, number, path.name)
                found = found or previous == holds
    except OSError as error:
        raise BadAuditLog(f"cannot be read: {why(error)}", fix="Name an existing file.", file=path.name) from error
    if not found:
        fix = "Lines were cut off, or the log was written anew: compare it with its copies."
        raise BadAuditLog(f"no line has the hash {holds}", fix=fix, file=path.name)
    return Verified(number, previous)


def _check_line(line: bytes, previous: str, number: int, file: str) -> str:
    """Return the hash of a line that follows another."""
    fix = "What is before it is as it was written; compare the rest with copies of the log."
    try:
        said: dict[str, str] = json.loads(line)
        own = said.pop("hash")
        whole = _write_line({key: value for key, value in said.items() if key != "previous"}, said["previous"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadAuditLog(f"line {number} is no line of a log", fix=fix, file=file) from None
    if said["previous"] != previous:
        raise BadAuditLog(f"line {number} does not follow the one before it", fix=fix, file=file)
    if _hash(said) != own or whole != line:
        raise BadAuditLog(f"line {number} was changed", fix=fix, file=file)
    return str(own)
