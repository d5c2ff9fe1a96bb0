"""DICOM: from the bytes of one file to its pixels, with what the header says on how to show and measure them.

Everything in here runs in the worker (`models.io.worker`), the parser too, so neither an identifier nor a warning that
quotes one ever enters the process of the models; only what `Decoded` lists comes back. pydicom decodes, with Pillow
for JPEG, GDCM for its lossless and 12-bit kinds, CharLS for JPEG-LS and OpenJPEG for JPEG 2000.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part03.html (C.7.6.3, C.11.1)
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.datadict import dictionary_has_tag
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from models.errors import DamagedFile, NoPixels, UnsupportedFormat
from models.io.decoded import Decoded, Limits
from models.io.dicom_form import (
    NATIVE,
    count_frames,
    drop_later_meta_headers,
    find_functional_group,
    find_meta_end,
    mend_dicom_elements,
    read_dicom_numbers,
)
from models.io.dicom_header import describe_dicom_header
from models.io.dicom_stream import check_dicom_streams
from models.io.dicom_tables import apply_palette, read_modality_table
from models.io.dicom_tiles import is_tiled, put_tiles_together, read_tiled_extent
from models.words import later

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
DESCRIBED = ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel")
"""Without these no pixel can be read."""
PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # (7FE0,0010), little and big endian
UNDEFINED_LENGTH = 0xFFFFFFFF
COLOURS = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT"}
GREYS = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}
PREFERRED = {
    **dict.fromkeys((JPEGBaseline8Bit, JPEGExtended12Bit), "pillow"),
    **dict.fromkeys((JPEGLSLossless, JPEGLSNearLossless), "pyjpegls"),
    **dict.fromkeys(JPEG2000TransferSyntaxes, "pylibjpeg"),
}
"""The decoder that is asked alone, since GDCM, which pydicom would ask too, aborts on what is damaged."""
UNPACKED_AT_A_TIME = 16 << 20
COPY_AGAIN = later("Copy or export it again from its source.")


def decode_dicom(data: bytes, limits: Limits) -> Decoded:
    """Decode a DICOM file, with or without preamble and meta header; runs in the worker.

    Raises
    ------
    NoPixels
        A report, a plan, a directory…
    TooLarge
        Before decoding.
    UnsupportedFormat
        A transfer syntax, a depth or a kind of colour that no decoder here reads.
    DamagedFile
        Truncated, or pixels and header do not fit.
    """
    data = drop_later_meta_headers(data)
    _check_deflated(data, limits)
    dataset = parse_dicom(data)
    assumed = mend_dicom_elements(dataset)
    _check_present(dataset, limits)
    _check_encoding(dataset)
    limits.check(
        *read_tiled_extent(dataset),
        int(dataset.SamplesPerPixel) * int(dataset.BitsAllocated) / 8,
        3 if dataset.get("PhotometricInterpretation") == "PALETTE COLOR" else int(dataset.SamplesPerPixel),
    )
    check_dicom_streams(dataset)
    stored = put_tiles_together(dataset, _pixels(dataset))  # (T, H, W) or (T, H, W, 3)
    header = describe_dicom_header(dataset)
    of_frames = () if is_tiled(dataset) else header.frame_windows
    header = replace(header, frame_windows=of_frames, warnings=(*header.warnings, *assumed))
    inverted = stored.ndim == 3 and _inverted(dataset)
    if "ModalityLUTSequence" in dataset and stored.ndim == 3:
        table = read_modality_table(dataset)
        if table is None:
            raise DamagedFile(later("has a table of its values that cannot be read"), fix=COPY_AGAIN)
        return Decoded(table.of(stored), table.bits, header, inverted=inverted)
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return Decoded(stored, 8, header).slimmed()
    bits = int(dataset.get("BitsStored", 16)) if "PixelData" in dataset else stored.dtype.itemsize * 8
    padding = _padding(dataset, stored.dtype)
    return Decoded(stored, bits, header, _rescale(dataset, len(stored)), inverted, padding).slimmed()


def _check_deflated(data: bytes, limits: Limits) -> None:
    """Refuse a deflated dataset that is larger than all that may be decoded, before it is unpacked as a whole."""
    start = find_meta_end(data)
    if DeflatedExplicitVRLittleEndian.encode() not in data[:start]:
        return
    unpacker, size, packed = zlib.decompressobj(-zlib.MAX_WBITS), 0, data[start:]
    while packed and not unpacker.eof:
        size += len(unpacker.decompress(packed, UNPACKED_AT_A_TIME))
        packed = unpacker.unconsumed_tail
        limits.check(1, 1, 1, size)


def _inverted(dataset: Dataset) -> bool:
    """Whether low values are bright: a stated shape of presentation goes before the photometric interpretation."""
    shape = str(dataset.get("PresentationLUTShape") or "").strip().upper()
    if shape in ("IDENTITY", "INVERSE"):
        return shape == "INVERSE"
    return bool(dataset.get("PhotometricInterpretation") == "MONOCHROME1")


def parse_dicom(data: bytes) -> FileDataset:
    """Return the elements of a file, with or without preamble and meta header; runs in the worker.

    Raises
    ------
    DamagedFile, NoPixels
        When there are none, or only an index.
    """
    dataset = _elements(data)
    if dataset.file_meta.get("MediaStorageSOPClassUID") == "1.2.840.10008.1.3.10":
        raise NoPixels(later("is a DICOMDIR, an index without images"), fix=later("Open the files that lie beside it."))
    tags = list(dataset.keys())  # iterating would parse the values
    of_a_maker = bool(tags) and all(tag.is_private for tag in tags) and bool(dataset.file_meta)
    if not of_a_maker and not any(dictionary_has_tag(tag) for tag in tags):
        cut_off = any(tag in data for tag in PIXEL_TAGS)  # pydicom drops all it read when pixels of no length end early
        if cut_off:
            raise DamagedFile(later("is cut off within its compressed pixels"), fix=COPY_AGAIN)
        raise DamagedFile(later("begins like {kind}, but the rest is damaged", kind="DICOM"), fix=COPY_AGAIN)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _elements(data: bytes) -> FileDataset:
    """Read; where the pixels would be lost, an unknown value representation is not taken for a change to implicit."""
    dataset = pydicom.dcmread(BytesIO(data), force=True)
    if any(key in dataset for key in PIXELS) or not any(tag in data for tag in PIXEL_TAGS):
        return dataset
    pydicom.config.assume_implicit_vr_switch = False
    try:
        again = pydicom.dcmread(BytesIO(data), force=True)
    finally:
        pydicom.config.assume_implicit_vr_switch = True
    return again if any(key in again for key in PIXELS) else dataset


def _check_present(dataset: FileDataset, limits: Limits) -> None:
    found = next((key for key in PIXELS if key in dataset), None)
    if found:
        element = dataset.get_item(found)
        declared, present = getattr(element, "length", UNDEFINED_LENGTH), len(getattr(element, "value", None) or b"")
        if missing := [key for key in DESCRIBED if dataset.get(key) is None]:
            problem = later("lacks what describes its pixels: {missing}", missing=", ".join(missing))
            raise DamagedFile(problem, fix=COPY_AGAIN)
        if declared not in (UNDEFINED_LENGTH, present):
            limits.check(1, 1, 1, declared)
            said = {"present": present, "declared": declared}
            problem = later("is cut off: {present:,} of {declared:,} bytes of its pixels are there", **said)
            raise DamagedFile(problem, fix=COPY_AGAIN)
        return
    kind = UID(dataset.get("SOPClassUID", ""))
    if "Rows" in dataset or "Image Storage" in kind.name:
        raise NoPixels(later("is a DICOM image without its pixels: cut off, or stored without them"), fix=COPY_AGAIN)
    known = f" ({kind.name})" if kind.name != kind else ""
    problem = later("is a DICOM object without pixels{known}", known=known)
    raise NoPixels(problem, fix=later("Open one of the images that belong to it."))


def _check_encoding(dataset: FileDataset) -> None:
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        readable = get_decoder(syntax).is_available
    except NotImplementedError:  # not a syntax of pixel data that pydicom knows
        readable = False
    if not readable:
        name = syntax.name if syntax.name != syntax else later("an unknown transfer syntax")
        problem = later("holds pixels in an encoding that no decoder here reads: {name}", name=name)
        raise UnsupportedFormat(problem, fix=later("Export it uncompressed, or as JPEG 2000 or JPEG Lossless."))
    if int(dataset.BitsAllocated) not in (1, 8, 16, 32, 64):
        bits = int(dataset.BitsAllocated)
        problem = later("packs its pixels at {bits} bits, which no decoder here reads", bits=bits)
        raise UnsupportedFormat(problem, fix=later("Export it at 8 or 16 bits."))
    if dataset.get("PhotometricInterpretation", "MONOCHROME2") not in COLOURS | GREYS:
        raise UnsupportedFormat(later("stores its colours in a retired scheme"), fix=later("Export it as RGB."))


def _pixels(dataset: FileDataset) -> NDArray[Any]:
    """Return (T, H, W) or (T, H, W, 3), YBR and palettes as RGB."""
    shift = _shift(dataset)
    if dataset.file_meta.TransferSyntaxUID == JPEGExtended12Bit and int(dataset.BitsStored) > 8:
        pixels = _twelve_bit_jpeg(dataset)
    else:
        syntax = dataset.file_meta.TransferSyntaxUID
        if PREFERRED.get(syntax) in get_decoder(syntax).available_plugins:
            dataset.pixel_array_options(decoding_plugin=PREFERRED[syntax])
        pixels = dataset.pixel_array
    samples = [3] if int(dataset.SamplesPerPixel) == 3 else []
    pixels = pixels.reshape(-1, int(dataset.Rows), int(dataset.Columns), *samples)
    if shift:
        pixels = pixels >> shift
        dataset.BitsStored = int(dataset.BitsStored) - shift  # as the file has it
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        colours = apply_palette(pixels, dataset)
        if colours is not None:
            return colours
        segmented = apply_color_lut(pixels, dataset)[..., :3]
        return (segmented >> 8).astype(np.uint8) if segmented.dtype == np.uint16 else segmented
    return pixels


def _shift(dataset: Dataset) -> int:
    """Return by how many bits the pixels lie above the lowest; the decoder is told to keep all of those below.

    Raises
    ------
    UnsupportedFormat
        Where a compressed stream has a depth of its own, so that the header's cannot be true of it.
    """
    if "PixelData" not in dataset or int(dataset.BitsAllocated) == 1 or "HighBit" not in dataset:
        return 0
    stored, high = int(dataset.BitsStored), int(dataset.HighBit)
    shift = high + 1 - stored
    if shift == 0:
        return 0
    if shift < 0 or high >= int(dataset.BitsAllocated):
        problem = later("says that {stored} bits end at bit {high}, which cannot be", stored=stored, high=high)
        raise DamagedFile(problem, fix=COPY_AGAIN)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in (*NATIVE, RLELossless):
        problem = later("keeps its pixels in the upper bits of a compressed picture, where no decoder looks")
        raise UnsupportedFormat(problem, fix=later("Export it uncompressed."))
    dataset.BitsStored = high + 1
    return shift


def _twelve_bit_jpeg(dataset: FileDataset) -> NDArray[Any]:
    """Decode JPEG Extended at 12 bits with GDCM itself, since pydicom refuses to ask it (DICOM PS3.5 8.2.1)."""
    import gdcm

    frames = []
    for data in generate_frames(dataset.PixelData, number_of_frames=count_frames(dataset)):
        fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
        fragment.SetByteStringValue(data)
        fragments.AddFragment(fragment)
        element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
        element.SetValue(fragments.__ref__())
        image = gdcm.Image()
        image.SetNumberOfDimensions(2)
        image.SetDimensions((int(dataset.Columns), int(dataset.Rows), 1))
        image.SetDataElement(element)
        image.SetPhotometricInterpretation(
            gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.GetPIType(dataset.PhotometricInterpretation))
        )
        image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(JPEGExtended12Bit))))
        image.SetPixelFormat(gdcm.PixelFormat(int(dataset.SamplesPerPixel), 16, 12, 11, 0))
        pixels = image.GetBuffer()
        if pixels is None:
            raise DamagedFile(later("has pixels that its JPEG decoder cannot read"), fix=COPY_AGAIN)
        frames.append(np.frombuffer(pixels.encode("utf-8", "surrogateescape"), np.uint16))  # GDCM hands bytes as text
    return np.stack(frames)


def _rescale(dataset: Dataset, frames: int) -> NDArray[np.float32] | None:
    """Return (T, 2) slope and intercept, each frame's own where it has one."""
    rows = []
    for frame in range(frames):
        group = find_functional_group(dataset, "PixelValueTransformationSequence", frame) or dataset
        slope, intercept = read_dicom_numbers(group, "RescaleSlope"), read_dicom_numbers(group, "RescaleIntercept")
        rows.append((slope[0] if slope and slope[0] else 1.0, intercept[0] if intercept else 0.0))
    return None if set(rows) == {(1.0, 0.0)} else np.array(rows, np.float32)


def _padding(dataset: Dataset, kind: np.dtype[Any]) -> tuple[float, float] | None:
    """Return the range of stored values that are no image; its VR may be unsigned where the pixels are signed."""
    ends = [
        *read_dicom_numbers(dataset, "PixelPaddingValue")[:1],
        *read_dicom_numbers(dataset, "PixelPaddingRangeLimit")[:1],
    ]
    if not ends or kind.kind not in "iu":
        return None
    stored = np.array(ends, np.int64).astype(kind)
    return float(stored.min()), float(stored.max())
