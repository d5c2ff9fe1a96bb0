"""What a structured report says of a detector's boxes: the content tree of TID 1500 "Measurement Report".

One group for the image as a whole, and one planar region a box: a closed rectangle in the image's own coordinates,
which count from the outer corner of the first pixel (DICOM PS3.3 C.18.6). Certainties are percentages, as the templates
of PS3.16 for computer-aided detection give them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from models.cards import Card
from models.io.derived import name_weights_version
from models.io.sr import CORNER, bind_sr, comment, number_frame, refer_to_frame, track
from models.tasks.detection.edit import EditedDetections
from models.types import Detections

if TYPE_CHECKING:
    from highdicom.sr import MeasurementReport

FRACTURE = Code("125605004", "SCT", "Fracture of bone")
MEANINGS = (
    ("fracture", FRACTURE),
    ("component", codes.SCT.Prosthesis),
    ("implant", codes.SCT.Implant),
)
"""Codes of findings, by a word in the key of a label."""


def write_sr_content(image: Dataset, found: Detections, card: Card) -> MeasurementReport:
    """Return the content of a report of the boxes that reach the threshold, about one image."""
    groups = [_whole(image, found, card), *(_region(int(index), image, found, card) for index in found.shown)]
    return bind_sr(groups, _remarks(found, card), card.id)


def _remarks(found: Detections, card: Card) -> list[str]:
    """Return what a reader of the report must know, beside the disclaimer."""
    said = [f"Threshold {found.threshold:.4g}, operating point: {found.operating_point}"]
    if card.data.simulated:
        said.append("Trained on simulated images")
    if found.abstained:
        said.append(f"The model abstained: {found.reason}")
    return [*said, *found.warnings]


def _whole(image: Dataset, found: Detections, card: Card) -> Any:
    """Return the group that says how probable any finding is in the image."""
    import highdicom as hd

    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=track(f"{card.id} image"),
        finding_type=_coded(found.labels[0]) if len(found.labels) == 1 else codes.DCM.Finding,
        algorithm_id=_algorithm(card),
        measurements=[_certainty(found.score)],
        source_images=[
            hd.sr.SourceImageForMeasurementGroup(
                image.SOPClassUID, image.SOPInstanceUID, number_frame(image, found.frame)
            )
        ],
    )


def _region(index: int, image: Dataset, found: Detections, card: Card) -> Any:
    """Return the group of one box."""
    import highdicom as hd

    label = found.labels[found.classes[index]]
    by_hand = isinstance(found, EditedDetections) and bool(found.by_hand[index])
    group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=track(f"{card.id} {label} {index + 1}"),
        referenced_region=hd.sr.ImageRegion(
            graphic_type=hd.sr.GraphicTypeValues.POLYLINE,
            graphic_data=_rectangle(found.boxes[index]),
            source_image=refer_to_frame(image, found.frame),
        ),
        finding_type=_coded(label),
        algorithm_id=None if by_hand else _algorithm(card),
        measurements=None if by_hand else [_certainty(float(found.scores[index]))],
    )
    group[0].ContentSequence.append(comment(f"Drawn by hand: {label}" if by_hand else label))
    return group


def _rectangle(box: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the corners (5, 2) of a box as column and row, closed."""
    x, y, width, height = (float(side) for side in box)
    left, top = max(x + CORNER, 0.0), max(y + CORNER, 0.0)
    right, bottom = x + CORNER + width, y + CORNER + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])


def _certainty(score: float) -> Any:
    import highdicom as hd

    return hd.sr.Measurement(name=codes.DCM.CertaintyOfFinding, value=round(100 * score, 4), unit=codes.UCUM.Percent)


def _algorithm(card: Card) -> Any:
    import highdicom as hd

    return hd.sr.AlgorithmIdentification(
        name=f"OrthoLens {card.id}",
        version=name_weights_version(card),
        family=codes.DCM.ArtificialIntelligence,
        manufacturer="OrthoLens",
    )


def _coded(label: str) -> Code:
    """Return what a label means, in SNOMED CT."""
    return next((code for word, code in MEANINGS if word in label), codes.DCM.Finding)
