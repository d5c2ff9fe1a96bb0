"""Simulated fluoroscopy of a knee with an implant: exact poses, exact silhouettes, and pictures to test and train on.

Beer-Lambert's law through metal, bone and soft tissue, then scatter, the blur of focal spot and detector, and photon
noise; the picture is dark where the body is dense, as a fluoroscope shows it. The CAD's header says "simulated".

Reference: coefficients as in `models.simulation.xray` (Hubbell and Seltzer 1995); movements after the ranges that
S. A. Banks and W. A. Hodge, Clin Orthop 2004, report for lunge and stair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.geometry import jts
from models.geometry.camera import Camera, parse_calibration, write_calibration
from models.geometry.mesh import Mesh, write_stl
from models.geometry.render import render_silhouette, render_thickness_mm
from models.geometry.rig import write_placed_camera
from models.simulation.components import DESIGNS, Design, build_femoral_component, build_tibial_component
from models.simulation.xray import CANCELLOUS, COBALT_CHROME, CORTICAL, MUSCLE, TITANIUM

Array = NDArray[np.float64]

DISTANCE_MM, PITCH_MM = 1198.0, 0.373
"""Of the simulated C-arm, as those of the public example."""
BETWEEN_BEAMS_DEG = 75.0
"""Of two C-arms."""
MOVEMENTS = ("lunge", "stair")
PHOTONS, SCATTER, SCATTER_PX, BLUR_PX = 4000.0, 0.25, 40.0, 0.9
"""In an open pixel; share of the signal behind the knee; its width; blur of focal spot and detector together."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A simulated case.

    Attributes
    ----------
    femoral, tibial
        Components, in mm.
    femoral_poses, tibial_poses
        (T, 4, 4) source_from_implant, exact.
    camera
        What sees them.
    """

    femoral: Mesh
    tibial: Mesh
    femoral_poses: Array
    tibial_poses: Array
    camera: Camera


def simulate_motion(
    design: Design = DESIGNS[0], movement: str = "lunge", frames: int = 60, side_px: int = 1024, seed: int = 0
) -> Scene:
    """Return a sagittal view of one movement of a simulated implant; parameters as of `move_components`."""
    meshes = build_femoral_component(design), build_tibial_component(design)
    return move_components(meshes, 35.0, movement, frames, side_px, seed)


def move_components(
    meshes: tuple[Mesh, Mesh],
    gap_mm: float,
    movement: str = "lunge",
    frames: int = 60,
    side_px: int = 1024,
    seed: int = 0,
) -> Scene:
    """Return a sagittal view of one movement of any implant.

    Parameters
    ----------
    meshes
        Femoral and tibial component in mm, x to the right, y anterior, z proximal.
    gap_mm
        Between their origins, along the tibia.
    movement
        "lunge" (flexion up to 115°) or "stair" (85° to full extension).
    side_px
        Rows and columns; fewer are coarser pixels of the same detector.
    seed
        Of how the leg stands before the detector.
    """
    rng = np.random.default_rng(seed)
    camera = parse_calibration(write_calibration(DISTANCE_MM, PITCH_MM * 1024 / side_px), (side_px, side_px))
    time = np.linspace(0, 1, frames)
    if movement == "lunge":
        flexion = 12 + 103 * np.sin(np.pi * time * 0.95) ** 2
    else:
        flexion = 85 * (0.5 + 0.5 * np.cos(np.pi * time)) + 1.0
    rotation = -3 - 0.09 * flexion + rng.normal(0, 2)  # the tibia turns inwards as the knee bends
    adduction = rng.normal(0, 1) + 1.2 * np.sin(2 * np.pi * time)
    back = -1.5 - 0.05 * flexion
    stand, lean = rng.uniform(-9, 9), rng.uniform(-5, 5)
    place = np.array([rng.uniform(-15, 15), rng.uniform(-15, 15), -rng.uniform(985, 1035)])
    shin, thigh = np.tile(np.eye(4), (frames, 1, 1)), np.tile(np.eye(4), (frames, 1, 1))
    for t in range(frames):
        tilt = 0.35 * flexion[t] - 10  # of the shin on the screen
        shin[t, :3, :3] = (
            jts.rotate_about_axis(2, tilt)
            @ jts.rotate_about_axis(1, stand + 4 * time[t])
            @ _sagittal()
            @ jts.rotate_about_axis(1, lean)
        )
        shin[t, :3, 3] = place + np.array([18 * np.sin(np.pi * time[t]), -10 * time[t], 6 * time[t]])
        thigh[t, :3, :3] = shin[t, :3, :3] @ _knee(flexion[t], adduction[t], rotation[t]).T
        thigh[t, :3, 3] = shin[t, :3, 3] + shin[t, :3, :3] @ np.array([0.0, back[t], gap_mm])
    return Scene(*meshes, thigh, shin, camera)


def turn_view(case: Scene, angle_deg: float) -> tuple[Scene, Array]:
    """Return the same movement as a second C-arm sees it, turned about the knee's vertical by an angle.

    Returns
    -------
    The case in the second source's frame, and (4, 4) the second source from the first.
    """
    middle = (case.femoral_poses[:, :3, 3].mean(0) + case.tibial_poses[:, :3, 3].mean(0)) / 2
    from_first = np.eye(4)
    from_first[:3, :3] = jts.rotate_about_axis(1, angle_deg)
    from_first[:3, 3] = np.array([0.0, 0.0, middle[2]]) - from_first[:3, :3] @ middle
    return replace(
        case, femoral_poses=from_first @ case.femoral_poses, tibial_poses=from_first @ case.tibial_poses
    ), from_first


def _sagittal() -> Array:
    """Return source_from_implant of a leg seen from its right: anterior to the left of the picture, proximal up."""
    return np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])


def _knee(flexion: float, adduction: float, rotation: float) -> Array:
    """femur_from_tibia of Grood and Suntay's angles, in degrees, right knee."""
    return (
        jts.rotate_about_axis(0, -flexion) @ jts.rotate_about_axis(1, adduction) @ jts.rotate_about_axis(2, -rotation)
    )


def render_motion_masks(case: Scene, frame: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the exact silhouettes (H, W) of both components; where they cross, both are true."""
    return (
        render_silhouette(case.femoral, case.femoral_poses[frame], case.camera) > 0,
        render_silhouette(case.tibial, case.tibial_poses[frame], case.camera) > 0,
    )


Body = tuple[Mesh, Array, float]
"""A shape, its (4, 4) pose, and what it adds to the attenuation around it, in 1/mm."""


def render_motion_picture(case: Scene, frame: int, seed: int = 0, beside: Iterable[Body] = ()) -> NDArray[np.uint8]:
    """Return the (H, W) fluoroscopic picture, dark where dense.

    Parameters
    ----------
    beside
        What else stands in the beam, such as the other leg.
    """
    rng = np.random.default_rng((seed, frame))
    thigh, shin = case.femoral_poses[frame], case.tibial_poses[frame]
    depth = COBALT_CHROME * 0.4 * render_thickness_mm(case.femoral, thigh, case.camera)
    depth += TITANIUM * 0.6 * render_thickness_mm(case.tibial, shin, case.camera)
    for body, pose, attenuation in (*build_leg_bodies(thigh, shin), *beside):
        depth += attenuation * render_thickness_mm(body, pose, case.camera)
    factor = case.camera.shape[0] / 1024
    primary = ndimage.gaussian_filter(np.exp(-np.maximum(depth, 0)), BLUR_PX * factor)
    scattered = SCATTER * _wide_blur(primary, SCATTER_PX * factor)
    signal = rng.poisson(PHOTONS * (primary + scattered)) / PHOTONS
    grey = (signal / (1 + SCATTER)) ** 0.6  # the display curve
    return np.asarray(np.clip(grey * 235 + 8, 0, 255), np.uint8)


def _wide_blur(field: Array, sigma: float) -> Array:
    """Blur far wider than a pixel, on every eighth of them."""
    small = field[::8, ::8]
    wide = ndimage.zoom(ndimage.gaussian_filter(small, sigma / 8, mode="nearest"), 8, order=1)
    return np.asarray(wide[: field.shape[0], : field.shape[1]])


def build_leg_bodies(thigh: Array, shin: Array) -> Iterator[Body]:
    """Yield bodies of bone and soft tissue with their poses and what they add to the attenuation around them."""
    soft, cortex, marrow = MUSCLE * 0.6, CORTICAL - MUSCLE, -(CORTICAL - CANCELLOUS)
    for pose, up in ((thigh, 1.0), (shin, -1.0)):
        yield _rod(52 if up > 0 else 42, 330, up * 150, (0, -14 * up, 0)), pose, soft
        yield _rod(14, 300, up * 185, (0, -6, 0)), pose, cortex
        yield _rod(9, 300, up * 185, (0, -6, 0)), pose, marrow
        yield _rod(24, 26, up * 22 - 6, (0, -4, 0)), pose, CANCELLOUS - MUSCLE


def _rod(radius_mm: float, length_mm: float, middle_mm: float, shift_mm: tuple[float, float, float]) -> Mesh:
    """Return a closed capsule along the limb."""
    from trimesh.creation import capsule

    body = capsule(height=length_mm, radius=radius_mm, count=[24, 16])
    vertices = np.asarray(body.vertices)
    vertices = vertices - (vertices.min(0) + vertices.max(0)) / 2 + [0, 0, middle_mm] + shift_mm
    return Mesh(vertices, np.asarray(body.faces, np.int32))


def write_motion_case(case: Scene, folder: Path, source_from_room: Array | None = None) -> list[Path]:
    """Write CAD, calibration, exact poses, pictures and silhouettes, laid out as the public example is.

    Parameters
    ----------
    source_from_room
        (4, 4) where the camera of one of several views stood: the calibration is a camera.txt, which can say so.
    """
    from PIL import Image as Pillow

    written = []

    def write(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written.append(path)

    write(folder / "femoral.stl", write_stl(case.femoral))
    write(folder / "tibial.stl", write_stl(case.tibial))
    if source_from_room is None:
        calibration = write_calibration(DISTANCE_MM, PITCH_MM * 1024 / case.camera.shape[0])
        write(folder / "calibration.txt", calibration.encode())
    else:
        write(folder / "camera.txt", write_placed_camera(case.camera, source_from_room).encode())
    write(folder / "fem.jts", jts.write_jts(case.femoral_poses).encode())
    write(folder / "tib.jts", jts.write_jts(case.tibial_poses).encode())
    for number in range(len(case.femoral_poses)):
        shown = {"frames": render_motion_picture(case, number)}
        shown |= dict(
            zip(
                ("masks/fem", "masks/tib"),
                (m.astype(np.uint8) * 255 for m in render_motion_masks(case, number)),
                strict=True,
            )
        )
        for part, pixels in shown.items():
            path = folder / part / f"{number:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(pixels).save(path)
            written.append(path)
    return written


def write_biplane_case(case: Scene, folder: Path) -> list[Path]:
    """Write a case as two C-arms see it: the first as `write_motion_case` does, the other into "second"."""
    other, from_first = turn_view(case, BETWEEN_BEAMS_DEG)
    return write_motion_case(case, folder, np.eye(4)) + write_motion_case(other, folder / "second", from_first)
