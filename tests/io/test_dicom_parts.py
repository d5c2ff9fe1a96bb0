"""What a DICOM header says of its pixels, without a file: depth, sign, inversion, scales, padding, what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGLosslessSV1, RLELossless

from models.errors import DamagedFile, NoPixels, TooLarge, UnsupportedFormat
from models.io import dicom
from models.io.decoded import Limits

LIMITS = Limits(side_px=1024, decoded_mb=1, frames=4)


def of(syntax: UID = ExplicitVRLittleEndian, **attributes: object) -> FileDataset:
    dataset = FileDataset("", {}, file_meta=FileMetaDataset())
    dataset.file_meta.TransferSyntaxUID = syntax
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


PIXELS = {"Rows": 2, "Columns": 2, "BitsAllocated": 16, "SamplesPerPixel": 1, "PixelData": b"\0" * 8}


@pytest.mark.parametrize(
    ("stored", "high", "shift"), [(12, 11, 0), (12, 15, 4), (12, 12, 1), (16, 15, 0), (8, 15, 8), (1, 15, 15)]
)
def test_pixels_in_the_upper_bits_are_shifted_down(stored: int, high: int, shift: int) -> None:
    dataset = of(**PIXELS, BitsStored=stored, HighBit=high)
    assert dicom._shift(dataset) == shift
    assert dataset.BitsStored == stored + shift  # the decoder keeps the bits below


@pytest.mark.parametrize(
    ("more", "says"),
    [({"BitsStored": 12, "HighBit": 10}, "12 bits end at bit 10"), ({"BitsStored": 12, "HighBit": 16}, "at bit 16")],
)
def test_a_high_bit_that_cannot_be_is_damage(more: dict, says: str) -> None:
    with pytest.raises(DamagedFile, match=says):
        dicom._shift(of(**PIXELS, **more))


def test_where_nothing_is_shifted() -> None:
    assert dicom._shift(of(**PIXELS, BitsStored=12)) == 0
    assert dicom._shift(of(**{**PIXELS, "BitsAllocated": 1}, BitsStored=1, HighBit=7)) == 0
    without = {key: value for key, value in PIXELS.items() if key != "PixelData"}
    assert dicom._shift(of(**without, BitsStored=12, HighBit=15)) == 0
    assert dicom._shift(of(RLELossless, **PIXELS, BitsStored=12, HighBit=15)) == 4
    with pytest.raises(UnsupportedFormat, match="upper bits of a compressed picture"):
        dicom._shift(of(JPEGLosslessSV1, **PIXELS, BitsStored=12, HighBit=15))
    assert dicom._shift(of(JPEGLosslessSV1, **PIXELS, BitsStored=12, HighBit=11)) == 0


@pytest.mark.parametrize(
    ("shape", "photometric", "inverted"),
    [(None, "MONOCHROME1", True), (None, "MONOCHROME2", False), ("IDENTITY", "MONOCHROME1", False),
     ("INVERSE", "MONOCHROME2", True), ("IDENTITY", "MONOCHROME2", False), ("INVERSE", "MONOCHROME1", True),
     ("", "MONOCHROME1", True), ("OTHER", "MONOCHROME1", True)],
)  # fmt: skip
def test_a_stated_shape_of_presentation_goes_first(shape: str | None, photometric: str, inverted: bool) -> None:
    dataset = of(PhotometricInterpretation=photometric)
    if shape is not None:
        dataset.PresentationLUTShape = shape
    assert dicom._inverted(dataset) is inverted


def group(slope: float | None, intercept: float | None) -> Dataset:
    item = Dataset()
    if slope is not None:
        item.RescaleSlope = slope
    if intercept is not None:
        item.RescaleIntercept = intercept
    own = Dataset()
    own.PixelValueTransformationSequence = Sequence([item])
    return own


def test_slope_and_intercept_are_each_frames_own() -> None:
    assert dicom._rescale(of(), 2) is None
    assert dicom._rescale(of(RescaleSlope=1, RescaleIntercept=0), 2) is None
    scaled = dicom._rescale(of(RescaleSlope=2, RescaleIntercept=-5), 2)
    assert scaled is not None
    assert scaled.tolist() == [[2, -5], [2, -5]]
    assert dicom._rescale(of(RescaleSlope=0, RescaleIntercept=3), 1).tolist() == [[1, 3]]  # type: ignore[union-attr]
    assert dicom._rescale(of(RescaleSlope=4), 1).tolist() == [[4, 0]]  # type: ignore[union-attr]
    groups = Sequence([group(2, 3), group(None, 4), Dataset()])
    own = dicom._rescale(of(RescaleSlope=7, PerFrameFunctionalGroupsSequence=groups), 3)
    assert own is not None
    assert own.tolist() == [[2, 3], [1, 4], [7, 0]]
    assert own.dtype == np.float32


@pytest.mark.parametrize(
    ("value", "limit", "kind", "padding"),
    [(None, None, np.uint16, None), (5, None, np.uint16, (5, 5)), (5, 9, np.uint16, (5, 9)), (9, 5, np.uint16, (5, 9)),
     (65535, None, np.int16, (-1, -1)), (63536, None, np.int16, (-2000, -2000)), (5, None, np.float32, None),
     (None, 9, np.uint16, (9, 9))],
)  # fmt: skip
def test_padding_is_a_range_in_the_pixels_own_sign(
    value: int | None, limit: int | None, kind: type, padding: tuple | None
) -> None:
    dataset = of()
    if value is not None:
        dataset.add_new("PixelPaddingValue", "US", value)
    if limit is not None:
        dataset.add_new("PixelPaddingRangeLimit", "US", limit)
    assert dicom._padding(dataset, np.dtype(kind)) == padding


@pytest.mark.parametrize("bits", [1, 8, 16, 32, 64])
def test_every_usual_depth_is_taken_and_no_other(bits: int) -> None:
    dicom._check_encoding(of(BitsAllocated=bits))
    with pytest.raises(UnsupportedFormat, match=f"packs its pixels at {bits + 3} bits"):
        dicom._check_encoding(of(BitsAllocated=bits + 3))


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (of(UID("1.2.840.10008.1.2.4.100"), BitsAllocated=8), "MPEG2"),
        (of(UID("1.2.3"), BitsAllocated=8), "an unknown transfer syntax"),
        (of(BitsAllocated=8, PhotometricInterpretation="ARGB"), "retired scheme"),
    ],
)
def test_what_no_decoder_reads_is_named(dataset: FileDataset, says: str) -> None:
    with pytest.raises(UnsupportedFormat, match=says):
        dicom._check_encoding(dataset)


@pytest.mark.parametrize(
    ("attributes", "error", "says"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, NoPixels, r"without pixels \(Basic Text SR Storage\)"),
        ({"SOPClassUID": "1.2.3"}, NoPixels, "is a DICOM object without pixels$"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, NoPixels, "image without its pixels"),
        ({"Rows": 4}, NoPixels, "image without its pixels"),
        ({**PIXELS, "Columns": None, "BitsAllocated": None}, DamagedFile, "its pixels: Columns, BitsAllocated$"),
    ],
)
def test_what_is_missing_is_said(attributes: dict, error: type, says: str) -> None:
    with pytest.raises(error) as refused:
        dicom._check_present(of(**attributes), LIMITS)
    assert re.search(says, str(refused.value.problem))


def test_pixels_that_are_all_there_are_not_damage() -> None:
    dicom._check_present(of(**PIXELS), LIMITS)
    for declared, error, says in ((9, DamagedFile, "8 of 9 bytes"), (2 << 20, TooLarge, "declares 2 MB")):
        dataset = of(**{key: value for key, value in PIXELS.items() if key != "PixelData"})
        tag = Tag("PixelData")
        dataset[tag] = RawDataElement(tag, "OW", declared, b"\0" * 8, 0, False, True)
        with pytest.raises(error, match=says):
            dicom._check_present(dataset, LIMITS)
