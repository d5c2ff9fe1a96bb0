"""Slices of one DICOM series: found among files by their headers, put in order, read as one image.

A header is parsed in the worker, as all of a file is. Views that share a series, such as two radiographs of one
examination, stay apart: only what lies behind one another, or follows in time, is a series here.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part03.html (C.7.6.2, C.7.3.1)
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np

from models.errors import DamagedFile, InputError, TooLarge
from models.io.decoded import Decoded, Limits
from models.io.pool import call_in_worker
from models.settings import settings
from models.types import Image
from models.words import later

HEAD_BYTES = 256 << 10
"""Of a file, in which its header is sought."""
SINGLE = frozenset({"CR", "DX", "MG", "IO", "PX", "SM", "XC", "GM", "ES", "OP", "RG"})
"""Modalities whose pictures stand alone, also where they share a series."""
TAGS = (
    "SeriesInstanceUID", "Modality", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PhotometricInterpretation",
    "NumberOfFrames", "ImageOrientationPatient", "ImagePositionPatient", "InstanceNumber", "EchoNumbers",
)  # fmt: skip
DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass(frozen=True)
class Slice:
    """What a header says of where a picture belongs; no identifier leaves the worker.

    Attributes
    ----------
    series
        A hash: equal for pictures that can lie in one stack; None for one that stands alone.
    place
        In mm along the stack's normal; None where the header does not say.
    number
        Of the picture in its series, as its machine counted.
    directory
        Whether it is a DICOMDIR, an index.
    whole
        Whether the header was there up to the picture's size.
    """

    series: str | None = None
    place: float | None = None
    number: int | None = None
    directory: bool = False
    whole: bool = False


def read_slice_headers(files: Sequence[bytes]) -> list[Slice]:
    """Return what the headers of DICOM files say, in their order; of one that cannot be parsed, nothing."""
    found = _asked([data[:HEAD_BYTES] for data in files])
    for index, one in enumerate(found):
        if not one.whole and len(files[index]) > HEAD_BYTES:  # something large stands before
            (found[index],) = _asked([files[index]])
    return found


def parse_slices(heads: Sequence[bytes]) -> list[Slice]:
    """Parse the beginnings of DICOM files; runs in the worker."""
    return [_parsed(head) for head in heads]


def _asked(heads: Sequence[bytes]) -> list[Slice]:
    try:
        return call_in_worker(parse_slices, heads)
    except InputError:
        return [Slice()] * len(heads)  # each says what is wrong when it is read


def sort_into_stacks(found: Sequence[Slice]) -> list[list[int]]:
    """Return the places of the files of each stack, in the order of the slices; a file alone is a stack of one.

    Stacks come in the order of their first files.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(found):
        groups[one.series or f"alone {index}"].append(index)
    return [_ordered(places, found) for places in groups.values()]


def read_series(members: Sequence[bytes], name: str) -> Image:
    """Read slices, in their order, as one image whose frames they are.

    Returns
    -------
    Image
        (T, H, W) pixels over one grey range; a slice that cannot be read is left out, and a warning says so.

    Raises
    ------
    InputError
        As `models.read`; of the first slice where none can be read.
    """
    from models.io import dicom

    limit = settings()
    limits = Limits(limit.max_side_px, limit.max_decoded_mb, limit.max_frames)
    decoded: list[Decoded] = []
    problem: InputError | None = None
    for data in members:
        try:
            one = call_in_worker(dicom.decode_dicom, data, limits)
            if not decoded:
                rows, columns = one.stored.shape[1:3]
                limits.check(rows, columns, len(members), one.stored.nbytes / (rows * columns))
            if not decoded or _fits(one, decoded[0]):
                decoded.append(one)
        except InputError as error:
            problem = problem or error
            if isinstance(error, TooLarge):
                break
    if not decoded or isinstance(problem, TooLarge):
        reason = problem or DamagedFile(later("has no slices"), fix=later("Copy it again from its source."))
        reason.file = name
        raise reason
    image = _stacked(decoded).image(name, name_series(members))
    image = replace(image, first_frame=image.frames // 2)
    missing = len(members) - len(decoded)
    if missing:
        said = later("{missing} of {n} slices cannot be read and are missing.", missing=missing, n=len(members))
        image = replace(image, warnings=(*image.warnings, said))
    return image


def name_series(members: Sequence[bytes]) -> str:
    """Return the SHA-256 that names a series: of its members', in their order."""
    return hashlib.sha256("".join(hashlib.sha256(data).hexdigest() for data in members).encode()).hexdigest()


def _parsed(head: bytes) -> Slice:
    import pydicom

    try:
        dataset = pydicom.dcmread(BytesIO(head), force=True, stop_before_pixels=True, specific_tags=list(TAGS))
        if dataset.file_meta.get("MediaStorageSOPClassUID") == DIRECTORY:
            return Slice(directory=True, whole=True)
        frames = int(dataset.get("NumberOfFrames") or 1)
        modality, series = str(dataset.get("Modality", "")), dataset.get("SeriesInstanceUID")
        number = dataset.get("InstanceNumber")
        if not series or frames != 1 or modality in SINGLE or "Rows" not in dataset:
            return Slice(number=_number(number), whole="Rows" in dataset)
        turned = [float(value) for value in dataset.get("ImageOrientationPatient") or ()]
        at = [float(value) for value in dataset.get("ImagePositionPatient") or ()]
        shape = [str(dataset.get(tag, "")) for tag in (*TAGS[2:7], "EchoNumbers")]
        told = "|".join([str(series), *shape, *(f"{value:.2f}" for value in turned)])
        place = float(np.cross(turned[:3], turned[3:]) @ at) if len(turned) == 6 and len(at) == 3 else None
        return Slice(hashlib.sha256(told.encode()).hexdigest(), place, _number(number), whole=True)
    except Exception:  # noqa: BLE001 (hostile input makes a parser raise anything; it says so again when it is read)
        return Slice()


def _number(number: object) -> int | None:
    try:
        return int(str(number))
    except ValueError:
        return None


def _ordered(places: list[int], found: Sequence[Slice]) -> list[int]:
    def key(index: int) -> tuple[float, int, int]:
        one = found[index]
        number = one.number if one.number is not None else 0
        return (one.place or 0.0) if placed else 0.0, number, index

    placed = all(found[index].place is not None for index in places)
    return sorted(places, key=key)


def _fits(one: Decoded, first: Decoded) -> bool:
    return one.stored.shape == first.stored.shape and one.inverted == first.inverted


def _stacked(decoded: Sequence[Decoded]) -> Decoded:
    """Return slices as one: over one grey range, each in its own window where they differ."""
    first = decoded[0]
    stored = np.concatenate([one.stored for one in decoded])
    plain = np.array([[1.0, 0.0]], np.float32)
    scales = [plain if one.rescale is None else one.rescale for one in decoded]
    rescale = None if all(one.rescale is None for one in decoded) else np.concatenate(scales)
    windows = tuple(one.header.windows[0] for one in decoded if one.header.windows)
    differ = len(windows) == len(decoded) and len({(one.low, one.high) for one in windows}) > 1
    header = replace(
        first.header,
        frame_windows=windows if differ else (),
        warnings=tuple(dict.fromkeys(said for one in decoded for said in one.header.warnings)),
    )
    bits = max(one.bits for one in decoded)
    return replace(first, stored=stored, bits=bits, header=header, rescale=rescale)
