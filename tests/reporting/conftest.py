"""Answers to write up, made by hand: no network runs, and every kind of prediction is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from models import Classification, Detections, Explanation, Image, Prediction, Segmentation, card
from models.answers.report import bind_chapters, write_chapter
from models.i18n import IN_ENGLISH, Language
from models.reporting.case import Case
from models.reporting.parts import Report
from models.tasks.kinematics.account import Filmed
from models.tasks.kinematics.angles import COLUMNS
from models.types import Motion, Track
from tests.kinematics.solutions import solve_as

SHA256 = "ab12" * 16
MADE = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def image(**changes: object) -> Image:
    pixels = np.random.default_rng(0).random((1, 120, 90), np.float32)
    fields = {"pixels": pixels, "name": "Doe_Jane_1961.dcm", "sha256": SHA256}
    return Image(**(fields | changes))  # type: ignore[arg-type]


def graded(**changes: object) -> Classification:
    why = Explanation(np.full((120, 90), 0.5, np.float32), "grad-cam", "stage5", "3", 0.01)
    p = np.array([0.01, 0.04, 0.2, 0.7, 0.05], np.float32)
    fields = {
        "task": "pathology", "card": "knee-kl", "sha256": SHA256, "seconds": 0.1, "labels": tuple("01234"),
        "probabilities": p, "prediction_set": ("2", "3"), "coverage": 0.9, "ood_score": 0.6, "explanation": why,
    }  # fmt: skip
    return Classification(**(fields | changes))  # type: ignore[arg-type]


def painted() -> Segmentation:
    known = card("joint-section")
    mask = np.zeros((120, 90), np.uint8)
    band = known.keys.index("articular-cartilage")
    mask[40:60] = band
    mask[60:] = band + 1 if band + 1 < len(known.keys) else 1
    return Segmentation(
        task="tissue", card="joint-section", sha256=SHA256, seconds=0.2, labels=known.keys, mask=mask,
        certainty=np.full((120, 90), 230, np.uint8),
    )  # fmt: skip


def boxed(id: str) -> Detections:
    return Detections(
        task="detection", card=id, sha256=SHA256, seconds=0.3, labels=card(id).keys,
        boxes=np.array([[10, 20, 30, 40], [50, 60, 10, 12], [1, 1, 2, 2]], np.float32), classes=np.array([0, 1, 0]),
        scores=np.array([0.81, 0.55, 0.05], np.float32), places=np.array([1, 2, 3]),
        operating_point="Sensitivity 0.90", threshold=0.3,
    )  # fmt: skip


def moved(frames: int = 6) -> Motion:
    def track() -> Track:
        nothing = np.full((frames, 4, 4), np.nan)
        return Track(
            pose=nothing, other_pose=nothing, overlap=np.linspace(0.95, 0.98, frames),
            residual_px=np.full(frames, 0.4), edge_px=np.full(frames, 0.2), sigma=np.full((frames, 6), 0.3),
        )  # fmt: skip

    joint = np.linspace(0, 60, frames)[:, None] * np.array([1, 0.1, 0.2, 0.05, 0.1, 0.02])
    joint[2] = np.nan
    return Motion(
        task="kinematics", card="exact masks of the simulation", sha256=SHA256, seconds=4.0, femoral=track(),
        tibial=track(), **solve_as(*np.full((2, frames, 4, 4), np.nan)),
        joint=joint, joint_sigma=np.full((frames, 6), 0.8), joint_columns=COLUMNS,
        low_points_mm=np.zeros((frames, 2, 3)), axes=("right +x, anterior +y, proximal +z",) * 2, side="right",
        notes=((), (), ("No tibial component was found in this frame.",), (), (), ()),
        warnings=("Simulated frames and implants.",),
    )  # fmt: skip


CASES: dict[str, Callable[[], Case]] = {
    "classification": lambda: Case(image(spacing_mm=(0.2, 0.2), spacing_source="PixelSpacing"), graded()),
    "abstention": lambda: Case(image(), graded(abstained=True, reason="this is no knee", ood_score=3.1)),
    "segmentation": lambda: Case(image(spacing_mm=(0.01, 0.01), spacing_source="a ruler"), painted(), simulated=True),
    "motion": lambda: Case(
        image(), moved(), simulated=True,
        beside=Filmed([("simulated frame 1", np.zeros((64, 64, 3), np.uint8))], "the simulation's own camera"),
    ),
}  # fmt: skip


@pytest.fixture
def write(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """Return what binds cases, given by name or as they are, into a report."""

    def bind(*cases: str | Case, label: str = "", say: Language = IN_ENGLISH) -> Report:
        made = [CASES[case]() if isinstance(case, str) else case for case in cases]
        return bind_chapters([write_chapter(case, say) for case in made], label, MADE, say)

    return bind


@pytest.fixture
def boxes_of() -> Callable[[str], Prediction]:
    return boxed


@pytest.fixture
def pictured() -> Callable[..., Image]:
    return image


@pytest.fixture
def grade() -> Callable[..., Classification]:
    return graded


@pytest.fixture
def section() -> Segmentation:
    return painted()
