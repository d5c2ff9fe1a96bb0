"""Diagrams of networks: blocks by depth and resolution, branches beside a way down and up, one trunk with three heads.

They take their ink from the theme; a colour always goes with a name, a dash or a mark.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import log2

import plotly.graph_objects as go

from dashboard.i18n import format_number, t
from dashboard.style.figures import ACCENT
from dashboard.views.lessons.figures import clear_figure
from models.lessons import Depths, Layer, Step

AMBER, GREY, PALE = "#E69F00", "rgba(128,140,150,0.55)", "rgba(128,140,150,0.22)"
RIM = "#7A8791"
"""Round what is chosen: seen on a white and on a black page."""
ROW_PX = 380
"""What the squares of a row may take together, for a page of 900 px."""
SHADES = (ACCENT, "#E69F00", "#56B4E9", "#CC79A7", "#009E73", "#D55E00", "#8C8CD9")
"""Of stages, one after another (Okabe and Ito)."""
LINES = ((ACCENT, "solid", "circle"), (AMBER, "dash", "diamond"))
"""Colour, dash and mark of the networks that are compared."""


def draw_network_diagram(layers: Sequence[Layer], chosen: str) -> go.Figure:
    """Return a network as squares: depth from left to right, resolution from top to bottom; a click chooses one."""
    lowest = max(log2(layer.stride) for layer in layers if layer.stride) + 1
    places = {layer.name: (layer.column, -(log2(layer.stride) if layer.stride else lowest)) for layer in layers}
    at = _apart(layers, places)
    fig = go.Figure()
    for dash, long in (("solid", False), ("dot", True)):
        x: list[float | None] = []
        y: list[float | None] = []
        for layer in layers:
            for before in layer.inputs:
                if (at[layer.name][0] - at[before][0] > 2) == long:
                    x += [at[before][0], at[layer.name][0], None]
                    y += [at[before][1], at[layer.name][1], None]
        fig.add_scatter(x=x, y=y, mode="lines", line={"color": GREY, "width": 1.5, "dash": dash}, hoverinfo="skip")
    stages = list(dict.fromkeys(layer.stage for layer in layers))
    last = max(x for x, _ in at.values())
    side = min(20.0, ROW_PX / (last + 1))
    fig.add_scatter(
        x=[at[layer.name][0] for layer in layers], y=[at[layer.name][1] for layer in layers], mode="markers",
        customdata=[[layer.name, layer.kind, " × ".join(map(str, layer.shape))] for layer in layers],
        marker={
            "symbol": "square", "size": [side + 8 if layer.name == chosen else side for layer in layers],
            "opacity": 1,
            "color": [SHADES[stages.index(layer.stage) % len(SHADES)] for layer in layers],
            "line": {"width": [3 if layer.name == chosen else 0 for layer in layers], "color": RIM},
        },
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    )  # fmt: skip
    x0, y0 = at[chosen]
    fig.add_annotation(
        x=x0, y=y0, text=f"<b>{chosen}</b>", showarrow=False, yshift=26, bgcolor="rgba(128,140,150,0.25)"
    )
    levels = sorted({layer.stride for layer in layers if layer.stride})
    ticks = [-log2(stride) for stride in levels] + ([-lowest] if any(not layer.stride for layer in layers) else [])
    names = [f"1/{stride}" for stride in levels] + ([t("answer")] if len(ticks) > len(levels) else [])
    fig.update_yaxes(tickvals=ticks, ticktext=names, title=t("Resolution"), fixedrange=True, zeroline=False)
    fig.update_yaxes(range=[-lowest - 0.5, -log2(levels[0]) + 0.75])
    fig.update_xaxes(title=t("Depth"), showticklabels=False, fixedrange=True, zeroline=False, showgrid=False)
    fig.update_xaxes(range=[-0.8, last + 0.8])
    return clear_figure(fig.update_layout(height=300, showlegend=False, clickmode="event+select", dragmode=False))


def _apart(layers: Sequence[Layer], at: Mapping[str, tuple[int, float]]) -> dict[str, tuple[float, float]]:
    """Move squares that would lie on one another apart."""
    moved: dict[str, tuple[float, float]] = {}
    taken: dict[tuple[float, float], int] = {}
    for layer in layers:
        n = taken[at[layer.name]] = taken.get(at[layer.name], 0) + 1
        moved[layer.name] = (at[layer.name][0] + n - 1, at[layer.name][1])
    return moved


def draw_resolutions(found: Depths, colour: str) -> go.Figure:
    """Return which resolutions a network that segments holds at each depth; skips are dotted."""
    places = [(x, -log2(stride)) for x, depth in enumerate(found.depths) for stride in depth.strides]
    fig = go.Figure()
    names = [depth.stage for depth in found.depths]
    for source, target in found.skips:
        ends = [names.index(source), names.index(target)]
        y = [-log2(found.depths[i].strides[0]) for i in ends]
        fig.add_scatter(x=ends, y=y, mode="lines", line={"color": GREY, "dash": "dot", "width": 2}, hoverinfo="skip")
    lines: list[tuple[list[float], list[float]]] = []
    for i in range(len(names) - 1):
        before, after = found.depths[i].strides, found.depths[i + 1].strides
        for s in before:
            lines += [([i, i + 1], [-log2(s), -log2(other)]) for other in after if len(before) + len(after) > 1]
    for x, y in lines:
        fig.add_scatter(x=x, y=y, mode="lines", line={"color": PALE, "width": 2}, hoverinfo="skip")
    shapes = [shape for depth in found.depths for shape in depth.shapes]
    fig.add_scatter(
        x=[x for x, _ in places], y=[y for _, y in places], mode="markers",
        marker={
            "symbol": "square", "color": colour, "opacity": 1, "size": [12 + 2.4 * log2(shape[1]) for shape in shapes],
        },
        customdata=[t("{c} channels of {h} × {w}", c=c, h=h, w=w) for c, h, w in shapes],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    fig.update_yaxes(
        tickvals=[-log2(s) for s in (2, 4, 8, 16, 32)], ticktext=[f"1/{s}" for s in (2, 4, 8, 16, 32)],
        range=[-5.6, -0.4], fixedrange=True, zeroline=False, title=t("Resolution"),
    )  # fmt: skip
    fig.update_xaxes(tickvals=list(range(len(names))), ticktext=names, fixedrange=True, showgrid=False, zeroline=False)
    return clear_figure(fig.update_layout(height=250, showlegend=False))


def draw_kept_detail(found: Sequence[tuple[str, Depths]]) -> go.Figure:
    """Return how much of the picture's detail each network holds from its first stage to its last."""
    fig = go.Figure()
    for (name, one), (colour, dash, mark) in zip(found, LINES, strict=False):
        share = [i / (len(one.depths) - 1) for i in range(len(one.depths))]
        fig.add_scatter(
            x=share, y=[depth.retained for depth in one.depths], mode="lines+markers", name=name,
            line={"color": colour, "dash": dash, "width": 3}, marker={"symbol": mark, "size": 10},
            customdata=[depth.stage for depth in one.depths],
            hovertemplate=t("{name}, %{{customdata}}<br>detail %{{y:.2f}}<extra></extra>", name=name),
        )  # fmt: skip
    fig.update_yaxes(range=[-0.03, 1.03], title=t("Detail kept"), fixedrange=True, zeroline=False)
    fig.update_xaxes(
        tickvals=[0, 1],
        ticktext=[t("first stage"), t("last stage")],
        range=[-0.04, 1.04],
        fixedrange=True,
        zeroline=False,
    )
    legend = {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"}
    return clear_figure(fig.update_layout(height=280, legend=legend))


def draw_ways_through_heads(
    found: Mapping[str, Sequence[Step]], titles: Mapping[str, str], lit: Collection[str]
) -> go.Figure:
    """Return the way of one picture through a shared backbone into three heads, some of them lit.

    Parameters
    ----------
    found
        Steps of each category.
    titles
        Its name on the screen.
    lit
        The categories that are on.
    """
    fig = go.Figure()
    shared = [step for step in next(iter(found.values())) if step.shared]
    for x, step in enumerate(shared):
        _box(fig, x, 0, step, lit=True, fill="rgba(47,167,155,0.30)")
        if x:
            _arrow(fig, (x - 0.56, 0), (x - 0.44, 0))
    last = len(shared) - 1
    for y, (category, steps) in enumerate(found.items(), 1):
        on = category in lit
        own = [step for step in steps if not step.shared]
        mark = "●" if on else "○"
        words = f"<b>{mark}<br>{titles[category]}</b>" if on else f"{mark}<br>{titles[category]}"
        fig.add_annotation(x=-0.48, y=-y, text=words, showarrow=False, xanchor="left", align="left", font={"size": 12})
        for x, step in enumerate(own, last - 4):
            _box(fig, x, -y, step, lit=on, fill="rgba(230,159,0,0.38)" if on else "rgba(128,140,150,0.10)")
            if x > last - 4:
                _arrow(fig, (x - 0.56, -y), (x - 0.44, -y), on)
        if on:
            path = f"M {last},-0.36 L {last},-0.5 L 0.5,-0.5 L 0.5,{-y} L 0.55,{-y}"
            fig.add_shape(type="path", path=path, line={"color": AMBER, "width": 3})
    fig.update_xaxes(visible=False, range=[-0.5, last + 0.5], fixedrange=True)
    fig.update_yaxes(visible=False, range=[-len(found) - 0.5, 0.5], fixedrange=True)
    return clear_figure(fig.update_layout(height=400, showlegend=False)).update_layout(margin={"l": 0, "r": 0})


def _box(fig: go.Figure, x: float, y: float, step: Step, *, lit: bool, fill: str) -> None:
    line = {"color": ACCENT if step.shared else AMBER if lit else GREY, "width": 2 if lit else 1}
    fig.add_shape(type="rect", x0=x - 0.44, x1=x + 0.44, y0=y - 0.36, y1=y + 0.36, fillcolor=fill, line=line)
    shape = " × ".join(map(str, step.shape[1:]))
    count = f"<br>{format_number(step.parameters)}" if step.parameters else ""
    short = step.name.replace(" head", "<br>head")
    name = f"<b>{short}</b>" if lit else short
    fig.add_annotation(x=x, y=y, text=f"{name}<br>{shape}{count}", showarrow=False, font={"size": 12})
    fig.add_scatter(
        x=[x], y=[y], mode="markers", marker={"opacity": 0, "size": 40}, hovertemplate=f"{step.does}<extra></extra>"
    )


def _arrow(fig: go.Figure, start: tuple[float, float], end: tuple[float, float], lit: bool = True) -> None:
    fig.add_annotation(
        x=end[0], y=end[1], ax=start[0], ay=start[1], xref="x", yref="y", axref="x", ayref="y", text="",
        showarrow=True, arrowhead=2, arrowwidth=1.5, arrowcolor=ACCENT if lit else GREY,
    )  # fmt: skip
