"""Where the lines of a small curve panel lie, the same for the PDF and for the HTML page.

One panel, one scale, few ticks: small multiples (Tufte, Envisioning Information, 1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.reporting.parts import Curve

WIDTH, HEIGHT = 170.0, 92.0
"""Of a panel, in points."""
LEFT, RIGHT, BOTTOM, TOP = 34.0, 4.0, 14.0, 4.0
"""Margins for the ticks' words."""
TICKS = 4
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Round distances between ticks, times a power of ten."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """A panel in points, x right and y up from its lower left corner.

    Attributes
    ----------
    lines, bands
        Runs of frames without a gap, and the closed outlines of the bands round them.
    dashed
        Runs of what they are compared with.
    levels, frames
        Ticks of both axes: where, and the words.
    """

    title: str
    lines: tuple[tuple[Point, ...], ...]
    bands: tuple[tuple[Point, ...], ...]
    dashed: tuple[tuple[Point, ...], ...]
    levels: tuple[tuple[float, str], ...]
    frames: tuple[tuple[float, str], ...]


def lay_out_curve(curve: Curve) -> Panel:
    """Lay out one curve; frames without a value leave a gap."""
    values, spread = curve.values, np.where(np.isfinite(curve.spread), curve.spread, 0.0)
    known = np.isfinite(values)
    other = np.full(len(values), np.nan) if curve.other is None else curve.other
    compared = np.isfinite(other)
    low, high = _limits(np.append(values[known], other[compared]), np.append(spread[known], other[compared] * 0))
    ticks = _ticks(low, high)
    across = (
        np.linspace(LEFT, WIDTH - RIGHT, len(values)) if len(values) > 1 else np.array([(LEFT + WIDTH - RIGHT) / 2])
    )

    def up(value: NDArray[np.float64]) -> NDArray[np.float64]:
        level: NDArray[np.float64] = BOTTOM + (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)
        return level

    lines, bands = [], []
    for run in _runs(known):
        x = across[run]
        lines.append(_points(x, up(values[run])))
        upper, lower = up(values[run] + spread[run]), up(values[run] - spread[run])
        bands.append(_points(np.concatenate([x, x[::-1]]), np.concatenate([upper, lower[::-1]])))
    dashed = [_points(across[run], up(other[run])) for run in _runs(compared)]
    digits = next(digits for digits in range(9) if np.allclose(np.round(ticks, digits), ticks, rtol=0, atol=1e-9))
    unit = "°" if curve.unit == "°" else ""
    levels = tuple((float(up(np.array(tick))), f"{curve.say.number(tick, f'.{digits}f')}{unit}") for tick in ticks)
    return Panel(
        title=curve.title if curve.unit == "°" else f"{curve.title}, {curve.unit}",
        lines=tuple(lines),
        bands=tuple(bands),
        dashed=tuple(dashed),
        levels=levels,
        frames=((float(across[0]), "1"), *(((float(across[-1]), str(len(values))),) if len(values) > 1 else ())),
    )


def _limits(values: NDArray[np.float64], spread: NDArray[np.float64]) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float((values - spread).min()), float((values + spread).max())
    room = max(0.05 * (high - low), 0.05)
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Return round values between the limits, two at least."""
    rough = (high - low) / TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(power * step) for step in STEPS if power * step >= rough)
    ticks = [float(tick) for tick in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]
    return [tick + 0.0 for tick in ticks]  # no −0


def _runs(known: NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    return [slice(int(begin), int(end)) for begin, end in list(pairwise(edges))[::2]]


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Point, ...]:
    return tuple((round(float(a), 2), round(float(b), 2)) for a, b in zip(x, y, strict=True))
