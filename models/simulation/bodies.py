"""Bodies that rays pass through, and the exact or nearly exact length of each ray inside them.

Two kinds are enough for a joint. Bones and soft parts are drawn in the plane of the picture and rounded in depth
(`Part`): a shell of one substance around a core of another. Metal is built of convex solids (`Ball`, `Frustum`) that
rays meet at exact distances, so an implant can turn in space. Both follow a `Pose` in the plane.

Reference: A. Glassner (ed.), An Introduction to Ray Tracing, 1989, chapter 2: intersections as intervals along a ray.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw
from scipy import ndimage
from scipy.interpolate import CubicSpline

from models.simulation.xray import Beam, Field

Points = Sequence[tuple[float, float]]
Vector = tuple[float, float, float]
Knots = tuple[tuple[float, float], ...]
"""A quantity along a body's own y: (y in mm, value), linear in between, constant beyond."""


@dataclass(frozen=True)
class Pose:
    """In-plane placement: turned by `angle_deg` (clockwise on the screen) about the origin, then shifted, in mm."""

    angle_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)

    @property
    def world_from_body(self) -> Field:
        """Rotation matrix (2, 2) of column vectors (x, y)."""
        c, s = np.cos(np.radians(self.angle_deg)), np.sin(np.radians(self.angle_deg))
        return np.array([[c, -s], [s, c]])

    def place(self, points: Points) -> list[tuple[float, float]]:
        """Points (x, y) of the body in the world."""
        return [(float(x), float(y)) for x, y in np.asarray(points, float) @ self.world_from_body.T + self.shift_mm]


HERE = Pose()


@dataclass(frozen=True)
class Part:
    """A body drawn by its outline in the picture's plane, rounded towards its edge in depth.

    Attributes
    ----------
    outline
        Points (x, y) in mm that a smooth closed curve goes through.
    depth_mm, roundness_mm
        Thickness in the middle; distance from the edge over which it is reached, as of an ellipse.
    shell_mm
        Thickness of the outer layer (cortex, fat).
    shell, core
        Attenuation in 1/mm of the outer layer and of the inside, less that of what they displace.
    z_mm
        Plane in which the outline lies.
    taper
        Share of the thickness along the body's own x: where it thins out without an edge.
    spurs
        Further outlines that grow out of the first.
    """

    outline: Points
    depth_mm: float
    roundness_mm: float
    shell_mm: Knots
    shell: float
    core: Knots
    z_mm: float = 0.0
    taper: Knots = ((0.0, 1.0),)
    spurs: tuple[Points, ...] = ()

    def depths(self, beam: Beam, pose: Pose = HERE) -> tuple[Field, Field]:
        """Return the optical depth (H, W) of the shell and of the core."""
        x, y = beam.plane(self.z_mm)
        edge = measure_inward_distance([pose.place(line) for line in (self.outline, *self.spurs)], x, y)  # (H, W)
        shell, core = np.zeros(edge.shape), np.zeros(edge.shape)
        rows, columns = np.flatnonzero(edge.any(1)), np.flatnonzero(edge.any(0))
        if not len(rows):
            return shell, core
        here = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)  # elsewhere both are 0
        edge = edge[here]
        offset = np.stack(np.meshgrid(x[here[1]], y[here[0]]), axis=-1) - pose.shift_mm
        across, along = np.moveaxis(offset @ pose.world_from_body, -1, 0)  # own x and own y of every pixel
        shell_mm = _at(along, self.shell_mm)
        depth_mm = self.depth_mm * _at(across, self.taper)
        outer = round_body(edge, self.roundness_mm, depth_mm)
        inner = round_body(edge - shell_mm, self.roundness_mm - shell_mm, depth_mm - 2 * shell_mm)
        shell[here], core[here] = (outer - inner) * self.shell, inner * _at(along, self.core)
        return shell, core


def _at(where: Field, knots: Knots) -> Field | float:
    return knots[0][1] if len(knots) == 1 else np.interp(where, [at for at, _ in knots], [value for _, value in knots])


def round_body(edge_mm: Field, roundness_mm: Field | float, depth_mm: Field | float) -> Field:
    """Thickness in mm at a distance inside the edge: an elliptic quarter up to `roundness_mm`, then `depth_mm`."""
    u = np.clip(edge_mm / np.maximum(roundness_mm, 1e-3), 0, 1)
    return np.asarray(np.maximum(depth_mm, 0) * np.sqrt(u * (2 - u)))


def measure_inward_distance(outlines: Sequence[Points], x: Field, y: Field) -> Field:
    """Distance (H, W) in mm from each pixel inside smooth closed outlines to their common edge, 0 outside."""
    pitch = float(x[1] - x[0])
    corners = [(smooth_closed_outline(outline) - (x[0], y[0])) / pitch for outline in outlines]
    every = np.concatenate(corners)
    low = np.floor(np.clip(every.min(0) - 2, 0, None)).astype(int)
    high = np.ceil(np.minimum(every.max(0) + 3, (len(x), len(y)))).astype(int)
    distance = np.zeros((len(y), len(x)))
    if (high <= low).any():
        return distance
    room = 60  # beyond the picture, so that its rim is not taken for an edge
    sheet = PillowImage.new("1", tuple(high - low + 2 * room))
    for line in corners:
        ImageDraw.Draw(sheet).polygon([tuple(corner) for corner in line - low + room], fill=1)
    inside = ndimage.distance_transform_edt(np.asarray(sheet))[room:-room, room:-room]
    distance[low[1] : high[1], low[0] : high[0]] = np.maximum(inside - 0.5, 0) * pitch
    return distance


def smooth_closed_outline(points: Points) -> Field:
    """Dense polygon (N, 2) on the periodic cubic spline through the points."""
    closed = np.asarray([*points, points[0]], float)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    return np.asarray(CubicSpline(length, closed, bc_type="periodic")(np.linspace(0, length[-1], 24 * len(points))))


def outline_tube(path: Points, radius_mm: float) -> list[tuple[float, float]]:
    """Outline of a band of constant half-width around a smooth path, with round ends."""
    points = np.asarray(path, float)
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    spline = CubicSpline(steps, points)
    at = np.linspace(0, steps[-1], 4 * len(points))
    centre, heading = spline(at), spline(at, 1)
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    side = np.stack([-heading[:, 1], heading[:, 0]], axis=1) * radius_mm
    caps = centre[-1] + heading[-1] * radius_mm, centre[0] - heading[0] * radius_mm
    return [tuple(p) for p in np.vstack([centre + side, caps[0][None], (centre - side)[::-1], caps[1][None]])]


@dataclass(frozen=True)
class Ball:
    """A sphere, or the cap of it where (point − centre) · `facing` is at least `beyond_mm`."""

    centre: Vector
    radius_mm: float
    facing: Vector = (0.0, 0.0, 1.0)
    beyond_mm: float = -np.inf

    def chords(self, points: Field, directions: Field) -> Field:
        """Length (H, W) in mm of each ray inside; points and unit directions (H, W, 3)."""
        offset = points - np.asarray(self.centre)
        enter, leave = solve_ray_interval(
            np.ones(offset.shape[:2]), (offset * directions).sum(-1), (offset**2).sum(-1) - self.radius_mm**2
        )
        if np.isfinite(self.beyond_mm):
            enter, leave = clip_interval(enter, leave, offset @ self.facing - self.beyond_mm, directions @ self.facing)
        return np.maximum(leave - enter, 0)


@dataclass(frozen=True)
class Frustum:
    """A cone cut square at both ends, or a cylinder; its opening must be small enough for rays to leave by its side."""

    start: Vector
    stop: Vector
    start_radius_mm: float
    stop_radius_mm: float

    def chords(self, points: Field, directions: Field) -> Field:
        """Length (H, W) in mm of each ray inside; points and unit directions (H, W, 3)."""
        axis = np.subtract(self.stop, self.start)
        length = float(np.linalg.norm(axis))
        axis = axis / length
        opening = (self.stop_radius_mm - self.start_radius_mm) / length
        offset = points - np.asarray(self.start)
        height, rise = offset @ axis, directions @ axis
        radius = self.start_radius_mm + opening * height
        enter, leave = solve_ray_interval(
            1 - rise**2 * (1 + opening**2),
            (offset * directions).sum(-1) - height * rise - radius * opening * rise,
            (offset**2).sum(-1) - height**2 - radius**2,
        )
        enter, leave = clip_interval(enter, leave, height, rise)
        enter, leave = clip_interval(enter, leave, length - height, -rise)
        return np.maximum(leave - enter, 0)


Solid = Ball | Frustum


def solve_ray_interval(a: Field, b: Field, c: Field) -> tuple[Field, Field]:
    """Where a·t² + 2·b·t + c ≤ 0 along each ray (a > 0): entry and exit, equal where the ray misses."""
    root = np.sqrt(np.maximum(b**2 - a * c, 0))
    return (-b - root) / a, (-b + root) / a


def clip_interval(enter: Field, leave: Field, value: Field, slope: Field) -> tuple[Field, Field]:
    """Keep the part of an interval where value + slope·t ≥ 0."""
    steep = np.where(np.abs(slope) < 1e-9, 1e-9, slope)
    crossing = -value / steep
    enter = np.where(steep > 0, np.maximum(enter, crossing), enter)
    return enter, np.where(steep < 0, np.minimum(leave, crossing), leave)


def cast_solids(solids: Sequence[Solid], beam: Beam, pose: Pose = HERE, version_deg: float = 0.0) -> Field:
    """Length (H, W) of each ray in one piece of metal; where its solids overlap, the longest chord counts once.

    `version_deg` turns the solids about the body's own y axis before the pose places them in the picture's plane.
    """
    points, directions = beam.rays()
    c, s = np.cos(np.radians(version_deg)), np.sin(np.radians(version_deg))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    place = np.eye(3)
    place[:2, :2] = pose.world_from_body
    world_from_body = place @ turn
    points = (points - np.array([*pose.shift_mm, 0.0])) @ world_from_body
    directions = directions @ world_from_body
    return np.asarray(np.maximum.reduce([solid.chords(points, directions) for solid in solids]))


def draw_bone_texture(beam: Beam, rng: np.random.Generator, grain_mm: float, stretch: float) -> Field:
    """Noise (H, W), mean 0 and standard deviation 1, its grains `stretch` times longer along y: trabeculae, fibres."""
    size = np.array([stretch, 1.0]) * grain_mm / beam.pixel_mm
    noise = rng.standard_normal(beam.shape)
    grains = ndimage.gaussian_filter(noise, size) - ndimage.gaussian_filter(noise, 3 * size)
    return np.asarray(grains / grains.std())
