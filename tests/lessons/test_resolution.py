"""How much detail is kept: the measure on features whose answer is known, and both kinds of network."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

import models
from models import Image, lessons
from models.lessons import categories, maps, resolution
from models.lessons.smear import simulate_smear
from models.nets.hrnet import HRNet
from models.nets.unet import UNetMobileNetV2


def detail() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return resolution.measure_detail(torch.rand(1, 1, 128, 128, generator=generator).expand(1, 3, 128, 128))


def test_features_that_hold_the_detail_keep_all_of_it() -> None:
    wanted = detail()
    noise = torch.randn(1, 5, 128, 128, generator=torch.Generator().manual_seed(2))
    assert resolution.measure_retained_detail((torch.cat([noise, 3 * wanted[None, None] + 1], 1),), wanted) > 0.99


def test_features_without_it_keep_none() -> None:
    wanted = detail()
    noise = torch.randn(1, 5, 128, 128, generator=torch.Generator().manual_seed(2))
    assert resolution.measure_retained_detail((noise,), wanted) < 0.1
    assert resolution.measure_retained_detail((torch.zeros(1, 3, 16, 16),), wanted) == 0


def test_shrinking_loses_it_and_a_fine_branch_beside_saves_it() -> None:
    wanted = detail()
    small = F.interpolate(wanted[None, None], (16, 16), mode="area")
    assert resolution.measure_retained_detail((small,), wanted) < 0.3
    assert resolution.measure_retained_detail((wanted[None, None], small), wanted) > 0.99


def test_detail_is_what_a_blur_takes_away() -> None:
    slope = torch.linspace(-1, 1, 64).expand(1, 3, 64, 64)
    step = torch.where(torch.arange(64) < 32, -1.0, 1.0).expand(1, 3, 64, 64)
    found = resolution.measure_detail(step)
    assert found.abs().max() == 1
    assert found[10, 31] < -0.9 < 0.9 < found[10, 32]
    assert found[10, 5].abs() < 1e-3
    assert resolution.measure_detail(slope)[32, 32].abs() < 1e-3


def test_the_smear_is_the_same_each_time_and_its_truth_lies_where_it_is_dark() -> None:
    one, other = simulate_smear(5, (96, 128), 12), simulate_smear(5, (96, 128), 12)
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.pixels.shape == (96, 128, 3)
    inside = one.nuclei > 0
    assert 5 <= len(np.unique(one.nuclei)) - 1 <= 12
    assert one.pixels[inside, 0].mean() < one.pixels[~inside, 0].mean() - 0.2


def test_both_nuclei_networks_find_the_smears_nuclei_and_keep_detail_in_their_own_way() -> None:
    drawn = simulate_smear(3)
    image = Image(drawn.pixels[None], "smear", "a" * 64)
    unet, hrnet = (
        lessons.follow_depths(image, models.card(id)) for id in ("histology-nuclei", "histology-nuclei-hrnet")
    )
    assert [depth.stage for depth in unet.depths][:5] == ["stage1", "stage2", "stage3", "stage4", "stage5"]
    assert ("stage1", "up1") in unet.skips
    assert hrnet.skips == ()
    assert [len(depth.shapes) for depth in hrnet.depths] == [1, 1, 2, 3, 4, 1]
    assert {depth.strides[0] for depth in hrnet.depths} == {4}
    kept = {depth.stage: depth.retained for depth in unet.depths}
    assert kept["stage5"] < 0.2 < 0.6 < min(kept["stage1"], kept["up1"])  # down, and up again over the skips
    assert min(depth.retained for depth in hrnet.depths) > 0.25  # no valley
    reference = drawn.nuclei > 0
    for found in (unet, hrnet):
        segmented = found.answer.mask > 0
        assert 2 * (segmented & reference).sum() / (segmented.sum() + reference.sum()) > 0.6
        np.testing.assert_allclose(found.picture, drawn.pixels, atol=1e-6)


def test_a_large_tiled_picture_is_looked_at_in_its_middle() -> None:
    image = Image(np.zeros((1, 500, 700, 3), np.float32), "x", "b" * 64)
    assert maps.cut_map_middle(image, models.card("histology-nuclei")).shape == (maps.TILE_PX, maps.TILE_PX)
    assert maps.cut_map_middle(image, models.card("knee-mri-bone")) is image


def test_the_three_categories_share_their_backbone_and_their_steps_are_all_there_is() -> None:
    found = {name: categories.list_category_steps(name, (128, 128), 3) for name in categories.CATEGORIES}
    shared = [[step for step in steps if step.shared] for steps in found.values()]
    assert shared[0] == shared[1] == shared[2]
    assert shared[0][0].shape == (1, 3, 128, 128)
    for name, steps in found.items():
        net = categories.CATEGORIES[name](3)
        assert sum(step.parameters for step in steps) == sum(p.numel() for p in net.parameters())
    assert found["classification"][-1].shape == (1, 3)
    assert found["segmentation"][-1].shape == (1, 3, 64, 64)
    assert found["detection"][-2].shape == (1, 16 * 16 + 8 * 8 + 4 * 4, 3)


def test_branches_seen_by_the_lesson_are_those_of_the_networks() -> None:
    x = torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        assert len(HRNet(2, width=4, blocks=1).eval().trunk(x, "stage4")) == 4
        assert UNetMobileNetV2(2).eval().trunk(x, "up1")[0].shape[2] == 32
