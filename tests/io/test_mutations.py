"""Broken inputs end in an answer or a sentence: a few of each format, and those that once did not.

Ten thousand of them are read by `python -m tests.benchmarks.mutations`.
"""

from __future__ import annotations

import struct

import pytest

from models.errors import DamagedFile, TooLarge
from models.io import read
from models.io.slide import open_slide
from models.io.tiff import check_tiff_pages
from tests.benchmarks.mutations import mutated, outcome, seeds

EACH = 4
FAILED_ONCE = (
    ("mask of TIFF", 292),  # an empty array
    ("slide", 1512),  # pages in a circle: 60 s
    ("DICOM JPEG 2000", 9050),  # GDCM aborted
    ("DICOM JPEG", 13120),
    ("ZIP", 6109),  # an entry without a name
    ("COCO", 13057),  # run lengths of a mask without a row
    ("calibration", 13110),  # a line of nothing but separators
)


@pytest.mark.parametrize("name", seeds())
def test_a_few_of_each_format(name: str) -> None:
    found = [outcome(name, number) for number in range(EACH)]
    assert {one.kind for one in found} <= {"read", "sentence"}, found


@pytest.mark.parametrize(("name", "number"), FAILED_ONCE)
def test_those_that_failed_once(name: str, number: int) -> None:
    assert outcome(name, number).kind in ("read", "sentence")


def test_an_input_is_made_again_from_its_number() -> None:
    data = bytes(range(256))
    assert mutated(data, 7) == mutated(data, 7) != data
    assert len({mutated(data, number) for number in range(50)}) > 40


def pages(order: str, nexts: list[int]) -> bytes:
    """Return a TIFF of pages without anything in them, at 8, 14, 20…, each of which names the next."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}I", 8) + b"".join(struct.pack(f"{order}HI", 0, after) for after in nexts)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pages_that_follow_each_other_in_a_circle_are_refused(order: str) -> None:
    check_tiff_pages(pages(order, [14, 20, 0]), 3)
    with pytest.raises(TooLarge, match="more than 2 pages"):
        check_tiff_pages(pages(order, [14, 20, 0]), 2)
    for circle in ([8], [14, 8], [14, 20, 14]):
        data = pages(order, circle)
        with pytest.raises(DamagedFile, match="circle"):
            read(data, "x.tif")
        with pytest.raises(DamagedFile, match="circle"):
            open_slide(data, "x.tif")
    large = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) + struct.pack("<QQ", 0, 16)
    with pytest.raises(DamagedFile, match="circle"):
        check_tiff_pages(large, 9)
