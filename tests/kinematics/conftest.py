"""A small simulated case, made once: half the pixels of the public example, four frames of a lunge."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image as Pillow

from models.simulation.components import DESIGNS
from models.simulation.motion import Scene, render_motion_masks, render_motion_picture, simulate_motion
from models.tasks.kinematics.locate import Component, Frame


@pytest.fixture(scope="session")
def lunge() -> Scene:
    return simulate_motion(DESIGNS[0], "lunge", frames=4, side_px=512, seed=3)


@pytest.fixture(scope="session")
def shots(lunge: Scene) -> list[Frame]:
    return [
        Frame(render_motion_masks(lunge, t), (render_motion_picture(lunge, t) / 255).astype(np.float32))
        for t in range(4)
    ]


@pytest.fixture(scope="session")
def components(lunge: Scene) -> tuple[Component, Component]:
    """Of the lunge; they keep their libraries."""
    return Component(lunge.femoral), Component(lunge.tibial)


class Kneel:
    """`kneel_right` of the packed data: three frames, CAD, calibration, masks and poses of a supervised match."""

    names = ("AT_K1_V1_0160", "AT_K1_V1_0170", "AT_K1_V1_0180")

    def __init__(self, archive: Path) -> None:
        self.archive = ZipFile(archive)

    def bytes(self, path: str) -> bytes:
        return self.archive.read(f"kneel_right/{path}")

    def text(self, path: str) -> str:
        return self.bytes(path).decode()

    def mask(self, component: str, frame: int) -> np.ndarray:
        picture = Pillow.open(BytesIO(self.bytes(f"masks/{component}/{self.names[frame]}.png")))
        return np.asarray(picture.convert("L")) > 0


@pytest.fixture
def kneel(packed) -> Kneel:
    return Kneel(packed("tka_fluoroscopy.zip"))
