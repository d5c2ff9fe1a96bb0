"""The motion measured beforehand: it belongs to the weights that are here, and is the simulation's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.cases import lunge
from models.types import Track
from models.words import later


def test_the_stored_motion_is_that_of_the_weights_that_are_here() -> None:
    found = lunge.replay_lunge()
    assert found is not None, "make it again: ortholens simulate motion models/simulation"
    assert found.motion.frames == len(found.masks) == lunge.FRAMES
    assert found.motion.warnings == (lunge.SIMULATED,)
    assert found.motion.seconds > 1


def test_the_stored_poses_are_near_the_simulations_own() -> None:
    found, case = lunge.replay_lunge(), lunge.simulate_lunge()
    assert found is not None
    for track, exact in ((found.motion.femoral, case.femoral_poses), (found.motion.tibial, case.tibial_poses)):
        assert np.abs(track.pose[:, :2, 3] - exact[: lunge.FRAMES, :2, 3]).max() < 1.0  # mm, in the picture's plane
        assert track.overlap.min() > 0.9


def test_other_weights_do_not_take_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert lunge.replay_lunge(tmp_path / "nowhere.npz") is None
    monkeypatch.setattr(lunge, "_weights", lambda: ["another"])
    assert lunge.replay_lunge() is None


def test_what_is_written_is_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = lunge.replay_lunge()
    assert found is not None
    said = later("The {name} component overlaps its mask by {overlap:.2f} only.", name=later("femoral"), overlap=0.5)
    object.__setattr__(found.motion, "notes", ((said,), *found.motion.notes[1:]))
    monkeypatch.setattr(lunge, "measure_lunge", lambda: found)
    again = lunge.replay_lunge(lunge.write_lunge(tmp_path))
    assert again is not None
    assert again.motion.notes == found.motion.notes
    assert again.motion.notes[0][0].values["name"].message == "femoral"
    for name in ("pose", "other_pose", "overlap", "residual_px", "sigma"):
        both = (getattr(motion.tibial, name) for motion in (found.motion, again.motion))
        np.testing.assert_array_equal(*both)
    assert isinstance(again.motion.femoral, Track)
    assert all((a == b).all() for a, b in zip(np.array(found.masks), np.array(again.masks), strict=True))
