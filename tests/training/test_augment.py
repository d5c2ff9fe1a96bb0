import pytest
import torch

from models.tasks.classification.augmentation import Augmentation, augment_radiographs
from models.training.views import KNOTS, draw_bends

STILL = Augmentation(rotation_deg=0, scale=0, shift=0, contrast=0, brightness=0, gamma=0, noise=0, flip=False, erase=0)


def views(how: Augmentation, seed: int = 0, n: int = 4) -> torch.Tensor:
    pictures = torch.linspace(0.1, 0.9, 32).expand(n, 1, 32, 32)  # brighter to the right
    return augment_radiographs(pictures, (32, 32), how, torch.Generator().manual_seed(seed))


def test_without_freedom_a_view_is_the_picture():
    torch.testing.assert_close(views(STILL), torch.linspace(0.1, 0.9, 32).expand(4, 1, 32, 32), atol=1e-4, rtol=0)


def test_a_seed_fixes_the_views_and_values_stay_in_range():
    wild = Augmentation(erase=1.0)
    torch.testing.assert_close(views(wild, 3), views(wild, 3))
    assert not torch.equal(views(wild, 3), views(wild, 4))
    assert views(wild).min() >= 0
    assert views(wild).max() <= 1


def test_about_half_of_the_views_are_mirrored():
    flipped = views(Augmentation(**{**STILL.__dict__, "flip": True}), n=200)
    mirrored = (flipped[:, 0, :, 0] > flipped[:, 0, :, -1]).all(1).float().mean()
    assert mirrored == pytest.approx(0.5, abs=0.1)


def test_the_size_of_a_view_is_what_was_asked_for():
    pictures = torch.rand(2, 1, 50, 40)
    assert augment_radiographs(pictures, (24, 32), Augmentation(), torch.Generator()).shape == (2, 1, 24, 32)


def test_a_bend_moves_the_picture_and_is_smooth_between_its_knots():
    bends = draw_bends(300, (31, 61), 0.1, torch.Generator().manual_seed(0))
    assert bends.shape == (300, 31, 61, 2)
    at_knots = bends[:, :: 30 // (KNOTS - 1), :: 60 // (KNOTS - 1)]
    assert float(at_knots.std()) == pytest.approx(0.1, rel=0.03)
    assert float((bends[:, :, 1:] - bends[:, :, :-1]).abs().max()) < 0.1  # twenty pixels from knot to knot
    bent = views(Augmentation(**{**STILL.__dict__, "elastic": 0.05}))
    straight = views(STILL)
    assert 0.005 < float((bent - straight).abs().mean()) < 0.1


def test_all_that_a_view_takes_is_on_the_device_of_its_picture(elsewhere):
    pictures = torch.empty(2, 1, 32, 32, device="meta")
    how = Augmentation(erase=0.5, elastic=0.1)
    assert augment_radiographs(pictures, (24, 24), how, elsewhere).device.type == "meta"
