"""Feature maps and the patches that drive a channel, on pictures whose answer is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

import models
from models import Image, lessons
from models.errors import UnknownCard
from models.lessons import maps
from models.lessons.records import Layer
from models.predictors.engine import engine
from models.tasks.classification.predictor import Classifier


@pytest.fixture
def noise(picture: Callable[..., bytes]) -> Image:
    return models.read(picture(1, (80, 60)), "noise.png")


def of(card: str, name: str) -> Layer:
    return next(layer for layer in lessons.list_layers(models.card(card)) if layer.name == name)


def test_maps_are_what_the_stage_computes_the_strongest_first(random_card: str, noise: Image) -> None:
    card = models.card(random_card)
    layer = of(random_card, "stage3.3")
    found = lessons.rank_feature_maps(noise, card, layer, count=5)
    model = engine().load(card, Classifier)
    with torch.no_grad():
        whole = model.members[0].trunk(model.input(noise), "stage3")[0]
    assert found.of == len(whole) == layer.shape[0]
    np.testing.assert_allclose(found.maps, whole[torch.from_numpy(found.channels)].numpy(), rtol=1e-4, atol=1e-5)
    inner = maps.clear_map_margin(whole).amax((1, 2)).sort(descending=True).values[:5]
    np.testing.assert_allclose(found.peaks, inner.numpy(), rtol=1e-4, atol=1e-5)
    assert not any(module._forward_hooks for module in model.members[0].modules())


def test_the_margin_holds_no_peak() -> None:
    values = torch.zeros(1, 20, 20)
    values[0, 0, 0], values[0, 10, 10] = 9.0, 1.0
    kept = maps.clear_map_margin(values)
    assert kept.max() == 1
    assert kept.shape == values.shape
    tiny = torch.tensor([[[1.0, 5.0], [2.0, 3.0]]])
    assert torch.equal(maps.clear_map_margin(tiny), tiny)


def test_a_patch_is_cut_round_its_place_and_black_beyond_the_edge() -> None:
    picture = np.arange(1, 101, dtype=np.float32).reshape(10, 10) / 100
    np.testing.assert_array_equal(maps.cut_out_patch(picture, 4, 5, 3), picture[3:6, 4:7])
    corner = maps.cut_out_patch(picture, 0, 0, 3)
    assert corner[1, 1] == picture[0, 0]
    assert (corner[0] == 0).all()
    assert (corner[:, 0] == 0).all()


def test_the_brightest_spot_drives_a_channel_that_sees_brightness(random_card: str) -> None:
    card = models.card(random_card)
    pixels = np.zeros((1, 64, 64), np.float32)
    pixels[0, 20:24, 40:44] = 1
    spot, dark = (Image(p, "x", str(i) * 64) for i, p in enumerate((pixels, np.zeros_like(pixels))))
    layer = of(random_card, "stage1.1")
    seen = maps.compute_layer_features(maps.prepare_map_input(spot, card), layer)
    channel = int(maps.clear_map_margin(seen).amax((1, 2)).argmax())
    best = lessons.find_patches(((dark, 0), (spot, 0)), card, layer, channel)
    assert best[0].picture == 1
    assert abs(best[0].row - 22) <= 3
    assert abs(best[0].column - 42) <= 3
    assert best[0].pixels.shape == (3, 3)
    assert [patch.value for patch in best] == sorted((patch.value for patch in best), reverse=True)
    assert max(sum(patch.picture == i for patch in best) for i in (0, 1)) <= maps.OF_ONE_PICTURE


def test_a_card_without_maps_says_so(random_card: str, noise: Image) -> None:
    with pytest.raises(UnknownCard, match="does not segment"):
        lessons.follow_depths(noise, models.card(random_card))
