"""The library's designs as the comparison needs them: meshes, thinned ones, and outlines from every side.

Outlines of a part take seconds to render, so they are kept in the cache, under the hash of the part's surface: a design
that was just added is rendered once, and nothing is trained for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from models.errors import InputError
from models.geometry.mesh import Mesh
from models.settings import settings
from models.tasks.identification.library import Design, list_designs
from models.tasks.kinematics import shape
from models.tasks.kinematics.shape import Library, build_shape_library

VIEWS = 800
"""Directions from which a part is known, about 7° apart: its pose is refined afterwards."""
THIN_MM = 2.0
"""To which a mesh is thinned for the first steps."""
PARTS_KEPT = 256
"""Parts that stay in memory, about 2 MB each."""


@dataclass(frozen=True, eq=False)
class Part:
    """One component of a design: its surface, the same thinned, and its outlines from every side."""

    mesh: Mesh
    thin: Mesh
    outlines: Library


@dataclass(frozen=True, eq=False)
class Candidate:
    """A design of the library, ready to be compared: its femoral and its tibial component, None where it has none."""

    design: Design
    parts: tuple[Part, Part | None]


def list_candidates(designs: Iterable[Design] | None = None) -> Iterator[Candidate]:
    """Yield designs, by default all of the library; a user's whose files have gone or changed is left out."""
    for design in list_designs() if designs is None else designs:
        try:
            yield _prepare(design)
        except InputError:
            continue  # `ortholens library list` says what is wrong with it


@lru_cache(maxsize=PARTS_KEPT // 2)
def _prepare(design: Design) -> Candidate:
    return make_candidate(design, *design.build_meshes())


def make_candidate(design: Design, femoral: Mesh, tibial: Mesh | None) -> Candidate:
    """Return a design with its outlines from every side, rendered now or before."""
    return Candidate(design, (_make_part(femoral), _make_part(tibial) if tibial else None))


def _make_part(mesh: Mesh) -> Part:
    return Part(mesh, mesh.coarse(THIN_MM), _load_outlines(mesh))


def _load_outlines(mesh: Mesh) -> Library:
    """Return a part's outlines, rendered now or before."""
    kept = _locate(mesh)
    try:
        with np.load(kept) as known:
            return Library(**{name: known[name] for name in Library.__dataclass_fields__})
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        library = build_shape_library(mesh, VIEWS)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f".{hashlib.sha256(kept.name.encode()).hexdigest()[:6]}.npz")
        np.savez(new, **{name: getattr(library, name) for name in Library.__dataclass_fields__})
        new.replace(kept)
    except OSError:
        pass  # a cache that cannot be written costs time, and nothing else
    return library


def _locate(mesh: Mesh) -> Path:
    told = hashlib.sha256(mesh.vertices.tobytes() + mesh.faces.tobytes() + str(VIEWS).encode())
    told.update(Path(shape.__file__).read_bytes())
    return settings().cache_dir / "outlines" / f"{told.hexdigest()[:24]}.npz"
