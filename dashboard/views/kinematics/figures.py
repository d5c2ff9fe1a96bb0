"""Plotly figures of implant motion: contours over a frame, both components in space, curves of the joint.

Colours are those of the overlays that `ortholens kinematics` writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots
from skimage.measure import find_contours

import models
from dashboard.i18n import find_separators, later, t
from dashboard.style.figures import FAINT, FONT, INK, PAPER, draw_viewer, encode_raster
from dashboard.views.kinematics.fluoroscopy import Fluoroscopy
from models.geometry.mesh import Mesh
from models.geometry.render import render_silhouette
from models.tasks.kinematics.axes import Axes
from models.tasks.kinematics.export import COLOURS
from models.tasks.kinematics.locate import NAMES
from models.tasks.landmarks.marks import find_bone
from models.types import Image, Landmarks, Motion

Array = NDArray[np.float64]

CLEAR, GREY = "rgba(0,0,0,0)", "rgba(128,140,150,0.9)"
LEGEND, WORDS = "rgba(7,9,11,0.8)", "rgba(7,9,11,0.55)"
"""Behind the legend, and behind the words of arrows."""
LEFT, RIGHT = "#8E7CC3", "#2FA79B"
ARROW_MM = 18.0
"""By which an arrow stands out of its component."""
THIN_MM = 2.0
"""To which the CAD is thinned for the scene."""
CONFIDENT = 1.96
"""Standard deviations on either side that a band covers."""
PANELS = (
    (later("Flexion"), 0, "°"), (later("Adduction"), 1, "°"), (later("External rotation"), 2, "°"),
    (later("Lateral"), 3, " mm"), (later("Anterior"), 4, " mm"), (later("Proximal"), 5, " mm"),
)  # fmt: skip
"""Title, column of `Motion.joint`, unit."""
FRONT_TO_BACK, ON_PLATEAU = later("Low points, front to back"), later("Low points on the plateau")
LAST = {"row": 2, "col": 2}
"""Where these stand, below the other three."""


@dataclass(frozen=True)
class Placed:
    """A component in a pose, on the screen.

    Attributes
    ----------
    component
        0 femoral, 1 tibial.
    ghost
        Whether it is the other pose that fits, or one that is being tried: drawn as a dotted line.
    """

    component: int
    pose: Array
    ghost: bool = False


def colour_of_component(component: int, opacity: float = 1.0) -> str:
    """Return the colour of a component."""
    red, green, blue = COLOURS[NAMES[component]]
    return f"rgba({red},{green},{blue},{opacity:.2f})"


def draw_component_contours(sequence: Fluoroscopy, frame: int, placed: Sequence[Placed], opacity: float) -> go.Figure:
    """Return a frame with the contours of components, filled as strongly as asked."""
    image = sequence.images[frame]
    fig = draw_viewer(image, [encode_raster(image.shown())])
    down, across = image.cell
    for one in placed:
        column, row = _contour(sequence.meshes[one.component], one.pose, sequence)
        line = {"color": colour_of_component(one.component), "width": 2.2, "dash": "dot" if one.ghost else "solid"}
        fill = {} if one.ghost else {"fill": "toself", "fillcolor": colour_of_component(one.component, opacity)}
        words = t(NAMES[one.component].capitalize()) + (t(", the other pose") if one.ghost else "")
        fig.add_scatter(
            x=column * across, y=row * down, mode="lines", line=line, name=words, hoverinfo="skip", **fill
        )  # fmt: skip
    fig.update_layout(
        separators=find_separators(),
        uirevision=sequence.key, showlegend=bool(placed),
        legend={"x": 0.98, "xanchor": "right", "y": 0.02, "yanchor": "bottom", "bgcolor": LEGEND, "font_size": 13},
    )  # fmt: skip
    return fig


def mark_points(figure: go.Figure, points: Landmarks, image: Image) -> None:
    """Draw the points of an implant on a frame, each with its name and how far off it may be."""
    down, across = image.cell
    labels = {label.key: t(label.name) for label in models.card(points.card).labels}
    said = [
        t("{name}: 90 % within {radius:.0f} px", name=labels[name], radius=radius)
        for name, radius in zip(points.names, points.radius_px, strict=True)
    ]
    figure.add_scatter(
        x=points.points[:, 0] * across, y=points.points[:, 1] * down, mode="markers", name=t("Points"),
        marker={"size": 8, "color": [colour_of_component(int(find_bone(name) == "tibia")) for name in points.names],
                "line": {"color": PAPER, "width": 1.5}},
        hovertext=said, hoverinfo="text",
    )  # fmt: skip


def _contour(mesh: Mesh, pose: Array, sequence: Fluoroscopy) -> tuple[Array, Array]:
    """Return columns and rows of the silhouette's closed lines, with a gap between one and the next."""
    mask = np.pad(render_silhouette(mesh, pose, sequence.camera), 1)
    lines = [np.append(line - 1, [[np.nan, np.nan]], 0) for line in find_contours(mask.astype(np.float32), 0.5)]
    points = np.concatenate(lines) if lines else np.empty((0, 2))
    return points[:, 1], points[:, 0]


def draw_silhouette_path(mesh: Mesh, pose: Array, sequence: Fluoroscopy) -> str:
    """Return the silhouette's closed lines as an SVG path, in pixels of the frame."""
    columns, rows = _contour(mesh, pose, sequence)
    lines = np.split(np.stack([columns, rows], 1), np.flatnonzero(np.isnan(columns)) + 1)
    whole = [line[np.isfinite(line).all(1)] for line in lines]
    return " ".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in line) + "Z" for line in whole if len(line))


@dataclass(frozen=True, eq=False)
class Compass:
    """Which way is anterior, proximal and lateral.

    Attributes
    ----------
    axes
        Of the femoral and of the tibial component.
    side
        Of the patient.
    hold
        (4, 4) pose of the tibial component where it is held still: its anatomical axes are then those of the scene.
    """

    axes: tuple[Axes, Axes]
    side: str
    hold: Array | None = None

    def frame(self, tibial: Array) -> Array:
        """Return a tibial pose with the anatomical axes in place of the file's (4, 4)."""
        turned = tibial.copy()
        turned[:3, :3] = tibial[:3, :3] @ self.axes[1].component_from_axes
        return turned

    def list_ways(self, component: int) -> list[tuple[str, Array]]:
        """Return the name and the direction (3,) in the component's file of each arrow."""
        right, anterior, proximal = self.axes[component].component_from_axes.T
        lateral = right if self.side == "right" else -right
        return [(t("anterior"), anterior), (t("proximal"), proximal), (t("lateral"), lateral)]


@dataclass(frozen=True, eq=False)
class Scene:
    """What stands around the components in space.

    Attributes
    ----------
    thin
        The CAD with fewer triangles.
    reach
        (3, 2) smallest and largest coordinate over the whole sequence, so that the box stands still.
    """

    thin: tuple[Mesh, Mesh]
    reach: Array
    compass: Compass | None = None

    @property
    def held(self) -> Array | None:
        """(4, 4) the tibia's anatomical frame where it is held still."""
        compass = self.compass
        return None if compass is None or compass.hold is None else compass.frame(compass.hold)


def draw_components_in_space(sequence: Fluoroscopy, placed: Sequence[Placed], scene: Scene) -> go.Figure:
    """Return both components in space, each with arrows to anterior, proximal and lateral where these are known."""
    held, reach = scene.held, scene.reach
    fig, words = go.Figure(), list[dict[str, object]]()
    for one in placed:
        mesh = scene.thin[one.component]
        x, y, z = place_in_scene(mesh.vertices, one.pose, held).T
        i, j, k = mesh.faces.T
        fig.add_mesh3d(
            x=x.astype(np.float32), y=y.astype(np.float32), z=z.astype(np.float32), i=i, j=j, k=k,
            color=colour_of_component(one.component), opacity=0.25 if one.ghost else 1.0, hoverinfo="skip",
            flatshading=False,
            lighting={"ambient": 0.45, "diffuse": 0.75, "specular": 0.35, "roughness": 0.45},
            lightposition={"x": 400, "y": -1200, "z": 900},
        )  # fmt: skip
        if scene.compass is not None and not one.ghost:
            words += _arrows(fig, scene, one, held)
    titles = (t("right on the picture"), t("depth"), t("up"))
    if held is not None:
        titles = (t("to the patient's right"), t("anterior"), t("proximal"))
    axes = [
        {"range": list(limits), "title": {"text": t("{title}, mm", title=title), "font": {"size": 11}}, "color": FAINT,
         "gridcolor": "#232A30", "backgroundcolor": PAPER, "zeroline": False, "nticks": 5, "tickfont": {"size": 10}}
        for title, limits in zip(titles, reach, strict=True)
    ]  # fmt: skip
    eye = {"x": 0.6, "y": -1.95, "z": 0.5} if held is None else {"x": 1.0, "y": 1.8, "z": 0.5}  # from the front
    size = np.ptp(reach, 1)
    ratio = dict(zip("xyz", (size / size.max()).tolist(), strict=True))
    fig.update_layout(
        separators=find_separators(),
        template="none", paper_bgcolor=PAPER, margin={"l": 0, "r": 0, "t": 0, "b": 0}, showlegend=False,
        uirevision=f"{sequence.key}-{held is not None}", font={"family": FONT, "color": INK},
        scene={
            "xaxis": axes[0], "yaxis": axes[1], "zaxis": axes[2], "aspectmode": "manual", "aspectratio": ratio,
            "camera": {"eye": eye, "center": {"x": 0, "y": 0, "z": -0.12}}, "dragmode": "orbit", "annotations": words,
        },
    )  # fmt: skip
    return fig


def _arrows(fig: go.Figure, scene: Scene, one: Placed, held: Array | None) -> list[dict[str, object]]:
    """Draw a line from the middle of a component to anterior, proximal and lateral; return the words at their ends.

    Words are annotations: the browser writes them over the scene, so that no component hides one.
    """
    assert scene.compass is not None  # the caller's
    mesh, colour = scene.thin[one.component], colour_of_component(one.component)
    words: list[dict[str, object]] = []
    for name, way in scene.compass.list_ways(one.component):
        reach_mm = float(((mesh.vertices - mesh.centre) @ way).max()) + ARROW_MM
        ends = place_in_scene(np.stack([mesh.centre, mesh.centre + reach_mm * way]), one.pose, held)
        x, y, z = ends.T
        fig.add_scatter3d(
            x=x, y=y, z=z, mode="lines", name=name, hoverinfo="skip", line={"color": colour, "width": 3}
        )  # fmt: skip
        place = dict(zip("xyz", ends[1].tolist(), strict=True))
        font = {"size": 12, "color": colour}
        words.append(place | {"text": name, "showarrow": False, "font": font, "bgcolor": WORDS, "borderpad": 1})
    return words


def place_in_scene(points_mm: Array, pose: Array, tibial: Array | None = None) -> Array:
    """Return points (N, 3) of a component in the scene: right, depth and up, or the tibia's own axes."""
    moved = points_mm @ pose[:3, :3].T + pose[:3, 3]
    if tibial is not None:
        held: Array = (moved - tibial[:3, 3]) @ tibial[:3, :3]
        return held
    return np.stack([moved[:, 0], -moved[:, 2], moved[:, 1]], 1)


def find_reach_of_scene(thin: tuple[Mesh, Mesh], poses: tuple[Array, Array], compass: Compass | None) -> Array:
    """Return (3, 2) the limits of the scene over all frames, mm."""
    held = compass is not None and compass.hold is not None
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for femoral, tibial in zip(*poses, strict=True):
        for mesh, pose in zip(thin, (femoral, tibial), strict=True):
            if np.isfinite(pose).all() and (not held or np.isfinite(tibial).all()):
                points = place_in_scene(mesh.vertices, pose, compass.frame(tibial) if compass and held else None)
                low, high = np.minimum(low, points.min(0)), np.maximum(high, points.max(0))
    if not np.isfinite(low).all():
        return np.array([[-100.0, 100.0]] * 3)
    margin_mm = 5 if compass is None else ARROW_MM + 10  # with room for the names of the arrows
    return np.stack([low - margin_mm, high + margin_mm], 1)


def draw_motion_curves(motion: Motion, frame: int, exact: Array | None, exact_name: str) -> tuple[go.Figure, go.Figure]:
    """Return curves over the frames with bands of 95 % and the frame that is looked at: angles, then translations.

    Each has a fourth curve: the low points from front to back, and their paths on the plateau.

    Parameters
    ----------
    exact
        (T, 6) the joint of the poses to compare with; None where there are none.
    """
    angles, shifts = (
        make_subplots(
            2,
            2,
            horizontal_spacing=0.13,
            vertical_spacing=0.19,
            subplot_titles=[*(t(name) for name, _, _ in panels), t(last)],
        )
        for panels, last in ((PANELS[:3], FRONT_TO_BACK), (PANELS[3:], ON_PLATEAU))
    )
    frames = np.arange(1, motion.frames + 1)
    for number, (name, column, unit) in enumerate(PANELS):
        fig, place = (angles, shifts)[number // 3], number % 3
        at = {"row": place // 2 + 1, "col": place % 2 + 1}
        value, spread = motion.joint[:, column], CONFIDENT * motion.joint_sigma[:, column]
        _band(fig, frames, value, spread, at)
        fig.add_scatter(
            x=frames, y=value, mode="lines+markers", line={"color": RIGHT, "width": 2.5}, marker_size=4, name=t(name),
            customdata=spread, hovertemplate=f"%{{y:.1f}}{unit} ± %{{customdata:.1f}}<extra></extra>", **at,
        )  # fmt: skip
        if exact is not None:
            fig.add_scatter(
                x=frames, y=exact[:, column], mode="lines", line={"color": GREY, "width": 1.8, "dash": "dot"},
                name=t(exact_name), hovertemplate=f"{t(exact_name)} %{{y:.1f}}{unit}<extra></extra>", **at,
            )  # fmt: skip
        fig.update_yaxes(ticksuffix=unit, **at)
        _dress_frames(fig, motion.frames, frame, at)
    _low_points(angles, shifts, motion, frame)
    _dress_frames(angles, motion.frames, frame, LAST)
    return _dressed(angles), _dressed(shifts)


def _band(fig: go.Figure, frames: NDArray[np.int_], value: Array, spread: Array, at: dict[str, int]) -> None:
    known = np.isfinite(value) & np.isfinite(spread)
    x, low, high = frames[known], (value - spread)[known], (value + spread)[known]
    fig.add_scatter(
        x=np.concatenate([x, x[::-1]]), y=np.concatenate([high, low[::-1]]), fill="toself", mode="none",
        fillcolor="rgba(47,167,155,0.22)", hoverinfo="skip", **at,
    )  # fmt: skip


def _low_points(angles: go.Figure, shifts: go.Figure, motion: Motion, frame: int) -> None:
    """Draw how far front the condyles touch, and their paths seen from above."""
    frames = np.arange(1, motion.frames + 1)
    for side, (name, shade) in enumerate(((t("Left condyle"), LEFT), (t("Right condyle"), RIGHT))):
        right, front = motion.low_points_mm[:, side, 0], motion.low_points_mm[:, side, 1]
        line = {"color": shade, "width": 2.2}
        angles.add_scatter(
            x=frames, y=front, mode="lines", line=line, hovertemplate=f"{name} %{{y:.1f}} mm<extra></extra>", **LAST
        )
        shifts.add_scatter(x=right, y=front, mode="lines", line=line, hoverinfo="skip", **LAST)
        shifts.add_scatter(
            x=right[frame : frame + 1],
            y=front[frame : frame + 1],
            mode="markers",
            marker={"color": shade, "size": 9},
            hovertemplate=t("{name}: %{{x:.1f}} mm right, %{{y:.1f}} mm anterior<extra></extra>", name=name),
            **LAST,
        )
    angles.update_yaxes(ticksuffix=" mm", **LAST)
    shifts.update_yaxes(ticksuffix=" mm", **LAST)
    shifts.update_xaxes(ticksuffix=" mm", nticks=4, **LAST)


def _dress_frames(fig: go.Figure, frames: int, frame: int, at: dict[str, int]) -> None:
    """Write whole numbers at the frames, and mark the one that is looked at."""
    fig.add_vline(frame + 1, line={"color": GREY, "width": 1.2}, **at)
    fig.update_xaxes(tick0=1, dtick=max(1, -(-(frames - 1) // 5)), tickformat="d", **at)


def _dressed(fig: go.Figure) -> go.Figure:
    fig.update_layout(
        separators=find_separators(),
        height=430, showlegend=False, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, hovermode="x",
        margin={"l": 48, "r": 8, "t": 28, "b": 28},
    )  # fmt: skip
    fig.update_xaxes(fixedrange=True, showgrid=False)
    fig.update_yaxes(fixedrange=True, nticks=5, zeroline=False)
    fig.update_annotations(font_size=13)
    return fig
