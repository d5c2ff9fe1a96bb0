"""A whole segmenter with random weights: what it returns, when it is stopped, and what the facade makes of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import models
from models.cards import Card
from models.cards.tables import OodStatistics
from models.errors import BadWeights, Cancelled, UnknownCard
from models.nets import loading
from models.nets.hrnet import HRNet
from models.nets.loading import write_tensors
from models.predictors.engine import Engine, engine
from models.settings import Settings
from models.tasks.segmentation.predictor import Segmenter
from models.types import Box, Image, Segmentation


@pytest.fixture
def picture() -> Image:
    pixels = np.random.default_rng(1).random((2, 90, 70)).astype(np.float32)
    return Image(pixels, name="", sha256="1" * 64, spacing_mm=(0.5, 0.5))


def segmenter_of(card: Card, seed: int = 0) -> Segmenter:
    torch.manual_seed(seed)
    net = HRNet(len(card.labels) + card.instances, width=4, blocks=1)
    torch.nn.init.normal_(net.head[1].weight, std=3)
    return Segmenter(card, torch.device("cpu"), [net.eval().requires_grad_(False)])


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("instances", [False, True])
def test_a_frame_is_answered_in_source_pixels(
    segmentation_card: Card, picture: Image, tiled: bool, instances: bool
) -> None:
    asked = segmentation_card.input.model_copy(update={"tiled": tiled})
    segmenter = segmenter_of(segmentation_card.model_copy(update={"input": asked, "instances": instances}))
    told: list[float] = []
    output = segmenter.segment(picture, 1, told.append)
    answer = segmenter.task.read(output, picture, segmenter.card)
    assert answer.mask.shape == answer.certainty.shape == (90, 70)
    assert answer.mask.max() < len(segmentation_card.labels)
    assert answer.certainty.min() >= 255 // len(segmentation_card.labels)
    assert (answer.instances is not None) == instances
    assert told[-1] == 1
    assert len(told) == (4 if tiled else 1)  # rows from 0 and 26, columns from 0 and 6


def test_another_frame_gets_another_answer(segmentation_card: Card, picture: Image) -> None:
    segmenter = segmenter_of(segmentation_card)
    assert (segmenter.segment(picture, 0).mask != segmenter.segment(picture, 1).mask).any()


def test_members_are_averaged(segmentation_card: Card) -> None:
    one, other = segmenter_of(segmentation_card, 0), segmenter_of(segmentation_card, 1)
    both = Segmenter(segmentation_card, torch.device("cpu"), [*one.members, *other.members])
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(both.logits(x), (one.logits(x) + other.logits(x)) / 2)


def test_an_image_is_judged_by_its_most_familiar_tile(
    segmentation_card: Card, picture: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "WEIGHTS_DIR", tmp_path)
    tiled = segmentation_card.model_copy(update={"input": segmentation_card.input.model_copy(update={"tiled": True})})
    seen = segmenter_of(tiled).segment(picture)
    assert (len(seen.pooled), seen.strongest.shape) == (4, (4, len(segmentation_card.labels)))

    def asked(threshold: float) -> Segmentation:
        """Answer with an out-of-distribution detector that knows the third tile of the picture and nothing else."""
        wide = seen.pooled.shape[1]
        tensors = {
            "centre": seen.pooled[2],
            "scale": np.ones(wide),
            "whiten": np.eye(wide),
            "energy": np.array(9.0),
        }
        written = {name: torch.from_numpy(value) for name, value in tensors.items()}
        sha256 = write_tensors(written, tmp_path / "ood.safetensors")
        ood_detector = OodStatistics(file="ood.safetensors", sha256=sha256, threshold=threshold, kept=0.95, n=1)
        segmenter = segmenter_of(tiled.model_copy(update={"ood": ood_detector}))
        return segmenter.task.read(segmenter.segment(picture), picture, segmenter.card)

    assert (asked(0.02).abstained, asked(0.02).reason) == (False, None)
    others = np.linalg.norm(np.delete(seen.pooled, 2, 0) - seen.pooled[2], axis=1)
    assert others.min() > 0.02  # any other tile alone would have been refused
    outside = asked(1e-9)
    assert (outside.abstained, outside.reason) == (True, "this does not look like a test picture")
    assert outside.mask.shape == (90, 70)  # withheld, not lost


def test_cancel_leaves_nothing(segmentation_card: Card, picture: Image) -> None:
    tiled = segmentation_card.model_copy(update={"input": segmentation_card.input.model_copy(update={"tiled": True})})
    for card in (segmentation_card, tiled):
        with pytest.raises(Cancelled):
            segmenter_of(card).segment(picture, 0, None, lambda: True)


def test_the_facade_answers_explains_and_doubts(segmenting_card: str, picture: Image) -> None:
    answer = models.predict(picture, segmenting_card, frame=1)
    assert isinstance(answer, models.Segmentation)
    assert answer.frame == 1
    assert answer.task == "tissue"
    again = models.predict(picture, segmenting_card, frame=1, progress=lambda share: None)
    np.testing.assert_array_equal(answer.mask, again.mask)
    why = models.explain(picture, segmenting_card, "grad-cam", label="bone", box=Box(10, 5, 30, 20))
    assert why.heat.shape == (90, 70)
    assert why.target == "bone"
    doubt = models.uncertainty(picture, segmenting_card)
    assert doubt.shape == (90, 70)
    assert 0 <= doubt.min() <= doubt.max() <= 1
    joined = models.predict(picture, segmenting_card, explain="hirescam")
    assert joined.explanation is not None
    assert joined.explanation.method == "hirescam"


def test_a_segmenter_is_no_classifier_and_the_reverse(
    segmenting_card: str, product: Callable[..., str], picture: Image
) -> None:
    with pytest.raises(UnknownCard, match="segments every pixel"):
        models.measure_robustness(picture, segmenting_card)
    classifier = product()
    with pytest.raises(UnknownCard, match="names a whole image"):
        models.uncertainty(picture, classifier)
    with pytest.raises(UnknownCard, match="not a part of it"):
        models.explain(picture, classifier, box=Box(0, 0, 4, 4))


def test_a_card_without_weights_says_how_to_get_them(segmentation_card: Card) -> None:
    with pytest.raises(BadWeights, match="ortholens train test-segmenter"):
        Engine(Settings()).load(segmentation_card, Segmenter)


def test_weights_are_checked_and_loaded_once(segmenting_card: str) -> None:
    assert engine().load(models.card(segmenting_card), Segmenter) is engine().load(
        models.card(segmenting_card), Segmenter
    )
