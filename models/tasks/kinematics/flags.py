"""Which frames of a motion a reader must look at, and why: what a pose may be off by against what is accepted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.geometry.camera import Camera
from models.geometry.mesh import Mesh
from models.tasks.kinematics.axes import guess_femoral_axes
from models.tasks.kinematics.certainty import DOUBTFUL, judge_risk
from models.tasks.kinematics.locate import BAD_OVERLAP, NAMES
from models.tasks.kinematics.register import EVEN_PX, find_sharp_px, find_uneven_px
from models.tasks.kinematics.shape import measure_rotation_deg
from models.types import AcceptanceLimits, Track
from models.words import later

Notes = tuple[tuple[str, ...], ...]


def flag_frames(
    tracks: tuple[Track, Track], meshes: tuple[Mesh, Mesh], camera: Camera, limits: AcceptanceLimits
) -> Notes:
    """Return for each frame the sentences that a reader must see; none where all is well."""
    risks = [judge_risk(track.sigma, limits) for track in tracks]
    beyond_mm = _measure_beyond_usual(tracks, meshes)
    uneven_px = [find_uneven_px(find_sharp_px(track.edge_px)) for track in tracks]
    notes: list[tuple[str, ...]] = []
    for t in range(len(tracks[0].overlap)):
        said: list[str] = []
        for name, track, mesh, risk, uneven in zip(NAMES, tracks, meshes, risks, uneven_px, strict=True):
            if not np.isfinite(track.pose[t]).all():
                said.append(later("No {name} component was found in this frame.", name=name))
                continue
            said += [*_doubt_rival(name, track, t, mesh, limits), *_doubt_match(name, track, t, uneven)]
            if not risk[t] <= DOUBTFUL:
                said.append(_word_risk(name, track.sigma[t], limits))
            if beyond := warn_beyond_detector(name, track.pose[t], mesh, camera):
                said.append(beyond)
        if abs(beyond_mm[t]) > limits.depth_mm:
            said.append(_word_side(abs(beyond_mm[t])))
        notes.append(tuple(said))
    return tuple(notes)


def _measure_beyond_usual(tracks: tuple[Track, Track], meshes: tuple[Mesh, Mesh]) -> NDArray[np.float64]:
    """Return (T,) mm by which the mediolateral offset of the components differs from its median, where it is known.

    Not their distance along the rays, which a knee that bends to 130° changes by 15 mm though nothing is wrong.
    """
    right = tracks[0].pose[:, :3, :3] @ guess_femoral_axes(meshes[0]).component_from_axes[:, 0]
    femoral, tibial = (
        track.pose[:, :3, :3] @ mesh.centre + track.pose[:, :3, 3] for track, mesh in zip(tracks, meshes, strict=True)
    )
    aside: NDArray[np.float64] = np.einsum("ti,ti->t", tibial - femoral, right)
    known = aside[np.isfinite(aside)]
    return aside - (np.median(known) if len(known) else 0.0)


def _doubt_rival(name: str, track: Track, t: int, mesh: Mesh, limits: AcceptanceLimits) -> Iterator[str]:
    """Yield a sentence where another pose fits too, so far away that it matters."""
    pose, other = track.pose[t], track.other_pose[t]
    if not np.isfinite(other).all():
        return
    turn = measure_rotation_deg(pose, other)
    further_mm = abs(float(((pose - other)[:3, :3] @ mesh.centre + (pose - other)[:3, 3])[2]))
    if turn > limits.turn_deg or further_mm > limits.depth_mm:
        yield later(
            "Another pose of the {name} component, {apart:.0f}° and {depth:.0f} mm of depth away, fits almost as well.",
            name=name,
            apart=turn,
            depth=further_mm,
        )


def _doubt_match(name: str, track: Track, t: int, uneven_px: float) -> Iterator[str]:
    """Yield what speaks against the pose itself: edges or an outline that it does not follow."""
    if track.edge_px[t] > uneven_px:
        yield later("The picture's edges do not run along the {name} component.", name=name)
    if track.overlap[t] < BAD_OVERLAP and not track.edge_px[t] < EVEN_PX:
        yield later(
            "The {name} component overlaps its mask by {overlap:.2f} only.", name=name, overlap=track.overlap[t]
        )


def _word_side(beyond_mm: float) -> str:
    return later(
        "Side to side, the components lie {beyond:.0f} mm from where they lie to each other in most frames.",
        beyond=beyond_mm,
    )


def _word_risk(name: str, sigma: NDArray[np.float64], limits: AcceptanceLimits) -> str:
    return later(
        "The {name} pose may be off by more than you accept: ± {plane:.1f} mm in the plane, ± {depth:.1f} mm in "
        "depth, ± {turn:.1f}° (95 %), against {most_plane:g} mm, {most_depth:g} mm and {most_turn:g}°.",
        name=name,
        plane=1.96 * sigma[:2].max(),
        depth=1.96 * sigma[2],
        turn=1.96 * sigma[3:].max(),
        most_plane=limits.plane_mm,
        most_depth=limits.depth_mm,
        most_turn=limits.turn_deg,
    )


def warn_beyond_detector(name: str, pose: NDArray[np.float64], mesh: Mesh, camera: Camera) -> str | None:
    """Return a sentence where a component would lie behind the detector: the calibration or the CAD's size is wrong."""
    depth = -float((pose[:3, :3] @ mesh.centre + pose[:3, 3])[2])
    if camera.distance_mm is None or depth <= camera.distance_mm:
        return None
    return later(
        "The {name} component would lie {depth:,.0f} mm from the source, beyond the detector at {distance:,.0f} mm: "
        "check the calibration and the unit of its STL.",
        name=name,
        depth=depth,
        distance=camera.distance_mm,
    )
