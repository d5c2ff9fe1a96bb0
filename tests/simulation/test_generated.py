"""The generator of first cases: it makes what its parts show, by seed, and its copies are caught."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import models
from models import cli
from models.cases import cases, is_right
from models.cases.generated import load_generator_card, memorisation
from models.cases.generated.align import Search, align_crops, frame_crop
from models.cases.generated.draw import Generator
from models.cases.generated.families import Frames
from models.cases.generated.make import load_sharpener
from models.cases.generated.nets import Sharpener
from models.cases.generated.patches import Bank, Look, denoise_by_patches
from models.cases.generated.sharpen import add_grain, draw_sharpener_crops

GENERATED = [case for case in cases() if case.kind == "generated"]


def bones(n: int, seed: int = 0, shape: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """Return N pictures (H, W): a bright bar of its own place, width and slant on a dark ground, with soft texture."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    found = np.empty((n, *shape), np.uint8)
    for i in range(n):
        middle = shape[1] / 2 + rng.uniform(-6, 6) + rng.uniform(-0.15, 0.15) * (rows - shape[0] / 2)
        bar = 1 / (1 + np.exp(np.abs(columns - middle) - rng.uniform(5, 10)))
        texture = 25 * np.sin(rows / rng.uniform(2, 6) + rng.uniform(0, 6)) * np.sin(columns / rng.uniform(2, 6))
        found[i] = np.clip(40 + 140 * bar + texture, 0, 255)
    return found


@pytest.mark.parametrize("case", GENERATED, ids=lambda case: case.file)
def test_a_generated_case_is_answered_with_what_it_was_generated_for(case: models.cases.Case) -> None:
    answer = models.predict(models.read(case.path), case.card)
    assert not answer.abstained
    assert answer.ood_score <= 1
    assert is_right(case, answer)
    if case.labels == ("fracture",):
        assert answer.suspected
        assert (answer.boxes[answer.shown][:, 2:] >= 8).all()


def test_there_is_one_of_each() -> None:
    of = {name: {case.labels for case in GENERATED if case.card == name} for name in ("knee-kl", "shoulder-implants")}
    assert of["knee-kl"] == {(str(grade),) for grade in range(5)}
    assert of["shoulder-implants"] == {(key,) for key in models.card("shoulder-implants").keys}
    assert all("Chosen among" in case.origin for case in GENERATED)


def test_the_card_says_that_no_case_is_a_copy() -> None:
    measured = load_generator_card().figures["memorisation"]["cases"]
    assert set(measured) == {case.file for case in GENERATED}
    for found in measured.values():
        assert found["correlation"] > found["correlation_limit"]
        assert found["features"] > found["features_limit"]
    assert {of["card"] for of in load_generator_card().data} >= {case.card for case in GENERATED}


@pytest.mark.parametrize("changed", ["same", "shifted", "mirrored", "shifted and mirrored", "brighter", "noisy"])
def test_a_copy_is_caught(changed: str) -> None:
    known = bones(30).astype(np.float32)
    copy = known[7]
    if "shifted" in changed:
        copy = np.roll(copy, (3, -2), (0, 1))
    if "mirrored" in changed:
        copy = copy[:, ::-1]
    if changed == "brighter":
        copy = copy * 1.3 + 20
    if changed == "noisy":
        copy = copy + np.random.default_rng(0).normal(0, 2, copy.shape)
    distances = memorisation.compare_by_shifts(copy[None], known)
    groups = [str(i) for i in range(30)]
    limit = memorisation.find_near_limit(memorisation.compare_by_shifts(known, known), groups, groups)
    assert distances[0].argmin() == 7
    assert distances[0].min() < limit


def test_a_new_picture_is_no_copy() -> None:
    known, new = bones(30).astype(np.float32), bones(20, seed=1).astype(np.float32)
    groups = [str(i) for i in range(30)]
    limit = memorisation.find_near_limit(memorisation.compare_by_shifts(known, known), groups, groups)
    assert (memorisation.compare_by_shifts(new, known).min(1) > limit).mean() >= 0.8


def test_a_patient_is_not_its_own_neighbour() -> None:
    distances = np.array([[0.0, 0.1, 0.5], [0.1, 0.0, 0.4]], np.float32)
    assert memorisation.find_nearest_distance(distances, ["a", "a", "b"], ["a", "a"]).tolist() == pytest.approx(
        [0.5, 0.4]
    )


def test_features_of_one_direction_are_together() -> None:
    assert memorisation.compare_features(np.array([[1.0, 2.0]]), np.array([[2.0, 4.0], [2.0, -1.0]]))[
        0
    ] == pytest.approx([0, 1])


def test_drawing_follows_the_seed_and_is_new() -> None:
    pictures = bones(24)
    bank = Bank.of(pictures, ("bar",) * 24, tuple(map(str, range(24))), times=2)
    look = Look(finest=5, blend=3)
    first, again, other = (bank.draw("bar", seed, look) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)
    assert 0 < first.mean() < 255
    with pytest.raises(ValueError, match="labelled nothing"):
        bank.draw("nothing", 0)


def test_without_noise_the_nearest_picture_lies_behind() -> None:
    bank = Bank.of(bones(12), ("bar",) * 12, ("",) * 12, times=2)
    time = 0.02
    found = denoise_by_patches(
        (1 - time) * bank.pictures[4], bank.pictures, np.zeros(12, np.float32), time, Look(5, 1.0, 1, 0.0)
    )
    assert np.abs(found - bank.pictures[4]).max() < 0.05


def test_a_generator_makes_a_whole_picture_of_a_label() -> None:
    pictures = np.concatenate([bones(12), 255 - bones(12)])
    frames = Frames(pictures, ("bright",) * 12 + ("dark",) * 12, tuple(map(str, range(24))))
    torch.manual_seed(0)
    generator = Generator.of(frames, Sharpener(8, 1))
    bright, dark = (generator.draw(label, 3) for label in ("bright", "dark"))
    assert bright.shape == pictures.shape[1:]
    assert bright.dtype == np.uint8
    middle, edge = np.s_[:, 20:28], np.s_[:, :6]
    assert bright[middle].mean() > bright[edge].mean() + 30
    assert dark[middle].mean() < dark[edge].mean() - 30


def test_pictures_are_laid_over_each_other() -> None:
    wide = np.zeros((12, 80, 60), np.uint8)
    for i in range(12):
        top, left = 5 + 2 * i % 16, 4 + 3 * i % 12
        wide[i, top : top + 30, left : left + 12] = 200
        wide[i, top : top + 8, left : left + 30] = 200  # an L on its head: turned over it is another
    wide[::3] = wide[::3, :, ::-1]
    search = Search(0.75, (1.0, 0.8, 0.65), 5, (20, 15))
    crops_ = align_crops(list(wide), search)
    before = np.std([np.asarray(picture, float) for picture in wide], 0).mean()
    after = np.std(
        [frame_crop(p, crop, (80, 60)).astype(float) for p, crop in zip(wide, crops_, strict=True)], 0
    ).mean()
    assert after < 0.8 * before


def test_a_step_of_training_brings_the_sharpener_nearer() -> None:
    torch.manual_seed(0)
    net = Sharpener(16, 1)
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    rng, noise = np.random.default_rng(0), torch.Generator().manual_seed(0)
    losses = []
    for _ in range(25):
        real = draw_sharpener_crops(list(bones(8)), 32, rng, 8)
        drawn = net(add_grain(torch.nn.functional.avg_pool2d(real, 4), noise))
        loss = (drawn - real).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.95 * np.mean(losses[:5])


def test_the_sharpener_that_ships_enlarges_four_times() -> None:
    large = load_sharpener()(add_grain(torch.zeros(1, 1, 14, 14), torch.Generator().manual_seed(0)))
    assert large.shape == (1, 1, 56, 56)
    assert torch.isfinite(large).all()


def test_the_command_says_what_can_be_generated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["simulate", "generated", "2", str(tmp_path), "--label", "spine:0"])
    assert "knee-kl" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert json.dumps(dict(load_generator_card().figures))
