"""Answers of a decoder process as plain data: a header in JSON and the bytes of the arrays, and nothing that runs.

A decoder that a hostile file took over may say what it likes; what it says is never unpickled. Only numbers, texts,
arrays, and the data and error types of this package come out of it, within the memory that the process may take.

Reference: https://docs.python.org/3/library/pickle.html (the warning at its beginning)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import OrthoLensError
from models.words import Later, later

LONGEST_HEADER = 256 << 20
LENGTH = 8
"""Bytes of the number of bytes of the header, which comes first."""
KINDS = frozenset("biuf")
"""Of arrays: reference, whole numbers, floating point."""
TOO_LONG, MALFORMED = "an answer longer than the process's memory", "no answer of a decoder"


def send_plain(answer: object, to: IO[bytes]) -> None:
    """Write an answer.

    Raises
    ------
    TypeError
        For what is no plain data, before anything is written.
    """
    arrays: list[NDArray[Any]] = []
    tree = _plain(answer, arrays)
    told = [[one.dtype.str, list(one.shape)] for one in arrays]
    header = json.dumps([tree, told]).encode()
    to.write(len(header).to_bytes(LENGTH, "little") + header)
    for one in arrays:
        to.write(np.ascontiguousarray(one).reshape(-1).view(np.uint8).data)
    to.flush()


def receive_plain(source: IO[bytes], most_bytes: int) -> object:
    """Read an answer of at most `most_bytes`.

    Raises
    ------
    EOFError
        When it ends early.
    ValueError
        When it is none.
    """
    length = int.from_bytes(_exactly(source, LENGTH), "little")
    if length > min(LONGEST_HEADER, most_bytes):
        raise ValueError(TOO_LONG)
    try:
        tree, told = json.loads(_exactly(source, length))
        empty = [_room(kind, shape, most_bytes) for kind, shape in told]
        if sum(one.nbytes for one in empty) > most_bytes:
            raise ValueError(TOO_LONG)
        for one in empty:
            _fill(source, one.reshape(-1).view(np.uint8))
        return _built(tree, empty)
    except (TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(MALFORMED) from error


def _plain(value: object, arrays: list[NDArray[Any]]) -> object:
    """Return what JSON can hold of a value, its arrays put aside."""
    if isinstance(value, Later):
        return {"later": [value.message, [[key, _plain(one, arrays)] for key, one in value.values.items()]]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return _plain(value.item(), arrays)
    if isinstance(value, (bytes, np.ndarray)):
        arrays.append(np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value)
        if arrays[-1].dtype.kind not in KINDS:
            raise TypeError(MALFORMED)
        return {"bytes" if isinstance(value, bytes) else "array": len(arrays) - 1}
    if isinstance(value, list):
        return [_plain(one, arrays) for one in value]
    if isinstance(value, tuple):
        return {"tuple": [_plain(one, arrays) for one in value]}
    if isinstance(value, Mapping):
        return {"map": [[_plain(key, arrays), _plain(one, arrays)] for key, one in value.items()]}
    if isinstance(value, OrthoLensError):
        said = [_plain(one, arrays) for one in (value.problem, value.fix, value.file)]
        return {"error": [*_name(type(value)), *said]}
    if is_dataclass(value) and not isinstance(value, type):
        held = {one.name: _plain(getattr(value, one.name), arrays) for one in fields(value)}
        return {"data": [*_name(type(value)), held]}
    raise TypeError(MALFORMED)


def _built(tree: Any, arrays: list[NDArray[Any]]) -> Any:
    """Return what `_plain` took apart."""
    if isinstance(tree, list):
        return [_built(one, arrays) for one in tree]
    if not isinstance(tree, dict):
        return tree
    kind, content = next(iter(tree.items()))
    if len(tree) != 1:
        raise ValueError(MALFORMED)
    match kind:
        case "array":
            return arrays[content]
        case "bytes":
            return arrays[content].tobytes()
        case "tuple":
            return tuple(_built(one, arrays) for one in content)
        case "map":
            return {_built(key, arrays): _built(one, arrays) for key, one in content}
        case "later":
            message, values = content
            return later(message, **{key: _built(one, arrays) for key, one in values})
        case "error":
            module, name, *said = content
            problem, fix, file = (_built(one, arrays) for one in said)
            return _type(module, name, OrthoLensError)(problem, fix=fix, file=file)
        case "data":
            module, name, held = content
            return _type(module, name)(**{key: _built(one, arrays) for key, one in held.items()})
    raise ValueError(MALFORMED)


def _name(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__


def _type(module: str, name: str, base: type | None = None) -> type[Any]:
    """Return a data or error type of this package by its name; nothing is imported for it but what asked for it."""
    found = getattr(sys.modules[module], name) if module.split(".")[0] == "models" and name.isidentifier() else None
    if not isinstance(found, type) or not (issubclass(found, base) if base else is_dataclass(found)):
        raise ValueError(MALFORMED)
    return found


def _room(kind: str, shape: list[int], most_bytes: int) -> NDArray[Any]:
    dtype = np.dtype(kind)
    size = dtype.itemsize
    for side in shape:
        size *= side
        if side < 0 or size > most_bytes:
            raise ValueError(TOO_LONG)
    if dtype.kind not in KINDS:
        raise ValueError(MALFORMED)
    return np.empty(shape, dtype)


def _exactly(source: IO[bytes], size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _fill(source: IO[bytes], octets: NDArray[np.uint8]) -> None:
    at = 0
    while at < len(octets):
        read = source.readinto(octets[at:].data)  # type: ignore[attr-defined]  # a pipe's buffered reader
        if not read:
            raise EOFError
        at += read
