"""The ruler on the pages: typed places, what is told by the browser, a scale that the whole page follows, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.case import handles
from dashboard.case.handles import Touch
from dashboard.case.ruler.bench import Bench
from dashboard.case.ruler.board import lay_out_board
from dashboard.session.ruler import RulerSheet, calibrate_by_sheet
from dashboard.style.figures import View
from models import Image
from models.geometry.ruler import Calibration

Drop = Callable[..., AppTest]
Picture = Callable[..., bytes]


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption)).replace("\\", "")


def board(page: AppTest) -> dict[str, Any]:
    """What the browser gets of the film that is measured on; nothing where there is none."""
    told = [json.loads(one.proto.json) for one in page.get("bidi_component")]
    return next((one for one in told if "handles" in one), {})


@pytest.fixture
def measuring(implant: AppTest, drop: Drop, picture: Picture) -> AppTest:
    """A page with a film and the ruler on it."""
    page = drop(implant, **{"mrs_smith.png": picture()})
    assert not board(page)
    page.toggle(key="measuring").set_value(True).run()
    assert not page.exception
    return page


def typed(page: AppTest, *values: float) -> AppTest:
    """Type places into the form, and press its button."""
    fields = [field for field in page.number_input if field.label.startswith("Point ")]
    assert len(fields) == len(values)
    for field, value in zip(fields, values, strict=True):
        field.set_value(value)
    next(button for button in page.button if button.label in ("Add", "Move")).click()
    return page.run()


def test_a_cobb_angle_is_typed_moved_undone_and_deleted(measuring: AppTest) -> None:
    page = measuring
    page.segmented_control(key="ruler-tool").set_value("cobb").run()
    typed(page, 10, 10, 40, 16, 10, 46, 40, 40)
    assert not page.exception
    assert "Cobb angle 1" in texts(page)
    assert "22.6°" in texts(page)
    assert [one["key"] for one in board(page)["handles"]] == [f"cobb-1/{index}" for index in range(4)]
    assert board(page)["marks"][0]["label"] == "22.6°"
    page.selectbox(key="ruler-typed-what").set_value("cobb-1").run()
    typed(page, 10, 10, 40, 16, 10, 40, 40, 46)
    assert "0.0°" in texts(page)
    page.button(key="ruler-undo").click().run()
    assert "22.6°" in texts(page)
    page.button(key="ruler-delete-cobb-1").click().run()
    assert "Cobb angle 1" not in texts(page)
    page.button(key="ruler-undo").click().run()
    assert "22.6°" in texts(page)
    page.button(key="ruler-clear").click().run()
    assert board(page)["handles"] == []


def test_a_scale_gives_the_whole_page_its_millimetres(measuring: AppTest) -> None:
    page = measuring
    typed(page, 10, 10, 40, 50)
    assert "50.0 px" in texts(page)
    assert "Not calibrated: lengths are in pixels." in texts(page)
    page.segmented_control(key="ruler-tool").set_value("calibrate").run()
    page.segmented_control(key="ruler-known").set_value("length").run()
    assert page.number_input(key="ruler-size-length").value == 100
    typed(page, 0, 0, 50, 0)
    assert "100.0 mm" in texts(page)
    assert "(a user's ruler, by a length of 100 mm)" in texts(page)
    assert "Millimetres rest on: a user's ruler, by a length of 100 mm" in texts(page)
    assert board(page)["mm"] == 2
    page.number_input(key="ruler-magnification").set_value(1.25).run()
    assert "80.0 mm" in texts(page)
    page.button(key="ruler-delete-calibration").click().run()
    assert "50.0 px" in texts(page)
    assert "no millimetres" in texts(page)


def test_what_makes_no_figure_says_so(measuring: AppTest) -> None:
    page = measuring
    page.segmented_control(key="ruler-tool").set_value("circle").run()
    typed(page, 10, 10, 20, 20, 30, 30)
    assert "The points of a circle lie on one line. Move one of them." in texts(page)
    page.segmented_control(key="ruler-tool").set_value("calibrate").run()
    typed(page, 10, 10, 20, 20, 30, 30)
    assert not page.exception
    assert "no millimetres" in texts(page)


def test_what_was_measured_goes_with_its_file(measuring: AppTest, drop: Drop, picture: Picture) -> None:
    page = measuring
    typed(page, 10, 10, 40, 50)
    drop(page, **{"other.png": picture(7)})
    assert board(page)["handles"] == []
    kept = page.session_state["rulers"]
    first = next(image for image, sheet in kept.items() if sheet.now)
    page.button(key=f"remove-{first}").click().run()
    assert not any(sheet.now for sheet in page.session_state["rulers"].values())


@pytest.fixture
def bench() -> Bench:
    image = Image(np.zeros((2, 60, 80), np.float32), "", "0" * 64)
    return Bench(image, View(frame=1), RulerSheet("0" * 64), "length")


def test_a_hand_places_drags_and_removes(bench: Bench) -> None:
    bench.take(Touch("placed", "", ((1.234, 2), (500, -40))))
    (made,) = bench.ruler.measurements
    assert (made.points, made.frame) == (((1.23, 2.0), (79.5, -0.5)), 1)  # kept on the image
    for x in (10.0, 20.0, 30.0):
        bench.take(Touch("moved", "length-1/0", ((x, 5.0),), turn=7.0))
    assert bench.ruler.measurements[0].points[0] == (30, 5)
    bench.sheet.undo()
    assert bench.ruler.measurements[0].points[0] == (1.23, 2)  # a drag is undone as one
    for nonsense in (Touch("placed", "", ((1, 2),)), Touch("moved", "length-9/0", ((1, 2),)), Touch("moved", "x", ())):
        bench.take(nonsense)
        assert [one.points for one in bench.ruler.measurements] == [((1.23, 2.0), (79.5, -0.5))]
    bench.take(Touch("removed", "length-1/1", ()))
    assert bench.ruler.measurements == ()
    for _ in range(9):
        bench.sheet.undo()
    assert not bench.ruler


def test_a_calibration_is_dragged_and_drawn_on_its_own_frame(bench: Bench) -> None:
    known = replace(bench, tool=None, known=Calibration("ball", (), 25.0))
    known.take(Touch("placed", "", ((10, 30), (60, 30), (35, 55))))
    image = calibrate_by_sheet(bench.image, {bench.image.sha256: bench.sheet})
    assert image.spacing_mm == pytest.approx((0.5, 0.5))
    drawn = lay_out_board(replace(bench, image=image), "")
    assert [mark.label for mark in drawn.marks] == ["25 mm"]
    assert drawn.mm == pytest.approx(0.5)
    assert lay_out_board(replace(bench, view=View(frame=0)), "").handles == []
    known.take(Touch("moved", "calibration/1", ((110, 30),)))
    assert bench.ruler.calibration is not None
    assert bench.ruler.calibration.points[1] == (79.5, 30)
    known.take(Touch("removed", "calibration/1", ()))
    assert bench.ruler.calibration is None


def test_every_touch_counts_once_and_nonsense_never(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(handles, "session", SimpleNamespace(get=state.get, put=state.__setitem__))
    moved = {"kind": "moved", "key": "a", "points": [[1, 2]], "turn": 1, "at": 10}
    told = [moved, {**moved, "at": 11}, {**moved, "kind": "exploded", "at": 12}, {**moved, "points": "no", "at": 13},
            {**moved, "points": [[float("nan"), 1]], "at": 14}, {"at": 15}]  # fmt: skip
    assert handles._list_new_touches("board", told) == [Touch("moved", "a", ((1.0, 2.0),), 1.0)] * 2
    assert handles._list_new_touches("board", told) == []
    assert len(handles._list_new_touches("board", [*told, {**moved, "at": 16}])) == 1


def test_the_scales_fields_keep_what_was_typed_on_another_page(measuring: AppTest) -> None:
    page = measuring
    page.segmented_control(key="ruler-tool").set_value("calibrate").run()
    page.number_input(key="ruler-size-ball").set_value(28.0).run()
    for other in ("kinematics/kinematics.py", "classification/implant.py"):
        page.switch_page(f"views/{other}").run()
        assert not page.exception
    assert page.number_input(key="ruler-size-ball").value == 28
    assert page.number_input(key="ruler-magnification").value == 1


def test_a_region_says_that_it_is_no_bone_mineral_density(measuring: AppTest) -> None:
    page = measuring
    page.segmented_control(key="ruler-tool").set_value("region").run()
    typed(page, 5, 5, 50, 60)
    assert "Relative density" in texts(page)
    assert "no bone mineral density (BMD)" in texts(page)
    assert board(page)["marks"][0]["kind"] == "box"
