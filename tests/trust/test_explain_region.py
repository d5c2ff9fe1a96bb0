"""Seg-Grad-CAM against numbers worked out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from models.cards import Card
from models.errors import UnknownCard
from models.nets.dense import DenseNet, State
from models.tasks.segmentation.entropy import compute_predictive_entropy
from models.tasks.segmentation.explanation import OFFERED, average_over_region, explain_region
from models.tasks.segmentation.predictor import Segmenter
from models.trust.methods import find_method
from models.types import Box, Image


class Bright(DenseNet):
    """Two features, x and 1 − x of the picture's grey; logits 0, 3 x and −(1 − x), each of its own pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleDict({"grey": nn.Identity(), "stage4": nn.Identity()})
        self.head = nn.Conv2d(2, 3, 1, bias=False)
        self.head.weight.data = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, -1.0]])[..., None, None]

    def run(self, name: str, state: State) -> State:
        x = (state[0][:, :1] + 1) / 2 if name == "grey" else state[0]
        return (torch.cat([x, 1 - x], 1), state[0]) if name == "grey" else state


@pytest.fixture
def segmenter(segmentation_card: Card) -> Segmenter:
    net = {"name": "hrnet", "stage": "stage4"}
    card = Card.model_validate({**segmentation_card.model_dump(), "net": net, "input": {"size": (64, 64)}})
    return Segmenter(card, torch.device("cpu"), [Bright().eval().requires_grad_(False)])


@pytest.fixture
def halves() -> Image:
    pixels = np.full((1, 64, 64), 0.25, np.float32)
    pixels[:, :, 32:] = 0.75
    return Image(pixels, name="", sha256="2" * 64)


def test_the_score_is_the_mean_logit_over_the_region() -> None:
    logits = torch.arange(8.0).view(1, 2, 2, 2)
    region = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    assert average_over_region(logits, region).tolist() == [[1.5, 5.5]]


def test_grad_cam_weighs_features_by_their_mean_gradient(segmenter: Segmenter, halves: Image) -> None:
    """The gradient of class 1 to x is 3 / |region| inside the region: its mean is 3 / (64 · 64), of 1 − x it is 0.

    The map is then proportional to x itself, 0.25 and 0.75, whatever the box, and scaled to the largest.
    """
    for box in (None, Box(4, 4, 8, 8)):
        why = explain_region(segmenter, halves, find_method("grad-cam"), "b", box=box)
        np.testing.assert_allclose(why.heat[:, :32], 1 / 3, atol=1e-3)
        np.testing.assert_allclose(why.heat[:, 32:], 1, atol=1e-3)
        assert (why.layer, why.target) == ("stage4", "b")


def test_grad_cam_speaks_against_where_features_do(segmenter: Segmenter, halves: Image) -> None:
    heat = explain_region(segmenter, halves, find_method("grad-cam"), "c").heat  # −(1 − x)
    np.testing.assert_allclose(heat[:, :32], -1, atol=1e-3)
    np.testing.assert_allclose(heat[:, 32:], -1 / 3, atol=1e-3)


@pytest.mark.parametrize("method", ["hirescam", "integrated-gradients", "occlusion"])
def test_other_methods_stay_inside_the_box(segmenter: Segmenter, halves: Image, method: str) -> None:
    """Each pixel's logit hangs on that pixel alone, so nothing outside the box matters; a patch reaches 32 pixels."""
    heat = explain_region(segmenter, halves, find_method(method), "b", box=Box(40, 40, 8, 8)).heat
    reach = 32 if method == "occlusion" else 0
    inside = np.zeros((64, 64), bool)
    inside[40 - reach : 48 + reach, 40 - reach : 48 + reach] = True
    assert np.abs(heat[44, 44]) > 0.5
    np.testing.assert_allclose(heat[~inside], 0, atol=1e-6)


def test_by_default_the_largest_class_of_the_box_is_explained(segmenter: Segmenter, halves: Image) -> None:
    assert explain_region(segmenter, halves, find_method("grad-cam"), box=Box(0, 40, 8, 8)).target == "b"


def test_a_tiled_card_is_explained_as_it_is_and_the_rest_is_zero(
    segmentation_card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiled = {"size": (64, 64), "tiled": True}
    card = Card.model_validate(
        {**segmentation_card.model_dump(), "net": {"name": "hrnet", "stage": "stage4"}, "input": tiled}
    )
    segmenter = Segmenter(card, torch.device("cpu"), [Bright().eval().requires_grad_(False)])
    monkeypatch.setattr("models.tasks.segmentation.explanation.WINDOW", 48)
    image = Image(np.full((1, 100, 90), 0.5, np.float32), name="", sha256="3" * 64)
    heat = explain_region(segmenter, image, find_method("grad-cam"), "b", box=Box(80, 0, 10, 10)).heat
    assert heat.shape == (100, 90)
    np.testing.assert_allclose(heat[52:, :48], 1, atol=1e-3)  # the window is pushed back into the image
    assert not heat[:52].any()
    assert not heat[:, 48:].any()


def test_what_is_not_offered_is_said(segmenter: Segmenter, halves: Image) -> None:
    assert "guided-grad-cam" not in OFFERED
    with pytest.raises(UnknownCard, match="not offered"):
        explain_region(segmenter, halves, find_method("guided-grad-cam"))
    with pytest.raises(UnknownCard, match="no stage 'attic'"):
        explain_region(segmenter, halves, find_method("grad-cam"), stage="attic")


def test_doubt_is_the_entropy_of_the_answer(segmenter: Segmenter, halves: Image) -> None:
    """A flip puts bright beside dark, so both halves get the mean of both answers only if it is not undone: it is."""
    found = compute_predictive_entropy(segmenter, halves)
    for column, grey in ((8, 0.25), (56, 0.75)):
        p = np.exp([0, 3 * grey, grey - 1])
        p /= p.sum()
        assert found[30, column] == pytest.approx(-(p * np.log(p)).sum() / np.log(3), abs=0.01)
