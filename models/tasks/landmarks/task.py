"""Landmarks: named points, and the circle round each that holds its true place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.cards import Card
from models.nets.dense import DenseNet
from models.nets.frame import Frame
from models.nets.loading import build_dense
from models.tasks.landmarks.measures import find_stated_side
from models.tasks.task import Task
from models.trust.ood import load_ood_detector
from models.types import Image, Landmarks

MOST_ENLARGED = 0.25
"""Side of what is looked at once more, over that of the network's input: no smaller part is enlarged to fill it."""


@dataclass(frozen=True)
class LocatorOutput:
    """What the networks said about one frame.

    Attributes
    ----------
    points, spread
        (K, 2) x, y, and (K,) root mean square width of each heatmap, in pixels of the network's input.
    pooled, strongest
        (D,) and (K,) what the out-of-distribution detector looks at: pooled features, and each map's largest logit.
    seconds
        Preparation and forward passes.
    frame
        Where the image lies in the network's input.
    """

    points: NDArray[np.float32]
    spread: NDArray[np.float32]
    pooled: NDArray[np.float32]
    strongest: NDArray[np.float32]
    seconds: float
    frame: Frame


class LandmarksTask(Task):
    """Reads a `LocatorOutput` as `Landmarks`."""

    def build(self, card: Card) -> DenseNet:
        """Return the card's network with random weights."""
        return build_dense(card)

    def read(self, output: LocatorOutput, image: Image, card: Card) -> Landmarks:
        """Return the points in source pixels, their radii, and the detector's verdict."""
        points, scale = bring_points_to_source(output.points, output.frame)
        verdict = load_ood_detector(card).judge(output.pooled, output.strongest, card.data.shows) if card.ood else None
        factors = card.locating.factors if card.locating else (np.nan,) * len(points)
        return Landmarks(
            task=self.name,
            card=card.id,
            sha256=image.sha256,
            seconds=output.seconds,
            warnings=image.warnings,
            names=card.keys,
            points=points,
            radius_px=(output.spread * scale * np.array(factors)).astype(np.float32),
            spacing_mm=image.spacing_mm,
            side=find_stated_side(image),
            abstained=bool(verdict and verdict.outside),
            reason=verdict.reason if verdict else None,
            ood_score=verdict.ood_score if verdict else None,
        )


def bring_points_to_source(points: NDArray[np.float32], frame: Frame) -> tuple[NDArray[np.float32], float]:
    """Bring points (K, 2) x, y of a network's input back to the source; also return source pixels of an input pixel."""
    (rows, columns), (top, left) = frame.fitted, frame.corner
    first_row, first_column, height, width = frame.part
    scale = np.array([width / columns, height / rows], np.float32)
    corner, first = np.array([left, top], np.float32), np.array([first_column, first_row], np.float32)
    found: NDArray[np.float32] = (points - corner + 0.5) * scale - 0.5 + first
    return found.astype(np.float32), float(scale.mean())


def frame_closer(points: NDArray[np.float32], frame: Frame, closer: float) -> Frame:
    """Return how a square about points (K, 2) x, y of the source lies in the input, `closer` times their extent."""
    low, high = points.min(0), points.max(0)
    side = max(float((high - low).max()) * closer, MOST_ENLARGED * min(frame.network))
    first, last = (low + high - side) / 2, (low + high + side) / 2
    left, top = (round(max(float(at), 0.0)) for at in first)
    right, bottom = (round(min(float(at) + 1, most)) for at, most in zip(last, frame.source[::-1], strict=True))
    return Frame(frame.source, frame.network, (top, left, bottom - top, right - left))


def read_shares(net: DenseNet, x: Tensor, stage: str, cells: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Run one network: (N, 3, h, w) → shares (N, K, *cells), strongest logits (N, K), pooled features (N, D)."""
    state = net.trunk(x, stage)
    pooled = torch.cat([part.float().mean((2, 3)) for part in state], 1)
    logits = net.tail(state, stage, cells).float()
    return logits.flatten(2).softmax(-1).view_as(logits), logits.amax((2, 3)), pooled
