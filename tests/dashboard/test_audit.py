"""The audit on the page: nothing until asked, then every figure with its sentence; and it can be cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

import models
from models.errors import Cancelled

Drop = Callable[..., AppTest]
Picture = Callable[..., bytes]


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def settled(page: AppTest) -> AppTest:
    """Return the page after its audit has ended."""
    jobs = [page.session_state[f"job-{name}"] for name in page.session_state["jobs"]]
    while any(job.running for job in jobs):
        time.sleep(0.1)
    return page.run()


@pytest.fixture
def answered(implant: AppTest, drop: Drop, picture: Picture) -> AppTest:
    """The implant page with an answer."""
    return drop(implant, **{"film.png": picture()})


def test_nothing_is_computed_until_it_is_asked_for(answered: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "audit", lambda *_, **__: pytest.fail("nobody asked"))
    answered.run()
    assert not answered.button(key="audit-start").disabled
    assert "Is the map faithful" not in texts(answered)


def test_every_figure_comes_with_its_sentence(answered: AppTest) -> None:
    answered.get("button_group")  # the methods
    answered.session_state["audit-methods"] = ["grad-cam", "hirescam"]
    answered.run().button(key="audit-start").click().run()
    page = settled(answered)
    assert not page.exception
    said = texts(page)
    for words in ("zoom one and all follow", "when its hottest places are greyed", "does not make them right",
                  "replaced by random weights", "on it lies"):  # fmt: skip
        assert words in said or (words == "on it lies" and "No metal was found" in said)
    assert list(page.dataframe[0].value["Method"]) == ["Grad-CAM", "HiResCAM", "Random map"]


def test_too_few_or_too_many_methods_cannot_be_run(answered: AppTest) -> None:
    answered.session_state["audit-methods"] = ["grad-cam"]
    answered.run()
    assert answered.button(key="audit-start").disabled
    assert "Choose 2 to 4 methods" in texts(answered)


def test_it_can_be_cancelled(answered: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(
        *_: object, progress: Callable[[float, str], None], cancelled: Callable[[], bool], **__: object
    ) -> None:
        progress(0.3, "Grad-CAM: deletion and insertion")
        while not cancelled():
            time.sleep(0.05)
        raise Cancelled("the computation was stopped", fix="Start it again to see its result.")

    monkeypatch.setattr(models, "audit", endless)
    page = answered.button(key="audit-start").click().run()
    assert "deletion and insertion · 30%" in page.get("progress")[0].proto.text
    page.button(key="audit-cancel").click().run()
    page = settled(page)
    assert not page.exception
    assert "computation was stopped" in texts(page)
    assert not page.button(key="audit-start").disabled


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "About 1 s"), (43, "About 40 s"), (200, "About 3 min")])
def test_how_long_it_takes_is_told_once_it_is_looked_at(
    answered: AppTest, monkeypatch: pytest.MonkeyPatch, seconds: float, said: str
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(models, "audit_seconds", lambda card, methods: asked.append(methods) or seconds)
    answered.run()
    assert asked == []
    answered.session_state["audit-open"] = True
    answered.run()
    assert said in texts(answered)
    assert len(asked) == 1
