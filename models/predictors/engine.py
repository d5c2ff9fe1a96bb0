"""The engine: one a process, lazy and thread-safe; it keeps the models that were used last within a memory budget."""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from threading import Lock, RLock
from typing import TypeVar

import torch

from models.cards import Card
from models.errors import BadWeights, UnknownCard
from models.nets.device import choose_device
from models.settings import Settings, settings
from models.tasks import kind_of_card
from models.tasks.kind import ANSWER, Predictor, Request, Why
from models.types import Explanation, Image, Judged

P = TypeVar("P", bound=Predictor)
Version = tuple[str, ...]
"""A card's id and the hashes of its weights: while a card changes, the old and the new are asked side by side."""


class Engine:
    """Loads models on first use and answers with them."""

    def __init__(self, limits: Settings) -> None:
        self.device = choose_device(limits)
        self.budget = limits.model_memory_mb * 2**20
        self._models: OrderedDict[Version, Predictor] = OrderedDict()
        self._lock = RLock()
        self._loading: dict[Version, Lock] = {}
        if limits.threads:
            torch.set_num_threads(limits.threads)

    def load(self, card: Card, of: type[P]) -> P:
        """Return the card's predictor, where it is of one kind; loaded and warmed up on first use.

        Raises
        ------
        BadWeights
            As `predictor`.
        UnknownCard
            For a card of another kind.
        """
        loaded = self.predictor(card)
        if not isinstance(loaded, of):
            raise UnknownCard(f"{card.id} {loaded.does}", fix=f"Choose a card that {of.does}.")
        return loaded

    def predictor(self, card: Card) -> Predictor:
        """Return the card's predictor of whatever kind, loading and warming it up on first use.

        Raises
        ------
        BadWeights
            When the card has no weights, or they are not the ones its hashes name.
        """
        if not card.members:
            raise BadWeights(f"{card.id} has no weights yet", fix=f"Run `ortholens train {card.id}`.")
        version: Version = (card.id, *(member.sha256 for member in card.members))
        with self._lock:
            loading = self._loading.setdefault(version, Lock())
        with loading:  # two sessions that ask at once load it once; other cards are not held up
            with self._lock:
                held = self._models.get(version)
                if held is not None and held.card == card:  # it may have been calibrated anew
                    self._models.move_to_end(version)
                    return held
            loaded = kind_of_card(card).predictor(card, self.device)
            loaded.warm_up()
            with self._lock:
                self._models[version] = loaded
                self._models.move_to_end(version)
                while len(self._models) > 1 and sum(m.bytes for m in self._models.values()) > self.budget:
                    self._models.popitem(last=False)
            return loaded

    def prepare(self, card: Card) -> None:
        """Have a card ready to answer, so that the first image does not wait; raises as `predictor`."""
        self.predictor(card)

    def count_at_once(self, card: Card) -> int:
        """Return how many images of a batch a card is best asked about at a time."""
        return 1

    def predict(self, image: Image, card: Card, frame: int = 0, asked: Request = ANSWER) -> Judged:
        """Answer one frame, and say why where a method of explanation is asked for; see `Predictor.predict`."""
        return self.predictor(card).predict(image, frame, asked)

    def explain(self, image: Image, card: Card, why: Why, frame: int = 0) -> Explanation:
        """Explain what the card says of one frame; see `Predictor.explain`."""
        return self.predictor(card).explain(image, why, frame)


@lru_cache(maxsize=1)
def engine() -> Engine:
    """Return the engine of this process.

    Raises
    ------
    Unreachable
        Where the settings leave the answers to Ray, and the extra `ray` is not installed.
    """
    limits = settings()
    if limits.backend == "ray":
        from models.predictors.cluster import ClusterEngine

        return ClusterEngine(limits)
    return Engine(limits)
