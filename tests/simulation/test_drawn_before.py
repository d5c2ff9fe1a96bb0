"""What is simulated looks as it did when the networks learned from it and the cases were drawn: seed by seed.

A card that says "simulated, seed 0 to 3999" is worth nothing once the same seed draws something else. Each scene is
kept as a coarse picture, how rough it is and how much of it each class covers (`drawn.json`); a change that is meant is
written there by `python -m tests.simulation.test_drawn_before`, and is told in the cards of what was learned from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from models.simulation import fluoroscopy, motion
from models.simulation.components import DESIGNS, build_femoral_component, build_tibial_component
from models.simulation.fluoroscopy import Implant
from models.simulation.hardware import add_hardware
from models.simulation.joint_section import simulate_joint_section
from models.simulation.knee_phantom import KneeJoint
from models.simulation.leg_phantom import LegBreak
from models.simulation.metal import Component
from models.simulation.phantom import ShoulderImplant, simulate_knee, simulate_leg, simulate_shoulder
from models.simulation.stains import STAINS
from models.simulation.stifle_phantom import ELSEWHERE, HOME, Clinic, simulate_stifle
from models.simulation.xray import Beam, Exposure

FILE = Path(__file__).with_name("drawn.json")
SIDE = 12
"""Of a coarse picture."""
SHOULDER = Beam((160, 128), 1.68, centre_mm=(24.0, 49.0))
KNEE = Beam((128, 128), 1.06, centre_mm=(0.0, 2.0), source_object_mm=1050.0)
LEG = Beam((200, 128), 1.44, centre_mm=(-6.0, -4.0), source_object_mm=1050.0)
Drawn = tuple[NDArray[Any], NDArray[Any]]


def shoulder(seed: int, **given: Any) -> Drawn:
    shot = simulate_shoulder(seed, beam=SHOULDER, **given)
    return shot.pixels, shot.metal


def knee(grade: int, **given: Any) -> Drawn:
    shot = simulate_knee(grade, joint=KneeJoint.of_grade(grade), beam=KNEE, **given)
    return shot.pixels, shot.metal


def leg(broken: LegBreak | None, **given: Any) -> Drawn:
    shot = simulate_leg(5, broken=broken, beam=LEG, **given)
    return shot.pixels, shot.metal


def stifle(seed: int, clinic: Clinic) -> Drawn:
    shot, _ = simulate_stifle(seed, clinic=clinic, pixel_mm=2.5)
    return shot.pixels, shot.metal


def tissue(seed: int, **given: Any) -> Drawn:
    drawn = simulate_joint_section(seed, size=(144, 144), **given)
    return drawn.pixels, drawn.mask


def film(seed: int, kneeling: bool) -> Drawn:
    sizes = (56, 40, 64), (48, 24, 64)
    parts = [Component.from_stl(trimesh.creation.box(size).export(file_type="stl"), np.eye(3)) for size in sizes]
    drawn = fluoroscopy.simulate_fluoroscopy(seed, [Implant(parts[0], parts[1], gap_mm=34)], kneeling=kneeling)
    return drawn.pixels, drawn.mask


def hardware(seed: int) -> Drawn:
    below = np.linspace(0, 0.7, 96 * 80, dtype=np.float32).reshape(96, 80)
    drawn = add_hardware(below, np.random.default_rng(seed))
    return drawn * 255, drawn > below


def moved(number: int, movement: str) -> Drawn:
    case = motion.simulate_motion(DESIGNS[number], movement, frames=3, side_px=192, seed=number)
    masks = motion.render_motion_masks(case, 1)
    return motion.render_motion_picture(case, 1), masks[0] + 2 * masks[1]


REVERSE = ShoulderImplant(kind="reverse", head_radius_mm=19.0, stem_length_mm=92.0, metal=0.6, version_deg=4.0)
CEMENTED = ShoulderImplant(stem_length_mm=118.0, version_deg=14.0, cement=True, glenoid=True, collar=True)
SCENES: dict[str, Callable[[], Drawn]] = {
    **{f"shoulder {seed}": partial(shoulder, seed) for seed in (0, 2)},
    "shoulder, reverse": partial(shoulder, 1, implant=REVERSE),
    "shoulder, cemented, left": partial(shoulder, 1, implant=CEMENTED, side="L", exposure=Exposure()),
    **{f"knee of grade {grade}": partial(knee, grade) for grade in (0, 3, 4)},
    "leg": partial(leg, None),
    "leg, broken, left": partial(leg, LegBreak(), side="L"),
    **{f"stifle {seed}": partial(stifle, seed, HOME) for seed in (1, 7)},
    "stifle 6, elsewhere": partial(stifle, 6, ELSEWHERE),
    **{f"section {seed}": partial(tissue, seed) for seed in range(4)},
    **{f"section of a {part}": partial(tissue, 9, part=part, damage=0.8) for part in ("femur", "tibia")},
    **{
        f"{plane} section": partial(tissue, 10, part="joint", plane=plane, damage=0)
        for plane in ("coronal", "sagittal")
    },
    **{f"section in {name}": partial(tissue, 11, stain=stain) for name, stain in STAINS.items()},
    **{f"film {seed}": partial(film, seed, kneeling) for seed, kneeling in ((1, False), (5, True))},
    **{f"hardware {seed}": partial(hardware, seed) for seed in range(8)},
    "lunge": partial(moved, 0, "lunge"),
    "stair": partial(moved, 1, "stair"),
}


def summary(drawn: Drawn) -> dict[str, Any]:
    """Return a coarse picture in thousandths of its range, how rough the picture is, and the share of each class."""
    pixels, mask = drawn
    grey = np.asarray(pixels, np.float64) / (65535 if np.asarray(pixels).dtype == np.uint16 else 255)
    grey = grey.reshape(*mask.shape, -1)
    blocks = [np.array_split(row, SIDE, axis=1) for row in np.array_split(grey, SIDE)]
    rough = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    return {
        "coarse": [[round(float(block.mean()) * 1000, 1) for block in row] for row in blocks],
        "colours": [round(float(one) * 1000, 1) for one in grey.mean((0, 1))],
        "rough": round(float(rough) * 1000, 2),
        "classes": np.bincount(np.asarray(mask, np.int64).ravel()).tolist(),
    }


@pytest.mark.parametrize("name", SCENES)
def test_a_seed_draws_what_it_drew_when_the_networks_learned(name: str) -> None:
    was, now = json.loads(FILE.read_text())[name], summary(SCENES[name]())
    assert now["coarse"] == [pytest.approx(row, abs=0.3) for row in was["coarse"]]
    assert now["colours"] == pytest.approx(was["colours"], abs=0.3)
    assert now["rough"] == pytest.approx(was["rough"], rel=0.002)
    assert now["classes"] == pytest.approx(was["classes"], abs=2)


@pytest.mark.parametrize("number", range(len(DESIGNS)))
def test_a_design_is_as_large_as_it_says(number: int) -> None:
    design = DESIGNS[number]
    above, below = build_femoral_component(design), build_tibial_component(design)
    wide, deep, high = np.sort(np.ptp(above.vertices, axis=0))[::-1]
    assert (wide, deep) == pytest.approx(sorted((design.width_mm, design.depth_mm), reverse=True), abs=2.5)
    assert high == pytest.approx(design.height_mm, abs=design.tilt_mm + 2)
    sides = np.ptp(below.vertices, axis=0)
    assert sorted(sides)[::-1][:2] == pytest.approx(sorted((*design.tray_mm, design.keel_mm), reverse=True)[:2], abs=6)


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(summary(draw()))}" for name, draw in SCENES.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
