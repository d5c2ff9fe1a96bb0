"""One loaded model that draws boxes: its networks on their device, and the lock that guards them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from models.cards import Card
from models.nets.fcos import FCOSMobileNetV2, Found, Places
from models.nets.frame import make_blank_image
from models.nets.loading import load_detector
from models.progress import ProgressToken
from models.tasks import question_of
from models.tasks.detection.explanation import Subject, explain_box
from models.tasks.detection.fusion import Pass, fuse_boxes
from models.tasks.detection.task import DetectionTask, DetectorOutput, Scaled, fit_detector_input
from models.tasks.kind import ANSWER, Request, Why
from models.tasks.members import BARE, Members
from models.trust.methods import find_method
from models.trust.ood import pool_features
from models.trust.second import give_second_opinion
from models.types import Detections, Explanation, Image

CHANGES = ((1.0, False), (1.0, True), (1.25, False), (1.25, True))
"""Size of the input, and whether left and right change places, of the passes that are fused on request."""

LEAST_PX = 1.0
"""Least side of a box, in pixels of the input."""


@dataclass(frozen=True)
class Look:
    """What one network said about one input, in pixels of that input."""

    found: Found
    places: Places
    pooled: Tensor


class Detector(Members[FCOSMobileNetV2]):
    """A card's networks, ready to answer; the boxes of several are fused."""

    does: ClassVar[str] = "draws boxes"

    def __init__(self, card: Card, device: torch.device, members: Sequence[FCOSMobileNetV2] = ()) -> None:
        super().__init__(card, device, members or [load_detector(card, member) for member in card.members])
        self.task = DetectionTask(question_of(card.task))

    def input(self, image: Image, frame: int = 0) -> Tensor:
        """Return one frame as the networks take it: (1, 3, h, w) on the model's device."""
        return self.task.prepare(image, self.card, frame).to(self.device)

    def passes(self, image: Image) -> Mapping[str, Callable[[], object]]:
        """Return what runs the members one after another, to the boxes that no better one covers."""
        x = self.input(image)

        @torch.no_grad()
        def bare() -> None:
            for net in self.members:
                net.found(net.places(x, net.trunk(x)), (x.shape[2], x.shape[3]))
            self.finish()

        return {BARE: bare}

    @torch.no_grad()
    def places(self, net: FCOSMobileNetV2, x: Tensor) -> tuple[Places, Tensor]:
        """Return what one member says of every place of (1, 3, h, w), and the pooled features (D,) of that pass."""
        with self.lock, self.precision():
            features = net.trunk.tapped(x)
            said = net.places(x, net.trunk.levels(features))
        whole = Places(said.logits.float(), said.centredness.float(), said.boxes.float())
        return whole, pool_features(features)[0].cpu()

    def look(self, net: FCOSMobileNetV2, x: Tensor, size: tuple[int, int]) -> Look:
        """Run one member on (1, 3, h, w), of which the first (rows, columns) = `size` are the image."""
        places, own = self.places(net, x)
        return Look(keep_boxes_worth_listing(net.found(places, size)), places, own)

    def detect(self, image: Image, frame: int = 0, asked: Request = ANSWER) -> DetectorOutput:
        """Answer one frame.

        Raises
        ------
        Cancelled
            When the request was cancelled; nothing is kept.
        """
        start = time.perf_counter()
        changes = CHANGES if asked.fused else CHANGES[:1]
        watch = ProgressToken(len(changes) * len(self.members), asked.progress, asked.cancelled)
        grey, looks, passes = image.grey(frame), [], []
        for zoom, mirrored in changes:
            view = self.task.frame(image, self.card, zoom)
            x = fit_detector_input(grey, view, mirrored).to(self.device)
            for net in self.members:
                watch.check()
                looks.append(self.look(net, x, view.fitted))
                passes.append(_in_source(looks[-1].found, view, mirrored))
                watch.step()
        agreed = fuse_boxes(passes) if len(passes) > 1 else passes[0]
        alone = looks[0].found.places.numpy() if len(passes) == 1 else np.full(len(agreed.boxes), -1)
        first_pass = looks[: len(self.members)]  # of the image as it is
        return DetectorOutput(
            boxes=agreed.boxes.astype(np.float32),
            scores=agreed.scores.astype(np.float32),
            classes=agreed.classes,
            places=alone,
            pooled=first_pass[0].pooled,
            strongest=torch.stack([find_strongest_logits(look.places) for look in first_pass]).mean(0),
            seconds=time.perf_counter() - start,
        )

    def warm_up(self) -> None:
        """Answer a blank image, so that the first real one does not wait."""
        self.detect(make_blank_image(self.card))

    def predict(self, image: Image, frame: int = 0, asked: Request = ANSWER) -> Detections:
        """Answer one frame, and explain its best box, or the best of a label.

        Raises
        ------
        Cancelled
            When the request was cancelled; nothing is kept.
        UnknownCard
            For a method, label or operating point that does not exist.
        """
        method = None if asked.explain is None else find_method(asked.explain)
        start = time.perf_counter()
        seen = self.detect(image, frame, asked)
        found = replace(self.task.read(seen, image, self.card, asked.point), frame=frame)
        found = replace(give_second_opinion(found, image, self.card), seconds=time.perf_counter() - start)
        if method is None:
            return found
        subject = Subject.best(found, self.card, asked.label)
        return replace(found, explanation=explain_box(self, image, method, subject, frame=frame))

    def explain(self, image: Image, why: Why, frame: int = 0) -> Explanation:
        """Explain the best box of a label, or what the network makes of a box that a reader drew.

        Raises
        ------
        UnknownCard
            For a method, label or stage that does not exist.
        """
        method = find_method(why.method)
        if why.box is not None:
            subject = Subject.drawn(why.box, self.card.index(why.label) if why.label else 0)
        else:
            subject = Subject.best(self.predict(image, frame), self.card, why.label)
        return explain_box(self, image, method, subject, frame=frame, stage=why.stage)

    def explain_found(
        self, image: Image, found: Detections, index: int, why: Why, watch: ProgressToken | None = None
    ) -> Explanation:
        """Explain the `index`-th box of an answer, on the frame that it is of.

        Raises
        ------
        UnknownCard
            When there is no such box, method or stage.
        Cancelled
            When the watch says so.
        """
        method, subject = find_method(why.method), Subject.of(found, index)
        return explain_box(self, image, method, subject, frame=found.frame, stage=why.stage, watch=watch)


def keep_boxes_worth_listing(found: Found) -> Found:
    """Return the boxes whose sides are a pixel at least, where numpy can read them; the image's edge leaves slivers."""
    large = (found.boxes[:, 2:] - found.boxes[:, :2]).amin(1) >= LEAST_PX
    parts = (found.boxes, found.scores, found.classes, found.places)
    return Found(*(part[large].cpu() for part in parts))


def find_strongest_logits(places: Places) -> Tensor:
    """Return the largest logit of each class over all places, (K,), on the CPU: the `logits` of the OOD detector."""
    return places.logits.amax(0).float().cpu()


def _in_source(found: Found, view: Scaled, mirrored: bool) -> Pass:
    boxes = found.boxes.numpy()
    if mirrored:
        _, columns = view.fitted
        boxes = boxes[:, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (columns, 0, columns, 0)
    return Pass(view.boxes_to_source(boxes), found.scores.numpy(), found.classes.numpy())
