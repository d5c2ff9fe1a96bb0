"""The public sets of the data folder, read straight from their zips; `settings().data_dir` says where they lie."""

from __future__ import annotations

import csv
import io
import zipfile

from models.errors import DamagedFile, Unreachable
from models.settings import settings


def open_set_zip(name: str) -> zipfile.ZipFile:
    """Open a zip of the data folder.

    Raises
    ------
    Unreachable
        When it is not there.
    DamagedFile
        When it is no zip.
    """
    path = settings().data_dir / name
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError as error:
        fix = "Set ORTHOLENS_DATA_DIR to the folder that holds it."
        raise Unreachable("the data set is not here", fix=fix, file=name) from error
    except zipfile.BadZipFile as error:
        raise DamagedFile("is no zip", fix=f"Fetch it again into {path.parent}.", file=name) from error


def open_labelled_zip(name: str) -> tuple[list[dict[str, str]], zipfile.ZipFile]:
    """Return the rows of a zip's labels, and the zip; raises as `open_set_zip`."""
    archive = open_set_zip(name)
    return list(csv.DictReader(io.TextIOWrapper(archive.open("labels.csv"), encoding="utf-8"))), archive
