"""From a file's bytes to an `Image`: the first of the four hops, and the only way in.

Order of the checks: bytes, magic number, declared size, and only then a decoder, in the worker process.
"""

from __future__ import annotations

import hashlib
from pathlib import Path, PureWindowsPath

from models.errors import DamagedFile, TooLarge, UnsupportedFormat, name_file_in_errors
from models.io.decoded import Decoded, Limits
from models.io.kinds import find_file_kind
from models.io.pool import call_in_worker
from models.settings import settings
from models.types import Image
from models.words import later


def read(source: bytes | str | Path, name: str | None = None) -> Image:
    """Read one image file.

    Parameters
    ----------
    source
        The file's bytes, or its path.
    name
        What the user calls it; the path's last part where left out.

    Returns
    -------
    Image
        Pixels in [0, 1], (T, H, W) or (T, H, W, 3), without patient identifiers.

    Raises
    ------
    InputError
        One of its kinds, with the file's name, the problem and the fix.
    """
    name = PureWindowsPath(name if name is not None else "" if isinstance(source, bytes) else source).name or "file"
    with name_file_in_errors(name):
        data = source if isinstance(source, bytes) else _bytes(Path(source))
        _check_bytes(len(data))
        return _decoded(data, name).image(name, hashlib.sha256(data).hexdigest())


def _decoded(data: bytes, name: str) -> Decoded:
    limit = settings()
    limits = Limits(limit.max_side_px, limit.max_decoded_mb, limit.max_frames)
    match find_file_kind(data, name):
        case "DICOM":
            from models.io import dicom  # pydicom loads with the first DICOM file

            return call_in_worker(dicom.decode_dicom, data, limits)
        case "video":
            from models.io import video

            return call_in_worker(video.decode_video, data, limits)
        case raster:
            from models.io import raster as pillow

            return call_in_worker(pillow.decode_raster, data, raster, limits)


def _bytes(path: Path) -> bytes:
    try:
        _check_bytes(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        if path.is_dir():
            raise UnsupportedFormat(later("is a folder"), fix=later("Name the files in it.")) from error
        fix = later("Check that it exists and that you may read it.")
        raise UnsupportedFormat(later("cannot be opened"), fix=fix) from error


def _check_bytes(size: int) -> None:
    if size == 0:
        raise DamagedFile(later("is empty (0 bytes)"), fix=later("Copy it again from its source."))
    limit = settings().max_file_mb
    if size > limit << 20:
        problem = later("has {size:,} MB, more than {most:,} MB", size=size >> 20, most=limit)
        raise TooLarge(problem, fix=later("Raise the limit {name}.", name="ORTHOLENS_MAX_FILE_MB"))
