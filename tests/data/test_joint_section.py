"""Simulated joint sections: the same by seed, exact in mask and measures, worn as asked, and written as files."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models.cli import main
from models.simulation.joint_anatomy import Outline
from models.simulation.joint_layout import View, lay_out_joint, measure_reference
from models.simulation.joint_section import CLASSES, STAINS, simulate_joint_section
from models.simulation.joint_texture import stamp_ellipses
from models.simulation.stains import MATTER, Stain, list_trained_stains

SMALL = (192, 192)
CARTILAGE = CLASSES.index("articular-cartilage")


def digest(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_a_seed_gives_the_same_section() -> None:
    first, again, other = (simulate_joint_section(seed, size=SMALL) for seed in (3, 3, 4))
    assert digest(first.pixels, first.mask) == digest(again.pixels, again.mask) != digest(other.pixels, other.mask)
    assert first.reference == again.reference


@pytest.mark.parametrize("seed", range(6))
def test_every_section_is_a_picture_with_a_mask(seed: int) -> None:
    shot = simulate_joint_section(seed, size=(160, 224))
    assert shot.pixels.shape == (160, 224, 3)
    assert shot.pixels.dtype == np.float32
    assert shot.mask.shape == (160, 224)
    assert shot.mask.dtype == np.uint8
    assert 0 <= shot.pixels.min() < 0.6 < shot.pixels.max() <= 1
    assert {CLASSES.index(key) for key in ("bone", "marrow", "articular-cartilage")} <= set(np.unique(shot.mask))
    assert shot.stain.trained
    assert 0 <= shot.damage <= 1


def test_every_class_occurs() -> None:
    seen = np.unique([np.bincount(simulate_joint_section(seed, size=SMALL, part="joint").mask.ravel(), minlength=8) > 0
                      for seed in range(8)], axis=0).any(0)  # fmt: skip
    assert dict(zip(CLASSES, seen, strict=True)) == dict.fromkeys(CLASSES, True)


@pytest.mark.parametrize("seed", range(8))
def test_the_area_of_the_curves_is_the_area_of_the_mask(seed: int) -> None:
    shot = simulate_joint_section(seed)
    measured = (shot.mask == CARTILAGE).sum() * shot.spacing_mm[0] * shot.spacing_mm[1]
    assert measured == pytest.approx(shot.reference.cartilage_mm2, rel=0.005)


def test_damage_thins_and_roughens_the_same_anatomy() -> None:
    references = [
        [
            measure_reference(lay_out_joint(np.random.default_rng(seed), (512, 512), damage, "joint", "coronal"))
            for seed in range(10)
        ]
        for damage in (0.0, 0.5, 1.0)
    ]
    thickness = [np.mean([each.thickness_mm for each in of]) for of in references]
    roughness = [np.mean([each.roughness_mm for each in of]) for of in references]
    assert thickness[0] > thickness[1] > thickness[2]
    assert roughness[0] < 0.002 < roughness[1] < roughness[2]
    assert all(each.thinnest_mm <= each.thickness_mm for of in references for each in of)


def test_damage_takes_the_stain_of_the_cartilage() -> None:
    def redness(damage: float) -> float:
        shot = simulate_joint_section(2, size=SMALL, stain=STAINS["safranin-o"], damage=damage)
        red, green, _ = shot.pixels[shot.mask == CARTILAGE].mean(0)
        return float(red - green)

    assert redness(0.0) > redness(1.0) + 0.05


def test_a_stain_changes_the_colours_and_not_the_anatomy() -> None:
    blue, red = (simulate_joint_section(5, size=SMALL, stain=STAINS[key]) for key in ("toluidine-blue", "safranin-o"))
    np.testing.assert_array_equal(blue.mask, red.mask)
    assert blue.reference == red.reference
    inside = blue.mask == CARTILAGE
    assert blue.pixels[inside].mean(0).argmax() == 2
    assert red.pixels[inside].mean(0).argmax() == 0


def test_one_stain_is_kept_from_training() -> None:
    assert [stain.key for stain in STAINS.values() if not stain.trained] == ["masson-trichrome"]
    assert len(list_trained_stains()) == len(STAINS) - 1
    assert all(len(stain.uptake) == len(MATTER) for stain in STAINS.values())


def test_parts_and_planes() -> None:
    meniscus = CLASSES.index("meniscus")
    assert not (simulate_joint_section(1, size=SMALL, part="femur").mask == meniscus).any()
    sagittal, coronal = (
        [
            (simulate_joint_section(seed, size=(96, 96), part="joint", plane=plane).mask == meniscus).sum()
            for seed in range(4)
        ]
        for plane in ("sagittal", "coronal")
    )
    assert sum(sagittal) > sum(coronal) > 0


def test_light_that_passes_dye_follows_beer_and_lambert() -> None:
    plain = Stain("plain", "plain", ((0.0, 1.0, 0.0),), ((0.5,),) * len(MATTER))
    rng = np.random.default_rng(0)
    density = np.mean([plain.densities(rng) for _ in range(400)], 0)
    np.testing.assert_allclose(density[:, [0, 2]], 0, atol=1e-7)
    np.testing.assert_allclose(density[:, 1], 0.5, rtol=0.08)


@pytest.mark.parametrize("into", [1, -1])
def test_a_point_comes_back_from_its_arc_length_and_depth(into: int) -> None:
    outline = Outline(0.8, 0.5, (0.1, -0.2), into)
    s = np.array([-1.9, -1.2, -0.4, 0.0, 0.3, 0.9, 1.5, 2.2])
    depth = np.array([0.1, 0.05, 0.2, -0.1, 0.3, 0.2, -0.05, 0.1])
    x, y = outline.point(s, depth)
    found_s, found_depth, _ = outline.place(x.astype(np.float32), y.astype(np.float32))
    np.testing.assert_allclose(found_s, s, atol=1e-5)
    np.testing.assert_allclose(found_depth, depth, atol=1e-5)
    assert outline.point(np.array([0.0]), np.array([0.25]))[1][0] == pytest.approx(-0.2 + into * 0.25)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_view_goes_to_millimetres_and_back(mirrored: bool) -> None:
    view = View((40, 60), 0.01, 33.0, (0.2, -0.1), mirrored)
    x, y = view.points()
    rows, columns = view.pixels(x.astype(float), y.astype(float))
    np.testing.assert_allclose(rows, np.arange(40)[:, None] + np.zeros((1, 60)), atol=1e-3)
    np.testing.assert_allclose(columns, np.arange(60)[None] + np.zeros((40, 1)), atol=1e-3)
    assert view.inside(x.astype(float), y.astype(float)).all()
    assert not view.inside(*(at + 1.0 for at in (x.astype(float), y.astype(float)))).all()


def test_stamps_know_how_far_their_edge_is() -> None:
    level = stamp_ellipses((21, 31), (np.array([10.0]), np.array([15.0])), np.array([[6.0, 3.0]]))
    assert level[10, 15] == 1
    assert level[10, 21] == pytest.approx(0, abs=1e-6)
    assert level[13, 15] == pytest.approx(0, abs=1e-6)
    assert level[10, 18] == pytest.approx(0.5)
    turned = stamp_ellipses((31, 21), (np.array([15.0]), np.array([10.0])), np.array([[6.0, 3.0]]), np.pi / 2)
    np.testing.assert_allclose(turned, level.T, atol=1e-5)


def test_the_command_writes_sections_with_their_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "sections"
    arguments = ["simulate", "joint-section", "2", str(folder), "--seed", "7", "--size", "128", "--damage", "0.5"]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--stain", "masson-trichrome"])
    assert not end.value.code
    assert capsys.readouterr().out.split() == [
        str(folder / name) for name in ("section-0000.png", "section-0001.png", "truth.csv")
    ]
    rows = list(csv.DictReader((folder / "truth.csv").read_text(encoding="utf-8").splitlines()))
    again = simulate_joint_section(8, size=(128, 128), stain=STAINS["masson-trichrome"], damage=0.5)
    assert [row["seed"] for row in rows] == ["7", "8"]
    assert float(rows[1]["thickness_mm"]) == pytest.approx(again.reference.thickness_mm, abs=1e-6)
    assert rows[1]["stain"] == "masson-trichrome"
    with Pillow.open(folder / rows[1]["file"]) as picture, Pillow.open(folder / rows[1]["mask"]) as mask:
        np.testing.assert_array_equal(np.asarray(picture), (again.pixels * 255 + 0.5).astype(np.uint8))
        np.testing.assert_array_equal(np.asarray(mask), again.mask)
        assert mask.mode == "P"
        assert 25.4 / picture.info["dpi"][0] == pytest.approx(again.spacing_mm[1], rel=1e-4)
        assert "imulated" in picture.info["Description"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["joint-section", "here"], "number and a folder"),
        (["joint-section", "many", "here"], "number and a folder"),
        (["joint-section", "1", "here", "--stain", "ink"], "safranin-o"),
        (["cases", "here", "--damage", "0.5"], "always the same"),
        (["weather", "here"], "joint-section"),
    ],
)
def test_wrong_usage_is_a_sentence(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["simulate", *arguments])
    assert end.value.code == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", "").split())


def test_a_mirrored_view_mirrors_the_picture() -> None:
    view = View((5, 8), 0.1, 20.0, (0.0, 0.0), False)
    for mine, mirrored in zip(view.points(), replace(view, mirrored=True).points(), strict=True):
        np.testing.assert_allclose(mine, mirrored[:, ::-1], atol=1e-6)
