"""A question of one's own: a folder with a name for it, and a card; pages, command line and report find both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import models
from dashboard.case import pages
from models import tasks

QUESTION = """
from models.tasks.kind import Question

QUESTIONS = (Question("{name}", "Which toy is it?", "{kind}"),)
"""


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, str], None]]:
    """Return what adds a question in one folder, and gives it a card that there is."""

    def forget() -> None:
        tasks.kinds.cache_clear()
        tasks.questions.cache_clear()

    def add(name: str, kind: str, card_id: str) -> None:
        folder = tmp_path / "own" / f"toy_{kind}"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(QUESTION.format(name=name, kind=kind))
        monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(folder.parent)])
        path = tmp_path / "cards" / f"{card_id}.toml"
        old = models.card(card_id).task
        path.write_text(path.read_text().replace(f'task = "{old}"', f'task = "{name}"'))
        models.cards.cache_clear()
        forget()

    yield add
    forget()


@pytest.mark.parametrize(("kind", "card"), [("classification", "random_card"), ("segmentation", "painting_card")])
def test_a_question_in_a_folder_is_found_everywhere(
    kind: str, card: str, ask: Callable, request: pytest.FixtureRequest, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    from models.cli import app

    id = request.getfixturevalue(card)
    ask("toys", kind, id)
    assert "toys" in pages.task_names()
    assert pages.page_kind("toys").name == kind
    (tmp_path / "film.png").write_bytes(picture())
    told = CliRunner().invoke(app, ["predict", "toys", str(tmp_path / "film.png"), "--out", "-"])
    assert told.exit_code == 0, told.output
    answer = json.loads(told.output.splitlines()[0])
    assert (answer["task"], answer["card"]) == ("toys", id)
    report = tmp_path / "report.html"
    CliRunner().invoke(app, ["predict", "toys", str(tmp_path / "film.png"), "--out", "-", "--report", str(report)])
    assert models.card(id).title in report.read_text("utf-8")


def test_a_question_without_a_page_of_its_own_has_that_of_its_kind(
    ask: Callable, painting_card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("toys", "segmentation", painting_card)
    monkeypatch.setattr("dashboard.case.card_summary.show", lambda card: None)  # links to another page

    def page() -> None:
        from dashboard.case import pages

        pages.page_kind("toys").show("toys", "Drop a toy.")

    shown = AppTest.from_function(page, default_timeout=120).run()
    assert not shown.exception
    told = [json.loads(one.proto.json) for one in shown.get("bidi_component")]
    assert "Drop a toy." in [one.get("invitation") for one in told]


def test_what_no_folder_asks_is_no_task() -> None:
    with pytest.raises(models.OrthoLensError, match="no task 'toys'"):
        tasks.question_of("toys")
    with pytest.raises(models.OrthoLensError, match="no card answers 'kinematics' alone"):
        tasks.task_of("kinematics")
