"""DICOM structured report (SR) of a detector's boxes: a measurement report that files beside the image they lie on.

What it says is in `sr_content`, and what every report of ours shares in `models.io.sr`. It runs in the worker, like
every other parser of DICOM, and keeps of the patient what `models.io.derived` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from models.cards import Card
from models.errors import InputError, UnsupportedFormat
from models.io.derived import name_weights_version, read_source
from models.io.pool import call_in_worker
from models.io.sr import CORNER, encode_sr, open_sr
from models.tasks.detection.sr_content import write_sr_content
from models.types import Detections

SAVE_COCO = "Save the boxes as COCO JSON instead."


@dataclass(frozen=True, eq=False)
class ReportedBoxes:
    """What a structured report says of one image.

    Attributes
    ----------
    boxes
        (N, 4) float32 x, y, width, height as `Detections.boxes`.
    scores
        (N,) as `Detections.scores`; not a number for a box drawn by hand.
    findings
        Meaning of the code of each box.
    score
        That the image shows any; None where the report does not say.
    instance, frame
        Identifier of the image, and its frame.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    findings: tuple[str, ...]
    score: float | None
    instance: str
    frame: int


def check_sr_source(source: bytes) -> None:
    """Raise `UnsupportedFormat` where a DICOM file lacks what a report must refer to."""
    call_in_worker(_check, source)


def write_sr(source: bytes, found: Detections, card: Card, *, keep_identity: bool = False) -> bytes:
    """Write the boxes that reach the threshold as a DICOM structured report.

    Parameters
    ----------
    source
        The DICOM file, of the very image that was looked at.
    keep_identity
        Whether the patient's identity is copied, so that the report files into the study.

    Returns
    -------
    bytes
        A Comprehensive SR. Boxes of a reader's own hand have no score and say so.

    Raises
    ------
    InputError
        When the source lacks what a report must refer to, or a box does not lie on it.
    """
    return call_in_worker(_write, source, found, card, keep_identity)


def read_sr(data: bytes) -> ReportedBoxes:
    """Read the regions of a report like ours.

    Raises
    ------
    InputError
        When it is no structured report with rectangles.
    """
    return call_in_worker(_read, data)


def _check(source: bytes) -> None:
    read_source(source, keep_identity=False, what="SR", fix=SAVE_COCO)


def _write(source: bytes, found: Detections, card: Card, keep_identity: bool) -> bytes:
    image = read_source(source, keep_identity, "SR", SAVE_COCO)
    ends = found.boxes[found.shown, :2] + found.boxes[found.shown, 2:] + CORNER
    if len(ends) and (ends.max(0) > np.array([image.Columns, image.Rows]) + CORNER).any():
        raise InputError("is not the image that was looked at: a box lies outside", fix="Answer this file first.")
    content = write_sr_content(image, found, card)
    return encode_sr(image, content, card.id, name_weights_version(card), keep_identity=keep_identity)


def _read(data: bytes) -> ReportedBoxes:
    content = open_sr(data, fix="Open a Comprehensive SR with boxes.")
    boxes, scores, findings = [], [], []
    instance, frame = "", 0
    for group in content.get_planar_roi_measurement_groups():
        region, found = group.roi, group.finding_type
        if region is None or found is None:
            raise UnsupportedFormat("holds a measurement without a region", fix="Open a report of boxes.")
        corners = np.asarray(region.value, np.float64)  # (5, 2)
        low, high = corners.min(0), corners.max(0)
        boxes.append([*(low - CORNER), *(high - low)])
        scores.append(_percent(group))
        findings.append(found.meaning)
        referred = region.ContentSequence[0].ReferencedSOPSequence[0]
        instance = str(referred.ReferencedSOPInstanceUID)
        frame = int(np.atleast_1d(referred.get("ReferencedFrameNumber", 1))[0]) - 1
    image = next(iter(content.get_image_measurement_groups()), None)
    return ReportedBoxes(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        tuple(findings),
        None if image is None else _percent(image),
        instance,
        frame,
    )


def _percent(group: Any) -> float:
    """Return the certainty of a group in [0, 1]; not a number where it has none."""
    found: Sequence[Any] = group.get_measurements(name=codes.DCM.CertaintyOfFinding)
    return float(found[0].value) / 100 if found else float("nan")
