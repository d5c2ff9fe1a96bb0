"""Tell what a file is from its first bytes, before any decoder sees it.

Its name proves nothing (an uploader's `type=` is no check, and DICOM files often have no extension).

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part10.html (section 7.1), and each format's own.
"""

from __future__ import annotations

import re

from models.errors import UnsupportedFormat
from models.words import later

RASTERS = {
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "JPEG": rb"\xff\xd8\xff",
    "TIFF": rb"II[\x2a\x2b]\x00|MM\x00[\x2a\x2b]",
    "WEBP": rb"RIFF....WEBP",
    "BMP": rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00",
}
"""Pillow's name of each format that is read, and how its files begin."""

DICOM = rb".{128}DICM|DICM|[\x02\x08]\x00[\x00-\x70]\x00([A-Z][A-Z]|..\x00\x00)|\x00[\x02\x08]\x00[\x00-\x70][A-Z][A-Z]"
"""With preamble, without, or from its first element (group 0002 or 0008, explicit, implicit or big endian)."""

VIDEO = rb"....ftyp|\x1a\x45\xdf\xa3|RIFF....AVI "
"""MP4 and QuickTime, Matroska and WebM, AVI; after HEIC and AVIF, which begin as MP4 does."""
SHAPE = later("Open it where a page asks for the implant's shape.")
OTHERS = (
    (rb"PK(\x03\x04|\x05\x06)", later("a ZIP archive"), later("Unpack it and open the images inside.")),
    (rb"\x1f\x8b", later("a gzip archive"), later("Unpack it and open the file inside.")),
    (rb"7z\xbc\xaf|Rar!", later("a compressed archive"), later("Unpack it and open the images inside.")),
    (rb"%PDF", later("a PDF document"), later("Export the picture from it as PNG, or open the original DICOM.")),
    (rb"GIF8", later("a GIF picture"), later("Save it as PNG.")),
    (rb"....ftyp(hei|mif|avi)", later("a HEIC or AVIF photograph"), later("Save it as PNG or JPEG.")),
    (rb"\x00\x00\x00\x0cjP|\xff\x4f\xff\x51", later("a bare JPEG 2000 picture"), later("Save it as PNG or TIFF.")),
    (rb"8BPS", later("a Photoshop document"), later("Save it as PNG or TIFF.")),
    (rb".{344}n[i+]1\x00", later("a NIfTI volume"), later("Export the slice as PNG or open the original DICOM.")),
    (rb"NRRD000", later("an NRRD volume"), later("Export the slice as PNG or open the original DICOM.")),
    (rb"\s*solid[ \r\n].*?facet", later("an STL surface"), SHAPE),
    (
        rb"\s*(<\?xml|<!DOCTYPE|<html|<svg)",
        later("an XML or HTML document"),
        later("Export the picture itself as PNG."),
    ),
    (rb"\s*[\[{]\s*[\"\[{]", later("a JSON file"), later("Open an image file.")),
)
"""What is refused by name: beginning, what it is, what to do."""

READABLE = later("Open a PNG, JPEG, TIFF, WebP, BMP or DICOM file.")


def find_file_kind(data: bytes, name: str) -> str:
    """Return "DICOM" or Pillow's name of the format.

    Raises
    ------
    UnsupportedFormat
        Anything else, named where it is known.
    """
    if _begins(rb".{128}DICM", data):  # before the others: a preamble may hold a TIFF header
        return "DICOM"
    for raster, pattern in RASTERS.items():
        if _begins(pattern, data):
            return raster
    for pattern, what, fix in OTHERS:
        if _begins(pattern, data):
            raise UnsupportedFormat(later("is {what}, not an image", what=what), fix=fix)
    if _begins(VIDEO, data):
        return "video"
    if len(data) > 84 and len(data) == 84 + 50 * int.from_bytes(data[80:84], "little"):
        raise UnsupportedFormat(later("is {what}, not an image", what=later("an STL surface")), fix=SHAPE)
    if _is_text(data[:4096]):
        what = later("a table (CSV)") if name.lower().endswith((".csv", ".tsv")) else later("a text file")
        raise UnsupportedFormat(later("is {what}, not an image", what=what), fix=READABLE)
    if _begins(DICOM, data):
        return "DICOM"
    raise UnsupportedFormat(later("is of no kind that is known here"), fix=READABLE)


def _begins(pattern: bytes, data: bytes) -> bool:
    return re.match(pattern, data[:1024], re.DOTALL) is not None


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", errors="replace") if b"\x00" not in head else "\ufffd" * 9
    return sum(not (c.isprintable() or c.isspace()) or c == "\ufffd" for c in text) <= len(text) // 50
