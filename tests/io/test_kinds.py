"""What a file is, from its first bytes and whatever its name says."""

from __future__ import annotations

import gzip
import struct

import pytest

from models.errors import UnsupportedFormat
from models.io.identity.deidentify import deidentify
from models.io.kinds import find_file_kind
from models.io.label_map import read_label_map


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"II*\x00", "TIFF"),
        (b"MM\x00*", "TIFF"),
        (b"II+\x00", "TIFF"),
        (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "WEBP"),
        (b"BM" + bytes(12) + b"\x28\x00\x00\x00", "BMP"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"II*\x00" + bytes(124) + b"DICM", "DICOM"),  # a preamble that is a TIFF header
        (b"\x02\x00\x00\x00UL\x04\x00\xc0\x00\x00\x00", "DICOM"),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", "DICOM"),
        (b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100", "DICOM"),
        (b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100", "DICOM"),
    ],
)
def test_what_is_read(data: bytes, expected: str) -> None:
    assert find_file_kind(data, "anything.txt") == expected


@pytest.mark.parametrize(
    "data", [b"\x00\x00\x00\x18ftypisom", b"\x1a\x45\xdf\xa3rest", b"RIFF\x00\x01\x00\x00AVI LIST"]
)
def test_videos_are_told_by_how_they_begin(data: bytes) -> None:
    assert find_file_kind(data, "x") == "video"
    with pytest.raises(UnsupportedFormat, match="no picture"):
        read_label_map(data, "x", (4, 4))
    with pytest.raises(UnsupportedFormat, match="video"):
        deidentify(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"PK\x03\x04rest", "ZIP"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"%PDF-1.4", "PDF"),
        (b"GIF89a", "GIF"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (bytes(344) + b"n+1\x00", "NIfTI"),
        (b"solid tibia\n  facet normal 0 0 1\n", "STL"),
        (bytes(80) + struct.pack("<I", 2) + bytes(100), "STL"),
        (b"<?xml version='1.0'?>", "XML"),
        (b'{"a": 1}', "JSON"),
        ("Grüße an die Klinik\n".encode(), "text"),
        (b"BMI of the patient\n", "text"),
        (b"\x93\x12\xfe\x00\x81" * 20, "no kind"),
    ],
)
def test_what_is_refused_by_name(data: bytes, expected: str) -> None:
    with pytest.raises(UnsupportedFormat, match=expected):
        find_file_kind(data, "knee.png")
