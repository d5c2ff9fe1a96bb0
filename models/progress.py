"""Progress and cancel of a long computation, in one small object that is handed through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.errors import Cancelled
from models.words import later

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[str, float], None]
"""Told what is being done, and the share of it that is done."""


def tell_part(progress: Progress, low: float, high: float, title: str = "") -> Progress:
    """Return what a part of the work is told to, that lies between two shares of the whole, under its title."""
    return lambda step, share: progress(title or step, low + (high - low) * share)


@dataclass
class ProgressToken:
    """Counts the steps of a long computation, tells how far it is, and stops it when the user says so.

    Attributes
    ----------
    steps
        How many there will be.
    progress
        Told the share done, in (0, 1].
    cancelled
        Asked before every step.
    """

    steps: int
    progress: Callable[[float], None] | None = None
    cancelled: Callable[[], bool] | None = None
    done: int = 0

    def check(self) -> None:
        """Raise `Cancelled` when the user has asked to stop."""
        if self.cancelled and self.cancelled():
            raise Cancelled(later("the computation was stopped"), fix=later("Start it again to see its result."))

    def step(self) -> None:
        """Count one step; raises `Cancelled` as `check` does."""
        self.check()
        self.done += 1
        if self.progress:
            self.progress(min(1.0, self.done / self.steps))

    def over(self, forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """Return `forward` with every call counted as a step."""

        def stepped(x: Tensor) -> Tensor:
            self.step()
            return forward(x)

        return stepped
