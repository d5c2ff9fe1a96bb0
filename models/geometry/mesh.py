"""The CAD of a component: STL in, a closed surface in millimetres out, or a sentence that says why not.

STL has no unit. A knee component is 30 to 120 mm across; a size a thousand times smaller is metres, 25.4 times smaller
inches, and both are refused rather than scaled in silence.
Reference: ISO 7207-1 for the sizes of knee components.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError, name_file_in_errors
from models.geometry.stl import read_stl_triangles
from models.io.pool import call_in_worker
from models.words import later

Array = NDArray[np.float64]
Whole = NDArray[np.int32]

SIZE_MM = (15.0, 300.0)
"""Outside it, a file is refused."""
USUAL_MM = (35.0, 160.0)
"""Outside it, a warning."""
OPEN_SHARE = 0.01
"""Share of edges without a second triangle, and of the surface without a counterpart on the other side, up to which a
mesh passes with a warning: a fine mesh that is cut in half has few open edges."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed triangle surface.

    Attributes
    ----------
    vertices
        (V, 3) in mm, in the component's own frame.
    faces
        (F, 3) indices of vertices, counter-clockwise seen from outside.
    warnings
        What had to be assumed on reading; they go into reports, and so name no file.
    stated_axes
        (3, 3) whose columns are right, anterior and proximal, where somebody said them; None: the shape is to tell.
    """

    vertices: Array
    faces: Whole
    warnings: tuple[str, ...] = ()
    stated_axes: Array | None = None

    @cached_property
    def normals(self) -> Array:
        """(F, 3) outward, unit length; zero for a triangle without area."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        unit: Array = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
        return unit

    @cached_property
    def distances_mm(self) -> Array:
        """(F,) of the triangles' planes from the origin, along their normals."""
        distances: Array = np.einsum("fi,fi->f", self.normals, self.vertices[self.faces[:, 0]])
        return distances

    @cached_property
    def edges(self) -> tuple[Whole, Whole]:
        """(E, 2) vertices of every edge that two triangles share, and (E, 2) those triangles."""
        directed = np.sort(self.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        face = np.repeat(np.arange(len(self.faces), dtype=np.int32), 3)
        key = directed[:, 0].astype(np.int64) * len(self.vertices) + directed[:, 1]
        order = np.argsort(key, kind="stable")
        pairs = np.flatnonzero(key[order][1:] == key[order][:-1])
        first, second = order[pairs], order[pairs + 1]
        return directed[first].astype(np.int32), np.stack([face[first], face[second]], 1)

    @cached_property
    def centre(self) -> Array:
        """(3,) middle of the bounding box, in mm; rotations of the registration turn about it."""
        middle: Array = (self.vertices.min(0) + self.vertices.max(0)) / 2
        return middle

    @cached_property
    def radius_mm(self) -> float:
        """Largest distance of a vertex from `centre`."""
        return float(np.linalg.norm(self.vertices - self.centre, axis=1).max())

    def mirrored(self, axis: int) -> Mesh:
        """Return the mesh reflected in the plane through the origin at right angles to `axis` (another side's)."""
        flip = np.ones(3)
        flip[axis] = -1
        return Mesh(self.vertices * flip, np.ascontiguousarray(self.faces[:, ::-1]), self.warnings)

    def coarse(self, cell_mm: float) -> Mesh:
        """Return the mesh with its vertices merged in cubes of `cell_mm`: fewer triangles, same outline to a cell."""
        cell = np.round(self.vertices / cell_mm).astype(np.int64)
        _, index, counts = np.unique(cell, axis=0, return_inverse=True, return_counts=True)
        index = index.ravel()
        vertices = np.stack([np.bincount(index, self.vertices[:, i]) / counts for i in range(3)], 1)
        faces = index[self.faces].astype(np.int32)
        a, b, c = faces.T
        return Mesh(vertices, np.ascontiguousarray(faces[(a != b) & (b != c) & (c != a)]))


def read_mesh(data: bytes, name: str = "component") -> Mesh:
    """Read an STL file, ASCII or binary, in a decoder process with its limits of time and memory.

    Parameters
    ----------
    data
        The file's bytes.
    name
        What messages call the file.

    Raises
    ------
    InputError
        When it is no STL, empty, open, flat, or not in millimetres.
    """
    with name_file_in_errors(name):
        return call_in_worker(parse_mesh, data, name)


def parse_mesh(data: bytes, name: str) -> Mesh:
    """Do what `read_mesh` says; runs in the worker."""
    corners = read_stl_triangles(data, name)
    if len(corners) and not np.isfinite(corners).all():
        fix = later("Export the component again.")
        raise InputError(later("has a corner that is no number"), fix=fix, file=name)
    vertices, faces, doubled = _merged(corners)
    if not len(faces):
        fix = later("Export the component again; the surface has no usable triangle.")
        raise InputError(later("is an empty mesh"), fix=fix, file=name)
    warnings: list[str] = [*_check_size(vertices, name), *_check_closed(vertices, faces, name)]
    if doubled:
        warnings.append(later("{doubled:,} triangles stand twice in its STL; each was taken once", doubled=doubled))
    volume = _volume(vertices, faces)
    if volume < 0:  # wound inwards, as JointTrack's own files are
        faces = faces[:, ::-1]
    return Mesh(vertices, np.ascontiguousarray(faces), tuple(warnings))


def _merged(corners: Array) -> tuple[Array, Whole, int]:
    """(F, 3, 3) corners → vertices (V, 3) each once, triangles (F, 3) each once, and how many stood twice."""
    points = corners.reshape(-1, 3) + 0.0  # no −0
    vertices, index = np.unique(points, axis=0, return_inverse=True)
    faces = index.reshape(-1, 3).astype(np.int32)
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    return vertices, faces[np.sort(first)], len(faces) - len(first)


def _check_size(vertices: Array, name: str) -> list[str]:
    size = float((vertices.max(0) - vertices.min(0)).max())
    if SIZE_MM[0] <= size <= SIZE_MM[1]:
        odd = not USUAL_MM[0] <= size <= USUAL_MM[1]
        told = later("its STL is {size:.0f} mm across, unusual for a knee component; poses assume mm", size=size)
        return [told] if odd else []
    units = {
        later("metres"): 1000.0,
        later("inches"): 25.4,
        later("centimetres"): 10.0,
        later("micrometres"): 0.001,
    }
    fitting = [unit for unit, mm in units.items() if USUAL_MM[0] <= size * mm <= USUAL_MM[1]]
    match fitting:
        case [unit]:
            problem = later("measures {size:g} across, which looks like {unit}", size=size, unit=unit)
        case [unit, other, *_]:
            problem = later(
                "measures {size:g} across, which looks like {unit} or {other}", size=size, unit=unit, other=other
            )
        case _:
            problem = later("measures {size:g} across", size=size)
    raise InputError(
        problem, fix=later("Export the STL in millimetres; a knee component is 35 to 160 mm across."), file=name
    )


def _check_closed(vertices: Array, faces: Whole, name: str) -> list[str]:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    areas = np.cross(b - a, c - a)  # over a closed surface they add up to nothing
    gap = float(np.linalg.norm(areas.sum(0)) / np.linalg.norm(areas, axis=1).sum())
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    key = edges[:, 0].astype(np.int64) * (int(faces.max()) + 1) + edges[:, 1]
    _, counts = np.unique(key, return_counts=True)
    single = int((counts == 1).sum())
    if max(single / len(counts), gap) > OPEN_SHARE:
        fix = later(
            "Close its surface in the CAD program (watertight), or export the solid instead of a part of its skin."
        )
        problem = later(
            "is an open mesh: {single:,} of {count:,} edges have one triangle", single=single, count=len(counts)
        )
        raise InputError(problem, fix=fix, file=name)
    odd = int((counts != 2).sum())
    told = later(
        "{odd} of {count:,} edges of its STL do not have two triangles; too few to matter", odd=odd, count=len(counts)
    )
    return [told] if odd else []


def _volume(vertices: Array, faces: Whole) -> float:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def write_stl(mesh: Mesh) -> bytes:
    """Return a binary STL; its header says that OrthoLens wrote it."""
    triangle = np.zeros(
        len(mesh.faces), np.dtype([("normal", "<f4", 3), ("corner", "<f4", (3, 3)), ("attribute", "<u2")])
    )
    triangle["normal"], triangle["corner"] = mesh.normals, mesh.vertices[mesh.faces]
    header = b"OrthoLens, millimetres, simulated; research and education only".ljust(80)
    return header + len(mesh.faces).to_bytes(4, "little") + triangle.tobytes()
