"""What Ray Serve runs for one kind of task: replicas, each a process with an engine of its own.

Needs the extra `ray`, and is imported under it alone: by `models.predictors.cluster`, and by a cluster's configuration
(`deploy/rayservice.yaml`). After docs.ray.io/en/latest/serve/advanced-guides/dyn-req-batch.html.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from ray import serve

from models.cards import Card, card, reload_cards
from models.errors import OrthoLensError
from models.predictors.engine import Engine
from models.settings import settings
from models.tasks import kinds
from models.tasks.kind import BatchPredictor, CardKind, Request, Why
from models.types import Explanation, Image, Judged

WAIT_S = 0.005
"""How long the first image of a batch waits for others, while nothing else is computed."""
QUEUED = 2
"""Batches that a replica holds: one that is computed, one that comes together meanwhile."""
Asked = tuple[Card, Image, int]
R = TypeVar("R")


class Replica:
    """Answers for the cards of one kind. What is wrong with a question comes back as an error, and is raised there.

    Parameters
    ----------
    batch
        Images that are answered in one pass at most; 1 where the kind's networks take one at a time.
    """

    def __init__(self, batch: int) -> None:
        self._engine = Engine(settings())
        together = serve.batch(max_batch_size=batch, batch_wait_timeout_s=WAIT_S)(self._make_batch())
        self._together: Callable[[Asked], Awaitable[Judged | OrthoLensError]] | None = together if batch > 1 else None

    def reconfigure(self, config: Mapping[str, Sequence[str]]) -> None:
        """Load the cards that `ready` names as they are now, before this replica takes another question.

        Serve calls it when a replica starts and, of one replica after another, when its `user_config` changes.
        """
        reload_cards()
        for id in config.get("ready", ()):
            self._engine.prepare(card(id))

    async def prepare(self, known: Card) -> OrthoLensError | None:
        """Load a card."""
        return await asyncio.to_thread(_attempt, partial(self._engine.prepare, known))

    async def predict(self, known: Card, image: Image, frame: int, asked: Request) -> Judged | OrthoLensError:
        """Answer one frame; see `Engine.predict`."""
        if self._together and asked == Request():
            return await self._together((known, image, frame))
        return await asyncio.to_thread(_attempt, partial(self._engine.predict, image, known, frame, asked))

    async def explain(self, known: Card, image: Image, frame: int, why: Why) -> Explanation | OrthoLensError:
        """Explain what a card says of one frame; see `Engine.explain`."""
        return await asyncio.to_thread(_attempt, partial(self._engine.explain, image, known, why, frame))

    def _make_batch(self) -> Callable[[list[Asked]], Awaitable[list[Judged | OrthoLensError]]]:
        async def answer(waiting: list[Asked]) -> list[Judged | OrthoLensError]:
            return await asyncio.to_thread(self._answer, waiting)

        return answer

    def _answer(self, waiting: Sequence[Asked]) -> list[Judged | OrthoLensError]:
        """Answer what came together, those of a card in one pass."""
        said: dict[int, Judged | OrthoLensError] = {}
        left = dict(enumerate(waiting))
        while left:
            first = next(iter(left.values()))[0]
            same = [number for number, (known, *_) in left.items() if known == first]
            frames = [left.pop(number)[1:] for number in same]
            answers = _attempt(partial(self._answer_together, first, frames))
            each = [answers] * len(same) if isinstance(answers, OrthoLensError) else answers
            said |= zip(same, each, strict=True)
        return [said[number] for number in range(len(waiting))]

    def _answer_together(self, known: Card, frames: Sequence[tuple[Image, int]]) -> Sequence[Judged]:
        predictor = self._engine.predictor(known)
        assert isinstance(predictor, BatchPredictor)
        return predictor.predict_many(frames)


def _attempt(work: Callable[[], R]) -> R | OrthoLensError:
    """Return what work returns, or our own error: raised here, it would arrive with this process's traceback."""
    try:
        return work()
    except OrthoLensError as error:
        return error


def build(options: Mapping[str, str]) -> Any:
    """Return the Serve application of one kind of task, `{"kind": "classification"}`, under this process's settings.

    A cluster's configuration names it as `import_path`, and may change every option of the deployment.
    """
    limits, kind = settings(), kinds()[options["kind"]]
    assert isinstance(kind, CardKind)
    batch = limits.ray_batch if kind.batched else 1
    deployed = serve.deployment(
        name=kind.name,
        max_ongoing_requests=QUEUED * batch,
        autoscaling_config={
            "min_replicas": 1,
            "max_replicas": limits.ray_replicas,
            "target_ongoing_requests": batch,
            "upscale_delay_s": 2,
            "downscale_delay_s": 120,
        },
        ray_actor_options={"num_cpus": 1, "num_gpus": limits.ray_gpus},
        logging_config={"enable_access_log": False},
        user_config={"ready": []},
    )
    return deployed(Replica).bind(batch)
