"""STL, binary or ASCII: its triangles, whatever else is in the file.

The normals that it states are not needed, so broken ones do no harm; bytes after the last triangle are left alone.
Reference: https://www.loc.gov/preservation/digital/formats/fdd/fdd000504.shtml
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from models.errors import DamagedFile, InputError, TooLarge
from models.words import later

MOST_FACES = 1_000_000
"""A component of 100 mm with this many triangles has edges of a tenth of a millimetre."""
MOST_BYTES = 400_000_000
BINARY = np.dtype([("normal", "<f4", 3), ("corner", "<f4", (3, 3)), ("attribute", "<u2")])
VERTEX = re.compile(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)
AGAIN = later("Export the component as STL, ASCII or binary.")


def read_stl_triangles(data: bytes, name: str) -> NDArray[np.float64]:
    """Return (F, 3, 3) corners as the file has them.

    Raises
    ------
    InputError
        When it is no STL, is cut off, or has more than `MOST_FACES`.
    """
    if len(data) > MOST_BYTES:
        raise TooLarge(later("is too large for the CAD of a component"), fix=AGAIN, file=name)
    declared = int.from_bytes(data[80:84], "little") if len(data) >= 84 else 0
    text = data[:256].lstrip().lower().startswith(b"solid") and VERTEX.search(data[:4096]) is not None
    if text or (data[:256].lstrip().lower().startswith(b"solid") and len(data) < 84 + 50 * declared):
        return _of_text(data, name)
    if len(data) < 84:
        raise InputError(later("is no STL file"), fix=AGAIN, file=name)
    _check_count(declared, name)
    if len(data) < 84 + 50 * declared:
        there = (len(data) - 84) // 50
        readable = there > 0 and np.isfinite(np.frombuffer(data, BINARY, min(there, 100), 84)["corner"]).all()
        if not readable:
            raise InputError(later("is no STL file"), fix=AGAIN, file=name)
        problem = later("is cut off: {there:,} of {declared:,} triangles are there", there=there, declared=declared)
        raise DamagedFile(problem, fix=later("Copy or export it again."), file=name)
    with np.errstate(invalid="ignore"):  # a corner that is no number is for the reader to judge
        return np.frombuffer(data, BINARY, declared, 84)["corner"].astype(np.float64)


def _of_text(data: bytes, name: str) -> NDArray[np.float64]:
    words = []
    for found in VERTEX.finditer(data):
        words.append(found.groups())
        if len(words) > 3 * MOST_FACES:
            _check_count(len(words) // 3, name)
    try:
        corners = np.array(words, dtype=bytes).astype(np.float64).reshape(-1, 3)
    except ValueError:
        try:
            corners = np.array([[float(word.replace(b",", b".")) for word in row] for row in words]).reshape(-1, 3)
        except ValueError as error:
            problem = later("has a corner that is not three numbers")
            raise DamagedFile(problem, fix=later("Copy or export it again."), file=name) from error
    if len(corners) % 3:
        raise DamagedFile(later("is cut off within a triangle"), fix=later("Copy or export it again."), file=name)
    return corners.astype(np.float32).astype(np.float64).reshape(-1, 3, 3)


def _check_count(count: int, name: str) -> None:
    if count > MOST_FACES:
        raise TooLarge(
            later("has more than {most:,} triangles", most=MOST_FACES),
            fix=later("Export it with a coarser mesh: 10,000 to 100,000 triangles are plenty."),
            file=name,
        )
