"""The engine whose answers are computed by replicas of Ray Serve, of this machine or of a cluster.

Only the frame that is asked about leaves this process, with the tags that `Image` allows and without the file's name.
A replica that dies costs a retry, since an answer depends on nothing but its question. After
docs.ray.io/en/latest/serve/production-guide/fault-tolerance.html.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from threading import Event, Lock, Thread
from typing import Any

from models.cards import Card
from models.errors import Cancelled, OrthoLensError, ReplicaDied, Unreachable
from models.predictors.engine import Engine
from models.settings import Settings
from models.tasks import kind_of_card, kinds
from models.tasks.kind import ANSWER, CardKind, Kind, Request, Why
from models.types import Explanation, Image, Judged
from models.words import later

TRIES = 5
"""Replicas that may die of one image, or of one that came together with it."""
ASKED_S = 0.2
"""How often a question that waits looks whether it was cancelled."""
OF_RAY = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
"""Nobody is told that it runs, and replicas, for which somebody waits, do not step back behind everything else."""
_LOCK = Lock()


class ClusterEngine(Engine):
    """Answers and explains by replicas; what looks into a network (a lesson, an audit) loads it here, as everywhere.

    Raises
    ------
    Unreachable
        Where the extra `ray` is not installed.
    """

    def __init__(self, limits: Settings) -> None:
        if find_spec("ray") is None:
            raise Unreachable(
                later("Ray is to compute the answers, and it is not installed"),
                fix=later("Install it by pip install 'ortholens[ray]', or set ORTHOLENS_BACKEND=local."),
            )
        super().__init__(limits)
        self._limits = limits
        self._handles: dict[str, Any] = {}

    def prepare(self, card: Card) -> None:
        """Have the replicas of a card's kind running and one of them load it.

        Raises
        ------
        BadWeights
            As `Engine.predictor`.
        ReplicaDied
            Where one replica after another dies of it.
        Unreachable
            Where Ray cannot be reached.
        """
        self._ask("prepare", card)

    def count_at_once(self, card: Card) -> int:
        """Return how many images keep all replicas busy: a batch that is computed and one that waits, each."""
        batch = self._limits.ray_batch if kind_of_card(card).batched else 1
        return 2 * batch * self._limits.ray_replicas

    def predict(self, image: Image, card: Card, frame: int = 0, asked: Request = ANSWER) -> Judged:
        """Answer one frame, as `Engine.predict`; raises as `prepare` too. No progress is told."""
        sent, there = cut_to_frame(image, frame)
        plain = replace(asked, progress=None, cancelled=None)
        answer: Judged = self._ask("predict", card, sent, there, plain, cancelled=asked.cancelled)
        return replace(answer, sha256=image.sha256, frame=frame)

    def explain(self, image: Image, card: Card, why: Why, frame: int = 0) -> Explanation:
        """Explain what the card says of one frame, as `Engine.explain`; raises as `prepare` too."""
        explained: Explanation = self._ask("explain", card, *cut_to_frame(image, frame), why)
        return explained

    def _ask(self, what: str, card: Card, *sent: object, cancelled: Callable[[], bool] | None = None) -> Any:
        """Return what a replica of the card's kind says, of another one where it dies."""
        from ray.exceptions import RayActorError

        for _ in range(TRIES):
            with _telling(self._limits.ray_address):
                try:
                    said = _wait_for(getattr(self._handle(card), what).remote(card, *sent), cancelled)
                except RayActorError:
                    continue
            if isinstance(said, OrthoLensError):
                raise said
            return said
        raise ReplicaDied(
            later("{n} replicas that were to answer died", n=TRIES),
            fix=later("Look into Ray's logs; often a machine has too little memory."),
        )

    def _handle(self, card: Card) -> Any:
        """Return the handle of the deployment of a card's kind, which is started where the cluster has none."""
        kind = kind_of_card(card)
        with _LOCK:
            if kind.name not in self._handles:
                self._handles[kind.name] = self._deploy(kind)
            return self._handles[kind.name]

    def _deploy(self, kind: CardKind) -> Any:
        from ray import serve

        _connect(self._limits)
        from models.predictors.replica import build

        name = name_application(kind)
        if name in serve.status().applications:
            return serve.get_app_handle(name)
        return serve.run(build({"kind": kind.name}), name=name, route_prefix=None)


def name_application(kind: Kind) -> str:
    """Return what the application of a kind of task is called in Serve."""
    return f"ortholens-{kind.name}"


def cut_to_frame(image: Image, frame: int) -> tuple[Image, int]:
    """Return what a replica needs of an image, and the number that the frame has there.

    Of a film that is the frame and its first, since a card that trims black borders finds them there; the identity is
    the frame's own then, under which replicas remember.
    """
    sent = replace(image, name="")
    if image.frames == 1:
        return sent, frame
    kept = sorted({0, frame})
    own = hashlib.sha256(f"{image.sha256} frame {frame}".encode()).hexdigest()
    windows = tuple(image.window(number) for number in kept)
    return replace(sent, pixels=image.pixels[kept], sha256=own, frame_windows=windows), kept.index(frame)


def _connect(limits: Settings) -> None:
    """Start or join Ray in a thread that stays: Linux kills what was started by a thread that ends.

    Ray asks for that (prctl(2), PR_SET_PDEATHSIG), so that nothing of it outlives the program.
    """
    connected: Future[None] = Future()

    def stay() -> None:
        try:
            _start(limits)
        except Exception as error:  # noqa: BLE001 - raised below
            connected.set_exception(error)
        else:
            connected.set_result(None)
            Event().wait()

    Thread(target=stay, name="ray", daemon=True).start()
    connected.result()


def _start(limits: Settings) -> None:
    """Start a Ray of this program's own, or join the one that the settings name; Serve gets no port for the web."""
    for name, value in OF_RAY.items():
        os.environ.setdefault(name, value)
    import ray
    from ray import serve

    if not ray.is_initialized():
        own = limits.ray_address == "local"
        # On one machine its CPUs only say how many replicas find a place, and all kinds of task share it.
        places = {"num_cpus": limits.ray_replicas * len(kinds()), "include_dashboard": False} if own else {}
        ray.init(
            limits.ray_address, log_to_driver=False, logging_level=logging.WARNING, configure_logging=False, **places
        )
    logging.getLogger("ray.serve").setLevel(logging.ERROR)  # a replica that dies is no matter of who asks
    serve.start(proxy_location="Disabled")


@contextmanager
def _telling(address: str) -> Iterator[None]:
    """Turn what Ray says of a cluster that is not there into a sentence."""
    from ray.exceptions import RaySystemError
    from ray.serve.exceptions import RayServeException

    try:
        yield
    except (ConnectionError, RaySystemError, RayServeException) as error:
        raise Unreachable(
            later("Ray at {address} does not answer", address=address),
            fix=later("See `ray status` there, and ORTHOLENS_RAY_ADDRESS."),
        ) from error


def _wait_for(response: Any, cancelled: Callable[[], bool] | None) -> Any:
    """Return what comes of a question that was sent.

    Raises
    ------
    Cancelled
        When `cancelled` said so; a replica that has begun with it goes on to its end.
    """
    while True:
        if cancelled and cancelled():
            response.cancel()
            raise Cancelled(later("it was stopped"), fix=later("Start it again to see its result."))
        try:
            return response.result(timeout_s=ASKED_S if cancelled else None)
        except TimeoutError:
            continue
