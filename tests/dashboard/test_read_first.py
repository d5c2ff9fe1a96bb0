"""Read first: nothing of the answer before the commitment, both after it, and the agreement as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from dashboard.components.read_first import table
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
    first, second = csv.DictReader(io.StringIO(table([reading, refused]).decode()))
    assert (first["sha256"], first["reader_label"], first["model_label"]) == ("ab" * 32, "2", "3")
    assert (first["agreed"], second["agreed"], second["abstained"]) == ("false", "", "true")
    assert "not a medical device" in first["note"]
