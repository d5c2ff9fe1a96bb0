"""What a run has found, written down as it goes, so that one that was killed goes on where it was, bit for bit.

A journal is a text file that only grows: a line a record, each with the key of what it answers, flushed to the disk
(`fsync`) before the next piece of work begins. A line that was torn by a kill, or changed, does not match its checksum
and is not believed. The key of a frame is a hash of everything that its poses come from: the code, the options, CAD
and camera, and all frames up to it, since each frame starts from the one before. So a changed input is never answered
from an old journal, and its records need not be thrown away.

Arrays are kept as their bytes and other numbers as Python writes them, which reads back the same number.
Reference for the scheme (append, flush, checksum): C. Mohan et al., ACM TODS 1992, doi 10.1145/128765.128770.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import CannotWrite, why
from models.words import later

if TYPE_CHECKING:
    from models.tasks.kinematics.locate import Frame

OWN = "models.tasks.kinematics."
"""Only dataclasses of this package are made from a journal."""
CODE = ("models.tasks.kinematics", "models.geometry")
"""Packages whose source decides what is found."""


class Journal:
    """Records by key in a file that only grows.

    Raises
    ------
    CannotWrite
        When the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[str, str] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_bytes() if path.exists() else b""
            for line in text.split(b"\n"):
                if record := _believe(line):
                    self._records[record[0]] = record[1]
            with path.open("ab") as file:
                if text and not text.endswith(b"\n"):  # torn by a kill
                    file.write(b"\n")
        except OSError as error:
            raise self._failed(error) from error

    def recall(self, key: str) -> Any:
        """Return what was kept under a key; None where there is nothing."""
        kept = self._records.get(key)
        return None if kept is None else _decode(json.loads(kept))

    def keep(self, key: str, value: object) -> None:
        """Write a record down; it is on the disk when this returns."""
        kept = json.dumps(_encode(value), separators=(",", ":"))
        try:
            with self.path.open("ab") as file:
                file.write(f"{_checksum(key, kept)} {key} {kept}\n".encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._failed(error) from error
        self._records[key] = kept

    def _failed(self, error: OSError) -> CannotWrite:
        fix = later("Make room, or choose another place, and run the command again.")
        return CannotWrite(f"cannot be written: {why(error)}", fix=fix, file=self.path.name)


class Trail:
    """What was found in one study, in a journal and asked for in the order of the work.

    Parameters
    ----------
    journal
        Where answers are kept; it may hold those of other studies.
    given
        What all frames have in common: CAD, camera, options, how many frames there are.
    """

    def __init__(self, journal: Journal, *given: object) -> None:
        self.journal = journal
        self._key = hash_values(hash_code(), *given)

    def recall(self, *frames: Frame) -> Any:
        """Return what was kept of the frames that come next; None where that is not known yet."""
        for frame in frames:
            self._key = hash_values(self._key, *frame.masks, frame.grey)
        return self.journal.recall(self._key)

    def keep(self, found: object) -> None:
        """Write down what was found in the frames that were asked for last."""
        self.journal.keep(self._key, found)


def hash_values(*values: object) -> str:
    """Return the hash of values, arrays by their bytes, dataclasses by their fields."""
    return hashlib.sha256(json.dumps(_encode(values), separators=(",", ":")).encode()).hexdigest()


@lru_cache(maxsize=1)
def hash_code() -> str:
    """Return the hash of the program's part that finds poses: with another, everything is found anew."""
    digest = hashlib.sha256(np.__version__.encode())
    for package in CODE:
        for file in sorted(resources.files(package).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _believe(line: bytes) -> tuple[str, str] | None:
    try:
        checksum, key, kept = line.decode().split(" ", 2)
    except ValueError:  # torn, or not text
        return None
    return (key, kept) if checksum == _checksum(key, kept) else None


def _checksum(key: str, kept: str) -> str:
    return hashlib.sha256(f"{key} {kept}".encode()).hexdigest()[:16]


def _encode(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, np.ndarray):
        whole = np.ascontiguousarray(value)
        data = np.packbits(whole) if whole.dtype == bool else whole
        small = base64.b64encode(zlib.compress(data.tobytes(), 1)).decode()
        return {"array": small, "dtype": str(whole.dtype), "shape": whole.shape}
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        inside = {field.name: _encode(getattr(value, field.name)) for field in fields(value) if field.init}
        return {"kind": f"{kind.__module__}:{kind.__qualname__}", "fields": inside}
    if isinstance(value, (tuple, list)):
        return [_encode(each) for each in value]
    if isinstance(value, Mapping):
        return {"mapping": [[_encode(key), _encode(each)] for key, each in value.items()]}
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"a journal cannot hold {type(value).__name__}")


def _decode(kept: Any) -> Any:
    """Return the value that `_encode` was given; lists come back as tuples."""
    if isinstance(kept, list):
        return tuple(_decode(each) for each in kept)
    if not isinstance(kept, dict):
        return kept
    if "array" in kept:
        data, shape = zlib.decompress(base64.b64decode(kept["array"])), tuple(kept["shape"])
        if kept["dtype"] == "bool":
            bits = np.unpackbits(np.frombuffer(data, np.uint8), count=int(np.prod(shape)))
            return bits.reshape(shape).astype(bool)
        return np.frombuffer(data, kept["dtype"]).reshape(shape).copy()
    if "mapping" in kept:
        return {_decode(key): _decode(each) for key, each in kept["mapping"]}
    module, _, name = kept["kind"].partition(":")
    made = getattr(import_module(module), name) if module.startswith(OWN) else None
    if not isinstance(made, type) or not is_dataclass(made):
        raise TypeError(f"a journal cannot hold {kept['kind']}")
    return made(**{name: _decode(each) for name, each in kept["fields"].items()})
