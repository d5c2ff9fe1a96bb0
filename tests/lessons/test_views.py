"""Views are those of training: one change alone, or all, at the strength of a card."""

from __future__ import annotations

import numpy as np
import pytest

from models.lessons import views
from models.tasks.classification.augmentation import Augmentation

GREY = np.clip(np.add.outer(np.linspace(0.2, 0.5, 48), np.linspace(0, 0.3, 40)), 0, 1).astype(np.float32)


def test_no_change_leaves_the_picture() -> None:
    drawn = views.draw_lesson_views(GREY, views.NONE, 3)
    assert drawn.shape == (3, 48, 40)
    np.testing.assert_allclose(drawn, np.repeat(GREY[None], 3, 0), atol=1e-3)


def test_a_mirror_alone_mirrors_some() -> None:
    drawn = views.draw_lesson_views(GREY, views.isolate_change(Augmentation(), "flip"), 8)
    mirrored = [np.allclose(view, GREY[:, ::-1], atol=1e-3) for view in drawn]
    same = [np.allclose(view, GREY, atol=1e-3) for view in drawn]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert any(mirrored)
    assert any(same)


@pytest.mark.parametrize("change", views.CHANGES)
def test_every_change_can_be_seen_alone(change: str) -> None:
    how = views.isolate_change(Augmentation(erase=0.5, elastic=0.05), change, 2.0)
    assert [name for name in views.CHANGES if getattr(how, name)] == [change]
    assert np.abs(views.draw_lesson_views(GREY, how, 8) - GREY).max() > 0.01


def test_strength_multiplies_every_range() -> None:
    twice = views.strengthen_augmentation(Augmentation(rotation_deg=10, erase=0.7), 2)
    assert (twice.rotation_deg, twice.erase, twice.flip) == (20, 1.0, True)


def test_every_classifier_tells_its_recipe() -> None:
    found = views.list_augmentations()
    assert {"knee-kl", "shoulder-implants"} <= set(found)
    assert found["knee-kl"].rotation_deg == 8
