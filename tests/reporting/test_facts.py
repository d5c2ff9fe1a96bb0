"""What a report says of an image, its model and the trust in it, sentence by sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import models
from models import Classification, Image, card
from models.i18n import IN_ENGLISH
from models.reporting import model
from models.reporting.case import Case
from models.reporting.parts import Facts, Paragraph, Section, Table
from models.reporting.reason import heat_runs_off
from models.reporting.trust import report_plain_picture, report_reason, report_trust


def facts(section: Section) -> dict[str, str]:
    (found,) = (part for part in section.parts if isinstance(part, Facts))
    return dict(found.rows)


def said(section: Section, kind: str) -> list[str]:
    return [part.text for part in section.parts if isinstance(part, Paragraph) and part.kind == kind]


def test_an_image_is_told_by_its_content(pictured: Callable[..., Image], grade: Callable[..., Classification]) -> None:
    film = pictured(pixels=np.zeros((3, 1200, 90), np.float32), tags={"Modality": "DX"}, warnings=("a note. another",))
    told = facts(section := model.describe_image(Case(film, grade(frame=1), origin="a public set")))
    assert told["Size"] == "90 × 1,200 pixels"
    assert told["Frame"] == "2 of 3"
    assert told["Origin"] == "a public set"
    assert told["SHA-256"] == "ab12" * 16
    assert "DX" in told.values()
    assert told["Calibration"] == "none: nothing is given in millimetres"
    assert said(section, "note") == ["A note. another"]
    one = facts(model.describe_image(Case(pictured(), grade())))
    assert "Frame" not in one
    assert "Origin" not in one


@pytest.mark.parametrize(
    ("spacing", "source", "told"),
    [
        ((0.2, 0.2), "PixelSpacing", "0.2 mm a pixel, from PixelSpacing"),
        ((0.25, 0.5), None, "0.25 × 0.5 mm (row × column) a pixel, from an unstated source"),
        ((0.00024999, 0.00024999), "a ruler", "0.00025 mm a pixel, from a ruler"),
    ],
)
def test_a_pixel_is_as_large_as_its_source_says(
    spacing: tuple[float, float], source: str | None, told: str, pictured: Callable[..., Image]
) -> None:
    assert model.describe_calibration(pictured(spacing_mm=spacing, spacing_source=source), IN_ENGLISH) == told


def trial(**rows: Any) -> dict[str, Any]:
    return {"metrics": rows, "n": 1500, "groups": 700}


def test_five_figures_are_told_those_with_a_name_first_and_only_with_an_interval() -> None:
    row = {"value": 0.75, "low": 0.7, "high": 0.8125}
    rows = dict.fromkeys(("own_figure", "ece", "auc", "mae", "accuracy", "log_loss", "f1"), row) | {
        "n": 4,
        "bare": {"value": 1},
    }
    table, note = model._figures(trial(**rows) | {"how": "cross-validation", "measured": "2026-11-26"}, IN_ENGLISH)
    assert isinstance(table, Table)
    assert [line[0] for line in table.rows] == [
        "Accuracy", "Mean absolute error, grades", "Calibration error", "Log loss", "Own figure"
    ]  # fmt: skip
    assert table.rows[0][1:] == ("0.750", "0.700 to 0.812")
    assert isinstance(note, Paragraph)
    assert note.text == "Cross-validation: 1,500 images of 700 groups, measured 2026-11-26."
    _, undated = model._figures({"trials": {"own test": trial(f1=row), "other": {}}}, IN_ENGLISH)
    assert undated.text == "Own test: 1,500 images of 700 groups."
    (warned,) = model._figures({}, IN_ENGLISH)
    assert (warned.kind, warned.text) == ("warning", "How often this model is right has not been measured.")


def test_a_model_is_told_by_its_card() -> None:
    told = facts(model.describe_model(card("knee-kl"), IN_ENGLISH))
    known = card("knee-kl")
    assert told["Model"] == f"{known.title} (knee-kl), {known.net.name}"
    assert told["For"] == known.use.intended
    assert told["Not for"] == known.use.not_intended
    assert told["Learned from"] == f"{known.data.name} ({known.data.n:,} images, {known.data.licence})"
    simulated = facts(model.describe_model(card("joint-section"), IN_ENGLISH))
    assert simulated["Learned from"].startswith("Simulated images: ")


def test_what_made_an_answer_is_named_by_hashes_and_versions(
    grade: Callable[..., Classification], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "PROGRAMS", ("numpy", "no-such-program"))
    known = card("knee-kl")
    rows = model.describe_provenance(grade(seconds=1.234), known, IN_ENGLISH).parts[0].rows
    assert rows[0] == ("Card", "knee-kl")
    assert [value for name, value in rows if name == "Weights"] == [
        f"{one.sha256} ({one.file})" for one in known.members
    ]
    assert (f"{known.ood.sha256} ({known.ood.file})") in dict(rows).values()
    assert f"numpy {np.__version__}, no-such-program not installed" in dict(rows)["Programs"]
    assert dict(rows)["Time to answer"] == "1.23 s"
    bare = model.describe_provenance(grade(), None, IN_ENGLISH).parts[0].rows
    assert [name for name, _ in bare] == ["Card", "Programs", "Time to answer"]


@pytest.mark.parametrize(
    ("score", "told"), [(None, "has no out-of-distribution"), (1.0, "1.00 of the limit, within"), (1.01, "over what")]
)
def test_an_image_is_as_familiar_as_its_score_says(
    score: float | None, told: str, pictured: Callable[..., Image], grade: Callable[..., Classification]
) -> None:
    answer = grade(ood_score=score, warnings=("be careful.",))
    dark = pictured(pixels=np.zeros((1, 120, 90), np.float32))
    section = report_trust(answer, Case(dark, answer))
    assert told in said(section, "body")[0]
    assert said(section, "warning") == ["Be careful."]
    assert said(section, "note")  # all dark
    assert said(report_trust(answer, Case(dark, answer), films=False), "note") == []


def test_a_picture_says_that_it_is_simulated(
    pictured: Callable[..., Image], grade: Callable[..., Classification]
) -> None:
    plain = report_plain_picture(Case(pictured(), grade()))
    assert (plain.caption, plain.alt) == ("The image, 90 × 120 pixels", "The image, 90 by 120 pixels")
    assert (
        report_plain_picture(Case(pictured(), grade(), simulated=True)).caption
        == "The image, simulated, 90 × 120 pixels"
    )


def test_a_reason_has_its_figures_or_says_that_there_are_none() -> None:
    why = models.Explanation(np.full((12, 9), 0.5, np.float32), "grad-cam", "stage5", "3", 0.1)
    told = report_reason(why, card("knee-kl"), IN_ENGLISH)
    rows = facts(told)
    assert rows["Stage of the network"] == "stage5"
    assert rows["Method"].startswith("Grad-CAM. ")
    assert rows["Label explained"] == "KL 3, moderate"
    assert "Faithfulness: not measured" in said(told, "note")[-1]
    measured = report_reason(replace(why, faithfulness={"Deletion": 0.12345}, layer=""), card("knee-kl"), IN_ENGLISH)
    assert measured.parts[-1].rows == (("Deletion", "0.123"),)
    assert "Stage of the network" not in facts(measured)
    unknown = facts(report_reason(replace(why, method="own", target="?"), card("knee-kl"), IN_ENGLISH))
    assert (unknown["Method"], unknown["Label explained"]) == ("own", "?")


@pytest.mark.parametrize(
    ("rows", "columns", "rim", "off"),
    [
        (slice(3, 8), slice(2, 9), 0.4, False),
        (slice(3, 8), slice(2, 9), 0.6, True),
        (slice(0, 10), slice(0, 12), 0.4, False),
        (slice(0, 10), slice(0, 12), 0.6, True),
    ],
)
@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
def test_heat_runs_off_where_half_of_its_strongest_lies_on_the_rim_of_the_film(
    rows: slice, columns: slice, rim: float, off: bool, side: str
) -> None:
    heat = np.zeros((10, 12), np.float32)
    film = heat[rows, columns]  # black borders have no heat
    film[:] = 0.1
    film[2, 3] = 1
    at = {"top": (0, 2), "bottom": (-1, 2), "left": (2, 0), "right": (2, -1)}[side]
    film[at] = rim
    assert heat_runs_off(models.Explanation(heat, "grad-cam", "stage5", "3", 0.1)) == off
    assert not heat_runs_off(models.Explanation(np.zeros((4, 4), np.float32), "grad-cam", "stage5", "3", 0.1))
