"""One picture of a DICOM object as a plane by itself, so that what is written about it need not know its kind.

A frame of a sequence states where it lies, and how large its pixels are, in functional groups; a single image at its
root; a radiograph nowhere. Here each becomes a dataset of one frame that states it at the root, or not at all.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part03.html (C.7.6.16.2, C.7.6.1.1.1)
"""

from __future__ import annotations

import re
from copy import deepcopy

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from models.io.dicom_form import find_holder, read_dicom_numbers

PLACE = ("ImagePositionPatient", "ImageOrientationPatient")
MEASURES = ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices")
OF_SEVERAL = (
    "NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "DimensionOrganizationType", "DimensionOrganizationSequence", "DimensionIndexSequence", "ImageOrientationSlide",
    "TotalPixelMatrixOriginSequence", "TotalPixelMatrixRows", "TotalPixelMatrixColumns",
)  # fmt: skip
"""Attributes of an object of several frames that are not true of one of them."""
DIRECTIONS = re.compile(r"[APRLHF]{1,3}")


def take_one_plane(image: Dataset, frame: int) -> Dataset:
    """Return one frame of `image` (a copy without pixels) as an image of its own.

    It has a frame of reference only with all that says where it lies in it; a plane whose thickness is not stated is as
    thick as its pixels are high. What cannot be placed becomes a Secondary Capture, the one kind of image from which
    nothing of a place is asked; `refer_to_plane` puts the true kind back.
    """
    plane = deepcopy(image)
    found = {key: read_dicom_numbers(find_holder(image, key, frame), key) for key in (*PLACE, *MEASURES)}
    for keyword in (*OF_SEVERAL, *found):
        if keyword in plane:
            del plane[keyword]
    spacing = found["PixelSpacing"]
    if len(spacing) == 2 and min(spacing) > 0:
        plane.PixelSpacing = spacing
        for key in MEASURES[1:]:
            if found[key] and found[key][0] > 0:
                setattr(plane, key, found[key][0])
        if "SliceThickness" not in plane:  # readers of SEG ask for it beside the spacing
            plane.SliceThickness = found["SpacingBetweenSlices"][0] if "SpacingBetweenSlices" in plane else spacing[0]
    if "FrameOfReferenceUID" in image and "PixelSpacing" in plane and _lies(*(found[key] for key in PLACE)):
        plane.ImagePositionPatient, plane.ImageOrientationPatient = (found[key] for key in PLACE)
        if "NumberOfFrames" in image:
            plane.SOPClassUID = SecondaryCaptureImageStorage
        return plane
    for keyword in ("FrameOfReferenceUID", "PositionReferenceIndicator"):
        if keyword in plane:
            del plane[keyword]
    plane.SOPClassUID = SecondaryCaptureImageStorage
    return plane


def _lies(position: list[float], orientation: list[float]) -> bool:
    """Whether there is a point, and two directions at right angles."""
    if len(position) != 3 or len(orientation) != 6:
        return False
    along, down = np.array(orientation[:3]), np.array(orientation[3:])
    return bool(np.allclose([along @ along, down @ down], 1, atol=1e-2) and abs(along @ down) < 1e-2)


def refer_to_plane(image: Dataset, frame: int, written: Dataset) -> None:
    """Name the true kind of `image` wherever `written` refers to it, and the frame (from 0) where it has several."""
    several = int(image.get("NumberOfFrames") or 1) > 1
    for element in written.iterall():
        if element.VR == "SQ":
            for item in element.value:
                if item.get("ReferencedSOPInstanceUID") == image.SOPInstanceUID:
                    item.ReferencedSOPClassUID = image.SOPClassUID
                    if several and element.keyword == "SourceImageSequence":
                        item.ReferencedFrameNumber = frame + 1


def read_plane_orientation(image: Dataset) -> list[str] | None:
    """Return the directions of rows and columns as letters (C.7.6.1.1.1), None where they are not stated so."""
    words = image.get("PatientOrientation") or ()
    given = [str(word) for word in ([words] if isinstance(words, str) else words)]
    return given if len(given) == 2 and all(DIRECTIONS.fullmatch(word) for word in given) else None
