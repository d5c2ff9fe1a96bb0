"""A request of a page that was left is answered under the page that is shown."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from dashboard.session import answer_under_the_shown_page


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[RerunData]:
    """Requests as Streamlit is given them, by a session that shows the page "new"."""
    found: list[RerunData] = []
    monkeypatch.setattr(ScriptRunner, "_run_script", lambda _, request: found.append(request))
    answer_under_the_shown_page()
    return found


def run(shown: str, request: RerunData) -> None:
    pages = SimpleNamespace(current_page_script_hash=shown)
    ScriptRunner._run_script(SimpleNamespace(_pages_manager=pages), request)  # type: ignore[arg-type]


def test_a_fragment_of_the_page_that_was_left_does_not_bring_that_page_back(answered: list[RerunData]) -> None:
    run("new", RerunData(page_script_hash="old", fragment_id_queue=["watch"], query_string="a=1"))
    assert answered == [RerunData(page_script_hash="new", fragment_id_queue=["watch"], query_string="a=1")]


def test_whole_pages_and_first_visits_are_left_alone(answered: list[RerunData]) -> None:
    asked = [RerunData(page_script_hash="old"), RerunData(page_script_hash="old", fragment_id_queue=["watch"])]
    run("new", asked[0])
    run("", asked[1])
    assert answered == asked


def test_it_is_seen_to_once(answered: list[RerunData]) -> None:
    before = ScriptRunner._run_script
    answer_under_the_shown_page()
    assert ScriptRunner._run_script is before
