"""Boxes of several passes fused into one: weighted box fusion, where each pass has its say in where an edge lies.

After Solovyev, Wang and Gabruseva 2021, "Weighted boxes fusion: ensembling boxes from different object detection
models", doi 10.1016/j.imavis.2021.104117. A box that few passes have seen is believed less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.tasks.detection.froc import compute_box_overlaps

OVERLAP = 0.55
"""Intersection over union from which two boxes are one finding; the paper's choice."""

Boxes = NDArray[np.floating]


@dataclass(frozen=True)
class Pass:
    """What one pass found: (N, 4) x, y, width, height in any one grid; (N,) scores and classes."""

    boxes: Boxes
    scores: NDArray[np.floating]
    classes: NDArray[np.intp]


def fuse_boxes(passes: Sequence[Pass], overlap: float = OVERLAP) -> Pass:
    """Return the boxes that the passes agree on, the best first.

    A finding's box is the mean of the boxes in it, weighted by their scores; its score is their mean, times the share
    of the passes that saw it.

    Parameters
    ----------
    passes
        At least one.
    overlap
        Intersection over union over which a box joins a finding of its class.
    """
    boxes = np.concatenate([one.boxes for one in passes]).astype(np.float64)
    scores = np.concatenate([one.scores for one in passes]).astype(np.float64)
    classes = np.concatenate([one.classes for one in passes])
    findings, kinds = np.empty((0, 4)), np.empty(0, classes.dtype)
    members: list[list[int]] = []
    for i in np.argsort(-scores, kind="stable"):
        near = compute_box_overlaps(boxes[i][None], findings)[0] * (kinds == classes[i])
        best = int(near.argmax()) if len(near) else -1
        if best >= 0 and near[best] > overlap:
            members[best].append(i)
            own = members[best]
            findings[best] = np.average(boxes[own], axis=0, weights=scores[own].clip(1e-12))
        else:
            members.append([i])
            findings, kinds = np.concatenate([findings, boxes[i][None]]), np.append(kinds, classes[i])
    agreed = [scores[own].mean() * min(len(own), len(passes)) / len(passes) for own in members]
    order = np.argsort(-np.array(agreed), kind="stable")
    return Pass(findings[order], np.array(agreed)[order], kinds[order])
