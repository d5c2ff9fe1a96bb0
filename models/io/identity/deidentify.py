"""One file of any kind that is read here, without identifiers."""

from __future__ import annotations

from models.errors import UnsupportedFormat
from models.io.decoded import Limits
from models.io.identity.profile import BASIC, Options
from models.io.identity.pseudonym import prepare_key
from models.io.identity.result import Deidentified
from models.io.kinds import find_file_kind
from models.io.pool import call_in_worker
from models.settings import settings
from models.words import later


def deidentify(data: bytes, options: Options = BASIC) -> Deidentified:
    """Take the identifiers out of one file.

    Parameters
    ----------
    data
        A DICOM file, or a picture (PNG, JPEG, TIFF, WebP, BMP), which becomes a PNG of its pixels alone.

    Raises
    ------
    InputError
        When it cannot be read or cleaned, or text is burned into it; it names no file.
    CannotWrite
        When the key of pseudonyms cannot be made or read.
    """
    prepare_key()
    limit = settings()
    limits = Limits(limit.max_side_px, limit.max_decoded_mb, limit.max_frames)
    match find_file_kind(data, ""):
        case "DICOM":
            from models.io.identity import dicom_file

            return call_in_worker(dicom_file.deidentify_dicom, data, options, limits)
        case "video":
            fix = later("De-identify the original DICOM, or single frames as PNG.")
            raise UnsupportedFormat(later("is a video, whose text is not looked for"), fix=fix)
        case raster:
            from models.io.identity import picture_file

            return call_in_worker(picture_file.deidentify_picture, data, raster, options, limits)
