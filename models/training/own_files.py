"""The files of a set that a user brings: a folder of this machine, or an archive that was uploaded, seen in one way.

What lies in folders that hold nothing else is taken out of them, so that it does not matter whether a user names the
folder, the one around it, or packs either. Nothing of an archive is written to a disk.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from models.cards import Card
from models.errors import DamagedFile, InputError, TooLarge, Unreachable
from models.io import archive
from models.io.intake import is_hidden
from models.io.pool import call_in_worker
from models.io.text import decode_text
from models.settings import settings
from models.words import later

SUFFIX = ".set.json"
"""Of the file beside a card that says where its pictures are; a bundle does not hold it."""
TABLES = (".csv", ".tsv")
BRACKET = later("One bracket is the patient, as in {example} for 0012_left.png.", example=r"(\d+)_")
LONGEST_PATTERN = 200


class Source(BaseModel):
    """Where the pictures of a set are, and what says their labels and groups."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = None
    """None: the pictures were uploaded, and are kept nowhere."""
    table: Path | None = None
    """CSV file with the columns `file`, `label` and perhaps `group`; else one of the folder, or folders are labels."""
    group: str | None = None
    """Regular expression of a file's path below the folder, whose first bracket is the group."""

    @classmethod
    def beside(cls, card: Card) -> Source | None:
        """Return the source of a card that a user trained here; None for any other.

        Raises
        ------
        DamagedFile
            When it is not of this form.
        """
        path = card.path.with_suffix(SUFFIX)
        if card.folder is None or not path.is_file():
            return None
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise DamagedFile("is no source of pictures", fix="Train on the folder again.", file=path.name) from error

    def files(self) -> Files:
        """Return its files.

        Raises
        ------
        Unreachable, DamagedFile
            When the folder or the table is not there, or not of its form.
        """
        if self.folder is None:
            raise Unreachable(
                later("its pictures were uploaded, and are kept nowhere"), fix=later("Train another model.")
            )
        return FolderFiles.found(self.folder, self.table)


class Files(Protocol):
    """The files of a set, hidden ones left out.

    Attributes
    ----------
    names
        Paths below the folder that all lie in, with slashes.
    problems
        What could not be unpacked.
    table
        Name and text of a table of labels that was given apart; None: there may be one among the files.
    """

    @property
    def names(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def problems(self) -> Sequence[InputError]: ...  # noqa: D102
    @property
    def table(self) -> tuple[str, str] | None: ...  # noqa: D102

    def open(self, name: str) -> bytes | Path:
        """Return what `models.read` takes of one of the names."""

    def text(self, name: str) -> str:
        """Return the text of one of the names.

        Raises
        ------
        InputError
            When it is none, or too long.
        """


@dataclass(frozen=True)
class FolderFiles:
    """Those of a folder of this machine."""

    root: Path
    names: tuple[str, ...]
    table: tuple[str, str] | None = None
    problems: tuple[InputError, ...] = ()

    @classmethod
    def found(cls, folder: Path, table: Path | None = None) -> FolderFiles:
        """List a folder; raises as `Source.files`."""
        if not folder.is_dir():
            fix = later("Name the folder whose folders are the labels.")
            raise Unreachable(later("is no folder"), fix=fix, file=folder.name or str(folder))
        below = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
        names = [name for name in below if not is_hidden(name)]
        shared = find_shared_folder(names)
        return cls(folder / shared, strip_folder(names, shared), _read_table(table) if table else None)

    def open(self, name: str) -> Path:
        """Return the path of a file."""
        return self.root / name

    def text(self, name: str) -> str:
        """Return the text of a file."""
        return decode_text(_read_bytes(self.root / name), PurePosixPath(name).name)


@dataclass(frozen=True)
class UploadedFiles:
    """Those of a folder or an archive that was uploaded, unpacked in memory under the limits of every upload."""

    files: Mapping[str, bytes] = field(repr=False)
    table: tuple[str, str] | None = None
    problems: tuple[InputError, ...] = ()

    @classmethod
    def unpacked(cls, uploads: Sequence[tuple[str, bytes]]) -> UploadedFiles:
        """Take what came: the files of a folder by their paths, or a ZIP file and perhaps a table beside it.

        Raises
        ------
        InputError
            When nothing of it can be read, or it is over a limit.
        """
        if sum(len(data) for _, data in uploads) > settings().max_file_mb << 20:
            most = settings().max_file_mb
            fix = later("Raise the limit {name}.", name="ORTHOLENS_MAX_FILE_MB")
            raise TooLarge(later("the files have more than {most:,} MB together", most=most), fix=fix)
        problems: list[InputError] = []
        packed = any(archive.is_zip(data) for _, data in uploads)
        tables = [one for one in uploads if packed and one[0].lower().endswith(TABLES)]
        wanted = [one for one in uploads if one not in tables and not is_hidden(one[0])]
        flat = archive.open_archives(wanted, problems.append, is_hidden)
        if not flat:
            fix = later("Choose a folder whose folders are the labels, or pack it into a ZIP file.")
            raise problems[0] if problems else DamagedFile(later("there is nothing in it"), fix=fix)
        inside = {path.replace("\\", "/").lstrip("/"): content for path, content in flat}
        shared = find_shared_folder(list(inside))
        files = dict(zip(strip_folder(list(inside), shared), inside.values(), strict=True))
        table = next(((name, decode_text(content, name)) for name, content in tables), None)
        return cls(files, table, tuple(problems))

    @property
    def names(self) -> tuple[str, ...]:
        """Paths below the folder that all lie in."""
        return tuple(sorted(self.files))

    def open(self, name: str) -> bytes:
        """Return the content of a file."""
        return self.files[name]

    def text(self, name: str) -> str:
        """Return the text of a file."""
        return decode_text(self.files[name], PurePosixPath(name).name)


def content_of(opened: bytes | Path) -> bytes:
    """Return the content of what `Files.open` returned.

    Raises
    ------
    Unreachable, TooLarge
        When it cannot be read, or is over the limit of a file.
    """
    return _read_bytes(opened) if isinstance(opened, Path) else opened


def find_shared_folder(names: Sequence[str]) -> str:
    """Return the folders that hold nothing but one folder each, down to the first that holds more; "" for none."""
    shared: list[str] = []
    parts = [name.split("/") for name in names]
    while (
        max(map(len, parts), default=0) > len(shared) + 2
        and min(map(len, parts)) > len(shared) + 1
        and len({one[len(shared)] for one in parts}) == 1
    ):
        shared.append(parts[0][len(shared)])
    return "/".join(shared)


def strip_folder(names: Sequence[str], shared: str) -> tuple[str, ...]:
    """Return names below a folder that all of them lie in."""
    return tuple(name[len(shared) + 1 :] if shared else name for name in names)


def list_tables(files: Files) -> list[tuple[str, str]]:
    """Return name and text of every table: the one that was given apart, else those that lie beside the folders."""
    if files.table is not None:
        return [files.table]
    return [(name, files.text(name)) for name in files.names if "/" not in name and name.lower().endswith(TABLES)]


def name_by_last_part(files: Files) -> dict[str, str]:
    """Return the files' names by all that a table may call them: by their last part too, where it is one file's."""
    last = Counter(PurePosixPath(name).name for name in files.names)
    short = {PurePosixPath(name).name: name for name in files.names if last[PurePosixPath(name).name] == 1}
    return short | {name: name for name in files.names}


def find_groups(names: Sequence[str], pattern: str | None) -> list[str]:
    """Return the group of each file: what the bracket of a pattern finds in its name, else the name itself.

    A pattern may take for ever on a name, so it is tried where time is limited.

    Raises
    ------
    DamagedFile
        When the pattern is none, or has no bracket, or several.
    """
    if not pattern:
        return list(names)
    found: list[str] = call_in_worker(search_groups, list(names), pattern)
    return found


def search_groups(names: Sequence[str], pattern: str) -> list[str]:
    """Do what `find_groups` says; runs in the worker, with its limit of time."""
    if len(pattern) > LONGEST_PATTERN:
        raise DamagedFile(later("the pattern of groups is too long"), fix=BRACKET)
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DamagedFile(later("the pattern of groups is none ({error})", error=str(error)), fix=BRACKET) from error
    if compiled.groups != 1:
        raise DamagedFile(later("the pattern of groups has no bracket, or several"), fix=BRACKET)
    found = ((name, compiled.search(name)) for name in names)
    return [match[1] if match and match[1] else name for name, match in found]


def _read_table(path: Path) -> tuple[str, str]:
    return path.name, decode_text(_read_bytes(path), path.name)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > settings().max_file_mb << 20:
            raise TooLarge(later("is too large"), fix=later("Choose a smaller file."), file=path.name)
        return path.read_bytes()
    except OSError as error:
        raise Unreachable(later("cannot be read"), fix=later("Check its path."), file=path.name) from error
