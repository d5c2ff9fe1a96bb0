"""The page Archive with a real archive: a query, a series opened, its answer stored in its study; nobody is named."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.session import Item
from dashboard.views.archive import page
from models.errors import Cancelled
from models.jobs import Job
from models.pacs.archive import Archive
from models.settings import settings
from tests.pacs.conftest import PERSON, film
from tests.pacs.test_orthanc import PLUGIN, Orthanc, store_film

__all__ = ["film"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("Orthanc") or not PLUGIN.exists(), reason="needs Orthanc (orthanc, orthanc-dicomweb)"
    ),
]


@pytest.fixture
def orthanc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orthanc]:
    one = Orthanc(tmp_path)
    one.start()
    monkeypatch.setenv("ORTHOLENS_ARCHIVE_URL", one.url)
    monkeypatch.setenv("ORTHOLENS_SPOOL_DIR", str(tmp_path / "spool"))
    settings.cache_clear()
    yield one
    one.kill()
    monkeypatch.undo()
    settings.cache_clear()


def press(page: AppTest, button: str) -> AppTest:
    """Press a button, by its key or its label, and run until what it began is done."""
    next(one for one in page.button if button in (one.key, one.label)).click().run()
    while any(page.session_state[f"job-{name}"].running for name in page.session_state["jobs"]):
        time.sleep(0.05)
    page.run()
    assert not page.exception
    return page


def test_a_film_is_found_opened_and_its_answer_sent_back(
    orthanc: Orthanc, home: AppTest, film: Callable[..., bytes], random_card: str
) -> None:
    sent = store_film(Archive(orthanc.url), film("shoulder_reverse.png", body_part="SHOULDER"))
    page = home.switch_page("views/archive/archive.py").run()
    page.text_input(key="archive-part").input("hip")
    press(page, "Find")
    assert "0 series" in [one.value for one in page.subheader]
    page.text_input(key="archive-part").input("shoulder")
    press(page, "Find")
    assert any("2026" in one.value and "SHOULDER" in one.value for one in page.markdown)
    press(page, "archive-open-0")
    page.selectbox(key="archive-card").select_index(0).run()
    press(page, "archive-send")
    assert any("3 of 3 objects" in one.value for one in page.markdown), [one.value for one in page.markdown]
    assert len(Archive(orthanc.url).list_instances(sent.StudyInstanceUID)) == 4
    said = " ".join(str(one.value) for kind in (page.markdown, page.caption, page.header) for one in kind)
    assert not [word for word in ("Muster", "Erika", PERSON["PatientID"], PERSON["AccessionNumber"]) if word in said]
    orthanc.kill()
    press(page, "Find")
    assert any("archive does not answer" in one.value for one in page.markdown)


def test_a_silent_archive_holds_nobody_up(home: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("ORTHOLENS_ARCHIVE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/dicom-web")
        settings.cache_clear()
        page = home.run().switch_page("views/archive/archive.py").run()  # which is there where an archive is set
        next(one for one in page.button if one.label == "Find").click().run()
        assert any("Asking the archive" in one.value for one in page.markdown)
        page.button(key="archive-asking-cancel").click().run()
        assert not page.exception
        assert not any("Asking the archive" in one.value for one in page.markdown)
    monkeypatch.undo()
    settings.cache_clear()


def test_what_was_cancelled_before_it_was_answered_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTHOLENS_SPOOL_DIR", str(tmp_path / "spool"))
    settings.cache_clear()
    monkeypatch.setattr(page, "answer_file", lambda *_: job.stop())  # as a user does meanwhile
    job: Job[str] = Job(lambda job: "")
    with pytest.raises(Cancelled):
        page._store(job, Item("a.dcm", b"a", "0" * 64), "any")
    assert not (tmp_path / "spool").exists()
    monkeypatch.undo()
    settings.cache_clear()
