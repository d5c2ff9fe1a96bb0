"""DICOM Segmentation (SEG): classes that file beside the image they were made from, and SEGs read as reference.

Written by highdicom (Bridge et al. 2022, doi 10.1007/s10278-022-00683-y) after DICOM PS3.3 A.51 and C.8.20. Both
directions run in the worker, like every other parser of DICOM. What it keeps of the patient: `derived`.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, generate_uid

from models.cards import Card, Label
from models.drawing.paint import find_class_colours
from models.errors import InputError, NoPixels, UnsupportedFormat
from models.io.derived import name_weights_version, read_source, save_derived
from models.io.identity.pseudonym import map_uid
from models.io.plane import read_plane_orientation, refer_to_plane, take_one_plane
from models.io.pool import call_in_worker
from models.types import Segmentation
from models.words import DISCLAIMER

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from pydicom.sr.coding import Code

SEG = UID("1.2.840.10008.5.1.4.1.1.66.4")
LABEL_MAP_SEG = UID("1.2.840.10008.5.1.4.1.1.66.7")
FIRST = "background"
"""What label 0 of a SEG is called: a SEG has no segment for it."""

SAVE_PNG = "Save the label map as PNG instead."


def check_seg_source(source: bytes) -> None:
    """Raise `UnsupportedFormat` where a DICOM file lacks what a SEG must refer to."""
    call_in_worker(_check, source)


def write_seg(source: bytes, segmentation: Segmentation, card: Card, *, keep_identity: bool = False) -> bytes:
    """Write classes as a DICOM Segmentation of the file they were made from.

    Parameters
    ----------
    source
        The DICOM file, of the very image that was segmented.
    keep_identity
        Whether the patient's identity is copied, so that the SEG files into the study.

    Returns
    -------
    bytes
        A DICOM file with one binary segment for each class that occurs, in the source's own pixel grid and frame of
        reference.

    Raises
    ------
    InputError
        When the source is no DICOM image of that size, or lacks what a SEG must refer to.
    """
    return call_in_worker(_write, source, segmentation, card, keep_identity)


def read_seg(data: bytes, source: bytes | None = None, frame: int = 0) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Read the segments that belong to one image.

    Parameters
    ----------
    data
        A DICOM Segmentation of any kind; of a fractional one, half and more counts.
    source
        The DICOM file of the image; needed only where the SEG covers several.
    frame
        Frame of `source`.

    Returns
    -------
    mask
        (H, W) index into `labels`; where segments overlap, the later one.
    labels
        "background" and the label of each segment, in the order of their numbers.

    Raises
    ------
    InputError
        When it is no SEG, or says nothing about that image.
    """
    return call_in_worker(_read, data, source, frame)


def _write(source: bytes, segmentation: Segmentation, card: Card, keep_identity: bool) -> bytes:
    import highdicom as hd

    image = read_source(source, keep_identity, "SEG", SAVE_PNG)
    if segmentation.mask.shape != (image.Rows, image.Columns):
        raise InputError("is not the image that was segmented: another size", fix="Segment this file first.")
    present = [index for index in range(1, len(card.labels)) if (segmentation.mask == index).any()]
    order = np.zeros(len(card.labels), np.uint8)
    order[present] = np.arange(1, len(present) + 1)  # segments are numbered from 1 without a gap
    if not present:
        raise InputError("has no class but background, and a SEG needs a segment", fix=SAVE_PNG)
    mask = order[segmentation.mask]
    by_hand = bool(getattr(segmentation, "corrections", ()))
    written = hd.seg.Segmentation(
        source_images=[take_one_plane(image, segmentation.frame)],
        pixel_array=mask,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _described(number, card.labels[index], card, by_hand) for number, index in enumerate(present, 1)
        ],
        series_instance_uid=generate_uid(),
        series_number=900,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="OrthoLens",
        manufacturer_model_name=card.id,
        software_versions=name_weights_version(card),
        device_serial_number="0",
        content_label="TISSUE",
        content_description=_sentence(card, by_hand),
        series_description=DISCLAIMER[:64],
    )
    refer_to_plane(image, segmentation.frame, written)
    if "FrameOfReferenceUID" not in written:
        written.PatientOrientation = read_plane_orientation(image)
    return save_derived(written, keep_identity)


def _check(source: bytes) -> None:
    read_source(source, keep_identity=False, what="SEG", fix=SAVE_PNG)


def _described(number: int, label: Label, card: Card, by_hand: bool) -> SegmentDescription:
    """Return what one segment is, in codes, and what found it."""
    import highdicom as hd

    category, kind = _coded(label)
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label.key,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="SEMIAUTOMATIC" if by_hand else "AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=f"OrthoLens {card.id}",
            family=codes.DCM.ArtificialIntelligence,
            version=name_weights_version(card),
            source="OrthoLens",
        ),
        tracking_uid=generate_uid(),
        tracking_id=f"{card.id} {label.key}",
        display_color=hd.color.CIELabColor.from_rgb(
            *bytes.fromhex(find_class_colours(card)[card.index(label.key)][1:])
        ),
    )


def _coded(label: Label) -> tuple[Code, Code]:
    """Return category and type of a class in SNOMED CT: the nearest term of the standard's own dictionary."""
    for word, category, kind in (
        ("component", codes.SCT.PhysicalObject, codes.SCT.Prosthesis),
        ("implant", codes.SCT.PhysicalObject, codes.SCT.Implant),
        ("nucle", codes.SCT.AnatomicalStructure, codes.SCT.Nucleus),
        ("cartilage", codes.SCT.Tissue, codes.SCT.Cartilage),
        ("growth-plate", codes.SCT.Tissue, codes.SCT.Cartilage),
        ("marrow", codes.SCT.Tissue, codes.SCT.BoneMarrow),
        ("meniscus", codes.SCT.AnatomicalStructure, codes.SCT.Meniscus),
        ("bone", codes.SCT.AnatomicalStructure, codes.SCT.Bone),
    ):
        if word in label.key:
            return category, kind
    return codes.SCT.Tissue, codes.SCT.Tissue


def _sentence(card: Card, by_hand: bool) -> str:
    simulated = ", trained on simulated images" if card.data.simulated else ""
    corrected = ", corrected by hand" if by_hand else ""
    return f"{card.id}{simulated}{corrected}"[:64]


def _read(data: bytes, source: bytes | None, frame: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    seg = pydicom.dcmread(BytesIO(data), force=True)
    if seg.get("SOPClassUID") not in (SEG, LABEL_MAP_SEG):
        raise UnsupportedFormat("is no DICOM Segmentation", fix="Open a SEG object, or a label map as PNG.")
    numbers = [int(segment.SegmentNumber) for segment in seg.SegmentSequence]
    named = sorted((n, str(s.SegmentLabel)) for n, s in zip(numbers, seg.SegmentSequence, strict=True) if n)
    place = {number: index for index, (number, _) in enumerate(named, 1)}
    frames = seg.pixel_array.reshape(-1, int(seg.Rows), int(seg.Columns))
    wanted = _belonging(seg, source, frame)
    mask = np.zeros(frames.shape[1:], np.uint8)
    for index in wanted:
        if seg.SOPClassUID == LABEL_MAP_SEG:
            for number in place:
                mask[frames[index] == number] = place[number]
        else:
            half = int(seg.get("MaximumFractionalValue", 1)) / 2
            mask[frames[index] > half if half == 0.5 else frames[index] >= half] = place[_segment(seg, index)]
    return mask, (FIRST, *(label for _, label in named))


def _belonging(seg: Dataset, source: bytes | None, frame: int) -> list[int]:
    """Return the frames of a SEG that belong to one frame of a source."""
    referred = [_referred(seg, index) for index in range(int(seg.get("NumberOfFrames") or 1))]
    images = {one for one in referred if one}
    if len(images) <= 1:
        return list(range(len(referred)))
    if source is None:
        raise NoPixels(f"has segments of {len(images)} images", fix="Export the segments of this image alone.")
    instance = pydicom.dcmread(BytesIO(source), force=True, stop_before_pixels=True).get("SOPInstanceUID")
    names = {str(instance), map_uid(str(instance))}  # a SEG without identity refers to the image without identity
    found = [i for i, one in enumerate(referred) if one and one[0] in names and one[1] in (None, frame + 1)]
    if not found:
        raise NoPixels("has no segment of this image", fix="Choose the SEG that was made for it.")
    return found


def _referred(seg: Dataset, index: int) -> tuple[str, int | None] | None:
    """Return the source that one frame of a SEG was derived from: its instance, and its frame counted from 1."""
    for derivation in _group(seg, index, "DerivationImageSequence"):
        for image in derivation.get("SourceImageSequence", ()):
            number = image.get("ReferencedFrameNumber")
            return str(image.ReferencedSOPInstanceUID), None if number is None else int(np.atleast_1d(number)[0])
    return None


def _segment(seg: Dataset, index: int) -> int:
    return int(_group(seg, index, "SegmentIdentificationSequence")[0].ReferencedSegmentNumber)


def _group(seg: Dataset, index: int, keyword: str) -> Any:
    """Return a functional group of one frame, or the one that all frames share."""
    shared = seg.get("SharedFunctionalGroupsSequence") or [Dataset()]
    each = seg.get("PerFrameFunctionalGroupsSequence")
    return (each[index].get(keyword) if each else None) or shared[0].get(keyword) or ()
