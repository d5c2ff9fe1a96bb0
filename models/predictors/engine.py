"""The engine: one a process, lazy and thread-safe; it keeps the models that were used last within a memory budget."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from threading import Lock, RLock

import numpy as np
import torch

from models.cards import Card
from models.cards import card as card_of
from models.errors import BadWeights, UnknownCard
from models.progress import Watch
from models.settings import Settings, settings
from models.tasks import task
from models.tasks.classification.explanation import explain, method_of, stage_of
from models.tasks.classification.predictor import Model
from models.tasks.detection.explanation import Subject, explain_box
from models.tasks.detection.predictor import Finder, Search
from models.tasks.detection.task import DetectionTask
from models.tasks.segmentation.explanation import explain_region
from models.tasks.segmentation.predictor import Painter
from models.tasks.segmentation.task import SegmentationTask
from models.trust.second import seconded
from models.types import Box, Detections, Explanation, Image, Prediction, Segmentation

WHAT = {Model: "names a whole image", Painter: "paints every pixel", Finder: "draws boxes"}
"""What a card of each kind does, for messages."""


class Engine:
    """Loads models on first use and answers with them."""

    def __init__(self, limits: Settings) -> None:
        gpu = limits.device != "cpu" and torch.cuda.is_available()
        if limits.device == "cuda" and not gpu:
            raise BadWeights("there is no CUDA device", fix="Set ORTHOLENS_DEVICE to auto or cpu.")
        self.device = torch.device("cuda" if gpu else "cpu")
        self.budget = limits.model_memory_mb * 2**20
        self._models: OrderedDict[str, Model | Painter | Finder] = OrderedDict()
        self._lock = RLock()
        self._loading: dict[str, Lock] = {}
        if limits.threads:
            torch.set_num_threads(limits.threads)

    def model(self, card: Card) -> Model:
        """Return the card's classifier, loading and warming it up on first use.

        Raises
        ------
        BadWeights
            When the card has no weights, or they are not the ones its hashes name.
        UnknownCard
            For a card that paints or draws boxes.
        """
        loaded = self.loaded(card)
        if not isinstance(loaded, Model):
            raise UnknownCard(f"{card.id} {WHAT[type(loaded)]}", fix=f"Choose a card that {WHAT[Model]}.")
        return loaded

    def painter(self, card: Card) -> Painter:
        """Return the card's network that paints, likewise.

        Raises
        ------
        BadWeights, UnknownCard
            As `model`.
        """
        loaded = self.loaded(card)
        if not isinstance(loaded, Painter):
            raise UnknownCard(f"{card.id} {WHAT[type(loaded)]}", fix=f"Choose a card that {WHAT[Painter]}.")
        return loaded

    def finder(self, card: Card) -> Finder:
        """Return the card's network that draws boxes, likewise.

        Raises
        ------
        BadWeights, UnknownCard
            As `model`.
        """
        loaded = self.loaded(card)
        if not isinstance(loaded, Finder):
            raise UnknownCard(f"{card.id} {WHAT[type(loaded)]}", fix=f"Choose a card that {WHAT[Finder]}.")
        return loaded

    def loaded(self, card: Card) -> Model | Painter | Finder:
        """Return the card's model of any kind, loading and warming it up on first use.

        Raises
        ------
        BadWeights
            When the card has no weights, or they are not the ones its hashes name.
        """
        if not card.members:
            raise BadWeights(f"{card.id} has no weights yet", fix=f"Run `ortholens train {card.id}`.")
        with self._lock:
            loading = self._loading.setdefault(card.id, Lock())
        with loading:  # two sessions that ask at once load it once; other cards are not held up
            with self._lock:
                if card.id in self._models:
                    self._models.move_to_end(card.id)
                    return self._models[card.id]
            blank = Image(np.zeros((1, *card.input.size), np.float32), name="", sha256="")
            model: Model | Painter | Finder
            if isinstance(task(card.task), SegmentationTask):
                model = Painter(card, self.device)
                model.paint(blank)
            elif isinstance(task(card.task), DetectionTask):
                model = Finder(card, self.device)
                model.find(blank)
            else:
                model = Model(card, self.device)
                model.answer(blank)
            with self._lock:
                self._models[card.id] = model
                while len(self._models) > 1 and sum(m.bytes for m in self._models.values()) > self.budget:
                    self._models.popitem(last=False)
            return model

    def predict(
        self, image: Image, card: Card, frame: int = 0, method: str | None = None, label: str | None = None
    ) -> Prediction:
        """Answer one frame, and say why where a `method` of explanation is named.

        Grad-CAM and HiResCAM of a classifier go on from the features of this very pass.
        """
        chosen = None if method is None else method_of(method)
        model = self.loaded(card)
        if isinstance(model, Painter):
            painted = self.paint(image, card, frame)
            if chosen is None:
                return painted
            return replace(painted, explanation=explain_region(model, image, chosen, label, frame=frame))
        if isinstance(model, Finder):
            return self.find(image, card, frame, why=(method, label))
        stage = card.net.stage
        answer, features = model.answer(image, frame, stage)
        prediction = seconded(replace(model.task.read(answer, image, card), frame=frame), image, card)
        if chosen is None:
            return prediction
        target = model.task.target(card, label, answer)
        return replace(prediction, explanation=explain(model, image, chosen, target, frame=frame, features=features))

    def paint(
        self,
        image: Image,
        card: Card,
        frame: int = 0,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Segmentation:
        """Answer one frame of a card that paints, with progress; where it is cancelled, nothing is kept.

        Raises
        ------
        Cancelled
            When `cancelled` said so.
        """
        painter, start = self.painter(card), time.perf_counter()
        painting = painter.paint(image, frame, progress, cancelled)
        answer = painter.task.read(painting, image, card)
        answer = seconded(replace(answer, frame=frame), image, card)
        return replace(answer, seconds=time.perf_counter() - start)

    def find(
        self,
        image: Image,
        card: Card,
        frame: int = 0,
        search: Search | None = None,
        why: tuple[str | None, str | None] = (None, None),
    ) -> Detections:
        """Answer one frame of a card that draws boxes, and explain one of them by a method where `why` names it.

        Parameters
        ----------
        why
            Key of the method, and the label whose best box is explained (default: any).

        Raises
        ------
        Cancelled
            When the search was cancelled; nothing is kept.
        """
        method = None if why[0] is None else method_of(why[0])
        finder, start = self.finder(card), time.perf_counter()
        seen = finder.find(image, frame, search)
        found = finder.task.read(seen, image, card, search.point if search else None)
        found = replace(seconded(replace(found, frame=frame), image, card), seconds=time.perf_counter() - start)
        if method is None:
            return found
        return replace(
            found, explanation=explain_box(finder, image, method, subject_of(found, card, why[1]), frame=frame)
        )

    def explain_found(
        self,
        image: Image,
        found: Detections,
        index: int,
        method: str,
        stage: str | None = None,
        watch: Watch | None = None,
    ) -> Explanation:
        """Explain one box of an answer, on the frame that it is of.

        Raises
        ------
        UnknownCard
            When there is no such box, method or stage.
        Cancelled
            When the watch says so.
        """
        finder = self.finder(card_of(found.card))
        subject = Subject.of(found, index)
        return explain_box(finder, image, method_of(method), subject, frame=found.frame, stage=stage, watch=watch)

    def explain(
        self,
        image: Image,
        card: Card,
        method: str,
        label: str | None = None,
        frame: int = 0,
        stage: str | None = None,
        box: Box | None = None,
    ) -> Explanation:
        """Explain one label (default: the answer's own) by one method, at one stage; of a painter also in a box.

        Of a detector: the best box of the label, or what it makes of a box that a reader drew.
        """
        chosen = method_of(method)
        model = self.loaded(card)
        if isinstance(model, Painter):
            return explain_region(model, image, chosen, label, frame=frame, stage=stage, box=box)
        if isinstance(model, Finder):
            if box is not None:
                subject = Subject.drawn(box, card.index(label) if label else 0)
            else:
                subject = subject_of(self.find(image, card, frame), card, label)
            return explain_box(model, image, chosen, subject, frame=frame, stage=stage)
        if box is not None:
            raise UnknownCard(f"{card.id} names a whole image, not a part of it", fix="Crop the image to the box.")
        stage = stage_of(model, stage)
        answer, features = model.answer(image, frame, stage)
        target = model.task.target(card, label, answer)
        return explain(model, image, chosen, target, frame=frame, stage=stage, features=features)


def subject_of(found: Detections, card: Card, label: str | None) -> Subject:
    """Return the best box of a label, or of all; where there is none, whatever comes nearest to one."""
    wanted = None if label is None else card.index(label)
    own = [i for i, kind in enumerate(found.classes) if wanted in (None, int(kind))]
    return Subject.of(found, own[0]) if own else Subject(None, wanted or 0)


@lru_cache(maxsize=1)
def engine() -> Engine:
    """Return the engine of this process."""
    return Engine(settings())
