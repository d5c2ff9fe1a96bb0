"""What a report says that the priors did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.i18n import IN_ENGLISH
from models.reporting.parts import Curves, Paragraph
from models.tasks.kinematics.prior_account import account_for_priors
from models.types import Motion, Solution
from tests.reporting.conftest import moved


def solve(depths_mm: list[list[float]], sigma_mm: float, together: float) -> Solution:
    """Components at depths, which err by so much, and in part alike."""
    poses = np.tile(np.eye(4), (2, len(depths_mm[0]), 1, 1))
    poses[:, :, 2, 3] = -np.array(depths_mm)
    covariance = np.tile(np.eye(12) * sigma_mm**2, (len(depths_mm[0]), 1, 1))
    covariance[:, 2, 8] = covariance[:, 8, 2] = together * sigma_mm**2
    return Solution(poses, covariance)


@pytest.fixture
def motion() -> Motion:
    return replace(
        moved(3),
        together=solve([[900, 901, 902], [880, 881, np.nan]], 1.0, 0.5),
        alone=solve([[902, 901, 902], [880, 875, np.nan]], 3.0, 0.0),
    )


def test_depths_are_drawn_by_both_solutions(motion: Motion) -> None:
    section = account_for_priors(motion, IN_ENGLISH)
    assert section is not None
    drawn, told = section.parts
    assert isinstance(drawn, Curves)
    femoral, tibial, apart = drawn.curves
    assert np.array_equal(femoral.values, [900, 901, 902])
    assert np.array_equal(femoral.other, [902, 901, 902])
    assert np.array_equal(tibial.other, [880, 875, np.nan], equal_nan=True)
    assert np.array_equal(apart.values, [-20, -20, np.nan], equal_nan=True)
    assert np.array_equal(apart.other, [-22, -26, np.nan], equal_nan=True)
    assert femoral.spread == pytest.approx(1.96)
    assert apart.spread == pytest.approx(1.96)  # sqrt(1 + 1 - 2 · 0.5)
    assert isinstance(told, Paragraph)
    assert "Femoral depth: moved by 0.0 mm (median; at most 2.0 mm), ± 1.0 mm in place of 3.0 mm." in told.text
    assert "Tibial depth: moved by 3.0 mm (median; at most 6.0 mm)" in told.text
    assert "Tibial − femoral depth: moved by 4.0 mm (median; at most 6.0 mm), ± 1.0 mm in place of 4.2" in told.text
    assert told.text.endswith("The report states the depths with what is known of knees.")


def test_the_report_says_which_of_both_it_states(motion: Motion) -> None:
    section = account_for_priors(replace(motion, priors=False), IN_ENGLISH)
    assert section is not None
    assert str(section.parts[1]).count("each frame by itself") == 1


def test_nothing_is_said_of_a_motion_without_poses() -> None:
    assert account_for_priors(moved(), IN_ENGLISH) is None
