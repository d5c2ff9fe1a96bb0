"""Why a box was drawn: against gradients taken by hand, against a network whose answer is known, and tidily."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.cards import Card
from models.errors import Cancelled, UnknownCard
from models.nets.fcos import LEVELS, FCOSMobileNetV2, Places
from models.progress import ProgressToken
from models.tasks.detection import explanation as explaining
from models.tasks.detection.explanation import GRID, OPEN, Subject, draw_rise_mask, explain_box
from models.tasks.detection.predictor import Detector
from models.trust.methods import BOX_METHODS, METHODS, find_method
from models.types import Box, Detections, Image

CPU = torch.device("cpu")
GRAD_CAM, D_RISE = find_method("grad-cam"), find_method("d-rise")


@pytest.fixture
def detector(detection_card: Card, random_detector: Callable[..., Any]) -> Detector:
    return Detector(detection_card, CPU, [random_detector()])


@pytest.fixture
def image() -> Image:
    pixels = np.random.default_rng(2).random((1, 100, 128)).astype(np.float32)
    return Image(pixels, name="", sha256="6" * 64)


def answered(detector: Detector, image: Image) -> Detections:
    return detector.task.read(detector.detect(image), image, detector.card)


def hooks(net: nn.Module) -> int:
    return sum(
        len(part._forward_hooks) + len(part._forward_pre_hooks) + len(part._backward_hooks) for part in net.modules()
    )


def logit_of(net: FCOSMobileNetV2, features: Tensor, at: str, tapped: dict[str, Tensor], place: int) -> Tensor:
    """The logits (K,) of a place, by the network's own way from one stage on."""
    names, seen = list(net.stages), {**tapped, at: features}
    for name in names[names.index(at) + 1 :]:
        seen[name] = features = net.stages[name](features)
    return net.head(list(net.trunk.levels(seen).values()))["cls_logits"][0, place]


@pytest.mark.parametrize("stage", ["stage2", "stage4", "stage5"])
def test_grad_cam_is_the_gradient_of_the_logit_of_the_place(detector: Detector, image: Image, stage: str) -> None:
    found, net = answered(detector, image), detector.members[0]
    subject = Subject.of(found, 3)
    why = explain_box(detector, image, GRAD_CAM, subject, stage=stage)
    with torch.no_grad():
        tapped = net.trunk.tapped(detector.input(image))
    features = tapped[stage].clone().requires_grad_()
    logit = logit_of(net, features, stage, tapped, subject.place)[subject.label]
    (gradient,) = torch.autograd.grad(logit, features)
    heat = (features * gradient.mean((2, 3), keepdim=True)).sum(1, keepdim=True).detach()
    heat = detector.task.frame(image, detector.card).to_source(heat)[0, 0]
    np.testing.assert_allclose(why.heat, heat / heat.abs().max(), atol=1e-4)
    assert (why.layer, why.target, why.method) == (stage, detector.card.keys[subject.label], "grad-cam")


def test_by_default_the_level_that_the_box_comes_from_is_looked_at(detector: Detector, image: Image) -> None:
    found = answered(detector, image)
    x = detector.input(image)
    ends = np.cumsum([x.shape[2] * x.shape[3] // stride**2 for stride in LEVELS.values()])
    seen = set()
    for i, place in enumerate(found.places):
        level = list(LEVELS)[int(np.searchsorted(ends, place, side="right"))]
        if level not in seen:
            seen.add(level)
            assert explain_box(detector, image, GRAD_CAM, Subject.of(found, i)).layer == level
            other = next(name for name in LEVELS if name != level)
            with pytest.raises(UnknownCard, match=f"comes from {level}"):
                explain_box(detector, image, GRAD_CAM, Subject.of(found, i), stage=other)
    assert seen


def test_hirescam_at_the_level_stays_near_the_place(detector: Detector) -> None:
    """Three separable convolutions and one more reach 4 cells; group norms reach farther, but faintly."""
    pixels = np.random.default_rng(3).random((1, 128, 128)).astype(np.float32)
    image = Image(pixels, name="", sha256="")
    place = 8 * 16 + 8  # cell (8, 8) of p3, 8 pixels a cell
    heat = np.abs(explain_box(detector, image, find_method("hirescam"), Subject(None, 0, place)).heat)
    near = heat[68 - 40 : 68 + 40, 68 - 40 : 68 + 40]
    assert near.max() == heat.max()
    assert near.mean() > 3 * heat[:20].mean()


def test_a_box_without_a_place_is_explained_by_the_place_that_overlaps_it_most(
    detector: Detector, image: Image
) -> None:
    found = answered(detector, image)
    for i in (0, 5):
        own = Subject.of(found, i)
        same = explain_box(detector, image, GRAD_CAM, Subject(own.box, own.label, -1))
        np.testing.assert_allclose(same.heat, explain_box(detector, image, GRAD_CAM, own).heat, atol=1e-6)


def test_without_a_box_the_highest_score_is_explained(detector: Detector, image: Image) -> None:
    found = answered(detector, image)
    best = int(found.classes[0])
    whatever = explain_box(detector, image, GRAD_CAM, Subject(None, best))
    np.testing.assert_allclose(
        whatever.heat, explain_box(detector, image, GRAD_CAM, Subject.of(found, 0)).heat, atol=1e-6
    )


def test_what_a_reader_drew_has_its_edges_between_pixels() -> None:
    subject = Subject.drawn(Box(10, 20, 5, 6), 1)
    assert subject.box is not None
    assert (subject.box.tolist(), subject.label, subject.place) == ([19.5, 9.5, 6, 5], 1, -1)


def test_members_are_averaged(detection_card: Card, random_detector: Callable[..., Any], image: Image) -> None:
    subject = Subject(np.array([20, 20, 30, 30], np.float32), 0)
    both = Detector(detection_card, CPU, [random_detector(0), random_detector(1)])
    why = explain_box(both, image, GRAD_CAM, subject, stage="stage4")
    assert why.heat.shape == image.shape
    assert np.abs(why.heat).max() == pytest.approx(1)
    alone = explain_box(Detector(detection_card, CPU, both.members[:1]), image, GRAD_CAM, subject, stage="stage4")
    assert np.abs(why.heat - alone.heat).max() > 0.05


@pytest.mark.parametrize("method", list(BOX_METHODS))
def test_no_hook_and_no_gradient_is_left(
    detector: Detector, image: Image, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "MASKS", 2)
    net, subject = detector.members[0], Subject(None, 0)
    before = net.places(detector.input(image), net.trunk(detector.input(image))).logits
    explain_box(detector, image, find_method(method), subject)
    if find_method(method).needs_stage:
        with pytest.raises((IndexError, AssertionError)):  # fails half-way: a class that the network does not have
            explain_box(detector, image, find_method(method), Subject(None, 7, 0))
    assert hooks(net) == 0
    assert not any(p.requires_grad or p.grad is not None for p in net.parameters())
    assert torch.equal(net.places(detector.input(image), net.trunk(detector.input(image))).logits, before)
    with detector.lock:
        pass


class Corner:
    """Stands for a network: one place, whose score is the mean brightness of rows 32 to 63, columns 64 to 95."""

    def __init__(self) -> None:
        self.trunk = SimpleNamespace(tapped=lambda x: {str(i): x for i in range(5)}, levels=lambda seen: {})

    def to(self, device: torch.device) -> Corner:
        return self

    def places(self, x: Tensor, levels: object) -> Places:
        share = ((x[0, 0, 32:64, 64:96] + 1) / 2).mean().clamp(0.001, 0.999)
        return Places(share.square().logit().view(1, 1).expand(1, 2), torch.tensor([40.0]), BOX)


BOX = torch.tensor([[64.0, 32, 96, 64]])


def test_d_rise_finds_what_the_score_hangs_on(detection_card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "MASKS", 200)
    detector = Detector(detection_card, CPU, [Corner()])  # type: ignore[list-item]
    image = Image(np.ones((1, 128, 128), np.float32), name="", sha256="")
    told: list[float] = []
    subject = Subject(np.array([63.5, 31.5, 32, 32], np.float32), 0)
    why = explain_box(detector, image, D_RISE, subject, watch=ProgressToken(1, told.append))
    assert np.unravel_index(why.heat.argmax(), why.heat.shape)[0] in range(30, 66)
    assert np.unravel_index(why.heat.argmax(), why.heat.shape)[1] in range(62, 98)
    outside = why.heat.copy()
    outside[24:72, 56:104] = np.nan
    assert why.heat[34:62, 66:94].mean() > 3 * np.nanmean(np.abs(outside))
    assert told[-1] == 1
    assert len(told) == 200
    assert (why.layer, why.method) == ("", "d-rise")
    again = explain_box(detector, image, D_RISE, subject)
    np.testing.assert_array_equal(why.heat, again.heat)  # seeded


def test_a_box_that_is_nowhere_near_has_no_reason(detection_card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "MASKS", 5)
    detector = Detector(detection_card, CPU, [Corner()])  # type: ignore[list-item]
    image = Image(np.ones((1, 128, 128), np.float32), name="", sha256="")
    assert not explain_box(detector, image, D_RISE, Subject(np.array([0, 90, 20, 20], np.float32), 0)).heat.any()


def test_masks_are_coarse_smooth_and_open_by_half() -> None:
    random = torch.Generator().manual_seed(1)
    masks = torch.stack([draw_rise_mask(random, (96, 128)) for _ in range(200)])
    assert masks.shape == (200, 96, 128)
    assert 0 <= masks.min() <= masks.max() <= 1
    assert float(masks.mean()) == pytest.approx(OPEN, abs=0.02)
    assert float(masks.mean(0).std()) < 0.06  # no place is favoured
    assert float((masks[:, 1:] - masks[:, :-1]).abs().max()) <= GRID / 96 + 1e-5  # a cell is 6 rows high


def test_d_rise_stops_when_it_is_told(detector: Detector, image: Image) -> None:
    done: list[float] = []
    with pytest.raises(Cancelled):
        explain_box(
            detector,
            image,
            D_RISE,
            Subject(None, 0),
            watch=ProgressToken(1, done.append, cancelled=lambda: len(done) >= 3),
        )
    assert len(done) == 3


def test_what_is_not_offered_is_said(detector: Detector, image: Image) -> None:
    subject = Subject(None, 0)
    assert set(BOX_METHODS) == {"grad-cam", "hirescam", "d-rise"}
    with pytest.raises(UnknownCard, match="not offered for boxes"):
        explain_box(detector, image, METHODS["occlusion"], subject)
    with pytest.raises(UnknownCard, match="no stage 'attic'"):
        explain_box(detector, image, GRAD_CAM, subject, stage="attic")
    with pytest.raises(UnknownCard, match="another picture"):
        explain_box(detector, image, GRAD_CAM, Subject(None, 0, 10**6))
    found = answered(detector, image)
    with pytest.raises(UnknownCard, match="no box 1000"):
        Subject.of(found, 1000)


def test_maps_lie_over_the_source(detector: Detector) -> None:
    wide = Image(np.random.default_rng(0).random((1, 30, 200)).astype(np.float32), name="", sha256="")
    heat = explain_box(detector, wide, GRAD_CAM, Subject(None, 0)).heat
    assert heat.shape == (30, 200)
    assert np.isfinite(heat).all()
    assert np.abs(heat).max() == 1
