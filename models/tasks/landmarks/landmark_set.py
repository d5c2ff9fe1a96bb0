"""The set that landmarks are learned from: pictures of knees, and the points that were laid onto them.

Read straight from the data folder: the pictures of the Kellgren-Lawrence set and a table of points for some of them,
whose splits by patient are the same. How well the points of a knee lie on edges stands beside them as `fit`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from models.errors import Unreachable
from models.settings import settings
from models.training.public_set import open_set_zip

TABLE, PICTURES = "knee_landmarks.csv", "knee_kl.zip"
TRUSTED = 0.45
"""Fit from which the points of a knee looked right on a sheet of pictures; figures are of these alone."""
TRAIN, VALIDATION, TEST = "train", "val", "test"


@dataclass(frozen=True, eq=False)
class LandmarkSet:
    """N pictures with K points each.

    Attributes
    ----------
    pictures
        N of (H, W) uint8.
    names
        Of the K points.
    points
        (N, K, 2) float32 x, y in pixels of the picture; nan for a point that is not there.
    fit
        (N,) how well the points lie on edges of the picture.
    mm_per_px
        (N,) scale that followed from laying them there.
    splits, patients, sides, grades
        N each: "train", "val", or what else it is measured as, such as "test", and "" in a set that is cross-validated;
        patient, or what stands in for one; "right" or "left"; Kellgren-Lawrence grade; "" where that is not known.
    share
        (N,) how often each is drawn in training, against the others.
    """

    pictures: Sequence[NDArray[np.uint8]]
    names: tuple[str, ...]
    points: NDArray[np.float32]
    fit: NDArray[np.float32]
    mm_per_px: NDArray[np.float32]
    splits: tuple[str, ...]
    patients: tuple[str, ...]
    sides: tuple[str, ...]
    grades: tuple[str, ...]
    share: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def whole(self) -> bool:
        """Whether nothing of it is kept for training: what ships learns from all of it, and it is measured in folds."""
        return TRAIN not in self.splits

    def of(self, split: str, least_fit: float = 0.0) -> NDArray[np.intp]:
        """Return the indices of a split whose points fit at least so well."""
        return np.flatnonzero((np.array(self.splits) == split) & (self.fit >= least_fit))


def read_knee_landmarks() -> LandmarkSet:
    """Read the knees that have points."""
    path = settings().data_dir / TABLE
    try:
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    except FileNotFoundError as error:
        fix = "Set ORTHOLENS_DATA_DIR to the folder that holds it."
        raise Unreachable("the table of landmarks is not here", fix=fix, file=TABLE) from error
    names = tuple(column.removesuffix("_x") for column in rows[0] if column.endswith("_x"))
    with open_set_zip(PICTURES) as archive:
        pictures = [np.asarray(Picture.open(archive.open(row["file"])).convert("L")) for row in rows]
    points = [[[float(row[f"{name}_{axis}"]) for axis in "xy"] for name in names] for row in rows]
    return LandmarkSet(
        pictures=pictures,
        names=names,
        points=np.array(points, np.float32),
        fit=np.array([float(row["fit"]) for row in rows], np.float32),
        mm_per_px=np.array([float(row["mm_per_px"]) for row in rows], np.float32),
        splits=tuple(row["split"] for row in rows),
        patients=tuple(row["patient"] for row in rows),
        sides=tuple("right" if row["side"] == "R" else "left" for row in rows),
        grades=tuple(row["kl_grade"] for row in rows),
    )


def read_saved(path: Path) -> LandmarkSet:
    """Return what a user's own set keeps while it is learned from; a scale is nan where a picture has none."""
    with np.load(path) as kept:
        n, groups = len(kept["groups"]), tuple(map(str, kept["groups"]))
        return LandmarkSet(
            pictures=tuple(kept["pixels"]),
            names=tuple(kept["names"].tolist()),
            points=kept["points"],
            fit=np.ones(n, np.float32),
            mm_per_px=kept["mm_per_px"],
            splits=("",) * n,
            patients=groups,
            sides=("",) * n,
            grades=("",) * n,
        )
