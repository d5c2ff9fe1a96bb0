"""Designs that an implant may be: those that the program generates, and the CAD that its user adds.

A design of the user's is a folder of `settings().library_dir` with its STL files as they came and a `design.json`;
the folder's name is the design's key, and follows from maker, model and size. What is wrong in it is said and left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from models.errors import CannotWrite, InputError, OrthoLensError, UnknownCard, why
from models.geometry.mesh import Mesh, read_mesh
from models.settings import settings
from models.simulation.knee_designs import FAMILIES, MAKER, SIZES, build_design
from models.words import later

FILE, FEMORAL, TIBIAL = "design.json", "femoral.stl", "tibial.stl"
NAME = re.compile(r"[^\W_][\w .,+&'()/#-]{0,59}")
"""A maker, a model, a size: begins with a letter or a figure, and is no longer than a line."""
MOST = 500
"""Designs of a user's: more would make a film wait for hours."""


@dataclass(frozen=True)
class Design:
    """One entry of the library.

    Attributes
    ----------
    key
        Its name in commands and records.
    maker, model
        Whose it is, and what it is called; the user's designs of one maker and model are one series.
    size
        As its maker calls it; "" where the entry is a whole series.
    widths_mm
        Of the femoral component, at its widest: those of a series, the middle one in the middle, or its own.
    generated
        Whether this program made it: then no maker's product is meant.
    folder
        Where its files are, of a user's design.
    """

    key: str
    maker: str
    model: str
    size: str
    widths_mm: tuple[float, ...]
    generated: bool
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Maker and model, in a line."""
        return f"{self.maker}, {self.model}"

    def name_size(self, width_mm: float) -> str:
        """Return its maker's size, of a series the number of the one whose width is nearest."""
        return self.size or str(1 + int(np.argmin([abs(width - width_mm) for width in self.widths_mm])))

    def build_meshes(self) -> tuple[Mesh, Mesh | None]:
        """Return both components in mm, of a series those of the middle size; None where there is no tibial one.

        Raises
        ------
        InputError
            When a file of a user's design has been changed or taken away.
        """
        if self.folder is None:
            return build_design(self.key).build_meshes()
        tibial = self.folder / TIBIAL
        return _read_part(self.folder / FEMORAL), _read_part(tibial) if tibial.exists() else None


def list_designs() -> tuple[Design, ...]:
    """Return all designs, the generated ones first; user's designs that cannot be read are left out."""
    return *list_generated_designs(), *(found for found in _read_own() if isinstance(found, Design))


def list_broken_designs() -> tuple[InputError, ...]:
    """Return what is wrong with each of the user's designs that is left out."""
    return tuple(found for found in _read_own() if isinstance(found, InputError))


@lru_cache(maxsize=1)
def list_generated_designs() -> tuple[Design, ...]:
    """Return the first member of every family, as a series of sizes."""
    return tuple(
        Design(family, MAKER, name, "", tuple(round(femoral.width * size, 1) for size in SIZES), True)
        for family, (name, femoral, _) in FAMILIES.items()
    )


def add_design(files: tuple[Path, Path | None], maker: str, model: str, size: str) -> Design:
    """Read a design's STL files, and keep a copy of them in the user's library.

    Parameters
    ----------
    files
        Femoral and tibial component; None where the implant has none.
    size
        As the maker calls it.

    Raises
    ------
    InputError
        For a file that is no closed STL in millimetres, a name that cannot be one, a design that is there already, and
        a library that is full.
    CannotWrite
        When the library cannot be written.
    """
    names = {"maker": maker.strip(), "model": model.strip(), "size": size.strip()}
    for what, name in names.items():
        if not NAME.fullmatch(name):
            problem = later("{name!r} is no name of a {what}", name=name[:60], what=what)
            fix = later("Use up to 60 letters, figures and signs such as . , - + and begin with a letter or a figure.")
            raise InputError(problem, fix=fix)
    key = hashlib.sha256("\n".join(names.values()).casefold().encode()).hexdigest()[:12]
    folder = settings().library_dir / key
    if folder.exists():
        fix = later("Remove it first with `ortholens library remove {key}`, or give another size.", key=key)
        raise InputError(later("{maker} {model} {size} is in the library already", **names), fix=fix)
    if len(_own_folders()) >= MOST:
        raise InputError(later("the library is full"), fix=later("Remove designs that you no longer need."))
    data = [_read_bytes(file) if file else None for file in files]
    meshes = [read_mesh(each, file.name) for each, file in zip(data, files, strict=True) if each is not None and file]
    width = round(float((meshes[0].vertices.max(0) - meshes[0].vertices.min(0)).max()), 1)
    about = json.dumps({**names, "width_mm": width}, ensure_ascii=False, indent=1)
    _keep(folder, {FEMORAL: data[0], TIBIAL: data[1], FILE: about.encode()})
    return Design(key, **names, widths_mm=(width,), generated=False, folder=folder)


def remove_design(key: str) -> Design:
    """Take a design of the user's out of the library, with its files.

    Raises
    ------
    UnknownCard
        When there is none of that key.
    CannotWrite
        When its files cannot be deleted.
    """
    folder = next((folder for folder in _own_folders() if folder.name == key), None)
    if folder is None:
        if any(design.key == key for design in list_generated_designs()):
            raise UnknownCard(f"{key} is generated, not yours", fix="Only designs that you added can be removed.")
        raise UnknownCard(f"no design {key!r} of yours", fix="`ortholens library list` lists them.")
    found = _read(folder)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        fix = "Check who owns the folder."
        raise CannotWrite(f"cannot be deleted: {why(error)}", fix=fix, file=key) from error
    return found if isinstance(found, Design) else Design(key, "", key, "", (), False)


def _own_folders() -> list[Path]:
    try:
        return sorted(path for path in settings().library_dir.iterdir() if re.fullmatch(r"[0-9a-f]{12}", path.name))
    except OSError:
        return []


def _read_own() -> Iterator[Design | InputError]:
    return (_read(folder) for folder in _own_folders())


def _read(folder: Path) -> Design | InputError:
    """Return the design of a folder, or what is wrong with it."""
    try:
        about = json.loads(_read_bytes(folder / FILE, most=10_000))
        names = {name: str(about[name]) for name in ("maker", "model", "size")}
        if not all(NAME.fullmatch(name) for name in names.values()) or not (folder / FEMORAL).is_file():
            raise ValueError
        return Design(folder.name, **names, widths_mm=(float(about["width_mm"]),), generated=False, folder=folder)
    except (ValueError, KeyError, TypeError, OrthoLensError):
        fix = later("Remove it with `ortholens library remove {key}`, and add it again.", key=folder.name)
        return InputError(later("is no design any more"), fix=fix, file=folder.name)


def _read_part(path: Path) -> Mesh:
    return read_mesh(_read_bytes(path), path.name)


def _read_bytes(path: Path, most: int = 400_000_000) -> bytes:
    """Read a file that is not too large; what is wrong with it names no folder."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        problem = later("cannot be read: {why}", why=why(error))
        raise InputError(problem, fix=later("Check its name and who may read it."), file=path.name) from error
    if len(data) > most:
        raise InputError(later("is too large"), fix=later("Export it with a coarser mesh."), file=path.name)
    return data


def _keep(folder: Path, files: dict[str, bytes | None]) -> None:
    """Write a folder whole, or nothing of it."""
    part: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(dir=folder.parent, prefix=".new-"))
        for name, data in files.items():
            if data is not None:
                (part / name).write_bytes(data)
        part.replace(folder)
    except OSError as error:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
        fix = "Make room, or set ORTHOLENS_LIBRARY_DIR to another folder."
        raise CannotWrite(f"cannot be written: {why(error)}", fix=fix, file="library") from error
