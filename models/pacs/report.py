"""A structured report (TID 1500) of an answer of any kind: its label, its numbers, its points, and what made it.

Runs in the worker. Labels and numbers have codes of our own scheme, since the standard has none for most. Boxes of a
detector have a report of their own (`models.tasks.detection.sr`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from models.io.derived import read_source
from models.io.sr import CORNER, bind_sr, encode_sr, number_frame, refer_to_frame, track
from models.pacs.made import Made
from models.reporting.finding import MEANING, Finding

if TYPE_CHECKING:
    from highdicom.sr import AlgorithmIdentification

OWN = "99ORTHOLENS"
UNITS = {
    "mm": codes.UCUM.Millimeter, "mm²": codes.UCUM.SquareMillimeter, "°": codes.UCUM.Degree, "%": codes.UCUM.Percent,
    "px": Code("{pixels}", "UCUM", "pixels"), "": codes.UCUM.NoUnits,
}  # fmt: skip
DIGITS = 4
ANSWER = Code("answer", OWN, "Answer of the model")
FIX = "Send the report as PDF instead."


def write_answer_sr(source: bytes, label: tuple[str, str] | None, findings: Sequence[Finding], made: Made) -> bytes:
    """Write a Comprehensive SR of an answer in the study of its image.

    Parameters
    ----------
    label
        Key and name of the label that is the answer; None for an answer that is none, or withheld.
    """
    image = read_source(source, keep_identity=True, what="SR", fix=FIX)
    frames: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.point is None:
            frames[made.frame if finding.frame is None else finding.frame].append(finding)
    groups = [
        _whole(image, made, frame, frames[frame], label if frame == made.frame else None)
        for frame in sorted({made.frame, *frames})
    ]
    groups += [_point(image, made, finding) for finding in findings if finding.point is not None]
    said = [made.headline] if made.headline else []
    content = bind_sr(groups, [f"Model {made.card}, version {made.version}", *said, *made.remarks], made.card)
    return encode_sr(image, content, made.card, made.version, keep_identity=True)


def _whole(image: Dataset, made: Made, frame: int, findings: Sequence[Finding], label: tuple[str, str] | None) -> Any:
    """Return the group of what is said of a whole frame."""
    import highdicom as hd

    evaluated = [hd.sr.QualitativeEvaluation(ANSWER, Code(label[0], OWN, label[1][:MEANING]))] if label else None
    measured = [
        hd.sr.Measurement(
            name=Code(one.key, OWN, one.name[:MEANING]), value=round(one.value, DIGITS), unit=UNITS[one.unit]
        )
        for one in findings
        if one.value is not None
    ]
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=track(f"{made.card} frame {frame + 1}"),
        finding_type=codes.DCM.Finding,
        algorithm_id=_algorithm(made),
        measurements=measured or None,
        qualitative_evaluations=evaluated,
        source_images=[
            hd.sr.SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID, number_frame(image, frame))
        ],
    )


def _point(image: Dataset, made: Made, finding: Finding) -> Any:
    """Return the group of one named point."""
    import highdicom as hd

    frame = made.frame if finding.frame is None else finding.frame
    region = hd.sr.ImageRegion("POINT", np.array([finding.point]) + CORNER, refer_to_frame(image, frame))
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=track(finding.name),
        referenced_region=region,
        finding_type=Code(finding.key, OWN, finding.name[:MEANING]),
        algorithm_id=_algorithm(made),
    )


def _algorithm(made: Made) -> AlgorithmIdentification:
    import highdicom as hd

    return hd.sr.AlgorithmIdentification(
        name=f"OrthoLens {made.card}", version=made.version, family=codes.DCM.ArtificialIntelligence,
        manufacturer="OrthoLens",
    )  # fmt: skip
