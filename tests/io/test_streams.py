"""What stands in the first bytes of a stream or a file, byte by byte."""

from __future__ import annotations

import struct

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from models.io.dicom_form import (
    META,
    _number,
    drop_later_meta_headers,
    find_functional_group,
    find_holder,
    find_meta_end,
    find_sequence_item,
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
