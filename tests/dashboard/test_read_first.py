"""Read first: nothing of the answer before the commitment, both after it, and the agreement as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import models
from dashboard.case.read_first import tabulate_readings
from models import Fit, Triage
from models.trust.agreement import Reading

Drop = Callable[..., AppTest]
Picture = Callable[..., bytes]


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def commit(page: AppTest, label: str) -> AppTest:
    page.radio[0].set_value(label).run()
    next(button for button in page.button if button.label == "Commit").click().run()
    assert not page.exception
    return page


def test_the_answer_is_hidden_until_committed(implant: AppTest, drop: Drop, picture: Picture) -> None:
    implant.toggle(key="read-first").set_value(True).run()
    page = drop(implant, **{"film.png": picture()})
    assert not page.header
    assert len(page.get("plotly_chart")) == 1  # the image alone, without bars
    assert not page.get("download_button")
    assert all(box.label != "Explain" for box in page.selectbox)
    assert next(button for button in page.button if button.label == "Commit").disabled

    commit(page, "Depuy")
    assert page.header[0].value in {"Cofield", "DePuy", "Zimmer"}
    agreed = page.header[0].value == "DePuy"
    assert ("You agree" if agreed else "You differ") in texts(page)
    assert f"{int(agreed)} of 1 agree" in texts(page)


def test_an_answer_seen_before_does_not_count(implant: AppTest, drop: Drop, picture: Picture) -> None:
    page = drop(implant, **{"film.png": picture()})
    page.toggle(key="read-first").set_value(True).run()
    assert page.header
    assert "would not count" in texts(page)
    assert not page.radio


def test_the_table_names_no_file() -> None:
    reading = Reading("ab" * 32, 0, "knee-kl", "2", "Sure", "3", 0.71, False, "2026-01-01T00:00:00+00:00")
    refused = Reading("cd" * 32, 0, "knee-kl", "2", None, "3", 0.71, True, "2026-01-01T00:00:00+00:00")
    first, second = csv.DictReader(io.StringIO(tabulate_readings([reading, refused]).decode()))
    assert (first["sha256"], first["reader_label"], first["model_label"]) == ("ab" * 32, "2", "3")
    assert (first["agreed"], second["agreed"], second["abstained"]) == ("false", "", "true")
    assert "not a medical device" in first["note"]


def hidden(page: AppTest) -> bool:
    """Whether nothing on the page tells anything of an answer."""
    said = texts(page)
    words = ("%", "No answer", "No box", "opens on", "It looks like", "OOD score", "OrthoLens answers")
    return not page.header and not page.get("download_button") and not any(word in said for word in words)


def test_committing_goes_on_and_reveals_no_other_film(implant: AppTest, drop: Drop, picture: Picture) -> None:
    implant.toggle(key="read-first").set_value(True).run()
    page = drop(implant, **{"one.png": picture(1), "two.png": picture(2), "three.png": picture(3)})
    page.text_input(key="reader-name").set_value("AB").run()
    names = [item.name for item in page.session_state["files"].values()]

    def looked_at() -> str:
        return page.session_state["files"][page.session_state["selected"]].name

    for name in names[:2]:
        assert looked_at() == name
        assert hidden(page)
        commit(page, "Depuy")
    assert looked_at() == names[2]
    assert hidden(page)
    assert "2 of 3 films read" in texts(page)
    commit(page, "Depuy")
    assert looked_at() == names[2]  # the last one: now both are compared
    assert page.header
    assert "of 3 agree" in texts(page)
    page.button(key="step-J").click().run()
    assert page.header  # of a film that was read

    page.text_input(key="reader-name").set_value("CD").run()
    assert hidden(page)  # another reader has read nothing yet
    assert all(button.key != "answer-all" or button.disabled for button in page.button)


def test_the_answer_after_each_film_where_it_is_wanted(implant: AppTest, drop: Drop, picture: Picture) -> None:
    implant.toggle(key="read-first").set_value(True).run()
    page = drop(implant, **{"one.png": picture(1), "two.png": picture(2)})
    page.toggle(key="read-first-after-each").set_value(True).run()
    commit(page, "Depuy")
    assert page.session_state["files"][page.session_state["selected"]].name == "one.png"
    assert page.header


def test_committing_on_a_frame_reveals_no_other(implant: AppTest, drop: Drop, sequence: bytes) -> None:
    implant.toggle(key="read-first").set_value(True).run()
    page = drop(implant, **{"film.tif": sequence})
    commit(page, "Depuy")
    assert page.header
    page.slider[0].set_value(2).run()
    assert not page.exception
    assert not page.header
    assert not page.get("download_button")
    assert [button.label for button in page.button if button.label == "Commit"] == ["Commit"]


def test_a_refusal_is_hidden_until_committed(
    implant: AppTest, drop: Drop, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = models.predict
    odd = {"abstained": True, "reason": "this does not look like a test picture", "ood_score": 2.0}
    monkeypatch.setattr(models, "predict", lambda *a, **k: replace(predict(*a, **k), **odd))
    implant.toggle(key="read-first").set_value(True).run()
    page = drop(implant, **{"film.png": picture()})
    assert hidden(page)
    commit(page, "Depuy")
    assert "his does not look like a test picture" in texts(page)
    assert "not counted: the model gave no answer" in texts(page)


def test_several_readers_are_one_table() -> None:
    one = Reading(
        "ab" * 32, 0, "knee-kl", "2", None, "3", 0.71, False, "2026-01-01T00:00:00+00:00", "AB", 12.5, "x.png"
    )
    other = replace(one, by="=CD", reader="3", seconds=3.0)
    rows = list(csv.DictReader(io.StringIO(tabulate_readings([one, other], named=True).decode())))
    assert [(row["file"], row["reader"], row["seconds"], row["agreed"]) for row in rows] == [
        ("x.png", "AB", "12.5", "false"), ("x.png", "'=CD", "3.0", "true"),
    ]  # fmt: skip
    assert "x.png" not in tabulate_readings([one, other]).decode()


def test_a_film_of_another_page_stays_where_it_is_read(
    implant: AppTest, drop: Drop, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "triage", lambda image, frame=0, **_: Triage((Fit("knee-kl", "pathology", 0.5),)))
    implant.toggle(key="read-first").set_value(True).run()
    page = drop(implant, **{"film.png": picture()})
    assert hidden(page)
    assert [button.label for button in page.button if button.label == "Commit"] == ["Commit"]
