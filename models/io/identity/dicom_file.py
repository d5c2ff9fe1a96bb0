"""One DICOM file without identifiers: header, pixels, and a last look at every octet that is written.

Runs in the worker, like every other parser of DICOM.
"""

from __future__ import annotations

from io import BytesIO

from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from models.errors import InputError, UnsupportedFormat
from models.io.decoded import Limits
from models.io.dicom import PIXELS, PREFERRED, decode_dicom, parse_dicom
from models.io.dicom_form import drop_later_meta_headers, mend_dicom_elements
from models.io.dicom_tiles import is_tiled
from models.io.identity.burned_in import find_text
from models.io.identity.clean import Changes, clean_dataset, find_leaks
from models.io.identity.profile import Options
from models.io.identity.pseudonym import map_uid
from models.io.identity.result import LOOK, MASK, Deidentified

METHOD = "OrthoLens: PS3.15 Basic Profile"
CONTAINERS = {"EncapsulatedDocument": "a document inside (a PDF, say)", "WaveformSequence": "waveforms"}
"""What may hold a name where no rule reaches it."""
WITHOUT_TEXT = frozenset({"SEG"})
"""Modalities whose pixels are no picture."""


def deidentify_dicom(data: bytes, options: Options, limits: Limits) -> Deidentified:
    """Return a DICOM file without identifiers; runs in the worker.

    Raises
    ------
    InputError
        When it cannot be read, holds what cannot be cleaned, or text is burned into its pixels.
    """
    dataset = parse_dicom(drop_later_meta_headers(data))
    mend_dicom_elements(dataset)
    for keyword, what in CONTAINERS.items():
        if keyword in dataset:
            raise UnsupportedFormat(f"holds {what}, which cannot be cleaned", fix="Leave it out of what is handed on.")
    boxes = _look(dataset, data, options, limits)
    changes = clean_dataset(dataset, options)
    mark_deidentified(dataset, options, masked="PixelData" in dataset and bool(boxes))
    _write_meta(dataset)
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    _check_written(dataset, out.getvalue(), changes)
    return Deidentified(
        out.getvalue(), f"{dataset.SOPInstanceUID}.dcm", *_count(changes), sum(map(len, boxes.values()))
    )


def mark_deidentified(dataset: Dataset, options: Options, masked: bool = False) -> None:
    """Say in a dataset what was done (PS3.15 E.1.1, PS3.3 C.7.1.1 and C.12.1)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = [_code(*one) for one in options.list_codes(masked)]
    times = {"remove": "REMOVED", "shift": "MODIFIED", "keep": "UNMODIFIED"}
    dataset.LongitudinalTemporalInformationModified = times[options.dates]
    if masked:
        dataset.BurnedInAnnotation = "NO"


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _look(dataset: FileDataset, data: bytes, options: Options, limits: Limits) -> dict[int, list[list[int]]]:
    """Return where text is burned into which frames, once it is masked; refuse the file where it may not stay."""
    if dataset.get("Modality") in WITHOUT_TEXT or not any(key in dataset for key in PIXELS):
        return {}
    if is_tiled(dataset):
        raise UnsupportedFormat("is a whole slide, whose label and tiles are not looked at", fix=LOOK)
    image = decode_dicom(data, limits).image("", "")
    found = {frame: find_text(image.grey(frame)).tolist() for frame in range(image.frames)}
    boxes = {frame: rows for frame, rows in found.items() if rows}
    if not boxes:
        if dataset.get("BurnedInAnnotation") == "YES":
            raise InputError("says that text is burned into its picture, and none was found to mask", fix=LOOK)
        return {}
    if options.text == "refuse":
        raise InputError("has text burned into its picture", fix=MASK)
    _mask(dataset, boxes)
    return boxes


def _mask(dataset: FileDataset, boxes: dict[int, list[list[int]]]) -> None:
    """Fill boxes of frames with their darkest value, and leave the pixels uncompressed."""
    if dataset.BitsAllocated == 1:
        raise UnsupportedFormat("has text burned into pixels of one bit", fix=LOOK)
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if syntax.is_compressed:
        dataset.decompress(decoding_plugin=PREFERRED.get(syntax, ""), generate_instance_uid=False)
    stored = dataset.pixel_array.copy()
    frames = stored if int(dataset.get("NumberOfFrames") or 1) > 1 else stored[None]
    for frame, rows in boxes.items():
        for top, left, bottom, right in rows:
            frames[frame, top:bottom, left:right] = frames[frame].min()
    octets = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    dataset.PixelData = octets + b"\0" * (len(octets) % 2)
    dataset["PixelData"].VR = "OB" if stored.dtype.itemsize == 1 else "OW"
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _write_meta(dataset: FileDataset) -> None:
    """Give the file a meta header of its own: the old one may name the machine that sent it."""
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.file_meta = type(dataset.file_meta)()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.preamble = b"\0" * 128
    if "SOPInstanceUID" not in dataset:
        dataset.SOPInstanceUID = map_uid("nameless")
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _check_written(dataset: Dataset, written: bytes, changes: Changes) -> None:
    """Refuse what still holds anything that the file said of people, outside its pixels."""
    pixels = bytes(dataset.get("PixelData") or b"")
    header = written.replace(pixels, b"") if len(pixels) > 16 else written
    texts = (header.decode(encoding, "ignore") for encoding in ("latin-1", "utf-8", "utf-16-le"))
    if any(find_leaks(text, changes.said) for text in texts):
        raise InputError("names a person where no rule reaches it", fix="Leave it out, and please report this.")


def _count(changes: Changes) -> tuple[dict[str, tuple[str, ...]], int]:
    kinds = ("removed", "emptied", "replaced", "mapped", "moved")
    return {kind: tuple(getattr(changes, kind)) for kind in kinds}, changes.private
