import numpy as np
import pytest

from models.errors import Cancelled
from models.tasks.classification.faithfulness import (
    compare_maps,
    draw_random_heat,
    find_metal,
    measure_faithfulness,
    measure_heat_on_metal,
)
from models.types import Explanation, Image


def where_it_looks(shape: tuple[int, int]) -> np.ndarray:
    """The map of `corner_net` on a picture of 40 × 80: input rows 16 to 31, columns 0 to 15 are these source pixels."""
    heat = np.zeros(shape, np.float32)
    heat[:20, :20] = 1
    return heat


def test_a_true_map_beats_a_random_one_and_its_opposite_loses(model_of, corner_net, image) -> None:
    corner_net.head[1].weight.mul_(4)
    model, heat = model_of(corner_net, labels=2), where_it_looks(image.shape)
    true, random, false = (
        measure_faithfulness(model, image, map_, 0) for map_ in (heat, draw_random_heat(image.shape), -heat)
    )
    assert true.deletion_area < random.deletion_area < false.deletion_area
    assert true.insertion_area > random.insertion_area > false.insertion_area
    asked = model.answer(image, stage="stage5")[0].logits.softmax(0)[0].item()
    for found in (true, random, false):
        assert found.shares[[0, -1]] == pytest.approx([0, 1])
        assert found.deletion[0] == pytest.approx(asked, abs=1e-5)  # nothing taken away
        assert found.insertion[-1] == pytest.approx(asked, abs=1e-5)  # all uncovered
    assert true.deletion[3] == pytest.approx(true.deletion[-1], abs=1e-3)  # 12 % taken: all that it looks at is gone


def test_curves_tell_how_far_they_are_and_can_be_stopped(model_of, corner_net, image) -> None:
    model, told = model_of(corner_net, labels=2), []
    measure_faithfulness(model, image, where_it_looks(image.shape), 0, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    with pytest.raises(Cancelled):
        measure_faithfulness(model, image, where_it_looks(image.shape), 0, cancelled=lambda: True)


def test_agreement_is_of_ranks() -> None:
    heat = draw_random_heat((90, 70), seed=1)
    assert compare_maps(heat, heat) == pytest.approx(1)
    assert compare_maps(heat, -(heat**3)) == pytest.approx(-1, abs=0.01)
    assert abs(compare_maps(heat, draw_random_heat((90, 70), seed=2))) < 0.4
    assert compare_maps(heat, np.zeros_like(heat)) == 0


def radiograph() -> tuple[Image, np.ndarray]:
    """Air, soft tissue, bone, a metal stem and a bright letter."""
    grey = np.full((200, 160), 0.02)
    grey[:, 20:140] = 0.35
    grey[20:180, 50:110] = 0.6
    stem = np.zeros(grey.shape, bool)
    stem[60:170, 70:90] = True
    grey[stem] = 0.95
    grey[5:10, 145:150] = 1.0
    grey = (grey + np.random.default_rng(0).normal(0, 0.01, grey.shape)).clip(0, 1).astype(np.float32)
    return Image(grey[None], name="a.png", sha256="0" * 64), stem


def explained(heat: np.ndarray) -> Explanation:
    return Explanation(heat.astype(np.float32), "grad-cam", "stage5", "0", 0.0)


def test_metal_is_the_large_bright_piece() -> None:
    picture, stem = radiograph()
    np.testing.assert_array_equal(find_metal(picture), stem)
    assert not find_metal(Image(np.zeros((1, 9, 9), np.float32), name="", sha256="")).any()


def test_the_share_of_heat_on_metal_counts_positive_heat() -> None:
    picture, stem = radiograph()
    assert measure_heat_on_metal(picture, explained(np.where(stem, 1, -1))) == (1.0, pytest.approx(stem.mean()))
    assert measure_heat_on_metal(picture, explained(np.ones(stem.shape)))[0] == pytest.approx(stem.mean(), rel=1e-3)
    assert measure_heat_on_metal(picture, explained(np.zeros(stem.shape)))[0] == 0
