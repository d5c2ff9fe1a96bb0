"""What is forgotten is gone at once: pixels, answers, pictures and uploads, from every cache and the media manager."""

from __future__ import annotations

import gc
import hashlib
import weakref
from collections.abc import Callable

import pytest
from streamlit.runtime.caching.cache_resource_api import clear_session_cache
from streamlit.testing.v1 import AppTest

import models
from dashboard import session
from dashboard.case import leaving
from models import Image
from models.io import slide as slides
from models.io.worker import Crashed

Drop = Callable[..., AppTest]
Picture = Callable[..., bytes]


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], bool]:
    """Return whether anything in this process still holds the pixels, or an answer, of a file of that name."""
    kept: dict[str, list[weakref.ref[object]]] = {}
    read, predict = models.read, models.predict

    def reading(data: bytes, name: str = "") -> Image:
        image = read(data, name)
        kept.setdefault(image.name, []).append(weakref.ref(image))
        return image

    def predicting(image: Image, *asked: object, **options: object) -> models.Prediction:
        answer = predict(image, *asked, **options)
        kept.setdefault(image.name, []).append(weakref.ref(answer))
        return answer

    monkeypatch.setattr(models, "read", reading)
    monkeypatch.setattr(models, "predict", predicting)

    def held(name: str) -> bool:
        gc.collect()
        return any(one() is not None for one in kept[name])

    return held


def settled(page: AppTest) -> AppTest:
    """Wait for the work beside the page."""
    for name in page.session_state.get("jobs", ()):
        page.session_state[f"job-{name}"]._thread.join()
    return page


def test_a_file_that_is_removed_is_gone_and_the_others_stay_ready(
    implant: AppTest, drop: Drop, picture: Picture, alive: Callable[[str], bool]
) -> None:
    page = settled(drop(implant, **{"mine.png": picture(1), "other.png": picture(2)}))
    mine = hashlib.sha256(picture(1)).hexdigest()
    page.button(key=f"select-{mine}").click().run()
    settled(page)
    assert alive("mine.png")
    page.button(key=f"remove-{mine}").click().run()
    assert not page.exception
    settled(page)
    assert not alive("mine.png")
    assert alive("other.png")
    assert mine not in page.session_state["surveyed"].found
    assert not any(mine in repr(key) for _, key in page.session_state["ready"])


def test_everything_is_forgotten(implant: AppTest, drop: Drop, picture: Picture, alive: Callable[[str], bool]) -> None:
    page = settled(drop(implant, **{"mine.png": picture(1)}))
    page.button(key="forget-everything").click().run()
    assert not page.exception
    settled(page)
    assert not alive("mine.png")
    assert not session.list_queue()
    assert not page.file_uploader[0].value


def forgetting() -> None:
    import streamlit as st
    from streamlit import runtime
    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

    from dashboard import session

    context, media = get_script_run_ctx(), runtime.get_instance().media_file_mgr
    context.uploaded_file_mgr.add_file(context.session_id, UploadedFileRec("1", "a.png", "image/png", b"of a patient"))
    st.download_button("Mask", b"of a patient", key="mask")
    st.audio(b"of a patient")
    st.json({"before": len(media._file_metadata)})
    session.forget_session()
    uploads = context.uploaded_file_mgr.get_files(context.session_id, ["1"])
    st.json({"media": len(media._file_metadata), "uploads": len(uploads)})


def test_what_the_browser_was_shown_and_what_it_sent_are_let_go() -> None:
    page = AppTest.from_function(forgetting).run()
    assert not page.exception
    assert [json.value for json in page.json] == ['{"before": 2}', '{"media": 0, "uploads": 0}']


def opening() -> None:
    from dashboard import session
    from dashboard.session import Item

    session.read_slide(Item("a.tif", b"II*", "ab" * 32))
    session.read_slide(Item("a.tif", b"II*", "ab" * 32))


def test_a_slide_is_kept_for_its_own_visitor_only(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(slides, "open_slide", lambda data, name: opened.append(name))
    for _ in range(2):
        assert not AppTest.from_function(opening).run().exception
        clear_session_cache("test session id")  # as Streamlit ends a visit
    assert opened == ["a.tif", "a.tif"]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[models.OrthoLensError]:
    """Errors that reading raises, one after the other; then it works."""
    errors: list[models.OrthoLensError] = []
    read = models.read
    monkeypatch.setattr(
        models, "read", lambda *a, **k: (_ for _ in ()).throw(errors.pop(0)) if errors else read(*a, **k)
    )
    return errors


def test_a_decoder_that_died_once_does_not_cost_the_file(
    implant: AppTest, drop: Drop, picture: Picture, failing: list[models.OrthoLensError]
) -> None:
    failing.extend(Crashed("its decoder crashed", fix="Try again.") for _ in range(3))
    page = drop(implant, **{"mine.png": picture(1)})
    assert not page.header
    failing.clear()
    page.run()
    assert page.header


def test_nobody_there_is_forgotten_but_not_while_long_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Told:
        idle = True

    done: list[str] = []
    state: dict[str, object] = {leaving.KEY: Told()}
    monkeypatch.setattr(session, "get", state.get)
    monkeypatch.setattr(session, "put", state.__setitem__)
    monkeypatch.setattr(session, "find_stage", lambda: None)
    monkeypatch.setattr(session, "forget_session", lambda: done.append("forgotten"))
    monkeypatch.setattr(session, "is_working", lambda: True)
    leaving._idle()
    assert not done
    monkeypatch.setattr(session, "is_working", lambda: False)
    leaving._idle()
    assert done == ["forgotten"]
    assert state["forgotten-after"] == 30
    monkeypatch.setattr(session, "find_stage", lambda: "the stage has a clock of its own")
    leaving._idle()
    assert done == ["forgotten"]


def working() -> None:
    import time

    from dashboard import session

    session.start_work("long", lambda job: [time.sleep(0.01) for _ in iter(job.stopped, True)])


def test_work_ends_when_its_visit_does() -> None:
    page = AppTest.from_function(working).run()
    assert not page.exception
    job = page.session_state["job-long"]
    assert job.running
    clear_session_cache("test session id")  # as Streamlit ends a visit
    job._thread.join(60)
    assert not job.running
