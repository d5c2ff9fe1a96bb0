"""From a painting to a segmentation: source pixels, objects, grey and colour."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.cards import Card
from models.nets.frame import Frame
from models.nets.tiles import Strip
from models.tasks import task_of
from models.tasks.segmentation.objects import separate_objects
from models.tasks.segmentation.task import (
    SegmentationTask,
    bring_back_to_source,
    collect_strips,
    fit_segmenter_input,
    prepare_planes,
)
from models.types import Box, Image


def test_tissue_is_found_as_a_task() -> None:
    assert isinstance(task_of("tissue"), SegmentationTask)


def test_touching_objects_are_told_apart_by_their_heights() -> None:
    painted = np.zeros((20, 40), bool)
    painted[5:15, 4:34] = True  # two discs' worth in one island
    height = np.zeros((20, 40), np.uint8)
    height[8:12, 8:13] = height[8:12, 25:30] = 250
    painted[1:4, 36:40] = True  # 12 pixels without a middle of their own
    painted[18, 0] = True  # noise
    found = separate_objects(painted, height)
    assert found.dtype == np.int32
    assert sorted(np.unique(found)) == [0, 1, 2, 3]
    assert found[10, 6] != found[10, 32]
    assert found[18, 0] == 0
    np.testing.assert_array_equal(found[1:4, 36:40], found[1, 36])
    assert (found[5:15, 4:34] > 0).all()
    assert abs(int((found == found[10, 6]).sum()) - 150) <= 30  # cut half way


def test_no_object_gives_no_numbers() -> None:
    assert not separate_objects(np.zeros((8, 8), bool), np.zeros((8, 8), np.uint8)).any()


def test_strips_become_a_mask_with_certainty() -> None:
    logits = torch.tensor([[[0.0, 0.0]], [[np.log(3.0), -np.log(4.0)]], [[0.0, 2.0]]])  # background, class, height
    mask, certainty, height = collect_strips((2, 2), 2, [Strip(0, logits), Strip(1, torch.zeros(3, 1, 2))])
    np.testing.assert_array_equal(mask, [[1, 0], [0, 0]])
    np.testing.assert_array_equal(certainty[0], [round(0.75 * 255), round(0.8 * 255)])
    assert height is not None
    assert height[0].tolist() == [128, round(255 / (1 + np.exp(-2)))]


@pytest.mark.parametrize("source", [(100, 60), (48, 150), (600, 31)])
def test_strips_of_a_fitted_image_equal_the_frame_s_own_way_back(source: tuple[int, int]) -> None:
    frame = Frame(source, (64, 64))
    logits = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    back = torch.cat([strip.logits for strip in bring_back_to_source(logits, frame)], 1)
    torch.testing.assert_close(back, frame.to_source(logits)[0], rtol=1e-4, atol=1e-4)


def test_trimmed_borders_are_background() -> None:
    frame = Frame((90, 80), (64, 64), (10, 20, 70, 50))
    logits = torch.zeros(1, 2, 64, 64)
    logits[:, 1] = 5
    mask = torch.cat([strip.logits for strip in bring_back_to_source(logits, frame)], 1).argmax(0)
    assert mask[10:80, 20:70].all()
    assert mask.sum() == 70 * 50


def test_grey_and_colour_images_are_shown_as_the_card_wants_them(segmentation_card: Card) -> None:
    rng = np.random.default_rng(0)
    colour = Image(rng.random((1, 8, 9, 3)).astype(np.float32), name="", sha256="0" * 64)
    grey = Image(rng.random((1, 8, 9)).astype(np.float32), name="", sha256="0" * 64)
    rgb = segmentation_card.model_copy(update={"input": segmentation_card.input.model_copy(update={"channels": "rgb"})})
    assert prepare_planes(colour, segmentation_card).shape == (1, 1, 8, 9)
    torch.testing.assert_close(prepare_planes(colour, rgb)[0, 2], torch.from_numpy(colour.pixels[0, ..., 2]))
    torch.testing.assert_close(prepare_planes(grey, rgb)[0, 1], torch.from_numpy(grey.pixels[0]))
    part = prepare_planes(colour, rgb, box=Box(2, 3, 4, 5))
    torch.testing.assert_close(part, prepare_planes(colour, rgb)[..., 2:6, 3:8])


def test_training_pictures_are_fitted_as_images_are(segmentation_card: Card) -> None:
    picture = torch.randint(0, 255, (1, 40, 80), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    reference = torch.zeros(40, 80, dtype=torch.uint8)
    reference[:, 40:] = 2
    seen, classes = fit_segmenter_input(picture, reference, (32, 32))
    assert seen.shape == (1, 32, 32)
    assert classes[:8].max() == 0  # the black above
    assert (classes[8:24, 16:] == 2).all()
    assert (classes[8:24, :16] == 0).all()
    image = Image((picture[:1].float() / 255).numpy(), name="", sha256="0" * 64)
    card = segmentation_card.model_copy(update={"input": segmentation_card.input.model_copy(update={"size": (32, 32)})})
    prepared = task_of("tissue").prepare(replace(image), card)
    torch.testing.assert_close(prepared[0, 0], seen[0].float() / 127.5 - 1, atol=0.005, rtol=0)


def test_classes_that_are_fitted_keep_what_they_have_most_of() -> None:
    reference = (
        torch.tensor([[1, 1, 0, 0], [1, 0, 0, 2]], dtype=torch.uint8).repeat_interleave(8, 0).repeat_interleave(8, 1)
    )
    _, classes = fit_segmenter_input(torch.zeros(1, 16, 32, dtype=torch.uint8), reference, (1, 2))
    assert classes.tolist() == [[1, 0]]  # three quarters of the one half, a quarter of the other
