"""A question of one's own, and a kind of one's own: a folder a package and a card, which all of the program find."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import models
from dashboard.case import pages
from models import Image, tasks
from models.answers.record import write_headline
from models.answers.report import write_chapter
from models.answers.worklist import Row, describe_outcome, export_worklist
from models.cards import reload_cards
from models.reporting.case import Case
from models.settings import settings
from tests.dashboard.conftest import APP

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
        reload_cards()
        forget()

    yield add
    forget()


@pytest.mark.parametrize(("kind", "card"), [("classification", "random_card"), ("segmentation", "segmenting_card")])
def test_a_question_in_a_folder_is_found_everywhere(
    kind: str, card: str, ask: Callable, request: pytest.FixtureRequest, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    from models.cli import app

    id = request.getfixturevalue(card)
    ask("toys", kind, id)
    assert "toys" in pages.list_tasks_with_page()
    assert pages.find_page_kind("toys").name == kind
    (tmp_path / "film.png").write_bytes(picture())
    told = CliRunner().invoke(app, ["predict", "toys", str(tmp_path / "film.png"), "--out", "-"])
    assert told.exit_code == 0, told.output
    answer = json.loads(told.output.splitlines()[0])
    assert (answer["task"], answer["card"]) == ("toys", id)
    report = tmp_path / "report.html"
    CliRunner().invoke(app, ["predict", "toys", str(tmp_path / "film.png"), "--out", "-", "--report", str(report)])
    assert models.card(id).title in report.read_text("utf-8")


def test_a_question_without_a_page_of_its_own_has_that_of_its_kind(
    ask: Callable, segmenting_card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("toys", "segmentation", segmenting_card)
    monkeypatch.setattr("dashboard.case.card_summary.show_card_summary", lambda card: None)  # links to another page

    def page() -> None:
        from dashboard.case import pages

        pages.find_page_kind("toys").show("toys", "Drop a toy.")

    shown = AppTest.from_function(page, default_timeout=120).run()
    assert not shown.exception
    told = [json.loads(one.proto.json) for one in shown.get("bidi_component")]
    assert "Drop a toy." in [one.get("invitation") for one in told]


TOY = Path(__file__).parents[1] / "toy_kind"
"""A kind of task as anyone would add it: a folder of `models.tasks` and one of `dashboard.views`."""
GAUGE = """
id = "gauge"
task = "brightness"
title = "A gauge"
summary = "How bright a picture is."
labels = [{ key = "brightness", name = "Brightness" }]
input = { size = [64, 64] }
net = { name = "linear" }
members = [MEMBER]
ood = DETECTOR

[use]
"""


@pytest.fixture
def gauge(
    product: Callable[..., str], card_text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Id of a card of a kind that only this test has."""
    import torch

    from dashboard import views
    from models.cards import writing
    from models.nets.loading import write_tensors

    def forget() -> None:
        for cached in (tasks.kinds, tasks.questions, pages.list_page_kinds, st.cache_data, st.cache_resource):
            getattr(cached, "cache_clear", getattr(cached, "clear", None))()
        reload_cards()
        for name in [name for name in sys.modules if name.startswith(("models.tasks.gauge", "dashboard.views.gauge"))]:
            del sys.modules[name]

    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(TOY / "tasks")])
    monkeypatch.setattr(views, "__path__", [*views.__path__, str(TOY / "views")])
    monkeypatch.setattr(writing, "CARDS_DIR", tmp_path / "cards")
    files = {
        "gauge-0": {"weight": torch.tensor([[100.0]]), "bias": torch.zeros(1)},
        "gauge.ood": {"centre": torch.tensor([0.5]), "scale": torch.ones(1), "whiten": torch.ones(1, 1),
                       "energy": torch.tensor(0.0)},
    }  # fmt: skip
    member, detector = (
        f'file = "{name}.safetensors", sha256 = "{write_tensors(of, tmp_path / "weights" / f"{name}.safetensors")}"'
        for name, of in files.items()
    )
    text = GAUGE.replace("MEMBER", f"{{ {member} }}").replace(
        "DETECTOR", f"{{ {detector}, threshold = 0.45, kept = 1, n = 9 }}"
    )
    (tmp_path / "cards" / "gauge.toml").write_text(text + card_text.partition("[use]")[2])
    forget()
    yield "gauge"
    forget()


def test_a_kind_in_a_folder_is_found_by_the_command_line(
    gauge: str, picture: Callable[..., bytes], tmp_path: Path
) -> None:
    from models.cli import app

    def said(*argv: str) -> str:
        told = CliRunner().invoke(app, argv)
        assert told.exit_code == 0, told.output
        return told.stdout

    film, report = tmp_path / "film.png", tmp_path / "report.html"
    film.write_bytes(picture())
    percent = 100 * float(models.read(film).grey().mean())
    line = json.loads(said("predict", "brightness", str(film), "--out", "-", "--report", str(report)).splitlines()[0])
    assert (line["task"], line["card"], line["unit"], line["abstained"]) == ("brightness", gauge, "%", False)
    assert line["value"] == pytest.approx(percent, abs=0.01)
    assert f"Brightness {percent:.1f} %" in report.read_text("utf-8")
    assert json.loads(said("triage", str(film), "--out", "-").splitlines()[0])["card"] == gauge
    assert "brightness" in said("cards")
    assert "task brightness" in said("cards", gauge)
    said("evaluate", gauge)
    assert models.card(gauge).figures["trials"]["even pictures"]["metrics"]["mae"]["value"] < 0.1
    for option in (["--fused"], ["--save", str(tmp_path / "kept")]):  # what it has not is a sentence
        refused = CliRunner().invoke(app, ["predict", "brightness", str(film), "--out", "-", *option])
        assert refused.exit_code == 2


def test_a_kind_in_a_folder_withholds_without_a_line_of_its_own(gauge: str) -> None:
    black = models.predict(Image(np.zeros((1, 64, 64), np.float32), "", "ab" * 32), gauge)
    assert black.abstained
    assert write_headline(black).startswith("No answer: this does not look like")
    told = write_chapter(Case(Image(np.zeros((1, 64, 64), np.float32), "", "ab" * 32), black))
    assert (told.answer, told.sure) == ("No answer", "")
    assert "0.0" not in repr(told.sections[0].parts[0])
    row = next(
        csv.DictReader(
            io.StringIO(export_worklist([Row("ab" * 32, "", 0, describe_outcome(black))], named=False).decode())
        )
    )
    assert (row["answer"], row["abstained"]) == ("", "true")


def test_a_kind_in_a_folder_has_page_worklist_card_and_step_of_the_stage(
    gauge: str, drop: Callable[..., AppTest], picture: Callable[..., bytes], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    percent = 100 * float(models.read(picture()).grey().mean())
    page = drop(AppTest.from_file(APP, default_timeout=120).run(), **{"film.png": picture()})
    assert page.session_state["visited"] == "brightness"  # where triage sends it from Home
    assert f"Brightness {percent:.1f} %" in [header.value for header in page.header]
    assert any(f"{percent:.1f} %" in plain.value.replace("\\", "") for plain in page.sidebar.caption)
    rows = page.switch_page("views/worklist.py").run()
    assert not rows.exception
    assert list(rows.dataframe[0].value["answer"]) == [f"{percent:.1f} %"]
    lesson = page.switch_page("views/lessons/how_it_works.py")
    lesson.session_state["section"] = "network"
    assert "No lesson knows a Linear." in [text.value for text in lesson.run().markdown]
    card = page.switch_page("views/model_cards/model_cards.py").run()
    assert not card.exception
    assert "A gauge" in [header.value for header in card.header]
    (tmp_path / "talk.toml").write_text('[[step]]\ntitle = "T"\npage = "brightness"\ncase = "film.png"\n')
    (tmp_path / "film.png").write_bytes(picture())
    monkeypatch.setenv("ORTHOLENS_STAGE", str(tmp_path / "talk.toml"))
    settings.cache_clear()
    step = AppTest.from_file(APP, default_timeout=120).run()
    settings.cache_clear()
    assert not step.exception
    assert f"Brightness {percent:.1f} %" in [header.value for header in step.header]


def test_a_card_with_fewer_labels_than_its_kind_needs_is_refused(random_card: str, tmp_path: Path) -> None:
    path = tmp_path / "cards" / f"{random_card}.toml"
    text = path.read_text()
    path.write_text(
        text[: text.index("labels")] + 'labels = [{ key = "a", name = "A" }]\n' + text[text.index("input") :]
    )
    reload_cards()
    with pytest.raises(models.OrthoLensError, match="classification with 1 label answers nothing"):
        tasks.kind_of_card(models.card(random_card))


def test_what_no_folder_asks_is_no_task() -> None:
    with pytest.raises(models.OrthoLensError, match="no task 'toys'"):
        tasks.question_of("toys")
    with pytest.raises(models.OrthoLensError, match="no card answers 'kinematics' alone"):
        tasks.task_of("kinematics")
