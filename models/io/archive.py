"""ZIP files taken apart in memory, with limits: nothing is written to a disk, and a bad file costs only itself.

Sizes that an archive states are not believed: every member is read up to what is left of the limits, and no further.

Reference: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT; D. Fifield, A better zip bomb, WOOT 2019
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from models.errors import DamagedFile, InputError, TooLarge, UnsupportedFormat
from models.settings import settings
from models.words import later

MOST_MEMBERS = 4000
MOST_RATIO = 150
"""How many times smaller than its content an archive may be; pictures come to 20 at most, empty ones to 1000."""
HARMLESS_BYTES = 16 << 20
"""Content that may be packed at any ratio."""
DEEPEST = 2
"""Archives within archives, counted from the one that was dropped."""
LONGEST_NAME = 1024

ZIP = re.compile(rb"PK(\x03\x04|\x05\x06)")
UNPACK = later("Unpack it yourself and open the files inside.")

File = tuple[str, bytes]
"""Name with its path, and content."""


class _Budget:
    """What may still be unpacked of everything that was dropped together."""

    def __init__(self) -> None:
        self.bytes, self.members = settings().max_file_mb << 20, MOST_MEMBERS

    def take(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            most = settings().max_file_mb
            problem = later("holds more than {most:,} MB once unpacked", most=most)
            raise TooLarge(problem, fix=later("Raise the limit {name}.", name="ORTHOLENS_MAX_FILE_MB"))


def is_zip(data: bytes) -> bool:
    """Whether a file begins like an archive."""
    return ZIP.match(data) is not None


def open_archives(files: list[File], refused: Callable[[InputError], None], skip: Callable[[str], bool]) -> list[File]:
    """Return files with every archive among them replaced by what it holds.

    Parameters
    ----------
    refused
        Told of every archive and member that is left out, and why; the error names it.
    skip
        Whether a name is of no interest; such members are passed over without being read.
    """
    budget = _Budget()
    return [one for name, data in files for one in _flat(name, data, 0, (budget, refused, skip))]


Rules = tuple[_Budget, Callable[[InputError], None], Callable[[str], bool]]


def _flat(name: str, data: bytes, depth: int, rules: Rules) -> list[File]:
    if not is_zip(data):
        return [(name, data)]
    refused, found = rules[1], list[File]()
    try:
        if depth >= DEEPEST:
            raise UnsupportedFormat(later("is an archive in an archive in an archive"), fix=UNPACK)
        for inner, content in _members(name, data, rules):
            found += _flat(f"{name}/{inner}", content, depth + 1, rules)
    except InputError as problem:
        problem.file = problem.file or _last(name)
        refused(problem)
    return found


def _members(name: str, data: bytes, rules: Rules) -> list[File]:
    """Return the members of one archive, as far as they may be read."""
    budget, refused, skip = rules
    found: list[File] = []
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            listed = [one for one in archive.infolist() if not one.is_dir() and not skip(one.filename)]
            budget.members -= len(listed)
            if budget.members < 0:
                raise TooLarge(later("holds more than {most:,} files", most=MOST_MEMBERS), fix=UNPACK)
            unpacked = 0
            for one in listed:
                try:
                    content = _content(archive, one, budget)
                except InputError as problem:
                    if isinstance(problem, TooLarge):
                        raise
                    problem.file = _last(one.filename)
                    refused(problem)
                    continue
                unpacked += len(content)
                if unpacked > HARMLESS_BYTES and unpacked > MOST_RATIO * len(data):
                    said = later("unpacks to more than {most} times its own size", most=MOST_RATIO)
                    raise TooLarge(said, fix=UNPACK)
                found.append((one.filename, content))
    except InputError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, ValueError, LookupError, EOFError, OSError, struct.error) as error:
        raise DamagedFile(later("is a damaged archive"), fix=later("Copy it again from its source.")) from error
    return found


def _content(archive: zipfile.ZipFile, one: zipfile.ZipInfo, budget: _Budget) -> bytes:
    _check_name(one.filename)
    if one.flag_bits & 0x1:
        raise UnsupportedFormat(later("is encrypted"), fix=UNPACK)
    if one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsupportedFormat(later("is packed in a way that is not read here"), fix=UNPACK)
    budget.take(one.file_size)  # as stated, and no more is ever read
    try:
        with archive.open(one) as member:
            return member.read(one.file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DamagedFile(later("is damaged within its archive"), fix=UNPACK) from error


def _check_name(name: str) -> None:
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise UnsupportedFormat(later("has a path that leads out of its archive"), fix=UNPACK)
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise UnsupportedFormat(later("has an impossible name"), fix=UNPACK)


def _last(name: str) -> str:
    """Return what a message calls a member: the last part of its path, short and without what does not print."""
    last = re.split(r"[/\\]", name)[-1] or name
    return "".join(c for c in last if c.isprintable())[:80] or "a file"
