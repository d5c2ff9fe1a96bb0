"""`ortholens kinematics --sizes`: other sizes of the series beside the given CAD, and which of them fits best."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.commands.output import write_output
from models.commands.trial import open_file
from models.errors import InputError
from models.types import Motion
from models.words import DISCLAIMER

if TYPE_CHECKING:
    from models.geometry.camera import Camera
    from models.geometry.mesh import Mesh
    from models.tasks.kinematics.locate import Frame
    from models.tasks.kinematics.study import File

Series = tuple[list[tuple[str, "Mesh"]], list[tuple[str, "Mesh"]]]
"""Femoral and tibial sizes by name, the given one first."""
COLUMNS = (
    "component",
    "file",
    "given",
    "mean_residual_px",
    "standard_errors_behind",
    "told_apart",
    "nearer_mm",
    "frames",
)


def read_sizes(paths: Sequence[Path], given: tuple[File, File]) -> Series:
    """Read the other sizes, each to the component that its name says, behind the given ones.

    Raises
    ------
    InputError
        Where a name says neither component or both, or a file is no CAD.
    """
    from models.geometry.mesh import read_mesh

    series: Series = ([], [])
    if not paths:
        return series
    for side, file in enumerate(given):
        series[side].append((file.name, read_mesh(file.data, file.name)))
    for path in paths:
        name = path.name.lower()
        femoral, tibial = "fem" in name, "tib" in name
        if femoral == tibial:
            raise InputError("could be of either component", fix="Put fem or tib into its name.", file=path.name)
        file = open_file(path)
        if file.data not in (given[0].data, given[1].data):
            series[int(tibial)].append((path.name, read_mesh(file.data, file.name)))
    return series


def tell_sizes(
    series: Series, found: Motion, frames: Sequence[Frame], camera: Camera, out: Path, *, named: bool
) -> list[str]:
    """Fit all sizes, write `sizes.csv`, and return a sentence for each component that has several."""
    from models.tasks.kinematics.locate import COMPONENTS, NAMES
    from models.tasks.kinematics.sizes import compare_sizes, word_sizes

    rows, said = [], []
    poses = found.femoral.pose, found.tibial.pose
    for side, sizes in enumerate(series):
        if len(sizes) < 2:
            continue
        own = sizes if named else [(f"size {number}", mesh) for number, (_, mesh) in enumerate(sizes, 1)]
        fits = compare_sizes(own, side, frames, camera, poses)
        if not fits:
            continue
        said.append(word_sizes(COMPONENTS[side], fits, own[0][0]))
        for fit in fits:
            figures = [f"{fit.residual_px.mean():.3f}", f"{fit.behind:.2f}", "yes" if fit.told_apart else "no"]
            row = [NAMES[side], fit.name, "yes" if fit.name == own[0][0] else "no", *figures]
            rows.append([*row, f"{fit.nearer_mm:.1f}", len(fit.residual_px), DISCLAIMER])
    if rows:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([[*COLUMNS, "note"], *rows])
        write_output(out / "sizes.csv", text.getvalue().encode())
    return said
