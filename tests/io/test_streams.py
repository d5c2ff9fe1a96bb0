"""What stands in the first bytes of a stream or a file, byte by byte."""

from __future__ import annotations

import struct

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from models.io.dicom_form import (
    META,
    _mend_frames,
    _number,
    _representation,
    count_frames,
    drop_later_meta_headers,
    find_functional_group,
    find_holder,
    find_meta_end,
    find_sequence_item,
    list_malformed_numbers,
    read_dicom_numbers,
    read_positive_dicom_number,
)
from models.io.dicom_stream import read_stated_size


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def frame(rows: int, columns: int, depth: int = 8) -> bytes:
    return struct.pack(">BHHB", depth, rows, columns, 1) + b"\1\x11\0"


START = b"\xff\xd8"
TABLE = segment(0xC4, frame(7, 9))  # a Huffman table whose bytes would make a size


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        (START + segment(0xC0, frame(300, 500)), (300, 500)),
        (START + segment(0xE0, b"JFIF\0" + bytes(9)) + TABLE + segment(0xC3, frame(70_000 % 65536, 2)), (4464, 2)),
        (START + segment(0xC8, frame(7, 9)) + segment(0xCC, frame(7, 9)) + segment(0xCF, frame(1, 65535)), (1, 65535)),
        (START + b"\xff\xff\xff" + segment(0xC1, frame(256, 255)), (256, 255)),  # fill bytes before a marker
        (START + segment(0xF7, frame(3, 4)), (3, 4)),  # JPEG-LS
        (START + segment(0xBF, frame(7, 9)) + segment(0xD0, frame(7, 9)) + segment(0xC2, frame(3, 4)), (3, 4)),
        (START + segment(0xDA, b"\1\1\0\0\x3f\0") + segment(0xC0, frame(3, 4)), None),  # the scan came first
        (START + segment(0xC0, frame(0, 4)), None),  # its rows are stated after the scan
        (START + segment(0xC0, frame(3, 4))[:9], (3, 4)),
        (START + segment(0xC0, frame(3, 4))[:8], None),
        (b"\xff\xd9" + segment(0xC0, frame(3, 4)), None),
        (START + b"\0" + segment(0xC0, frame(3, 4)), None),
        (b"", None),
    ],
)
def test_the_size_that_a_jpeg_states(stream: bytes, size: tuple[int, int] | None) -> None:
    assert read_stated_size(stream) == size


@pytest.mark.parametrize("before", [0, 85, 508])
def test_the_size_that_a_jpeg_2000_states_is_that_of_its_grid_less_its_origin(before: int) -> None:
    # SIZ: length, capabilities, then right, down, left and top of the picture on the reference grid
    stream = b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 41, 0, 520, 310, 20, 10) + bytes(30)
    assert read_stated_size(b"\0" * before + stream) == (300, 500)
    assert read_stated_size(b"\0" * 509 + stream) is None  # so far in, it is something else's


def meta(body: bytes) -> bytes:
    return META + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("start", [b"\0" * 128 + b"DICM", b"DICM", b""])
@pytest.mark.parametrize("more", [0, 1, 2])
def test_of_several_meta_headers_the_first_counts(start: bytes, more: int) -> None:
    first, rest = meta(b"first header."), b"\x08\0\x05\0CS\x0a\0ISO_IR 100"
    data = start + first + meta(b"second") * more + rest
    assert find_meta_end(data) == len(start) + 12 + 13
    assert drop_later_meta_headers(data) == start + first + rest
    assert find_meta_end(start + rest) == 0
    assert drop_later_meta_headers(start + rest) == start + rest


@pytest.mark.parametrize(
    ("word", "value"),
    [(" 1.5\0", 1.5), ("1,5", 1.5), ("-1e3", -1000), ("1,5.2", None), ("1,2,3", None), ("1_0", None), ("inf", None),
     ("nan", None), ("", None), ("five", None), ("0", 0)],
)  # fmt: skip
def test_a_number_as_a_header_writes_it(word: str, value: float | None) -> None:
    assert _number(word) == value


def group(**attributes: object) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def test_a_frames_own_group_goes_before_the_shared_and_that_before_the_object() -> None:
    image = group(SliceThickness=9, Rows=4)
    assert find_sequence_item(image, "PerFrameFunctionalGroupsSequence") == Dataset()
    shared = group(PixelMeasuresSequence=Sequence([group(SliceThickness=3, SpacingBetweenSlices=5)]))
    own = [group(PixelMeasuresSequence=Sequence([group(SliceThickness=n)])) for n in (1, 2)]
    image.SharedFunctionalGroupsSequence = Sequence([shared])
    image.PerFrameFunctionalGroupsSequence = Sequence([*own, group(FrameContentSequence=Sequence([]))])

    def thickness(frame: int) -> float:
        return float(find_holder(image, "SliceThickness", frame).SliceThickness)

    assert [thickness(frame) for frame in (0, 1, 2, 3)] == [1, 2, 3, 3]
    assert [find_functional_group(image, "PixelMeasuresSequence", n).SliceThickness for n in (0, 1, 2)] == [1, 2, 3]
    assert find_functional_group(image, "PixelMeasuresSequence").SliceThickness == 1
    assert find_holder(image, "SpacingBetweenSlices", 1).SpacingBetweenSlices == 5
    assert find_holder(image, "Rows", 1) is image
    assert find_holder(image, "Columns", 1) == Dataset()
    bare = group(SliceThickness=9)
    assert find_holder(bare, "SliceThickness", 3).SliceThickness == 9


def test_numbers_are_all_or_none_and_a_positive_one_is_the_first_over_zero() -> None:
    image = group(PixelSpacing=[0.5, 0.25], SliceThickness=None, Exposure="7")
    assert read_dicom_numbers(image, "PixelSpacing") == [0.5, 0.25]
    assert read_dicom_numbers(image, "SliceThickness") == read_dicom_numbers(image, "KVP") == []
    assert read_dicom_numbers(image, "Exposure") == [7]
    assert read_positive_dicom_number(image, "PixelSpacing") == 0.5
    assert read_positive_dicom_number(group(ImagePositionPatient=[0, -2, 3]), "ImagePositionPatient") == 3
    assert read_positive_dicom_number(group(ImagePositionPatient=[0, -2, -3]), "ImagePositionPatient") is None


@pytest.mark.parametrize(
    ("keyword", "stated", "value", "read_as"),
    [
        ("PixelSpacing", "DS", b"1\\2", "DS"),
        ("PixelSpacing", "LO", b"1\\2 ", "DS"),  # a number in a text
        ("PixelSpacing", "LO", b"one", "LO"),
        ("PixelSpacing", "IS", b"1\\2", "IS"),  # one number for another is left
        ("InstanceNumber", "SH", b"12", "IS"),
        ("PixelSpacing", "ZZ", b"1\\2", "DS"),  # no representation of the standard's
        ("Rows", "UL", b"\1\0", "US"),  # two bytes are no long number
        ("Rows", "UL", b"\1\0\0\0", "UL"),
        ("Rows", "SS", b"\1\0", "SS"),
        ("Rows", None, b"\1\0", None),  # implicit: the dictionary's anyway
        ("PatientName", "UN", b"x", "UN"),
    ],
)
def test_an_element_is_read_with_a_representation_that_fits_it(
    keyword: str, stated: str | None, value: bytes, read_as: str | None
) -> None:
    tag = Tag(keyword)
    raw = RawDataElement(tag, stated, len(value), value, 0, stated is None, True)
    assert _representation(tag, raw) == read_as
    private = RawDataElement(Tag(0x0009, 0x1001), stated, len(value), value, 0, stated is None, True)
    assert _representation(private.tag, private) == ("UN" if stated == "ZZ" else stated)


def raw_of(keyword: str, value: bytes, representation: str = "DS") -> Dataset:
    dataset = Dataset()
    tag = Tag(keyword)
    dataset[tag] = RawDataElement(tag, representation, len(value), value, 0, False, True)
    return dataset


@pytest.mark.parametrize(
    ("value", "told"),
    [(b"1\\2", None), (b"", None), (b" \0", None), (b"0,5\\0,25", "decimal comma: it was read as 0.5, 0.25."),
     (b"one\\2", "PixelSpacing is not written as a number"), (b"1,2,3", "not written as a number")],
)  # fmt: skip
def test_a_number_that_is_not_written_as_one_is_told_once(value: bytes, told: str | None) -> None:
    said = list_malformed_numbers(raw_of("PixelSpacing", value), 3)
    assert len(said) == (told is not None)
    assert told is None or told in said[0]


def test_malformed_numbers_are_found_in_the_groups_of_every_frame() -> None:
    image = group(PerFrameFunctionalGroupsSequence=Sequence([
        group(PixelMeasuresSequence=Sequence([raw_of("PixelSpacing", value)])) for value in (b"1\\2", b"1\\2", b"x")
    ]))  # fmt: skip
    assert len(list_malformed_numbers(image, 3)) == 1
    assert list_malformed_numbers(image, 2) == ()


@pytest.mark.filterwarnings("ignore:Invalid value", "ignore:Value")
@pytest.mark.parametrize(
    ("value", "frames", "told"),
    [(b"7", 7, False), (b"7.", 7, False), (b"7.00", 7, False), (b"1A", 1, True), (b"12 frames", 12, True),
     (b"A", 1, True), (b"0x", 1, True), (b"", 1, False), (b" ", 1, False), (b"12345678901x", 123456789, True)],
)  # fmt: skip
def test_a_number_of_frames_that_is_no_number(value: bytes, frames: int, told: bool) -> None:
    dataset = raw_of("NumberOfFrames", value, "IS")
    said = _mend_frames(dataset)
    assert count_frames(dataset) == frames
    assert len(said) == told
    assert not told or f": {frames} was read" in said[0]
    assert _mend_frames(Dataset()) == ()
    assert count_frames(Dataset()) == 1
