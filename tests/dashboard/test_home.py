"""The home page: cases to try, and what a click on one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import models
from dashboard import session
from dashboard.case import pages
from dashboard.case.states import escape_markdown
from models.cases.samples import list_samples
from models.settings import settings
from tests.dashboard.conftest import APP


@pytest.fixture(scope="module")
def kept() -> Iterator[None]:
    """What one visitor of this module's had answered is kept for the next, as a server keeps it."""
    for clear in (st.cache_data.clear, st.cache_resource.clear):
        clear()
    yield
    for clear in (st.cache_data.clear, st.cache_resource.clear):
        clear()


@pytest.fixture
def real_home(kept: None) -> AppTest:
    """The first page of a new session, with the models as they come."""
    return AppTest.from_file(APP, default_timeout=240).run()


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
    for page in (home, home.switch_page("views/classification/implant.py").run()):
        assert not page.exception
        assert any(models.DISCLAIMER in caption.value for caption in page.caption)


def test_home_shows_an_answered_example_of_each_page_that_has_one(real_home: AppTest) -> None:
    buttons = {button.key for button in real_home.button}
    for page in ("implant", "pathology", "landmarks", "tissue", "detection", "kinematics", "how_it_works"):
        assert f"open-{page}" in buttons
    told = [caption.value for caption in real_home.caption]
    assert any("Simulated" in words and "mean Dice 0\\.9" in words for words in told)
    assert any("flexion 12° to" in words for words in told)
    assert any("Minimum joint space" in words for words in told)
    assert not any("looking" in words for words in told)


@pytest.mark.parametrize(
    ("page", "word"),
    [
        ("implant", "Cofield"),
        ("pathology", "KL 0"),
        ("landmarks", "Minimum joint space"),
        ("tissue", "mean Dice"),
        ("detection", "Fracture suspected"),
    ],
)
def test_a_page_opens_on_an_answered_example_that_is_on_no_table(real_home: AppTest, page: str, word: str) -> None:
    opened = real_home.switch_page(pages.find_page_script(page)).run()
    assert not opened.exception
    said = next(text.value for text in opened.markdown if ":material/science: **" in text.value)
    assert word in said
    assert "check_circle" in said
    assert not any("No answer" in text.value for text in opened.markdown)
    assert not opened.session_state["files"] if "files" in opened.session_state else True


def test_another_example_opens_at_a_click_and_a_file_takes_its_place(
    real_home: AppTest, drop: Callable[..., AppTest], picture: Callable[..., bytes]
) -> None:
    page = real_home.switch_page("views/segmentation/tissue.py").run()
    page = page.button(key="open-tissue-arthroplasty_lunge.png").click().run()
    assert not page.exception
    assert any("emoral and tibial" in text.value for text in page.markdown)
    assert page.subheader[0].value == escape_markdown(models.card("tka-fluoroscopy").title)
    page = drop(page, **{"a.png": picture()})
    assert not any("**Simulated" in text.value for text in page.markdown)


def test_a_tile_opens_its_page(real_home: AppTest) -> None:
    page = real_home.button(key="open-detection").click().run()
    assert not page.exception
    assert page.subheader[0].value == escape_markdown(models.card("fracture").title)


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
    wanted = {f"open-{sample.file}" for sample in list_samples() if sample.task == "implant"}
    assert wanted <= shown
    assert any("CC BY 4" in caption.value for caption in page.caption)


def test_public_cases_once_fetched_come_first(
    real_home: AppTest, samples_folder: Callable[[Path], None], packed: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = packed("samples").resolve()
    samples_folder(folder)
    (tmp_path / "samples").mkdir()
    for sample in list_samples():
        (tmp_path / "samples" / sample.file).symlink_to(folder / sample.file)
    page = real_home.switch_page("views/detection/detection.py").run()
    keys = [button.key for button in page.button if (button.key or "").startswith("open-detection-")]
    assert keys[:2] == ["open-detection-fracture_img0000151.jpg", "open-detection-fracture_img0000012.jpg"]
    assert "generated" in keys[2]
    page = page.switch_page("views/home.py").run()
    assert not any("public files" in button.label for button in page.button)
    page = page.button(key="open-tka_at_k1_v1_0160.tif").click().run()
    assert not page.exception
    assert any("3 files of frames" in folded.label for folded in page.expander)


def test_the_queue_lets_the_oldest_go(home: AppTest, drop: Callable[..., AppTest]) -> None:
    files = {f"{number}.txt": b"no image %d" % number for number in range(session.QUEUE_FILES + 3)}
    page = drop(home, **files)
    assert len(page.session_state["files"]) == session.QUEUE_FILES
