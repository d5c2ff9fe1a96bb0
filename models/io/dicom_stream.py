"""What the compressed pixels of a DICOM file say of their own size, judged before a decoder makes room for it.

References: ITU-T T.81 (JPEG) B.2.2, T.87 (JPEG-LS) C.2.2, T.800 (JPEG 2000) A.5.1
"""

from __future__ import annotations

from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.uid import (
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from models.errors import DamagedFile
from models.io.dicom_form import count_frames
from models.words import later

START_OF_IMAGE, SIZE = b"\xff\xd8", b"\xff\x4f\xff\x51"
NO_FRAMES = frozenset({0xC4, 0xC8, 0xCC})
"""Markers among those of frames (C0 to CF) that are of tables."""
JPEG_LS_FRAME, SCAN = 0xF7, 0xDA


def check_dicom_streams(dataset: FileDataset) -> None:
    """Refuse pixels that are of another size than the header says.

    Raises
    ------
    DamagedFile
        Where a frame states another size; one that states none is left to its decoder.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes):
        return
    wanted = int(dataset.Rows), int(dataset.Columns)
    for frame in generate_frames(dataset.PixelData, number_of_frames=count_frames(dataset)):
        stated = read_stated_size(frame)
        if stated is not None and stated != wanted:
            said = {"found": f"{stated[1]} × {stated[0]}", "wanted": f"{wanted[1]} × {wanted[0]}"}
            problem = later("holds pictures of {found} pixels and says that they have {wanted}", **said)
            raise DamagedFile(problem, fix=later("Copy or export it again from its source."))


def read_stated_size(stream: bytes) -> tuple[int, int] | None:
    """Return (rows, columns) that a JPEG, JPEG-LS or JPEG 2000 stream begins with; None where it says nothing."""
    if (at := stream[:512].find(SIZE)) >= 0:  # within a JP2 file, too
        right, down, left, top = (int.from_bytes(stream[at + 8 + 4 * i : at + 12 + 4 * i], "big") for i in range(4))
        return down - top, right - left
    at = 2 if stream.startswith(START_OF_IMAGE) else len(stream)
    while at + 9 <= len(stream) and stream[at] == 0xFF:
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        if marker == JPEG_LS_FRAME or (0xC0 <= marker <= 0xCF and marker not in NO_FRAMES):
            rows, columns = (int.from_bytes(stream[at + 5 + 2 * i : at + 7 + 2 * i], "big") for i in range(2))
            return (rows, columns) if rows else None  # else stated after the scan
        if marker == SCAN:
            return None
        at += 1 if marker == 0xFF else 2 + length
    return None
