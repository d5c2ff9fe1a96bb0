"""Public sample files: real cases to try, fetched from their own sources when a user asks for them.

The product holds addresses, hashes, licences and citations (`sources.csv`), never the files. A file is good only when
its hash is; until then it has a temporary name.

Reference: L. Uieda et al., Pooch: A friend to fetch your data files, J Open Source Software 5(45):1943, 2020.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch

from models.errors import Cancelled, Unreachable
from models.settings import settings
from models.words import later

Progress = Callable[[int, int], None]
"""Called with bytes so far and bytes in all."""

TASK_OF_PREFIX = {
    "shoulder": "implant",
    "knee_kl": "pathology",
    "knee_mri": "tissue",
    "histology": "tissue",
    "fracture": "detection",
    "tka": "kinematics",
}
WITHOUT_REFERENCE = {
    "knee_mri": later("MR slice of a knee"),
    "histology": later("Stained section, H&E"),
    "tka": later("Implant motion from fluoroscopy"),
}
"""What a sample shows of which its set says no label."""
SECONDS = 15
"""Silence after which a server counts as unreachable."""


@dataclass(frozen=True)
class Sample:
    """One public file.

    Attributes
    ----------
    file
        Name under which it is kept.
    sha256, bytes
        Of its content.
    url
        Where its publisher holds it.
    licence, cite
        To be shown wherever the file is.
    reference_text
        What its set says about it: a label, or boxes as JSON; empty where that is neither.
    """

    file: str
    sha256: str
    bytes: int
    url: str
    licence: str
    cite: str
    reference_text: str

    @property
    def task(self) -> str:
        """The task that it is a case for."""
        return next(task for prefix, task in TASK_OF_PREFIX.items() if self.file.startswith(prefix))

    @property
    def shows(self) -> str:
        """What it shows, in words."""
        if self.reference_text.startswith("["):
            return later("Fracture") if json.loads(self.reference_text) else later("No fracture")
        return self.reference_text or next(
            says for prefix, says in WITHOUT_REFERENCE.items() if self.file.startswith(prefix)
        )


@lru_cache(maxsize=1)
def list_samples() -> tuple[Sample, ...]:
    """Return every sample, in the order of `sources.csv`."""
    with Path(__file__).with_name("sources.csv").open(encoding="utf-8", newline="") as sources:
        return tuple(Sample(bytes=int(row.pop("bytes")), **row) for row in csv.DictReader(sources))


def list_fetched_samples() -> dict[Sample, Path]:
    """Return the samples that are on this machine; a file has its name only once its hash was right."""
    there = {sample: settings().cache_dir / "samples" / sample.file for sample in list_samples()}
    return {sample: path for sample, path in there.items() if path.is_file()}


def fetch_sample(sample: Sample, progress: Progress | None = None) -> Path:
    """Return the local copy of a sample, downloaded first where it is not there or not intact.

    Raises
    ------
    Unreachable
        Without a connection, or where the source holds another content than the hash says; nothing is kept.
    """
    pooch.get_logger().setLevel("WARNING")  # its chatter would break into a progress bar
    report = progress or (lambda received, total: None)
    address, download = _source(sample, report)
    try:
        path = pooch.retrieve(
            address, f"sha256:{sample.sha256}", sample.file, settings().cache_dir / "samples", downloader=download
        )
    except OSError as error:  # requests' errors are OSErrors too
        raise Unreachable(
            later(
                "this sample could not be fetched from {place}",
                place=urlsplit(address).hostname or later("the samples folder"),
            ),
            fix=later("Connect to the internet, or name a folder that holds the samples in ORTHOLENS_SAMPLES_URL."),
            file=sample.file,
        ) from error
    except ValueError as error:
        raise Unreachable(
            later("the download is damaged or has been replaced: its hash is not the expected one, so it was not kept"),
            fix=later("Try again; if it stays so, report it."),
            file=sample.file,
        ) from error
    report(sample.bytes, sample.bytes)
    return Path(path)


def fetch_all_samples(
    progress: Progress | None = None, cancelled: Callable[[], bool] = lambda: False
) -> tuple[Path, ...]:
    """Fetch every sample; `progress` counts over all of them.

    Raises
    ------
    Unreachable
        As `fetch_sample`; what was complete by then stays.
    Cancelled
        Soon after `cancelled()` turns true.
    """
    total = sum(sample.bytes for sample in list_samples())
    paths: list[Path] = []
    before = 0

    def report(received: int, _: int) -> None:
        if cancelled():
            raise Cancelled(later("the download was stopped"), fix=later("Start it again; finished files are kept."))
        if progress:
            progress(before + received, total)

    for sample in list_samples():
        report(0, sample.bytes)
        paths.append(fetch_sample(sample, report))
        before += sample.bytes
    return tuple(paths)


def _source(sample: Sample, report: Progress) -> tuple[str, Callable[..., None]]:
    """Address of a sample under the settings, and what brings it from there."""
    base = settings().samples_url
    if not base or base.startswith(("http://", "https://")):
        address = f"{base.rstrip('/')}/{sample.file}" if base else sample.url
        counter = _Counter(sample.bytes, report)
        return address, pooch.HTTPDownloader(progressbar=counter, chunk_size=1 << 16, timeout=SECONDS)
    folder = Path(url2pathname(urlsplit(base).path) if base.startswith("file:") else base)
    return str(folder / sample.file), _copy


def _copy(path: str, output: str | BinaryIO, _: object) -> None:
    shutil.copyfile(path, str(output))


class _Counter:
    """The progress bar that pooch asks for, speaking to a callback."""

    def __init__(self, expected: int, report: Progress) -> None:
        self.expected, self.report, self.received = expected, report, 0
        self.total = expected  # pooch writes the length that the server names, which may be of a compressed stream

    def update(self, received: int) -> None:
        self.received = min(self.received + received, self.expected)
        self.report(self.received, self.expected)

    def reset(self) -> None:
        self.received = 0

    def close(self) -> None:
        """Nothing is held open."""
