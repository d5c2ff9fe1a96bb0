"""What every DICOM structured report of ours shares: TID 1500 "Measurement Report" about one image.

Written by highdicom (Bridge et al. 2022, doi 10.1007/s10278-022-00683-y). Coordinates in a report count from the outer
corner of the first pixel (DICOM PS3.3 C.18.6), ours from its centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import pydicom
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from models.errors import UnsupportedFormat
from models.io.derived import save_derived
from models.words import DISCLAIMER

if TYPE_CHECKING:
    from highdicom.sr import MeasurementReport, SourceImageForRegion, TrackingIdentifier

COMPREHENSIVE_SR = UID("1.2.840.10008.5.1.4.1.1.88.33")
CORNER = 0.5
"""From the outer corner of the first pixel, where DICOM counts from, to its centre, where we do."""
RADIOGRAPHY = Code("363680008", "SCT", "Radiographic imaging")
SERIES = 901
"""Number of the series that a report begins."""


def bind_sr(groups: Sequence[Any], remarks: Sequence[str], made_by: str) -> MeasurementReport:
    """Return the content of a report: groups of measurements, and what its reader must know, the disclaimer first.

    Parameters
    ----------
    made_by
        Model name of the device that observed.
    """
    import highdicom as hd

    device = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=generate_uid(), name="OrthoLens", manufacturer_name="OrthoLens", model_name=made_by
        ),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=device),
        procedure_reported=RADIOGRAPHY,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    for text in (DISCLAIMER, *remarks):
        content[0].ContentSequence.append(comment(text))
    return content


def encode_sr(image: Dataset, content: MeasurementReport, made_by: str, version: str, *, keep_identity: bool) -> bytes:
    """Return a report about an image as a file: complete, neither final nor verified."""
    import highdicom as hd

    written = hd.sr.ComprehensiveSR(
        evidence=[image],
        content=content,
        series_instance_uid=generate_uid(),
        series_number=SERIES,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="OrthoLens",
        is_complete=True,
        is_final=False,
        is_verified=False,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=DISCLAIMER[:64],
        manufacturer_model_name=made_by,
        software_versions=version,
    )
    return save_derived(written, keep_identity)


def open_sr(data: bytes, fix: str) -> MeasurementReport:
    """Return the content of a report.

    Raises
    ------
    UnsupportedFormat
        When it is no structured report; `fix` says what to open.
    """
    import highdicom as hd

    whole = pydicom.dcmread(BytesIO(data), force=True)
    if whole.get("SOPClassUID") != COMPREHENSIVE_SR:
        raise UnsupportedFormat("is no DICOM structured report", fix=fix)
    return cast(hd.sr.MeasurementReport, hd.sr.ComprehensiveSR.from_dataset(whole).content)


def refer_to_frame(image: Dataset, frame: int) -> SourceImageForRegion:
    """Return what says that coordinates are of a frame of an image, counted from 0."""
    import highdicom as hd

    return hd.sr.SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID, number_frame(image, frame))


def number_frame(image: Dataset, frame: int) -> list[int] | None:
    """Return the frame, counted from 1, where the image has several."""
    return [frame + 1] if int(image.get("NumberOfFrames") or 1) > 1 else None


def track(name: str) -> TrackingIdentifier:
    """Return what a group of measurements is known by."""
    import highdicom as hd

    return hd.sr.TrackingIdentifier(uid=generate_uid(), identifier=name)


def comment(text: str) -> Any:
    """Return a remark."""
    import highdicom as hd

    return hd.sr.TextContentItem(
        name=codes.DCM.Comment, value=text, relationship_type=hd.sr.RelationshipTypeValues.CONTAINS
    )
