"""The home page: cases to try, and what a click on one does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import models
from dashboard import session
from models.data.cases import cases
from models.data.samples import samples
from models.settings import settings


@pytest.fixture
def samples_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], None]:
    """Return what makes a folder stand in for the publishers of the public cases."""

    def point(folder: Path) -> None:
        monkeypatch.setenv("ORTHOLENS_SAMPLES_URL", str(folder))
        monkeypatch.setenv("ORTHOLENS_CACHE_DIR", str(tmp_path))
        settings.cache_clear()

    settings.cache_clear()
    yield point
    settings.cache_clear()


def finish(page: AppTest) -> AppTest:
    """Run until the public cases are there, or are known not to be."""
    while (job := page.session_state["job-public-cases"]).running:
        job._thread.join()
    return page.run()


def test_every_page_says_what_the_program_is_not(home: AppTest) -> None:
    for page in (home, home.switch_page("views/implant.py").run()):
        assert not page.exception
        assert any(models.DISCLAIMER in caption.value for caption in page.caption)


def test_the_gallery_shows_the_cases_of_tasks_that_have_a_page(home: AppTest) -> None:
    buttons = {button.key for button in home.button}
    for case in cases():
        assert (f"open-{case.file}" in buttons) == (case.task == "implant")
    assert any("simulat" in caption.value for caption in home.caption)


def test_a_click_on_a_case_opens_its_page_with_its_answer(home: AppTest) -> None:
    page = home.button(key="open-shoulder_anatomic.dcm").click().run()
    assert not page.exception
    assert page.header[0].value in {"Cofield", "DePuy", "Zimmer"}
    assert any("Simulated by OrthoLens" in caption.value for caption in page.caption)


def test_a_file_dropped_on_the_home_page_is_answered_on_the_page_visited_last(
    home: AppTest, drop: Callable[..., AppTest], picture: Callable[..., bytes]
) -> None:
    assert len(drop(home, **{"a.png": picture()}).header) == 1


def test_public_cases_without_a_network_are_a_clear_sentence(
    home: AppTest, samples_folder: Callable[[Path], None], tmp_path: Path
) -> None:
    samples_folder(tmp_path / "nowhere")
    button = next(button for button in home.button if "public" in button.label)
    page = finish(button.click().run())
    assert not page.exception
    assert any("could not be fetched" in text.value for text in page.markdown)


def test_public_cases_are_shown_with_their_attribution(
    home: AppTest, samples_folder: Callable[[Path], None], packed: Callable[[str], Path]
) -> None:
    samples_folder(packed("samples").resolve())
    button = next(button for button in home.button if "public" in button.label)
    page = finish(button.click().run())
    shown = {button.key for button in page.button}
    wanted = {f"open-{sample.file}" for sample in samples() if sample.task == "implant"}
    assert wanted <= shown
    assert any("CC BY 4" in caption.value for caption in page.caption)


def test_the_queue_lets_the_oldest_go(home: AppTest, drop: Callable[..., AppTest]) -> None:
    files = {f"{number}.txt": b"no image %d" % number for number in range(session.QUEUE_FILES + 3)}
    page = drop(home, **files)
    assert len(page.session_state["files"]) == session.QUEUE_FILES
