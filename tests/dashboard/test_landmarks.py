"""The page of landmarks: points on the film, what is measured, points moved by hand, reasons, and files to keep.

The network is replaced at the door of `models` by one that always finds the same sixteen points.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

import models
from dashboard.case import handles, report
from dashboard.case.handles import Board, Touch
from dashboard.style.figures import View
from dashboard.views.landmarks import downloads, figures
from dashboard.views.landmarks.case import LandmarkCase
from models import Explanation, Image
from models.cards import reload_cards
from models.i18n import IN_ENGLISH
from models.reporting.case import Case
from models.tasks.landmarks.edit import Move
from models.types import Landmarks
from tests.conftest import CARD

Drop = Callable[..., AppTest]
NAMES = (*(f"tibia_{i}" for i in range(9)), *(f"femur_{i}" for i in range(7)))
TIBIA = [(20, 60), (35, 60), (50, 60), (60, 52), (70, 55), (80, 52), (90, 60), (105, 60), (120, 60)]
FEMUR = [(20, 50), (35, 54), (50, 48), (70, 36), (90, 48), (105, 50), (120, 46)]
POINTS = np.array([*TIBIA, *FEMUR], np.float32)
"""The narrowest space is 6 px, in the picture's left half; the plateau is 100 px wide."""


def fake(image: Image, card_id: str, *, frame: int = 0, **_: object) -> Landmarks:
    """The same points on every film."""
    return Landmarks(
        task="landmarks", card=card_id, sha256=image.sha256, frame=frame, seconds=0.1, warnings=image.warnings,
        names=NAMES, points=POINTS, radius_px=np.full(16, 2.5, np.float32), spacing_mm=image.spacing_mm,
    )  # fmt: skip


def film_picture(shade: int = 255) -> bytes:
    """A smooth picture of 140 × 90 pixels, up to a shade of grey."""
    out = io.BytesIO()
    Pillow.fromarray(np.linspace(0, shade, 90 * 140).reshape(90, 140).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def write_card(id: str) -> str:
    """Return a card, without weights, that places these points."""
    text = CARD.format(id=id, members="").replace('"implant"', '"landmarks"')
    begin, end = text.index("labels = ["), text.index("input =")
    labels = ", ".join(f'{{ key = "{name}", name = "Point {name}" }}' for name in NAMES)
    return f"{text[:begin]}labels = [{labels}]\n{text[end:]}"


@pytest.fixture
def landmarks_card(product: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The only card there is: it places points on a knee."""
    product("good", members=0)
    folder: Path = import_module("models.cards.card").CARDS_DIR
    (folder / "good.toml").write_text(write_card("good"))
    reload_cards()
    monkeypatch.setattr(models, "predict", fake)
    return "good"


@pytest.fixture
def boards(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Board, Callable[[Touch], None]]]:
    """What is drawn to work on, and what takes what a hand does there: the harness has no pointer."""
    drawn: list[tuple[Board, Callable[[Touch], None]]] = []
    monkeypatch.setattr(handles, "show_handles", lambda board, key, take, *_: drawn.append((board, take)))
    return drawn


@pytest.fixture
def dropped(landmarks_card: str, boards: list, drop: Drop) -> Iterator[AppTest]:
    """The page of a new session with a film on it."""
    from tests.dashboard.conftest import APP

    st.cache_resource.clear()
    page = AppTest.from_file(APP, default_timeout=240).run().switch_page("views/landmarks/landmarks.py").run()
    yield drop(page, **{"mrs_smith.png": film_picture()})
    st.cache_resource.clear()


@pytest.fixture
def case(landmarks_card: str, monkeypatch: pytest.MonkeyPatch) -> LandmarkCase:
    """A film with its points, in a session that keeps what it is told."""
    kept: dict[str, object] = {}
    session = import_module("dashboard.session")
    monkeypatch.setattr(session, "get", lambda key, default=None: kept.get(key, default))
    monkeypatch.setattr(session, "put", kept.__setitem__)
    monkeypatch.setattr(session, "compute_once", lambda work, *key: work())
    image = models.read(film_picture(), "x.png")
    return LandmarkCase(image, models.card("good"), fake(image, "good"), View())


def texts(page: AppTest) -> str:
    said = (element.value for element in (*page.markdown, *page.caption, *page.subheader))
    return "\n".join(said).replace("\\", "").replace("\u00a0", " ")


def look(page: AppTest, name: str) -> AppTest:
    page.segmented_control(key="landmarks-panel").set_value(name).run()
    assert not page.exception
    return page


def type_point(page: AppTest, x: float, y: float) -> AppTest:
    fields = {field.label: field for field in page.number_input}
    fields["x, px"].set_value(x)
    fields["y, px"].set_value(y)
    next(one for one in page.button if one.label == "Move it").click().run()
    assert not page.exception
    return page


def test_the_measurements_stand_with_a_short_unit_and_a_definition(dropped: AppTest) -> None:
    said = texts(dropped)
    assert "Minimum joint space 6.0 %" in said  # the headline
    assert "%: of the plateau's width, since the film is not calibrated." in said
    names = [one for one in dropped.markdown if one.value == "Minimum joint space"]
    assert ["smallest distance" in one.help for one in names] == [True]
    assert "Width of the tibial plateau" in said
    assert "100 px" in said


def row(page: AppTest, name: str) -> list[str]:
    """What stands in a row of the measurements, and in the line of its heads."""
    cells = [one.value.replace("\\", "").replace("\u00a0", " ") for one in page.markdown]
    at = cells.index(name)
    return cells[at + 1 : at + 3]


def test_halves_are_of_the_picture_until_the_reader_says_the_side(dropped: AppTest) -> None:
    assert ":small[Left of picture]" in texts(dropped)
    assert "does not state the side" in texts(dropped)
    heads = ("Medial", "Lateral")
    for side, half in (("right", "Lateral"), ("left", "Medial")):
        next(one for one in dropped.segmented_control if one.label == "Side").set_value(side).run()
        assert not dropped.exception
        said = texts(dropped)
        assert "of picture" not in said
        assert said.index(":small[Medial]") < said.index(":small[Lateral]")
        narrow = row(dropped, "Minimum joint space").index("**6.0 %**")
        assert heads[narrow] == half  # the picture's left half


def test_a_typed_point_moves_the_measurements_and_undo_takes_it_back(dropped: AppTest, boards: list) -> None:
    look(dropped, "Points")
    next(one for one in dropped.selectbox if one.label == "Point").set_value("femur_1").run()
    type_point(dropped, 35, 50)
    assert "Moved by hand, drawn as diamonds: Point femur_1." in texts(dropped)
    board, _ = boards[-1]
    assert [(one.key, one.y) for one in board.handles if one.strong] == [("femur_1", 50.0)]
    look(dropped, "Measurements")
    assert "**9.8 %**  \n:small[was 6.0 %]" in texts(dropped)
    dropped.button(key="points-undo").click().run()
    assert "[was" not in texts(dropped)
    assert not [one for one in boards[-1][0].handles if one.strong]
    assert dropped.button(key="points-undo").disabled


def test_regions_below_the_plateau_go_onto_the_ruler_as_one_step(dropped: AppTest, boards: list) -> None:
    dropped.button(key="landmarks-texture").click().run()
    assert not dropped.exception
    assert dropped.toggle(key="measuring").value
    regions = [mark for mark in boards[-1][0].marks if mark.kind == "box"]
    assert [mark.points for mark in regions] == [("region-1/0", "region-1/1"), ("region-2/0", "region-2/1")]
    assert "too small for its texture" in texts(dropped)  # 20 pixels a side, as the film's plateau has 100
    dropped.button(key="ruler-undo").click().run()
    assert not boards[-1][0].marks


def test_one_drag_is_one_turn_and_stays_on_the_film(case: LandmarkCase) -> None:
    for turn, key, place in ((1.0, "femur_1", (36, 53)), (1.0, "femur_1", (37, 52)), (2.0, "tibia_0", (-40, 999))):
        case.take(Touch("moved", key, (place,), turn))
    case.take(Touch("moved", "elbow", ((1, 1),), 3.0))
    case.take(Touch("chosen", "femur_0", (), 4.0))
    assert case.moves == (Move("femur_1", 37, 52), Move("tibia_0", -0.5, 89.5))
    case.keep(case.turns[:-1])
    assert case.moves == (Move("femur_1", 37, 52),)
    assert case.answer.points[10].tolist() == [35, 54]  # the network's own is never changed


def test_a_second_film_stands_beside_the_first_with_what_changed(dropped: AppTest, boards: list, drop: Drop) -> None:
    look(dropped, "Then and now")
    assert "Add a second film" in texts(dropped)
    page = drop(dropped, **{"later.png": film_picture(shade=200)})
    look(page, "Then and now")
    (then, _), (now, _) = boards[-2:]
    assert then.link == now.link != ""
    assert "6.0 % → **6.0 %**" in texts(page)
    for _ in range(40):  # the error is measured beside the page
        if "no more than repetition makes" in texts(page):
            break
        time.sleep(0.5)
        page.run()
    assert "+0.0 %: no more than repetition makes (" in texts(page)
    look(page, "Points")
    next(one for one in page.selectbox if one.label == "Point").set_value("femur_1").run()
    type_point(page, 35, 50)
    look(page, "Then and now")
    assert "6.0 % → **9.8 %**" in texts(page)
    assert "+3.8 %" in texts(page)
    assert "than repetition makes" not in texts(page)  # of a point set by hand none is known
    next(one for one in page.segmented_control if one.label == "When").set_value("then").run()
    assert "9.8 % → **6.0 %**" in texts(page)


def test_layers_of_the_film(case: LandmarkCase) -> None:
    bare = figures.draw_board(case, ())
    assert (bare.marks, {one.radius_px for one in bare.handles}) == ((), {0.0})
    full = figures.draw_board(case, figures.LAYERS)
    assert {one.radius_px for one in full.handles} == {2.5}
    labels = [mark.label.replace("\u00a0", " ") for mark in full.marks if mark.label]
    assert labels[0] == "6.0 %"
    assert len(labels) == 2  # one for each half
    assert all(mark.says for mark in full.marks if not isinstance(mark.points[0], str))
    case.move(Move("femur_1", 35, 50), 1.0)
    moved = next(one for one in figures.draw_board(case, figures.LAYERS).handles if one.key == "femur_1")
    assert (moved.strong, moved.radius_px) == (True, 0.0)  # nobody measured how far off a hand is


def test_the_reason_of_a_point_lies_over_the_film(
    dropped: AppTest, boards: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def explain(image: Image, card: str, method: str, *, label: str, **_: object) -> Explanation:
        asked.append((method, label))
        return Explanation(np.full(image.shape, 0.5, np.float32), method, "", label, 0.1)

    monkeypatch.setattr(models, "explain", explain)
    reports: list[Callable[[], Case]] = []
    monkeypatch.setattr(report, "show_reports", lambda task, name, make, answered=None: reports.append(make))
    plain = boards[-1][0].picture
    look(dropped, "Why")
    assert asked == [("heatmap", "tibia_0")]
    assert boards[-1][0].picture != plain
    assert "within **2.5 px**" in texts(dropped)
    assert reports[-1]().prediction.explanation.target == "tibia_0"


def test_files_say_which_points_a_person_moved(case: LandmarkCase) -> None:
    case.move(Move("femur_1", 35, 50), 1.0)
    kept = downloads.Kept(case.image, case.card, case.view.shown(case.image), case.shown, case.measurements)
    rows = list(csv.DictReader(io.StringIO(downloads.export_table(kept).decode())))
    points = {row["name"]: row for row in rows if row["kind"] == "point"}
    assert len(points) == 16
    moved = points["femur_1"]
    assert (moved["moved_by_hand"], moved["y"], moved["network_y"], moved["radius_px"]) == ("yes", "50.00", "54.00", "")
    assert points["femur_0"]["moved_by_hand"] == "no"
    space = next(row for row in rows if row["name"] == "minimum_space")
    assert (space["kind"], space["unit"]) == ("measurement", "%")
    assert space["definition"]
    said = json.loads(downloads.export_landmarks(kept))
    assert said["moved_by_hand"] == ["femur_1"]
    assert "not a medical device" in said["disclaimer"]
    picture = Pillow.open(io.BytesIO(downloads.export_picture(kept, IN_ENGLISH)))
    assert picture.width >= 1024


def test_an_abstention_shows_no_point_until_asked(
    dropped: AppTest, boards: list, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = {"abstained": True, "reason": "too blue", "ood_score": 2.0}
    monkeypatch.setattr(models, "predict", lambda *a, **k: replace(fake(*a, **k), **odd))
    out = io.BytesIO()
    Pillow.fromarray(np.full((60, 60), 90, np.uint8)).save(out, "PNG")
    seen = len(boards)
    page = drop(dropped, **{"other.png": out.getvalue()})
    assert "Too blue" in texts(page)
    assert len(boards) == seen
    assert "Minimum joint space" not in texts(page)
    next(one for one in page.toggle if one.label == "Show anyway").set_value(True).run()
    assert len(boards) == seen + 1
