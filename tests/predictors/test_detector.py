"""A whole detector: boxes where they belong in the source, the same from many threads, and a way to stop."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import models
from models.cards import Card
from models.errors import BadCard, BadWeights, Cancelled, UnknownCard
from models.nets.fcos import FCOSMobileNetV2, Found, Places
from models.nets.loading import DETECTORS, build_detector
from models.nets.stages import BOX_STAGES
from models.predictors.engine import Engine, engine
from models.settings import Settings
from models.tasks.detection.predictor import CHANGES, Detector, find_strongest_logits, keep_boxes_worth_listing
from models.tasks.kind import Request
from models.types import Box, Image

CPU = torch.device("cpu")


class Rectangle:
    """Stands for a network: its one box is exactly round what is brighter than mid grey, `shift` pixels of the input
    to the right of it."""

    def __init__(self, score: float = 0.8, shift: float = 0.0) -> None:
        self.score, self.shift = score, shift
        self.trunk = SimpleNamespace(tapped=lambda x: {str(i): x for i in range(5)}, levels=lambda seen: OrderedDict())

    def to(self, device: torch.device) -> Rectangle:
        return self

    def places(self, x: Tensor, levels: object) -> Places:
        rows, columns = ((x[0, 0] > 0).any(axis).nonzero().flatten() for axis in (1, 0))
        box = [int(columns[0]) + self.shift, int(rows[0]), int(columns[-1]) + 1 + self.shift, int(rows[-1]) + 1]
        logit = torch.tensor(self.score**2).logit()
        return Places(torch.tensor([[-9.0, float(logit)]]), torch.tensor([40.0]), torch.tensor([box]).float())

    def found(self, places: Places, size: tuple[int, int]) -> Found:
        return Found(places.boxes, places.scores[:, 1], torch.tensor([1]), torch.tensor([0]))


def bright(rows: int = 64, columns: int = 48) -> Image:
    """Black but for rows 20 to 39 and columns 10 to 39 of both frames, dimmer in the first."""
    pixels = np.zeros((2, rows, columns), np.float32)
    pixels[:, 20:40, 10:40] = np.array([0.9, 1.0])[:, None, None]
    return Image(pixels, name="", sha256="4" * 64)


def detector_of(card: Card, *nets: object) -> Detector:
    return Detector(card, CPU, nets)  # type: ignore[arg-type]


def test_a_box_lies_exactly_where_it_belongs_in_the_source(detection_card: Card) -> None:
    seen = detector_of(detection_card, Rectangle()).detect(bright(), 1)  # 64 rows become 128: twice as large
    np.testing.assert_array_equal(seen.boxes, [[9.5, 19.5, 30, 20]])
    assert (seen.classes.tolist(), seen.places.tolist()) == ([1], [0])
    assert seen.scores == pytest.approx([0.8])


def test_mirrored_and_enlarged_passes_agree_on_the_same_place(detection_card: Card) -> None:
    told: list[float] = []
    seen = detector_of(detection_card, Rectangle()).detect(bright(), 1, Request(fused=True, progress=told.append))
    np.testing.assert_allclose(seen.boxes, [[9.5, 19.5, 30, 20]], atol=0.2)  # whole pixels of the enlarged input
    assert seen.places.tolist() == [-1]
    assert seen.scores == pytest.approx([0.8])
    assert told == pytest.approx([(i + 1) / len(CHANGES) for i in range(len(CHANGES))])


def test_a_mirrored_pass_that_errs_to_the_right_errs_to_the_left_in_the_source(detection_card: Card) -> None:
    """So a network that always errs to one side is right on average."""
    apart = detector_of(detection_card, Rectangle(shift=4)).detect(bright(), 1)
    np.testing.assert_allclose(apart.boxes[:, 0], 11.5)
    together = detector_of(detection_card, Rectangle(shift=4)).detect(bright(), 1, Request(fused=True))
    np.testing.assert_allclose(together.boxes[:, 0], 9.5, atol=0.2)


def test_members_are_fused(detection_card: Card) -> None:
    seen = detector_of(detection_card, Rectangle(0.8), Rectangle(0.4, shift=6)).detect(bright(), 1)
    np.testing.assert_allclose(seen.boxes, [[10.5, 19.5, 30, 20]], atol=1e-5)  # two to one, 0 and 3 pixels away
    assert seen.scores == pytest.approx([0.6])
    assert seen.places.tolist() == [-1]


def test_slivers_at_the_edge_are_no_boxes() -> None:
    boxes = torch.tensor([[0.0, 0, 5, 5], [5, 5, 9, 5.5], [3, 3, 3, 8]])
    found = keep_boxes_worth_listing(
        Found(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 1, 1]), torch.tensor([4, 5, 6]))
    )
    assert (found.boxes.tolist(), found.places.tolist()) == ([[0, 0, 5, 5]], [4])


def test_boxes_of_a_network_stay_inside_the_picture(detection_card: Card, random_detector: Callable[..., Any]) -> None:
    detector = detector_of(detection_card, random_detector())
    image = Image(np.random.default_rng(0).random((1, 90, 50)).astype(np.float32), name="", sha256="3" * 64)
    seen = detector.detect(image)
    assert len(seen.boxes) > 10
    assert seen.boxes[:, :2].min() >= -0.5
    assert (seen.boxes[:, :2] + seen.boxes[:, 2:]).max(0)[0] <= 49.5 + 1e-4
    assert (seen.boxes[:, :2] + seen.boxes[:, 2:]).max(0)[1] <= 89.5 + 1e-4
    assert (np.diff(seen.scores) <= 0).all()


def test_the_ood_detector_looks_at_the_very_pass_that_answers(
    detection_card: Card, random_detector: Callable[..., Any]
) -> None:
    net, image = random_detector(), bright()
    detector = detector_of(detection_card, net)
    seen, x = detector.detect(image), detector.input(image)
    middle = list(net.trunk.tapped(x).values())[-3:-1]
    torch.testing.assert_close(seen.pooled, torch.cat([part.mean((0, 2, 3)) for part in middle]))
    assert seen.pooled.shape == (32 + 96,)  # stages 3 and 4
    places, _ = detector.places(net, x)
    torch.testing.assert_close(seen.strongest, find_strongest_logits(places))
    torch.testing.assert_close(find_strongest_logits(places), places.logits.max(0).values)


def test_cancel_leaves_nothing(detection_card: Card) -> None:
    looked: list[int] = []

    class Counting(Rectangle):
        def found(self, places: Places, size: tuple[int, int]) -> Found:
            looked.append(1)
            return super().found(places, size)

    with pytest.raises(Cancelled):
        detector_of(detection_card, Counting()).detect(
            bright(), 0, Request(fused=True, cancelled=lambda: len(looked) >= 2)
        )
    assert len(looked) == 2


def test_the_facade_answers_at_an_operating_point_and_explains(
    detecting_card: str, picture: Callable[..., bytes]
) -> None:
    image = models.read(picture())
    answer = models.predict(image, detecting_card)
    assert isinstance(answer, models.Detections)
    assert (answer.operating_point, answer.threshold) == ("Sensitivity 0.90", 0.3)
    assert len(answer.boxes)
    assert answer.seconds > 0
    strict = models.predict(image, detecting_card, point="specific", explain="grad-cam")
    assert isinstance(strict, models.Detections)
    assert strict.operating_point == "Specificity 0.90"
    np.testing.assert_array_equal(strict.boxes, answer.boxes)
    assert strict.explanation is not None
    assert strict.explanation.heat.shape == image.shape
    why = models.explain_detection(image, answer, 0)
    np.testing.assert_allclose(why.heat, strict.explanation.heat, atol=1e-5)
    drawn = models.explain(image, detecting_card, "hirescam", label="screw", box=Box(10, 10, 20, 20))
    assert (drawn.target, drawn.method) == ("screw", "hirescam")
    twice = models.predict(image, detecting_card, fused=True)
    assert isinstance(twice, models.Detections)
    assert set(twice.places) == {-1}
    assert models.explain_detection(image, twice, 0).heat.shape == image.shape


def test_threads_get_the_answer_that_one_alone_gets(detecting_card: str, picture: Callable[..., bytes]) -> None:
    images = [models.read(picture(seed)) for seed in range(4)] * 2
    alone = [models.predict(image, detecting_card, explain="grad-cam") for image in images]
    engine.cache_clear()  # so that the threads also load the model, all at once
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda image: models.predict(image, detecting_card, explain="grad-cam"), images))
    for one, other in zip(alone, together, strict=True):
        assert isinstance(one, models.Detections)
        assert isinstance(other, models.Detections)
        assert one.sha256 == other.sha256
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)
        assert one.explanation is not None
        assert other.explanation is not None
        np.testing.assert_array_equal(one.explanation.heat, other.explanation.heat)


def test_each_kind_of_card_says_what_it_is(
    detecting_card: str, product: Callable[..., str], picture: Callable[..., bytes]
) -> None:
    image, classifier = models.read(picture()), product()
    with pytest.raises(UnknownCard, match="draws boxes"):
        models.measure_robustness(image, detecting_card)
    with pytest.raises(UnknownCard, match=r"draws boxes.*segments every pixel"):
        models.uncertainty(image, detecting_card)
    with pytest.raises(UnknownCard, match=r"names a whole image.*draws boxes"):
        models.predict(image, classifier, point="sensitive")
    with pytest.raises(UnknownCard, match="explains boxes alone"):
        models.explain(image, classifier, "d-rise")
    with pytest.raises(UnknownCard, match="no operating point"):
        models.predict(image, detecting_card, point="no-such")


def test_weights_are_checked_folded_and_loaded_once(detecting_card: str, random_detector: Callable[..., Any]) -> None:
    card = models.card(detecting_card)
    detector = engine().load(card, Detector)
    assert detector is engine().load(card, Detector)
    assert detector.bytes > 0
    net = detector.members[0]
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in net.trunk.stages.modules())
    x = torch.rand(1, 3, 96, 64) * 2 - 1
    loaded, kept = (one.places(x, one.trunk(x)) for one in (net, random_detector()))
    torch.testing.assert_close(loaded.logits, kept.logits, atol=0.02, rtol=0.02)  # half precision on disk
    other = card.model_copy(update={"labels": card.labels[:1]})
    with pytest.raises(BadWeights, match="do not fit the network"):
        Engine(Settings()).load(other, Detector)


def test_a_card_that_no_network_fits_is_refused(detection_card: Card) -> None:
    wrong = detection_card.net.model_copy(update={"name": "yolo"})
    with pytest.raises(BadCard, match="fcos_mobilenet_v2"):
        build_detector(detection_card.model_copy(update={"net": wrong}))
    shape = detection_card.net.model_copy(update={"shape": {"depth": 3}})
    with pytest.raises(BadCard, match=r"net\.shape"):
        build_detector(detection_card.model_copy(update={"net": shape}))
    with pytest.raises(BadWeights, match="ortholens train test-detector"):
        Engine(Settings()).load(detection_card, Detector)


def test_the_names_of_stages_are_those_of_the_networks() -> None:
    assert {name: tuple(net(2).stages) for name, net in DETECTORS.items()} == dict(BOX_STAGES)


def test_half_precision_weights_stay_under_16_mb() -> None:
    assert 2 * sum(value.numel() for value in FCOSMobileNetV2(1).state_dict().values()) < 16 * 2**20
