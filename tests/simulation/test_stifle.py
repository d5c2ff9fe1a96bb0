"""Simulated stifles of horses: the same again by seed, lesions where the literature has them, a beam that matters."""

from __future__ import annotations

import csv
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models.cli import main
from models.simulation import stifle_caudocranial as behind
from models.simulation import stifle_lateromedial as beside
from models.simulation.bodies import smooth_closed_outline
from models.simulation.phantom import finer
from models.simulation.stifle_joint import AGES, FINDINGS, VIEWS, Finding, Stifle, View, dented, drawn
from models.simulation.stifle_phantom import CENTRES, ELSEWHERE, simulate_stifle, stifle_depth
from models.simulation.xray import WHITE, Beam

COARSE_MM = 3.5
Place = tuple[float, float]


def depth(stifle: Stifle) -> np.ndarray:
    """Optical depth of a stifle, 1.5 mm a pixel at the joint, the same trabeculae in all."""
    return stifle_depth(stifle, beam(stifle.view), np.random.default_rng(0))


def beam(view: View) -> Beam:
    return Beam((200, 200), 1.5, CENTRES[view], np.inf, np.inf)


def centre_of_change(sick: Stifle) -> tuple[float, float]:
    """Where a finding changes the picture of the same stifle, (x, y) in mm, weighted by how much."""
    change = np.abs(depth(sick) - depth(replace(sick, finding="normal")))
    x, y = beam(sick.view).plane()
    return float((change.sum(0) * x).sum() / change.sum()), float((change.sum(1) * y).sum() / change.sum())


def test_a_seed_gives_the_same_film_and_findings_and_views_take_turns() -> None:
    (first, stifle), (again, same), (other, _) = (simulate_stifle(seed, pixel_mm=COARSE_MM) for seed in (6, 6, 14))
    assert (first.pixels == again.pixels).all()
    assert stifle == same
    assert (first.pixels != other.pixels).any()
    rng = np.random.default_rng(0)
    turns = {(FINDINGS[seed % 4], VIEWS[seed // 4 % 2]) for seed in range(8)}
    assert len(turns) == 8
    assert (stifle.finding, stifle.view) == ("cyst", "caudocranial")
    for finding, (low, high) in AGES.items():
        ages = [drawn(rng, finding, "lateromedial").age_years for _ in range(20)]
        assert low <= min(ages)
        assert max(ages) <= high


@pytest.mark.parametrize("seed", range(8))
def test_every_film_is_plausible_and_says_that_it_is_simulated(seed: int) -> None:
    shot, _ = simulate_stifle(seed, pixel_mm=COARSE_MM, clinic=ELSEWHERE)
    assert shot.pixels.shape == (100, 100)
    assert shot.pixels.dtype == np.uint16
    assert 0.5 * WHITE < shot.pixels.max() <= WHITE
    assert not shot.metal.any()
    assert 0.1 < (shot.pixels > 0.4 * WHITE).mean() < 0.8  # a limb, and air or collimation around it


@pytest.mark.parametrize(
    ("finding", "view", "near"),
    [
        ("osteochondrosis", "lateromedial", (-48.0, -92.0)),  # cranial, half-way up the trochlea
        ("osteochondrosis", "caudocranial", (-23.0, -65.0)),  # lateral
        ("cyst", "lateromedial", (10.0, -15.0)),  # distal in the condyles
        ("cyst", "caudocranial", (29.0, -12.0)),  # medial
        ("osteoarthritis", "caudocranial", (35.0, 0.0)),  # medial, on the joint
    ],
)
def test_a_lesion_lies_where_the_literature_has_it(finding: Finding, view: View, near: Place) -> None:
    found = centre_of_change(Stifle(finding, view, severity=0.8, shape=3))
    assert found == pytest.approx(near, abs=14)


@pytest.mark.parametrize(("finding", "view"), [("osteochondrosis", "lateromedial"), ("cyst", "caudocranial")])
def test_a_severe_lesion_takes_more_bone_than_a_mild_one(finding: Finding, view: View) -> None:
    lost = []
    for severity in (0.2, 0.6, 1.0):
        sick = Stifle(finding, view, severity=severity, shape=5)
        lost.append(np.maximum(depth(replace(sick, finding="normal")) - depth(sick), 0).sum())
    assert 0 < lost[0] < lost[1] < lost[2]


def test_a_worn_joint_is_narrower_on_the_medial_side_only() -> None:
    worn = Stifle("osteoarthritis", "caudocranial", severity=1.0)
    (medial, lateral), (worn_medial, worn_lateral) = (
        (behind.below(one, [(30, 0)])[0][1], behind.below(one, [(-30, 0)])[0][1]) for one in (Stifle(), worn)
    )
    assert (medial, lateral, worn_lateral) == (behind.MEDIAL_SPACE_MM, behind.LATERAL_SPACE_MM, lateral)
    assert 1 < worn_medial < 2


@pytest.mark.parametrize("view", VIEWS)
def test_growth_plates_are_dark_in_the_young_and_closed_in_adults(view: View) -> None:
    young, adult = Stifle(view=view, age_years=1.0), Stifle(view=view, age_years=9.0)
    assert young.open_mm() > 1.5
    assert adult.open_mm() == 0
    assert young.open_mm(3.0) > young.open_mm()  # that of the tuberosity closes last
    assert (depth(young) - depth(adult)).min() < -0.1


def test_an_oblique_beam_parts_the_halves_of_the_joint() -> None:
    square, oblique = Stifle(shape=1), Stifle(shape=1, oblique_deg=6.0)
    medial, lateral = ((oblique.placed([(0, 0)], z)[0][0] - square.placed([(0, 0)], z)[0][0]) for z in (-25.0, 24.0))
    assert lateral - medial == pytest.approx(49 * np.tan(np.radians(6)))


def test_a_larger_horse_is_larger_and_thicker() -> None:
    small, large = (depth(Stifle(size=size, turn_deg=0)) for size in (0.9, 1.1))
    assert large.max() > small.max()
    x, _ = beam("lateromedial").plane()
    reach = [x[np.nonzero(one[130] > 0.5)[0][0]] for one in (small, large)]  # the skin in front
    assert reach[1] < reach[0]


def test_a_dent_lies_inside_the_outline_and_only_where_it_should() -> None:
    ridge, at = beside.LATERAL_RIDGE, beside.LATERAL_MIDDLE[0]
    line = np.array(dented(ridge, at, 30.0, 6.0, np.random.default_rng(0)))
    whole = smooth_closed_outline(ridge)
    away = np.array([np.linalg.norm(whole - point, axis=1).min() for point in line])
    near = np.linalg.norm(line - at, axis=1) < 18
    assert 3 < away[near].max() < 10
    assert away[~near].max() < 0.5
    assert line[near][away[near] > 1, 0].min() > -62  # towards the bone, which lies caudal of its cranial edge


def test_the_command_writes_a_folder_a_finding_and_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "clinic"
    options = ["--seed", "300000", "--size", "64", "--elsewhere"]
    with suppress(SystemExit):
        main(["simulate", "equine-stifle", "8", str(folder), *options])
    assert len(capsys.readouterr().out.splitlines()) == 8
    rows = list(csv.DictReader((folder / "labels.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["label"] for row in rows] == [*FINDINGS, *FINDINGS]
    for row in rows:
        assert row["file"].startswith(f"{row['label']}/")
        assert (float(row["severity"]) == 0) == (row["label"] == "normal")
        with Pillow.open(folder / row["file"]) as picture:
            assert picture.size == (64, 64)
            assert "simulated" in picture.info["Description"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["equine-stifle", "here"], "number and a folder"),
        (["equine-stifle", "2", "here", "--damage", "0.5"], "number and a folder"),
        (["joint-section", "2", "here", "--elsewhere"], "equine-stifle only"),
    ],
)
def test_a_wrong_choice_is_a_sentence(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with suppress(SystemExit):
        main(["simulate", *arguments])
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert message in shown
    assert not list(tmp_path.iterdir())


def test_the_finer_beam_sees_the_same_field() -> None:
    coarse = beam("caudocranial")
    fine = finer(coarse)
    assert fine.pixel_mm * fine.shape[0] == coarse.pixel_mm * coarse.shape[0]
