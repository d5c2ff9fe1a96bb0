"""Plates, screws, nails and the caps of an arthroplasty drawn onto radiographs: what a look for metal learns from.

No set of knees with metal is at hand, so films without any get some: even, nearly white, sharply bordered, as dense as
metal is to X-rays; threads and holes included. Simulated, and called so wherever a figure stands on it.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image as Pillow
from PIL import ImageDraw
from scipy import ndimage

from models.types import Pixels

FINE = 3
"""Drawn so many times larger, so that borders have no stairs."""

Point = tuple[float, float]


def add_hardware(picture: Pixels, rng: Generator) -> Pixels:
    """Return a radiograph (H, W) in [0, 1] with one kind of hardware over its middle."""
    rows, columns = picture.shape
    canvas = Pillow.new("L", (columns * FINE, rows * FINE), 0)
    draw = ImageDraw.Draw(canvas)
    side = min(rows, columns) * FINE
    centre = (columns * FINE * rng.uniform(0.3, 0.7), rows * FINE * rng.uniform(0.3, 0.7))
    (_plate, _screws, _nail, _caps)[rng.integers(4)](draw, centre, side, rng)
    small = canvas.resize((columns, rows), Pillow.Resampling.BOX)
    cover = ndimage.gaussian_filter(np.asarray(small, np.float32) / 255, rng.uniform(0.2, 0.7))
    dense = max(float(np.quantile(picture, 0.99)), 0.75)
    bright = np.float32(rng.uniform(dense, 1.0)) - 0.01 * np.abs(rng.standard_normal(picture.shape)).astype(np.float32)
    clear = np.float32(rng.uniform(0.9, 1.0))  # how little of what lies behind shines through
    shown = picture * (1 - clear * cover) + np.maximum(bright, picture) * clear * cover
    return np.asarray(shown.clip(0, 1), np.float32)


def _along(centre: Point, angle: float, length: float) -> tuple[Point, Point]:
    across, down = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    return (centre[0] - across, centre[1] - down), (centre[0] + across, centre[1] + down)


def _bar(draw: ImageDraw.ImageDraw, centre: Point, angle: float, length: float, width: float) -> None:
    start, end = _along(centre, angle, length)
    draw.line([start, end], fill=255, width=max(1, round(width)))
    for x, y in (start, end):
        draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)


def _screw(draw: ImageDraw.ImageDraw, head: Point, angle: float, length: float, width: float) -> None:
    """Draw a head, a core and threads."""
    end = (head[0] + np.cos(angle) * length, head[1] + np.sin(angle) * length)
    draw.line([head, end], fill=255, width=max(1, round(width * 0.65)))
    for share in np.arange(0.15, 1, width * 0.7 / length):
        at = (head[0] + np.cos(angle) * length * share, head[1] + np.sin(angle) * length * share)
        draw.line(_along(at, angle + np.pi / 2, width), fill=255, width=max(1, round(width * 0.3)))
    draw.line(_along(head, angle + np.pi / 2, 2.2 * width), fill=255, width=max(1, round(width)))


def _plate(draw: ImageDraw.ImageDraw, centre: Point, side: float, rng: Generator) -> None:
    angle = np.pi / 2 + rng.normal(0, 0.15)
    length, width = side * rng.uniform(0.45, 1.1), side * rng.uniform(0.04, 0.07)
    _bar(draw, centre, angle, length, width)
    start, end = _along(centre, angle, length * 0.9)
    towards = rng.choice([0.0, np.pi])
    for share in np.linspace(0, 1, int(rng.integers(4, 9))):
        at = (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
        if rng.random() < 0.6:
            _screw(draw, at, towards + rng.normal(0, 0.12), side * rng.uniform(0.15, 0.4), side * 0.025)
        else:
            hole = width * 0.25
            draw.ellipse([at[0] - hole, at[1] - hole, at[0] + hole, at[1] + hole], fill=0)


def _screws(draw: ImageDraw.ImageDraw, centre: Point, side: float, rng: Generator) -> None:
    angle, width = rng.uniform(0, 2 * np.pi), side * rng.uniform(0.02, 0.04)
    for i in range(int(rng.integers(1, 4))):
        head = (centre[0], centre[1] + (i - 1) * side * rng.uniform(0.06, 0.12))
        _screw(draw, head, angle + rng.normal(0, 0.1), side * rng.uniform(0.2, 0.45), width)


def _nail(draw: ImageDraw.ImageDraw, centre: Point, side: float, rng: Generator) -> None:
    width = side * rng.uniform(0.05, 0.09)
    up = rng.choice([-1, 1])
    _bar(draw, (centre[0], centre[1] + up * side * 0.5), np.pi / 2 + rng.normal(0, 0.06), side, width)
    for share in rng.uniform(0.05, 0.25, 2):
        _screw(draw, (centre[0] - side * 0.15, centre[1] + up * side * share), 0.0, side * 0.3, side * 0.028)


def _caps(draw: ImageDraw.ImageDraw, centre: Point, side: float, rng: Generator) -> None:
    """Draw the two components of a knee arthroplasty from the front: condyles above, a tray with its stem below."""
    half, gap = side * rng.uniform(0.22, 0.34), side * rng.uniform(0.02, 0.06)
    x, y = centre
    draw.rectangle([x - half, y - gap - half * 0.75, x + half, y - gap - half * 0.45], fill=255)
    for way in (-1, 1):
        middle = x + way * half * 0.55
        box = [middle - half * 0.45, y - gap - half * 1.0, middle + half * 0.45, y - gap]
        draw.ellipse(box, fill=255)
    draw.rectangle([x - half, y + gap, x + half, y + gap + half * 0.14], fill=255)
    draw.polygon([(x - half * 0.2, y + gap), (x + half * 0.2, y + gap), (x + half * 0.08, y + gap + half)], fill=255)
