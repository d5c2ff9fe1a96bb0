"""Simulated films of a knee arthroplasty, from in front, from the side and between: any CAD, exact poses and outlines.

What surrounds the metal is drawn as `models.simulation.fluoroscopy` draws it. Half of the films show metal bright, as a
radiograph does, half dark, as a fluoroscope; half the implants are mirrored, for the other side. Nobody was
radiographed.

Reference for the views: J. P. Whittle et al. in Insall & Scott Surgery of the Knee, 6th edition, 2018, chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.geometry.render import render_thickness_mm
from models.simulation.fluoroscopy import Background, PlacedKnee, Scene, rotate_fluoroscope, show_knee
from models.simulation.metal import SIDE
from models.simulation.phantom import Side, SimulatedRadiograph
from models.simulation.xray import WHITE, Beam, annotate_xray

Array = NDArray[np.float64]
View = Literal["front", "side", "oblique"]

VIEWS: tuple[View, ...] = ("front", "side", "oblique")
SHARES = (0.5, 0.3, 0.2)
"""Of the views: outlines from in front, where keel and tray are seen through the bone, are learned slowest."""
ENLARGED = 1.15
"""Of the knee on the detector, where a film is written as a radiograph."""
UPRIGHT = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
"""source_from_implant of a knee seen from in front: x of a design is to the right, y anterior, z proximal."""
PLASTIC_MM = (7.0, 13.0)
"""Between the lowest point of the femoral component and the tray."""


@dataclass(frozen=True, eq=False)
class KneeFilm:
    """A film and what is known of it.

    Attributes
    ----------
    scene
        Picture and classes, 1 femoral, 2 tibial component.
    view
        From where.
    side
        Of the knee; "L" where the implant was mirrored.
    camera
        The true one.
    px_per_mm
        In the plane of the knee.
    poses
        (4, 4) source_from_implant of the femoral and of the tibial component, mirrored where the side is "L".
    """

    scene: Scene
    view: View
    side: Side
    camera: Camera
    px_per_mm: float
    poses: tuple[Array, Array]

    @property
    def radiograph(self) -> SimulatedRadiograph:
        """The film as a radiograph of known geometry, which says on it that it is simulated."""
        source_mm = self.camera.focal_px[0] / self.px_per_mm
        beam = Beam((SIDE, SIDE), ENLARGED / self.px_per_mm, (0.0, 0.0), source_mm, source_mm * ENLARGED)
        grey = np.asarray(self.scene.pixels.astype(np.uint16) * (WHITE // 255), np.uint16)
        pixels = annotate_xray(grey, f"{self.side}\nSIM", 11.0, beam)
        return SimulatedRadiograph(pixels, self.scene.mask > 0, beam, self.side)


def simulate_knee_film(
    seed: int,
    meshes: tuple[Mesh, Mesh | None],
    view: View | None = None,
    bright: bool | None = None,
    background: Background | None = None,
    kneeling: bool = False,
) -> KneeFilm:
    """Simulate a film of an implant; what is not given is drawn from `seed`.

    Parameters
    ----------
    meshes
        Femoral and tibial component in mm, x to the right, y anterior, z proximal; None where there is no tibial one.
    background
        A real frame whose implants are covered, which the implant lies on; None: bones and flesh are drawn.
    kneeling
        Whether a table seen from its side crosses the implant.
    """
    rng = np.random.default_rng([seed, 20261127])
    drawn: View = VIEWS[int(rng.choice(3, p=SHARES))]
    mirrored, shown_bright = rng.random(2) < 0.5
    if mirrored:
        meshes = meshes[0].mirrored(0), meshes[1] and meshes[1].mirrored(0)
    seen = view or drawn
    thigh, shin = _draw_poses(rng, seen, -float(meshes[0].vertices[:, 2].min()))
    px_per_mm, source_mm = float(np.exp(rng.uniform(np.log(1.4), np.log(2.3)))), rng.uniform(950, 1250)
    middle = (SIDE - 1) / 2
    camera = Camera((px_per_mm * source_mm,) * 2, (middle, middle), (SIDE, SIDE))
    off = np.zeros(2) if background is None else np.array(background[1])[::-1] - middle  # to the right and down
    across, down = off / px_per_mm + rng.normal(0, 28 / px_per_mm, 2) * [1, -1]
    away = np.array([across, -down, -source_mm])
    thigh[:3, 3] += away
    shin[:3, 3] += away
    knee = _place(rng, meshes, (thigh, shin), camera, px_per_mm)
    covered = None if background is None else background[0]
    scene = show_knee(rng, knee, covered, kneeling=kneeling, bright=bool(shown_bright if bright is None else bright))
    return KneeFilm(scene, seen, "L" if mirrored else "R", camera, px_per_mm, (thigh, shin))


def _draw_poses(rng: np.random.Generator, view: View, drop_mm: float) -> tuple[Array, Array]:
    """Return (4, 4) of the femoral and of the tibial component about the middle of the knee."""
    flexion = rng.uniform(-3, {"front": 30, "side": 130, "oblique": 60}[view])
    yaw = {"front": rng.normal(0, 8), "side": rng.choice([-90, 90]) + rng.normal(0, 7), "oblique": rng.uniform(0, 360)}
    pitch, roll = rng.normal(0, 5), rng.normal(0, 12 if view == "front" else 40)
    shin, thigh = np.eye(4), np.eye(4)
    out = rotate_fluoroscope(roll, 2) @ rotate_fluoroscope(pitch, 0) @ rotate_fluoroscope(float(yaw[view]), 1)
    shin[:3, :3] = out @ UPRIGHT @ rotate_fluoroscope(-flexion / 2 * (view != "front"), 0)
    twist = rotate_fluoroscope(rng.normal(0, 5), 2) @ rotate_fluoroscope(rng.normal(0, 2), 1)
    thigh[:3, :3] = shin[:3, :3] @ twist @ rotate_fluoroscope(flexion, 0)
    gap = drop_mm + rng.uniform(*PLASTIC_MM)
    shift = np.array([rng.normal(0, 2), rng.normal(0, 3) - 0.05 * flexion, gap])
    thigh[:3, 3], shin[:3, 3] = shin[:3, :3] @ shift / 2, -shin[:3, :3] @ shift / 2
    return thigh, shin


def _place(
    rng: np.random.Generator,
    meshes: tuple[Mesh, Mesh | None],
    poses: tuple[Array, Array],
    camera: Camera,
    px_per_mm: float,
) -> PlacedKnee:
    thigh, shin = poses
    metal = [
        np.zeros((SIDE, SIDE), np.float32)
        if mesh is None
        else render_thickness_mm(mesh, pose, camera).astype(np.float32)
        for mesh, pose in zip(meshes, poses, strict=True)
    ]

    def towards(direction: Array) -> Array:
        return np.array([-direction[1], direction[0]])

    def seen(pose: Array, mesh: Mesh | None) -> Array:
        middle = pose[:3, 3] if mesh is None else pose[:3, :3] @ mesh.centre + pose[:3, 3]
        return np.asarray(camera.project(middle)[::-1])

    return PlacedKnee(
        metal=(metal[0], metal[1]),
        attenuation=(float(rng.uniform(0.12, 0.5)), float(np.exp(rng.uniform(np.log(0.06), np.log(0.4))))),
        distal=seen(thigh, meshes[0]),
        proximal=seen(shin, meshes[1]),
        thigh=towards(thigh[:3, 2]),
        shin=-towards(shin[:3, 2]),
        front=towards(shin[:3, 1]),
        px_per_mm=px_per_mm,
    )
