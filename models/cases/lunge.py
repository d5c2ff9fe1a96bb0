"""The lunge that the kinematics page and the stage open with: a simulated case, and its motion as measured beforehand.

Ten frames take some half a minute to measure; `lunge.npz` holds what that gave, with the outlines of the network, so
that a page can show it at once. It names the weights that outlined it, and is not used with any others.
`ortholens simulate motion FOLDER` makes the file again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from models.simulation import motion as simulate
from models.simulation.motion import Scene
from models.tasks.kinematics.motion import Study, find_motion
from models.tasks.kinematics.study import outline
from models.types import AcceptanceLimits, Image, Motion, Solution, Track
from models.words import Later, later

Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]

FILE = Path(__file__).with_name("lunge.npz")
CARD = "tka-fluoroscopy"
FRAMES, SIDE_PX, WHOLE_MOVEMENT = 10, 512, 28
"""The first frames of a lunge, small enough to be measured while one looks."""
PARTS: dict[str, type[Track | Solution]] = {"femoral": Track, "tibial": Track, "together": Solution, "alone": Solution}
"""Of a motion, which hold arrays themselves."""
SIMULATED = later("Simulated frames and implants.")


@dataclass(frozen=True, eq=False)
class Replay:
    """A motion that was measured beforehand.

    Attributes
    ----------
    motion
        What the pipeline found.
    masks
        For each frame the (H, W) outlines of femoral and tibial component that it was found from.
    """

    motion: Motion
    masks: tuple[Masks, ...]


def simulate_lunge() -> Scene:
    """Return the simulated case; its movement is longer than `FRAMES`."""
    return simulate.simulate_motion(frames=WHOLE_MOVEMENT, side_px=SIDE_PX)


def load_lunge_images(case: Scene, frames: int = FRAMES) -> tuple[Image, ...]:
    """Return the first frames of the case, an image each."""
    return tuple(_image(simulate.render_motion_picture(case, t), t) for t in range(frames))


def _image(picture: NDArray[np.uint8], t: int) -> Image:
    pixels = picture.astype(np.float32) / np.float32(255)
    return Image(pixels[None], f"simulated frame {t + 1}", hashlib.sha256(picture.tobytes()).hexdigest())


def measure_lunge() -> Replay:
    """Outline the frames with the network, and measure the motion.

    Raises
    ------
    OrthoLensError
        Where the network has no weights here.
    """
    case = simulate_lunge()
    frames = [outline(image, models.predict(image, CARD)) for image in load_lunge_images(case)]
    result = find_motion(Study(case.femoral, case.tibial, case.camera, card=CARD), frames)
    return Replay(replace(result, warnings=(SIMULATED, *result.warnings)), tuple(frame.masks for frame in frames))


def write_lunge(folder: Path) -> Path:
    """Measure anew, and write what was found into a folder.

    Raises
    ------
    OrthoLensError
        As `measure_lunge`.
    """
    found, path = measure_lunge(), folder / FILE.name
    folder.mkdir(parents=True, exist_ok=True)
    arrays, rest = _taken_apart(found.motion)
    masks = np.array(found.masks)  # (T, 2, H, W)
    about = {"weights": _weights(), "shape": masks.shape, "motion": rest}
    stored: dict[str, Any] = {"masks": np.packbits(masks), "about": np.array(json.dumps(about)), **arrays}
    np.savez_compressed(path, **stored)
    return path


def replay_lunge(path: Path = FILE) -> Replay | None:
    """Return the motion measured beforehand; None where it was outlined with other weights than those that are here."""
    if CARD not in models.cards() or not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        about = json.loads(str(stored["about"]))
        if about["weights"] != _weights():
            return None
        shape = tuple(about["shape"])
        masks = np.unpackbits(stored["masks"], count=int(np.prod(shape))).reshape(shape).astype(bool)
        found = _put_together({name: stored[name] for name in stored.files}, about["motion"])
    return Replay(found, tuple((femoral, tibial) for femoral, tibial in masks))


def _weights() -> list[str]:
    return [member.sha256 for member in models.card(CARD).members]


def _taken_apart(found: Motion) -> tuple[dict[str, NDArray[np.float64]], dict[str, object]]:
    """Return the arrays of a motion by name, those of a part as "femoral.pose", and everything else for JSON."""
    arrays: dict[str, NDArray[np.float64]] = {}
    rest: dict[str, object] = {}
    for field in fields(found):
        value = getattr(found, field.name)
        if field.name in PARTS:
            arrays |= {f"{field.name}.{part.name}": getattr(value, part.name) for part in fields(value)}
        elif isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif isinstance(value, AcceptanceLimits):
            rest[field.name] = astuple(value)
        else:
            rest[field.name] = _plain(value)
    return arrays, rest


def _put_together(stored: dict[str, NDArray[np.float64]], rest: dict[str, object]) -> Motion:
    parts = {name: kind(**{p.name: stored[f"{name}.{p.name}"] for p in fields(kind)}) for name, kind in PARTS.items()}
    arrays = {name: value for name, value in stored.items() if name in {field.name for field in fields(Motion)}}
    limits = AcceptanceLimits(*rest["limits"])  # type: ignore[misc]
    others = {name: _said(value) for name, value in rest.items() if name != "limits"}
    return Motion(**parts, **arrays, **others, limits=limits)  # type: ignore[arg-type]


def _plain(value: object) -> object:
    """Return a value for JSON; a text that is translated where it is shown keeps its message and its values."""
    if isinstance(value, Later):
        return {"message": value.message, "values": {name: _plain(each) for name, each in value.values.items()}}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _said(value: object) -> object:
    if isinstance(value, dict):
        return later(value["message"], **{name: _said(each) for name, each in value["values"].items()})
    return tuple(_said(each) for each in value) if isinstance(value, list) else value
