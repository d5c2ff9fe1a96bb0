"""A hundred pictures that no card was made for: photographs, pydicom's own files, drawings, pages, simulated films.

The photographs are those that scikit-image carries, the DICOM files (CT, MR, ultrasound and nuclear medicine of other
parts) those of pydicom's tests; all else is drawn here from a seed. None of them is used in fitting anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from scipy import ndimage

from models.errors import OrthoLensError
from models.io import read
from models.types import Image, Pixels

PHOTOGRAPHS = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png",
    "grass.png", "gravel.png", "hubble_deep_field.jpg", "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg",
    "color.png", "horse.png", "logo.png", "page.png", "text.png", "chessboard_GRAY.png", "microaneurysms.png",
    "phantom.png",
)  # fmt: skip
DICOM = (
    "CT_small.dcm", "693_J2KI.dcm", "JPEG2000.dcm", "JPEGLSNearLossless_16.dcm", "MR_small.dcm", "examples_jpeg2k.dcm",
    "examples_overlay.dcm", "examples_palette.dcm", "examples_rgb_color.dcm", "examples_ybr_color.dcm",
    "SC_rgb_jpeg_dcmtk.dcm", "liver_1frame.dcm", "rtdose_1frame.dcm", "JPEG-lossy.dcm", "GDCMJ2K_TextGBR.dcm",
)  # fmt: skip
WORDS = (  # noqa: SIM905
    "the patient presents with pain after a fall no history of surgery range of motion is limited swelling around the "
    "joint was noted radiographs were ordered and reviewed follow up in six weeks"
).split()

Field = NDArray[np.float64]


def ood_sets() -> Iterator[tuple[str, str, Image]]:
    """Yield the group, a name and the picture of each."""
    carried = (
        ("photographs and textures", "skimage", "data", PHOTOGRAPHS),
        ("DICOM of other parts", "pydicom", "data/test_files", DICOM),
    )
    for group, package, folder, names in carried:
        for name in names:
            path = Path(str(import_module(package).__file__)).parent / folder / name
            try:
                yield group, name, read(path, name)
            except (OrthoLensError, OSError):
                continue  # another version of the package, or a decoder that is not there
    for group, draw, count in DRAWN:
        for seed in range(count):
            picture = draw(np.random.default_rng([seed, len(group), 1]))
            yield group, f"{group} {seed}", Image(picture[None], f"{group} {seed}", f"{group} {seed}")


def _unit(picture: Pillow.Image) -> Pixels:
    return np.asarray(picture, np.float32) / np.float32(255)


def _ink(rng: Generator, low: int = 0, high: int = 256) -> tuple[int, ...]:
    return tuple(int(value) for value in rng.integers(low, high, 3))


def _words(rng: Generator, count: int) -> str:
    return " ".join(rng.choice(WORDS, count))


def drawing(rng: Generator) -> Pixels:
    """Return shapes and lines of many colours."""
    side = int(rng.integers(200, 900))
    picture = Pillow.new("RGB", (side, int(side * rng.uniform(0.6, 1.4))), _ink(rng, 120))
    draw, (width, height) = ImageDraw.Draw(picture), picture.size
    for _ in range(int(rng.integers(4, 25))):
        x, y, a, b = (int(rng.integers(low, high)) for low, high in
                      ((0, width), (0, height), (10, width // 2), (10, height // 2)))  # fmt: skip
        box, points = (
            [x - a, y - b, x + a, y + b],
            [(int(rng.integers(width)), int(rng.integers(height))) for _ in "abc"],
        )
        match rng.integers(4):
            case 0:
                draw.ellipse(box, fill=_ink(rng), outline=(0, 0, 0), width=3)
            case 1:
                draw.rectangle(box, fill=_ink(rng), outline=(0, 0, 0), width=3)
            case 2:
                draw.polygon(points, fill=_ink(rng), outline=(0, 0, 0))
            case _:
                draw.line(points, fill=(0, 0, 0), width=int(rng.integers(1, 8)))
    return _unit(picture)


def cartoon(rng: Generator) -> Pixels:
    """Return a face in a meadow."""
    picture = Pillow.new("RGB", (480, 480), (140, 200, 250))
    draw = ImageDraw.Draw(picture)
    draw.rectangle([0, 360, 480, 480], fill=(90, 180, 80))
    r, x, y = int(rng.integers(80, 150)), int(rng.integers(160, 320)), int(rng.integers(160, 300))
    draw.ellipse([x - r, y - r, x + r, y + r], fill=(255, 220, 180), outline=(0, 0, 0), width=4)
    for eye in (x - r // 2, x + r // 2):
        draw.ellipse([eye - 14, y - r // 3 - 14, eye + 14, y - r // 3 + 14], fill=(255, 255, 255), outline=(0, 0, 0))
        draw.ellipse([eye - 5, y - r // 3 - 5, eye + 5, y - r // 3 + 5], fill=(0, 0, 0))
    draw.arc([x - r // 2, y - r // 6, x + r // 2, y + r // 2], 10, 170, fill=(160, 30, 30), width=5)
    return _unit(picture)


def text_page(rng: Generator) -> Pixels:
    """Return lines of text, three in ten on black."""
    width, height, dark = int(rng.integers(500, 900)), int(rng.integers(600, 1100)), rng.random() < 0.3
    picture, font = Pillow.new("L", (width, height), 20 if dark else 250), ImageFont.load_default(rng.integers(12, 26))
    draw = ImageDraw.Draw(picture)
    for y in range(40, height - 50, int(font.size * 1.5)):
        draw.text((40, y), _words(rng, 12), fill=230 if dark else 10, font=font)
    return _unit(picture)


def screenshot(rng: Generator) -> Pixels:
    """Return the window of a program."""
    dark = rng.random() < 0.5
    ground, ink = ((24, 26, 32), (230, 230, 230)) if dark else ((250, 250, 252), (30, 30, 30))
    picture, font = Pillow.new("RGB", (1280, 720), ground), ImageFont.load_default(16)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([0, 0, 1280, 48], fill=(60, 90, 160))
    for i in range(9):
        draw.text((24, 80 + i * 44), _words(rng, 2), fill=ink, font=font)
    for _ in range(int(rng.integers(2, 7))):
        x, y = int(rng.integers(250, 900)), int(rng.integers(70, 560))
        box = [x, y, x + int(rng.integers(120, 360)), y + int(rng.integers(40, 140))]
        draw.rounded_rectangle(box, 10, fill=_ink(rng, 60, 230), outline=ink)
        draw.text((x + 12, y + 10), _words(rng, 4), fill=ink, font=font)
    return _unit(picture)


def diagram(rng: Generator) -> Pixels:
    """Return a chart with axes: bars, a line or dots."""
    picture, font = Pillow.new("RGB", (800, 560), (255, 255, 255)), ImageFont.load_default(18)
    draw, how, ink = ImageDraw.Draw(picture), rng.integers(3), _ink(rng, 0, 200)
    draw.line([80, 40, 80, 480, 760, 480], fill=(0, 0, 0), width=2)
    tops = 480 - 430 * rng.uniform(0.1, 0.95, int(rng.integers(6, 16)))
    places = np.linspace(110, 730, len(tops))
    if how == 1:
        draw.line(list(zip(places.tolist(), tops.tolist(), strict=True)), fill=ink, width=4)
    for i, (x, y) in enumerate(zip(places, tops, strict=True)):
        if how == 0:
            draw.rectangle([x - 14, y, x + 14, 480], fill=ink)
        else:
            draw.ellipse([x - 6, y - 6, x + 6, y + 6], fill=ink)
        draw.text((x - 8, 490), str(i), fill=(0, 0, 0), font=font)
    return _unit(picture)


def noise(rng: Generator) -> Pixels:
    """Return white noise, clouds, coloured noise or waves."""
    plain = rng.random((400, 400), np.float32)
    match rng.integers(4):
        case 0:
            return plain
        case 1:
            clouds = ndimage.gaussian_filter(plain, rng.uniform(2, 20))
            return np.asarray((clouds - clouds.min()) / np.ptp(clouds), np.float32)
        case 2:
            return rng.random((400, 400, 3), np.float32)
        case _:
            y, x = np.mgrid[:400, :400] / 400
            return (0.5 + 0.5 * np.sin(x * rng.uniform(5, 60) + y * rng.uniform(5, 60))).astype(np.float32)


def _film(dense: Field, rng: Generator) -> Pixels:
    soft = ndimage.gaussian_filter(dense * rng.uniform(0.8, 1.15), rng.uniform(1, 3))
    return (soft + 0.02 * rng.standard_normal(dense.shape)).clip(0, 1).astype(np.float32)


def _ball(y: Field, x: Field, middle: tuple[float, float], radii: tuple[float, float]) -> Field:
    """Return what rays pass through of an ellipsoid, 1 in its middle."""
    inside = 1 - ((y - middle[0]) / radii[0]) ** 2 - ((x - middle[1]) / radii[1]) ** 2
    return np.sqrt(np.clip(inside, 0, None))


def chest(rng: Generator) -> Pixels:
    """Return lungs, heart, spine, ribs and clavicles from the front."""
    y, x = np.mgrid[:512, :512] / 512.0
    film = 0.55 * _ball(y, x, (0.55, 0.5), (0.75, 0.52)) + 0.05 + 0.3 * _ball(y, x, (0.62, 0.55), (0.17, 0.14))
    film += 0.35 * np.exp(-(((x - 0.5) / 0.035) ** 2)) * (0.8 + 0.2 * (np.sin(y * 90) > 0))
    for side in (-1, 1):
        film -= 0.32 * _ball(y, x, (0.48, 0.5 + side * 0.2), (0.34, 0.15))
        bone = np.exp(-(((y - 0.18 + 0.25 * np.abs(x - 0.5)) / 0.014) ** 2))
        film += 0.2 * bone * (side * (x - 0.5) > 0.04) * (np.abs(x - 0.5) < 0.35)
        for rib in range(9):
            curve = y - (0.15 + rib * 0.075) - 0.6 * (side * (x - 0.5) - 0.2) ** 2 - 0.12 * np.abs(x - 0.5)
            film += 0.13 * np.exp(-((curve / 0.009) ** 2)) * (np.abs(x - 0.5) < 0.38)
    return _film(film, rng)


def skull(rng: Generator) -> Pixels:
    """Return a vault, orbits, a jaw and teeth from the front."""
    y, x = np.mgrid[:512, :512] / 512.0
    outer, inner = _ball(y, x, (0.42, 0.5), (0.36, 0.3)), _ball(y, x, (0.42, 0.5), (0.335, 0.275))
    film = 0.25 * outer + 0.6 * ((outer > 0) & (inner <= 0)) + 0.03 + 0.25 * _ball(y, x, (0.78, 0.5), (0.16, 0.18))
    for side in (-1, 1):
        film -= 0.16 * _ball(y, x, (0.5, 0.5 + side * 0.12), (0.06, 0.08))
    for tooth in range(10):
        for row in (0.8, 0.865):
            film += 0.2 * _ball(y, x, (row, 0.38 + tooth * 0.026), (0.03, 0.011))
    return _film(film, rng)


def spine(rng: Generator) -> Pixels:
    """Return vertebrae with pedicles, transverse and spinous processes from the front."""
    y, x = np.mgrid[:700, :350] / 700.0
    middle, step = 0.25 + 0.02 * np.sin(y * 6 + rng.uniform(0, 6)), rng.uniform(0.1, 0.13)
    along = (y % step) / step
    film = 0.22 + 0.15 * np.exp(-(((x - 0.25) / 0.2) ** 2))
    film += 0.33 * (np.abs(x - middle) < 0.06 + 0.012 * np.abs(along - 0.5)) * (np.abs(along - 0.5) < 0.38)
    for side in (-1, 1):
        film += 0.12 * np.exp(-(((x - middle - side * 0.04) / 0.012) ** 2) - ((along - 0.35) / 0.15) ** 2)
        film += 0.12 * np.exp(-(((x - middle - side * 0.1) / 0.05) ** 2) - ((along - 0.4) / 0.08) ** 2)
    film += 0.2 * np.exp(-(((x - middle) / 0.012) ** 2) - ((along - 0.6) / 0.16) ** 2)
    return _film(film, rng)


DRAWN: tuple[tuple[str, Callable[[Generator], Pixels], int], ...] = (
    ("drawings", drawing, 10),
    ("cartoons", cartoon, 6),
    ("text pages", text_page, 8),
    ("screenshots", screenshot, 7),
    ("diagrams", diagram, 8),
    ("noise", noise, 8),
    ("chest films, simulated", chest, 6),
    ("skull films, simulated", skull, 6),
    ("spine films, simulated", spine, 6),
)
