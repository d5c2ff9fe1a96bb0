"""Figures of use for Prometheus: requests, answers and their seconds, jobs. No caller, file or image is in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest


class Metrics:
    """The figures of one application.

    Parameters
    ----------
    waiting
        Returns how many jobs wait or run.
    """

    def __init__(self, waiting: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        names = ["route", "method", "status"]
        self._requests = Counter("ortholens_requests", "Requests answered.", names, registry=self.registry)
        self._answers = Histogram(
            "ortholens_answer_seconds",
            "Seconds from the decoded image to an answer or explanation.",
            ["card"],
            registry=self.registry,
        )
        Gauge("ortholens_jobs", "Jobs that wait or run.", registry=self.registry).set_function(waiting)

    def count(self, route: str, method: str, status: int) -> None:
        """Count one request; `route` is its pattern, which holds nothing of what was asked."""
        self._requests.labels(route, method, str(status)).inc()

    @contextmanager
    def answering(self, card: str) -> Iterator[None]:
        """Time an answer of a card; one that fails counts as a request alone."""
        begun = time.perf_counter()
        yield
        self._answers.labels(card).observe(time.perf_counter() - begun)

    def write(self) -> bytes:
        """Return the figures in the text format of Prometheus."""
        return generate_latest(self.registry)
