"""Fetching the public samples: from a folder, from a real server, and when neither is right."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.cases.samples import Sample, fetch_all_samples, fetch_sample, list_samples
from models.errors import Cancelled, Unreachable
from models.settings import settings

TASKS = {"implant", "pathology", "kinematics", "detection", "tissue"}


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Return what sets the samples' address; downloads go to the folder it returns."""

    def choose(url: str) -> Path:
        monkeypatch.setenv("ORTHOLENS_SAMPLES_URL", url)
        monkeypatch.setenv("ORTHOLENS_CACHE_DIR", str(tmp_path / "cache"))
        settings.cache_clear()
        return tmp_path / "cache" / "samples"

    yield choose
    settings.cache_clear()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a server, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    thread.join()
    server.server_close()


def made_up(content: bytes, file: str = "shoulder_made_up.jpg") -> Sample:
    return Sample(file, hashlib.sha256(content).hexdigest(), len(content), "http://127.0.0.1:9/x", "CC0", "Nobody", "")


def test_the_list_is_complete() -> None:
    assert len(list_samples()) == 35
    assert {sample.task for sample in list_samples()} == TASKS
    assert all(sample.licence and sample.cite and sample.url.startswith("https://") for sample in list_samples())
    assert {sample.task for sample in list_samples() if sample.file.startswith("knee_kl")} == {"pathology"}


@pytest.mark.parametrize("as_url", [False, True])
def test_all_come_from_a_folder(
    packed: Callable[[str], Path], source: Callable[[str], Path], as_url: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = packed("samples").resolve()
    cache = source(folder.as_uri() if as_url else str(folder))
    seen: list[tuple[int, int]] = []
    paths = fetch_all_samples(lambda received, total: seen.append((received, total)))
    total = sum(sample.bytes for sample in list_samples())
    assert [path.name for path in paths] == [sample.file for sample in list_samples()]
    assert all(path.parent == cache for path in paths)
    assert seen == sorted(seen)
    assert seen[-1] == (total, total)
    assert capfd.readouterr() == ("", "")


def test_a_server_is_asked_once(served: tuple[str, Path], source: Callable[[str], Path]) -> None:
    url, folder = served
    content = bytes(range(256)) * 2000
    sample = made_up(content)
    (folder / sample.file).write_bytes(content)
    source(url)
    seen: list[tuple[int, int]] = []
    path = fetch_sample(sample, lambda received, total: seen.append((received, total)))
    assert path.read_bytes() == content
    assert len(seen) > 3
    assert seen[-1] == (len(content), len(content))
    (folder / sample.file).unlink()
    assert fetch_sample(sample) == path  # from the cache
    path.write_bytes(b"rotten")
    with pytest.raises(Unreachable):  # a spoilt copy is not served
        fetch_sample(sample)


def test_a_wrong_hash_is_refused_and_nothing_kept(served: tuple[str, Path], source: Callable[[str], Path]) -> None:
    url, folder = served
    sample = made_up(b"what it should be")
    (folder / sample.file).write_bytes(b"something else altogether")
    cache = source(url)
    with pytest.raises(Unreachable, match=r"^shoulder_made_up\.jpg: .*hash"):
        fetch_sample(sample)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "", "/no/such/folder"])
def test_without_a_source_the_sentence_says_what_to_do(url: str, source: Callable[[str], Path]) -> None:
    cache = source(url)
    with pytest.raises(Unreachable, match="ORTHOLENS_SAMPLES_URL") as caught:
        fetch_sample(made_up(b"anything"))
    assert "/no/such" not in str(caught.value)
    assert list(cache.iterdir()) == []


def test_a_missing_file_on_the_server_is_clear(served: tuple[str, Path], source: Callable[[str], Path]) -> None:
    source(served[0])
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        fetch_sample(made_up(b"anything"))


def test_stopping_leaves_only_whole_files(packed: Callable[[str], Path], source: Callable[[str], Path]) -> None:
    cache = source(str(packed("samples").resolve()))
    done = 0

    def progress(received: int, total: int) -> None:
        nonlocal done
        done = received

    with pytest.raises(Cancelled):
        fetch_all_samples(progress, cancelled=lambda: done >= list_samples()[0].bytes)
    (kept,) = cache.iterdir()
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == list_samples()[0].sha256


def test_stopping_in_the_middle_of_a_file_keeps_nothing_of_it(
    served: tuple[str, Path], source: Callable[[str], Path]
) -> None:
    url, folder = served
    content = bytes(1 << 20)
    (folder / "shoulder_made_up.jpg").write_bytes(content)
    cache = source(url)

    def stop(received: int, total: int) -> None:
        if received > total / 2:
            raise Cancelled("stopped", fix="Start again.")

    with pytest.raises(Cancelled):
        fetch_sample(made_up(content), stop)
    assert list(cache.iterdir()) == []


@pytest.mark.network
def test_a_publisher_still_holds_what_the_list_says(source: Callable[[str], Path]) -> None:
    source("")
    smallest = min(list_samples(), key=lambda sample: sample.bytes)
    try:
        assert fetch_sample(smallest).stat().st_size == smallest.bytes
    except Unreachable as error:
        if "hash" in str(error):
            raise
        pytest.skip(f"needs the public internet: {error}")
