"""Points of a user's own: pictures, a CSV or COCO keypoints that say where each point lies, and the recipe for so few.

Every picture is fitted whole into a square, as the network is shown it, and its points with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from models.cards import Card, Label
from models.cards.tables import Input, Net
from models.progress import Progress
from models.tasks.landmarks.reference import Placed, ReferencePoints, read_reference_points
from models.training.own_files import Files, name_by_last_part
from models.training.own_set import Listed, Look, is_picture, look_at_pictures, say_too_few
from models.types import Image, Pixels
from models.words import Later, later

FEWEST_PICTURES, FEWEST_GROUPS = 15, 5
"""With a point of a name: with fewer no part of a cross-validation holds enough to say anything."""
SIDE = 256
"""Pixels a side of a picture as the network is shown it."""
APART = 0.03
"""Share of the side from which points of two near copies differ."""
SHAPE = {"width": 16, "stride": 4, "blocks": 2}
"""Of the HRNets that come with the program, so that one can start from another's trunk."""
STEPS = 240
QUICK = {"steps": 40}
"""What a quick trial changes in the recipe."""
KNOWS_IMAGENET = False


@dataclass(frozen=True, eq=False)
class LandmarkLook(Look):
    """Pictures with points.

    Attributes
    ----------
    pixels
        (N, `SIDE`, `SIDE`) uint8, each whole and padded with black.
    names
        Of the K points, in the order of their file.
    points
        (N, K, 2) float32 x, y in pixels of `pixels`; nan for a point that is not there.
    mm_per_px
        (N,) of `pixels`; nan where the picture is not calibrated.
    """

    pixels: NDArray[np.uint8]
    names: tuple[str, ...]
    points: NDArray[np.float32]
    mm_per_px: NDArray[np.float32]

    @property
    def there(self) -> NDArray[np.bool_]:
        """(N, K) whether a picture has a point."""
        found: NDArray[np.bool_] = np.isfinite(self.points[..., 0])
        return found

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Return the pictures, and the groups, that have each point."""
        groups = np.array(self.pictures.groups)
        return {
            name: (int(there.sum()), len(set(groups[there].tolist())))
            for name, there in zip(self.names, self.there.T, strict=True)
        }

    def too_little(self) -> tuple[Later, ...]:
        """Say what is missing before anything could be learned and measured; empty where nothing is."""
        if not self.there.any():
            return (later("no picture has a point"),)
        return tuple(say_too_few(self.counts(), FEWEST_PICTURES, FEWEST_GROUPS))

    def warnings(self) -> Iterator[Later]:
        """Say what is to be known of the pictures beyond their number, and which points are missing in some."""
        yield from super().warnings()
        for name, missing in zip(self.names, (~self.there).sum(0), strict=True):
            if missing:
                yield later("The point {name} is missing in {n} of {all} pictures", name=name, n=int(missing),
                            all=len(self.points))  # fmt: skip

    def differ(self, i: int, j: int) -> Later | None:
        """Say how far apart the points of two near copies lie, where that is far."""
        both = self.there[i] & self.there[j]
        apart = np.linalg.norm(self.points[i] - self.points[j], axis=-1)[both] / SIDE
        if not len(apart) or apart.max() < APART:
            return None
        return later("whose points lie up to {apart:.0%} of the side apart", apart=float(apart.max()))

    def save(self, path: Path) -> None:
        """Keep pictures, points, scales and numbers of groups."""
        numbers = np.unique(self.pictures.groups, return_inverse=True)[1]
        np.savez_compressed(
            path, pixels=self.pixels, points=self.points, names=np.array(self.names), mm_per_px=self.mm_per_px,
            groups=numbers,
        )  # fmt: skip


def look(files: Files, progress: Progress) -> LandmarkLook:
    """Read every picture of a user's files that has points, and look at them together.

    Raises
    ------
    InputError
        When no file holds points, or several might.
    """
    reference = read_reference_points(files)
    listed, placed = _list_placed(files, reference)
    pixels: list[NDArray[np.uint8]] = []
    points: list[NDArray[np.float32]] = []
    scales: list[float] = []

    def take(i: int, image: Image) -> str | None:
        of, (rows, columns) = placed[i], image.shape
        if of.wrong is not None:
            return of.wrong
        if not of.points:
            return later("there are no points of it")
        for name, (x, y) in of.points.items():
            if not (-0.5 <= x <= columns - 0.5 and -0.5 <= y <= rows - 0.5):
                return later("its point {name} lies outside the picture", name=name)
        there = np.array([of.points.get(name, (np.nan, np.nan)) for name in reference.names], np.float32)
        picture, mapped, scale = fit_into_square(image.grey(image.first_frame), there)
        pixels.append(picture)
        points.append(mapped)
        scales.append(float(np.mean(image.spacing_mm)) * scale if image.spacing_mm else np.nan)
        return None

    pictures = look_at_pictures(files, listed, take, progress)
    k = len(reference.names)
    return LandmarkLook(
        pictures=pictures,
        pixels=np.array(pixels, np.uint8).reshape(-1, SIDE, SIDE),
        names=reference.names,
        points=np.array(points, np.float32).reshape(-1, k, 2),
        mm_per_px=np.array(scales, np.float32),
    )


def _list_placed(files: Files, reference: ReferencePoints) -> tuple[list[Listed], list[Placed]]:
    """Return each picture of the set or of its file of points, and the points of each."""
    by_name = name_by_last_part(files)
    of = {by_name.get(name, name): placed for name, placed in reference.pictures.items()}
    of |= {name: Placed({}) for name in files.names if is_picture(name) and name not in of}
    return [Listed(name, placed.group) for name, placed in of.items()], list(of.values())


def fit_into_square(grey: Pixels, points: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32], float]:
    """Fit a picture (H, W) in [0, 1] whole into a square of `SIDE`, padded with black, as `Frame` lays it there.

    Returns
    -------
    tuple
        (SIDE, SIDE) uint8; the points (K, 2) x, y in its pixels; source pixels of one of its pixels.
    """
    rows, columns = grey.shape
    scale = SIDE / max(rows, columns)
    high, wide = (max(1, round(side * scale)) for side in (rows, columns))
    top, left = (SIDE - high) // 2, (SIDE - wide) // 2
    smaller = Pillow.fromarray((grey * 255).round().astype(np.uint8)).resize((wide, high), Pillow.Resampling.BILINEAR)
    square = np.zeros((SIDE, SIDE), np.uint8)
    square[top : top + high, left : left + wide] = np.asarray(smaller)
    by = np.array([wide / columns, high / rows], np.float32)
    mapped = (points + 0.5) * by - 0.5 + np.array([left, top], np.float32)
    return square, mapped.astype(np.float32), float(1 / by.mean())


def describe_card(seen: LandmarkLook, quick: bool) -> dict[str, object]:
    """Return the fields of a card that hang on what it learns."""
    training: dict[str, object] = {
        "steps": STEPS, "batch": 4, "view_size": [SIDE, SIDE], "average": 0.97, "spaces": 0.0,
        "augmentation": {
            "rotation_deg": 15.0, "scale": 0.15, "shift": 0.08, "flip": False, "contrast": 0.3, "gamma": 0.3,
        },
    }  # fmt: skip
    return {
        "summary": f"Places {len(seen.names)} points. Trained by its user on pictures of their own.",
        "labels": tuple(Label(key=name, name=name) for name in seen.names),
        "input": Input(size=(SIDE, SIDE)),
        "net": Net(name="hrnet", stage="stage4", dropout=0.0, shape=SHAPE),
        "training": training | (QUICK if quick else {}),
    }


def may_start_from(card: Card) -> bool:
    """Whether a card's trunk can be the start of another."""
    return bool(card.members) and card.net.name == "hrnet" and card.net.shape == SHAPE


def measure_curve(card_id: str, progress: Progress) -> None:
    """Measure nothing: a curve would take as many trainings as the measurement itself."""
