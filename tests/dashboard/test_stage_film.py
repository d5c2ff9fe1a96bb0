"""The film in a hall: the bare picture under its colours, and lessons that stand on one screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.case import staged
from dashboard.stage import bar
from dashboard.style import figures
from dashboard.style.figures import View
from dashboard.views.lessons import figures as how_figures
from models import Image
from models.settings import settings


@pytest.fixture
def image() -> Image:
    return Image(np.linspace(0, 1, 48, dtype=np.float32).reshape(1, 6, 8), "a.png", "0" * 64)


def test_on_a_page_a_viewer_stays_as_it_is(image: Image) -> None:
    fig = figures.draw_figure(None, image, View())
    before = fig.to_json()
    assert staged.stage_viewer(fig, image).to_json() == before


def test_in_a_hall_the_bare_picture_lies_under_the_colours(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.session.find_stage", object)
    coloured = figures.draw_viewer(image, [figures.encode_raster(np.ones((6, 8, 3), np.float32))])
    fig = staged.stage_viewer(coloured, image)
    under, over = fig.layout.images
    assert over.source == figures.encode_raster(np.ones((6, 8, 3), np.float32))
    assert under.source == figures.encode_raster(image.shown(0), exact=False)
    assert under.sizex != over.sizex  # plotly draws one of two of the same place and size
    assert under.sizex == pytest.approx(over.sizex)
    assert not fig.layout.xaxis.visible


def test_numbers_of_a_neuron_stand_in_as_many_columns_as_there_is_room() -> None:
    patch, kernel = np.eye(3), np.ones((3, 3))
    wide, square = (how_figures.draw_neuron_sums(patch, kernel, (0, 3, 3), columns) for columns in (4, 2))
    assert [trace.z.tolist() for trace in wide.data[:4]] == [trace.z.tolist() for trace in square.data[:4]]
    lows = {round(square.layout[f"yaxis{number}"].domain[0], 3) for number in ("", 2, 3, 4)}
    assert len(lows) == 2
    assert len({round(wide.layout[f"yaxis{number}"].domain[0], 3) for number in ("", 2, 3, 4)}) == 1


TALK = """
[[step]]
title = "A"
page = "how_it_works"
case = "{case}"
show = {{ section = "{section}" }}
"""


@pytest.mark.parametrize(
    ("case", "section", "says"),
    [
        ("shoulder_reverse.png", "block", "One neuron: nine weights"),
        ("shoulder_reverse.png", "network", "From edges to objects"),
        ("shoulder_reverse.png", "categories", "Where is it, and how large?"),
        ("broken.png", "block", "broken.png"),
    ],
)
def test_a_lesson_in_a_hall(
    case: str, section: str, says: str, random_card: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "talk.toml").write_text(TALK.format(case=case, section=section), "utf-8")
    monkeypatch.setenv("ORTHOLENS_STAGE", str(tmp_path / "talk.toml"))
    settings.cache_clear()
    page = AppTest.from_file(bar.__file__.replace("stage/bar", "app"), default_timeout=240).run()
    settings.cache_clear()
    assert not page.exception
    shown = [each.value for each in (*page.subheader, *page.markdown)]
    assert any(says in text.replace("\\", "") for text in shown), shown
