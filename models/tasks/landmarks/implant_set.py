"""The set of `tka-landmarks`: points of knee implants that nobody placed, projected from CAD by known poses.

Simulated films of generated designs have exact poses. The frames of `deep_flexion_cam1` have those that the kinematics
finds from their hand-drawn outlines. Of `kneel_right` nothing is learned, neither frame nor CAD: its three frames, with
the reference poses that came with them, are what is measured at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Picture

from models.geometry import implant_points
from models.geometry.camera import Camera, parse_calibration
from models.geometry.implant_points import POINTS, find_implant_points
from models.geometry.jts import parse_jts
from models.geometry.mesh import Mesh, parse_mesh
from models.geometry.render import place_points
from models.simulation import fluoroscopy, knee_designs, knee_femoral, knee_films, knee_solids, knee_tibial, metal
from models.simulation.fluoroscopy import Background, cover_metal
from models.simulation.knee_designs import build_design
from models.simulation.knee_films import VIEWS, simulate_knee_film
from models.simulation.metal import SIDE
from models.tasks.kinematics.axes import guess_femoral_axes, guess_tibial_axes
from models.tasks.kinematics.locate import Frame
from models.tasks.kinematics.motion import Study, find_motion
from models.tasks.landmarks.heatmaps import order_pairs
from models.tasks.landmarks.landmark_set import TRAIN, VALIDATION, LandmarkSet
from models.tasks.segmentation.fluoroscopy_set import (
    find_deep_split,
    read_deep_flexion_training_frames,
    read_study_frames,
)
from models.training.drawn_set import locate_drawn_set
from models.training.public_set import open_set_zip

Array = NDArray[np.float64]

STUDIES = "tka_fluoroscopy.zip"
LEARNED, KEPT = "deep_flexion_cam1", "kneel_right"
UNSEEN = "simulated designs never learned from"
BLOCKS = f"held-out blocks of {LEARNED}"
DESIGNS = (
    "cruciate-retaining",
    "posterior-stabilised",
    "medial-pivot",
    "mobile-bearing",
    "bicruciate-retaining",
    "bicruciate-stabilised",
    "pegged-tray",
)
"""Families whose components have a flange, two condyles and a whole tray, and no stem that hides them."""
SEEDS = {TRAIN: range(1, 7), VALIDATION: range(301, 303), UNSEEN: range(601, 604)}
"""Members of each family, by what they serve for; those of the library (seed 0) are in none."""
FILMS = {TRAIN: 10, VALIDATION: 2, UNSEEN: 2}
"""Films of each member."""
OWN_FILMS = 120
"""Simulated films of the implant of `deep_flexion_cam1`."""
SHARES = (0.1, 0.75, 0.15)
"""Of the views from in front, from the side and between: fluoroscopy of a moving knee is nearly always lateral."""
KNEELS, COVERED = 0.2, 0.6
"""Share of films with a table across the implant; of the studied implant's, that lie on a real frame."""
EVERY = 4
"""Of the frames of `deep_flexion_cam1`, which lie close to each other."""
REAL_SHARE = 5.0
"""Times a real frame is drawn against a simulated film."""
TRUSTED_OVERLAP = 0.9
"""Of a pose's silhouettes with the drawn outlines, from which a frame counts."""


@dataclass(frozen=True, eq=False)
class Marked:
    """A picture (H, W) uint8, its points (K, 2) x, y in its pixels, its scale in the knee's plane, and what it is."""

    picture: NDArray[np.uint8]
    points: NDArray[np.float32]
    mm_per_px: float
    split: str
    group: str


def read_implant_landmarks() -> LandmarkSet:
    """Simulate the films and find the poses of the studied frames, or read what was found before.

    Raises
    ------
    Unreachable
        When the fluoroscopy set is not in the data folder.
    """
    sources = (fluoroscopy, implant_points, knee_designs, knee_femoral, knee_films, knee_solids, knee_tibial, metal)
    kept: Path = locate_drawn_set("tka-points", sources, f"{DESIGNS} {SEEDS} {FILMS} {OWN_FILMS} {SHARES} {EVERY}")
    if not kept.exists():
        _keep(kept, [*_read_studies(), *_simulate_films()])
    with np.load(kept) as found:
        n, real = len(found["splits"]), np.char.startswith(found["groups"], LEARNED)
        return LandmarkSet(
            pictures=[found[f"picture-{i}"] for i in range(n)],
            names=POINTS,
            points=found["points"],
            fit=np.ones(n, np.float32),
            mm_per_px=found["mm_per_px"],
            splits=tuple(found["splits"].tolist()),
            patients=tuple(found["groups"].tolist()),
            sides=("",) * n,
            grades=("",) * n,
            share=np.where(real, REAL_SHARE, 1).astype(np.float32),
        )


def _keep(path: Path, every: list[Marked]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = {f"picture-{i}": one.picture for i, one in enumerate(every)}
    np.savez_compressed(
        path,
        points=np.stack([one.points for one in every]),
        mm_per_px=np.array([one.mm_per_px for one in every], np.float32),
        splits=[one.split for one in every],
        groups=[one.group for one in every],
        **pictures,  # type: ignore[arg-type]  # its stub takes no mapping
    )


def project_points(points_mm: Array, poses: tuple[Array, Array], camera: Camera) -> NDArray[np.float32]:
    """Return where the points of both components are seen, (K, 2) x, y; of a pair, 0 is the one further left.

    Parameters
    ----------
    points_mm
        (K, 3) as `find_implant_points` returns them.
    poses
        (4, 4) of the femoral and of the tibial component.
    """
    femoral = np.array([name.startswith("femur") for name in POINTS])
    placed = np.where(femoral[:, None], place_points(points_mm, poses[0]), place_points(points_mm, poses[1]))
    seen: NDArray[np.float32] = order_pairs(torch.from_numpy(camera.project(placed)), POINTS).float().numpy()
    return seen


def _simulate_films() -> Iterator[Marked]:
    """Yield films of members of every family, and of the studied implant."""
    for split, seeds in SEEDS.items():
        for number, family in enumerate(DESIGNS):
            for seed in seeds:
                meshes = build_design(family, seed).build_meshes()
                for i in range(FILMS[split]):
                    yield _simulate((number * 1000 + seed) * 100 + i, meshes, [], split, f"{family} {seed}")
    studied = _read_meshes(LEARNED)
    axes = guess_femoral_axes(studied[0]).component_from_axes, guess_tibial_axes(studied[1]).component_from_axes
    femoral, tibial = (Mesh(mesh.vertices @ own, mesh.faces) for mesh, own in zip(studied, axes, strict=True))
    backgrounds = _read_backgrounds()
    for i in range(OWN_FILMS):
        yield _simulate(9_000_000 + i, (femoral, tibial), backgrounds, TRAIN, f"simulated {LEARNED} {i}")


def _simulate(
    seed: int, meshes: tuple[Mesh, Mesh | None], backgrounds: list[Background], split: str, group: str
) -> Marked:
    rng = np.random.default_rng([seed, 20261128])
    view, kneels = VIEWS[int(rng.choice(3, p=SHARES))], bool(rng.random() < KNEELS)
    covered = backgrounds[int(rng.integers(len(backgrounds)))] if backgrounds and rng.random() < COVERED else None
    film = simulate_knee_film(seed, meshes, view, False, covered, kneels)
    points_mm = find_implant_points([None if mesh is None else (mesh, np.eye(3)) for mesh in meshes])
    mirror = [-1, 1, 1] if film.side == "L" else [1, 1, 1]
    points = project_points(points_mm * mirror, film.poses, film.camera)
    return Marked(film.scene.pixels, points, 1 / film.px_per_mm, split, group)


def _read_backgrounds() -> list[Background]:
    found = []
    for picture, mask in read_deep_flexion_training_frames()[::8]:
        small = np.asarray(Picture.fromarray(picture).resize((SIDE, SIDE), Picture.Resampling.BOX))
        covering = np.asarray(Picture.fromarray(mask).resize((SIDE, SIDE), Picture.Resampling.NEAREST)) > 0
        rows, columns = np.nonzero(covering)
        found.append((cover_metal(small, covering), (int(rows.mean()), int(columns.mean()))))
    return found


def _read_studies() -> Iterator[Marked]:
    """Yield real frames: of one study with poses that are found from its outlines, of the other with its own."""
    with open_set_zip(STUDIES) as archive:
        frames = {study: read_study_frames(archive, study) for study in (LEARNED, KEPT)}
        pinhole = archive.read(f"{LEARNED}/camera.txt").decode()
        calibration = archive.read(f"{KEPT}/calibration.txt").decode()
        given = [parse_jts(archive.read(f"{KEPT}/{name}.jts").decode()) for name in ("fem", "tib")]
    deep = frames[LEARNED]
    splits = [find_deep_split(i, len(deep)) for i in range(len(deep))]
    some = [i for i in range(0, len(deep), EVERY) if splits[i]]
    camera, meshes = parse_calibration(pinhole, deep[0][0].shape), _read_meshes(LEARNED)
    outlined = [Frame((deep[i][1] == 1, deep[i][1] == 2)) for i in some]
    found = find_motion(Study(*meshes, camera), outlined)
    for at, i in enumerate(some):
        poses = found.femoral.pose[at], found.tibial.pose[at]
        if min(found.femoral.overlap[at], found.tibial.overlap[at]) > TRUSTED_OVERLAP:
            split = TRAIN if splits[i] == "train" else BLOCKS
            yield _mark(deep[i][0], meshes, poses, camera, (split, f"{LEARNED} block {i // 10}"))
    camera, meshes = parse_calibration(calibration, frames[KEPT][0][0].shape), _read_meshes(KEPT)
    for at, (picture, _) in enumerate(frames[KEPT]):
        yield _mark(picture, meshes, (given[0][at], given[1][at]), camera, (KEPT, f"{KEPT} {at}"))


def _mark(
    picture: NDArray[np.uint8],
    meshes: tuple[Mesh, Mesh],
    poses: tuple[Array, Array],
    camera: Camera,
    of: tuple[str, str],
) -> Marked:
    """Return a real frame with its points; `of` is its split and its group."""
    axes = guess_femoral_axes(meshes[0]), guess_tibial_axes(meshes[1])
    parts = [(mesh, own.component_from_axes) for mesh, own in zip(meshes, axes, strict=True)]
    middle = poses[0][:3, :3] @ meshes[0].centre + poses[0][:3, 3]
    points = project_points(find_implant_points(parts), poses, camera)
    return Marked(picture, points, float(-middle[2] / camera.focal_px[0]), *of)


def _read_meshes(study: str) -> tuple[Mesh, Mesh]:
    with open_set_zip(STUDIES) as archive:
        femoral, tibial = (parse_mesh(archive.read(f"{study}/{name}.stl"), name) for name in ("femoral", "tibial"))
    return femoral, tibial
