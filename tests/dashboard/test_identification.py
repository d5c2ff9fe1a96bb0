"""The page of knee implants: opens on an answered case, lays another design's contour over it, and keeps files.

The comparison is replaced at the door of `models` by one that knows its answer.
"""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

import models
from dashboard.style.figures import View
from dashboard.views.identification import downloads
from dashboard.views.identification.figures import draw_fitted_design
from models import Image
from models.i18n import IN_ENGLISH
from models.tasks.identification.answer import FittedDesign, Identification
from tests.dashboard.conftest import APP

LINE = np.array([[40.0, 40], [200, 40], [200, 200], [40, 200]])


def answered(image: Image, *residuals: float) -> Identification:
    names = ("Posterior-stabilised, with a box", "Medial pivot")
    fits = tuple(
        FittedDesign(name[:6].lower(), "Generated design", name, True, left, (LINE, LINE / 2), "3", 68.0)
        for name, left in zip(names, residuals, strict=False)
    )
    return Identification(
        task="knee_implant", card="knee-implants", sha256=image.sha256, seconds=0.1, fits=fits, limit_px=2.0,
        mask=np.ones(image.shape, np.uint8), compared=12,
    )  # fmt: skip


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    def predict(image: Image, card_id: str, **_: Any) -> Identification:
        return answered(image, 0.5, 2.5)

    monkeypatch.setattr(models, "predict", predict)
    return AppTest.from_file(APP, default_timeout=120).run().switch_page("views/identification/knee_implant.py").run()


def test_the_page_names_the_design_and_lays_the_chosen_contour_over_the_film(page: AppTest) -> None:
    assert not page.exception
    assert [header.value for header in page.header] == ["Generated design, Posterior\\-stabilised, with a box, size 3"]
    chosen = next(radio for radio in page.radio if radio.label == "Contour laid over the film")
    assert len(chosen.options) == 2
    assert not chosen.set_value(1).run().exception


def test_contours_are_lines_in_the_colours_of_the_components_and_files_hold_them() -> None:
    image = Image(np.full((1, 256, 256), 0.5, np.float32), "", "ab" * 32, spacing_mm=(0.5, 0.5))
    answer = answered(image, 0.5, 2.5)
    for filled in (False, True):
        drawn = draw_fitted_design(answer, image, View(), 1, filled).data
        lines = [line for line in drawn if line.type == "scatter" and line.mode == "lines"]
        assert [line.line.color for line in lines[:2]] == ["#FF8C00", "#00C8FF"]
        assert lines[0].x[0] == pytest.approx(20)  # in mm
    picture = Pillow.open(io.BytesIO(downloads.export_contour_picture(answer, image, View(), 0, IN_ENGLISH)))
    assert max(picture.size) >= 1024
    told = json.loads(downloads.export_record(answer))
    assert told["design"] == "poster"
    assert len(told["fits"][0]["contours"]["femoral"]) == 4
