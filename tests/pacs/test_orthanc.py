"""The whole way with a real archive (Orthanc and its DICOMweb plug-in): stored, found, answered, back in its study."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import highdicom
import numpy as np
import pydicom
import pytest

import models
from models.io.dicom_form import count_frames
from models.pacs.answering import answer_file
from models.pacs.archive import Archive, NoArchive, Query, Storage
from models.pacs.listen import Listener
from models.pacs.made import StoredObject
from models.pacs.rules import read_rules
from models.pacs.spool import Spool

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
DEADLINE = 60.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("Orthanc") or not PLUGIN.exists(), reason="needs Orthanc (orthanc, orthanc-dicomweb)"
    ),
]


class Orthanc:
    """An archive of the test's own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.http, self.dicom = free_port(), free_port()
        self.url, self.node = f"http://127.0.0.1:{self.http}/dicom-web", f"ORTHANC@127.0.0.1:{self.dicom}"
        settings = {
            "StorageDirectory": str(folder / "base"), "IndexDirectory": str(folder / "base"), "HttpPort": self.http,
            "DicomPort": self.dicom, "DicomAet": "ORTHANC", "RemoteAccessAllowed": False, "DicomAlwaysAllowStore": True,
            "AuthenticationEnabled": False, "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }  # fmt: skip
        self._file = folder / "orthanc.json"
        self._file.write_text(json.dumps(settings))

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["Orthanc", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: self.answers("/system") is not None)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def answers(self, path: str) -> object:
        try:
            with urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as answer:
                return json.load(answer)
        except (URLError, OSError):
            return None

    def count(self) -> int:
        found = self.answers("/instances")
        return len(found) if isinstance(found, list) else -1


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until(holds: Callable[[], bool], seconds: float = DEADLINE) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    one = Orthanc(tmp_path)
    one.start()
    yield one
    one.kill()


def store_film(archive: Archive, data: bytes) -> pydicom.Dataset:
    film = pydicom.dcmread(BytesIO(data))
    archive.store(StoredObject("SC", film.SOPInstanceUID, film.SOPClassUID, film.StudyInstanceUID, data))
    return film


@pytest.mark.parametrize("way", ["STOW-RS", "C-STORE"])
def test_a_film_is_found_answered_and_its_results_come_back(
    orthanc: Orthanc, film: Callable[..., bytes], tmp_path: Path, way: str
) -> None:
    archive = Archive(orthanc.url)
    sent = store_film(archive, film("section_worn.jpg"))
    store_film(archive, film("generated_knee_3.png", StudyDate="20250101", AccessionNumber="ELSE", Modality="CR"))
    for query in (Query(day=date(2026, 1, 5)), Query(day=date(2026, 1, 1), until=date(2026, 1, 31)),
                  Query(modality="DX", body_part="KNEE"), Query(accession="ACC123")):  # fmt: skip
        assert [one.study for one in archive.find(query)] == [sent.StudyInstanceUID], query
    assert archive.find(Query(body_part="HIP")) == []
    assert len(archive.find(Query())) == 2
    found = archive.find(Query(accession="ACC123"))[0]
    files = archive.fetch(found.study, found.series)
    assert np.array_equal(pydicom.dcmread(BytesIO(files[0])).pixel_array, sent.pixel_array)
    objects = answer_file(files[0], ["joint-section"])
    spool, target = Spool(tmp_path / "spool"), orthanc.url if way == "STOW-RS" else orthanc.node
    storage = archive if way == "STOW-RS" else Storage(orthanc.node)
    for _ in range(2):  # sent twice, stored once
        spool.put_out(objects, target)
        spool.deliver(storage.store, target)
        for one in objects:
            storage.store(one)
    assert spool.count().results == spool.count().given_up == 0
    assert sorted(archive.list_instances(found.study)) == sorted(
        [sent.SOPInstanceUID, *(one.instance for one in objects)]
    )
    check_back(archive, found.study, objects, tmp_path)


def check_back(archive: Archive, study: str, objects: tuple[StoredObject, ...], folder: Path) -> None:
    """What the archive has is what was sent, as dcmtk and highdicom read it."""
    sent = {one.instance: one for one in objects}
    kinds = set()
    for series in {one.series for one in archive.find(Query()) if one.study == study}:
        for data in archive.fetch(study, series):
            back = pydicom.dcmread(BytesIO(data))
            if back.SOPInstanceUID not in sent:
                continue
            kind = sent[back.SOPInstanceUID].kind
            kinds.add(kind)
            (folder / "back.dcm").write_bytes(data)
            if shutil.which("dcmdump"):
                assert subprocess.run(["dcmdump", "-q", str(folder / "back.dcm")], capture_output=True).returncode == 0
            if kind == "SEG":
                was = highdicom.seg.segread(BytesIO(sent[back.SOPInstanceUID].data))
                assert np.array_equal(highdicom.seg.segread(BytesIO(data)).pixel_array, was.pixel_array)
            elif kind == "SR":
                assert highdicom.sr.srread(BytesIO(data)).content.get_image_measurement_groups()
            elif kind == "SC":
                assert count_frames(back) == 1
                if shutil.which("dcm2pnm"):
                    out = subprocess.run(["dcm2pnm", str(folder / "back.dcm"), str(folder / "back.ppm")])
                    assert out.returncode == 0
    assert kinds == {one.kind for one in objects}


def test_nothing_is_lost_and_nothing_twice_where_the_archive_dies(
    orthanc: Orthanc, film: Callable[..., bytes], tmp_path: Path
) -> None:
    archive, spool = Archive(orthanc.url), Spool(tmp_path / "spool")
    data = film("generated_knee_3.png")
    sent, image = store_film(archive, data), models.read(data)
    assert image.shape == (sent.Rows, sent.Columns)
    objects = answer_file(data, ["knee-kl"])
    spool.put_out(objects, orthanc.url)
    stored = 0

    def store(one: StoredObject) -> None:
        """Store one, kill the archive before it says so, and find it dead at the next."""
        nonlocal stored
        archive.store(one)
        stored += 1
        orthanc.kill()
        raise NoArchive("died", fix="")

    assert spool.deliver(store, orthanc.url) == 0
    assert stored == 1
    assert spool.count().results == len(objects)
    again = Spool(tmp_path / "spool")  # we died too
    orthanc.start()
    again.retry()
    assert again.deliver(archive.store, orthanc.url) == len(objects)
    assert again.count().results == 0
    names = archive.list_instances(sent.StudyInstanceUID)
    assert sorted(names) == sorted([sent.SOPInstanceUID, *(one.instance for one in objects)])


@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)  # pynetdicom's
def test_a_node_answers_what_is_sent_to_it_within_ten_seconds(
    orthanc: Orthanc, film: Callable[..., bytes], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        f'port = 0\nsend_to = "{orthanc.node}"\n[[rule]]\nmodality = ["DX"]\nbody_part = ["KNEE"]\nview = ["AP"]\n'
        'card = "knee-kl"\n'
    )
    spool = Spool(tmp_path / "spool")
    models.predict(models.read(film("generated_knee_1.png")), "knee-kl", explain="grad-cam")  # loads the network
    listener = Listener(read_rules(rules), spool, seconds=0.2)
    node = Storage(f"ORTHOLENS@127.0.0.1:{listener.start()}")
    try:
        data, other = film("generated_knee_3.png"), film("generated_knee_1.png", body_part="HIP")
        begun = time.monotonic()
        for one in (data, other, data):
            dataset = pydicom.dcmread(BytesIO(one))
            node.store(StoredObject("SC", dataset.SOPInstanceUID, dataset.SOPClassUID, dataset.StudyInstanceUID, one))
        study = str(pydicom.dcmread(BytesIO(data)).StudyInstanceUID)
        wait_until(lambda: orthanc.count() == 3)
        assert time.monotonic() - begun < 10 * float(os.environ.get("ORTHOLENS_TEST_PATIENCE", "3"))
        assert len(Archive(orthanc.url).list_instances(study)) == 3
        orthanc.kill()  # and what is answered meanwhile waits
        third = film("generated_knee_4.png")
        dataset = pydicom.dcmread(BytesIO(third))
        node.store(StoredObject("SC", dataset.SOPInstanceUID, dataset.SOPClassUID, dataset.StudyInstanceUID, third))
        wait_until(lambda: spool.count().results == 3 and spool.count().images == 0)
        orthanc.start()
        spool.retry()
        wait_until(lambda: orthanc.count() == 6)
        assert spool.count().given_up == 0
    finally:
        listener.stop()
