"""The worklist: whole names with their answers, next and previous, a table with its reference standard, clear all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

import models
from models import Fit, Triage

Drop = Callable[..., AppTest]
Picture = Callable[..., bytes]
CUT = b"\x89PNG\r\n\x1a\n\0\0"
"""Begins as an image does."""
LONG = "a_very_long_name_of_a_file_that_no_sidebar_is_wide_enough_for_left_knee_2024-01-01.png"


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def joined(page: AppTest) -> AppTest:
    """Return a page once its work has ended."""
    for name in page.session_state["jobs"]:
        page.session_state[f"job-{name}"]._thread.join()
    page.run()
    assert not page.exception
    return page


@pytest.fixture
def three(implant: AppTest, drop: Drop, picture: Picture) -> AppTest:
    """Three files, one of which is no image, looked through."""
    return joined(drop(implant, **{LONG: picture(1), "two.png": picture(2), "zbad.png": CUT}))


def test_names_are_whole_and_the_answer_stands_beside_its_own(three: AppTest, picture: Picture) -> None:
    names = [button.label.replace("\\", "") for button in three.button if (button.key or "").startswith("select-")]
    assert names == [LONG, "two.png", "zbad.png"]
    answered = [one.value.replace("\\", "") for one in three.caption if one.value.replace("\\", "").endswith("%")]
    label = three.header[0].value
    assert [one.rpartition(" ")[0] for one in answered] == [label]
    assert "cannot be read" in texts(three)


def test_next_and_previous_go_round(three: AppTest, picture: Picture) -> None:
    assert [three.button(key=f"step-{key}").proto.shortcut for key in "KJ"] == ["k", "j"]
    three.button(key="step-J").click().run()
    assert three.session_state["selected"] == sha(picture(2))
    three.button(key="step-J").click().run()
    three.button(key="step-J").click().run()
    assert three.session_state["selected"] == sha(picture(1))
    three.button(key="step-K").click().run()
    assert three.session_state["selected"] == sha(CUT)


def test_files_of_another_page_come_last_and_say_so(
    implant: AppTest, drop: Drop, picture: Picture, random_card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def known(image: models.Image, frame: int = 0, **_: object) -> Triage:
        elsewhere = image.sha256 == sha(picture(2))
        return Triage((Fit("x", "tissue", 0.5) if elsewhere else Fit(random_card, "implant", 0.5),))

    monkeypatch.setattr(models, "triage", known)
    page = joined(drop(implant, **{"a.png": picture(1), "b.png": picture(2), "c.png": picture(3)}))
    names = [button.label.replace("\\", "") for button in page.button if (button.key or "").startswith("select-")]
    assert names == ["a.png", "c.png", "b.png"]
    assert "opens on Tissue" in texts(page)
    page.toggle(key="read-first").set_value(True).run()
    assert "opens on Tissue" not in texts(page)  # it tells of the image


def test_everything_is_forgotten_by_one_button(three: AppTest) -> None:
    assert "Every file leaves the table" in texts(three)
    three.button(key="forget-everything").click().run()
    assert not three.exception
    assert not [button for button in three.button if (button.key or "").startswith(("select-", "forget"))]


def test_all_are_answered_beside_the_page_and_measured(
    three: AppTest, random_card: str, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "triage", lambda image, frame=0, **_: Triage((Fit(random_card, "implant", 0.5),)))
    for found in three.session_state["surveyed"].found.values():
        object.__setattr__(found, "triage", None)
    page = three.switch_page("views/worklist.py").run()
    assert page.button(key="answer-all").label == "Answer 2 files"
    page.button(key="answer-all").click().run()
    page = joined(page)
    names = [label.name for label in models.card(random_card).labels]
    table = page.get("arrow_data_frame")[0].value if not page.dataframe else page.dataframe[0].value
    assert list(table["file"]) == [LONG, "two.png", "zbad.png"]
    answers = list(table["answer"])
    assert answers[0] in names
    assert answers[1] in names
    assert answers[2] == "No answer"
    right = {label.name: label.key for label in models.card(random_card).labels}[answers[0]]
    given = f"file,label\n{LONG},{answers[0]}\ntwo,{'Zimmer' if answers[1] != 'Zimmer' else 'Cofield'}\n"
    page.file_uploader(key="reference-file").upload("truth.csv", given.encode())
    page.run()
    assert not page.exception
    assert page.metric[0].value == "50.0 %"
    assert "1 of 2 right" in texts(page)
    assert "2 of 3 files have their label" in texts(page)
    assert page.session_state["references"][f"{sha(picture(1))}-0"] in (right, answers[0])


def test_the_table_is_hidden_while_reading_first(three: AppTest) -> None:
    three.toggle(key="read-first").set_value(True).run()
    page = three.switch_page("views/worklist.py").run()
    assert page.button(key="answer-all").disabled


def test_the_page_without_files_invites(implant: AppTest) -> None:
    page = implant.switch_page("views/worklist.py").run()
    assert not page.exception
    assert "No files are on the table" in texts(page)


def asks(page: AppTest) -> bool:
    """Whether the browser is told to ask before the page is left."""
    (told,) = (one.proto for one in page.get("bidi_component") if "leaving" in one.proto.component_name)
    return '"asks": true' in told.json or '"asks":true' in told.json


def test_only_a_visitors_own_files_are_asked_about(implant: AppTest, drop: Drop, picture: Picture) -> None:
    assert not asks(implant)
    page = drop(implant, **{"mine.png": picture()})
    assert asks(page)
    page.button(key=f"remove-{sha(picture())}").click().run()
    assert not asks(page)
