"""The shared look: what it is shown, what it says, and what it remembers; with the weights that ship."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from models.cards import card, cards
from models.simulation.hardware import add_hardware
from models.simulation.joint_section import simulate_joint_section
from models.trust import image_kinds
from models.trust.image_kinds import KINDS, find_image_kind, look_at_image_kind, make_kind_input
from models.types import Image

RNG = np.random.default_rng(0)


def image(picture: np.ndarray, sha256: str = "") -> Image:
    return Image(picture[None].astype(np.float32), "", sha256)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((300, 300), (224, 224)), ((3000, 2000, 3), (288, 192)), ((100, 900), (128, 384)), ((2, 3), (192, 288))],
)
def test_the_trunk_sees_about_as_many_pixels_of_every_picture(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    x = make_kind_input(RNG.random(shape, np.float32))
    assert x.shape == (1, 3, *size)
    assert float(x.min()) >= -1
    assert float(x.max()) <= 1


def test_black_borders_of_a_film_are_not_looked_at() -> None:
    film = RNG.random((200, 200), np.float32)
    bordered = np.pad(film, ((0, 0), (60, 60)))
    np.testing.assert_allclose(make_kind_input(bordered), make_kind_input(film), atol=1e-6)


def test_a_simulated_section_is_a_section_and_noise_is_nothing() -> None:
    seen = look_at_image_kind(image(simulate_joint_section(7).pixels))
    assert seen.likeliest == "section"
    assert seen.ood_scores["section"] < 1
    assert sum(seen.shares.values()) == pytest.approx(1, abs=1e-5)
    assert set(seen.shares) == set(seen.ood_scores) == set(KINDS)
    noise = look_at_image_kind(image(RNG.random((300, 300, 3))))
    assert min(noise.ood_scores.values()) > 1


def test_drawn_hardware_is_seen_as_metal() -> None:
    y, x = np.mgrid[:224, :224] / 224
    film = (0.25 + 0.35 * np.exp(-(((x - 0.5) / 0.25) ** 2)) + 0.05 * np.sin(40 * y)).astype(np.float32)
    drawn = [look_at_image_kind(image(add_hardware(film, np.random.default_rng(seed)))).metal for seed in range(8)]
    assert np.median(drawn) > look_at_image_kind(image(film)).metal


def test_a_frame_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, seen = simulate_joint_section(8).pixels, []
    monkeypatch.setattr(
        image_kinds, "pool_kind_features", lambda *of: seen.append(of) or np.zeros((3, 128), np.float32)
    )
    monkeypatch.setattr(image_kinds, "_SEEN", type(image_kinds._SEEN)())
    for _ in range(2):
        look_at_image_kind(image(picture, "one"))
    look_at_image_kind(image(picture, "other"))
    assert len(seen) == 2
    for _ in range(2):
        look_at_image_kind(image(picture))  # of what has no identity nothing is remembered
    assert len(seen) == 4
    for i in range(image_kinds.KEPT):
        look_at_image_kind(image(picture, str(i)))
    assert len(image_kinds._SEEN) == image_kinds.KEPT


def test_alternative_models_are_made_for_the_same_kind() -> None:
    assert find_image_kind(card("histology-nuclei")) == find_image_kind(card("histology-nuclei-hrnet")) == "histology"
    other = card("knee-kl").input.model_copy(update={"kind": "of a later version"})
    assert find_image_kind(card("knee-kl").model_copy(update={"input": other})) is None


def test_every_kind_has_a_card() -> None:
    assert {find_image_kind(one) for one in cards().values()} >= set(KINDS)
    assert all(one.input.kind in ("", *KINDS) for one in cards().values())


def test_distances_shares_and_metal_by_hand() -> None:
    tensors = {
        "centre": np.array([[1, 2], [0, 0], [5, 5]], np.float32),
        "scale": np.array([[2, 4], [1, 1], [1, 2]], np.float32),
        "weight": np.array([[1, 0], [0, 1]], np.float32),
        "bias": np.array([0, np.log(3)], np.float32),
        "middle": np.array([[1, 1], [0, -1]], np.float32),
        "whiten": np.array([[[3, 0], [0, 4]], [[1, 1], [0, 1]]], np.float32),
        "metal": np.array([[1, 0], [0, 2], [0, 1]], np.float32),
        "metal_bias": np.array([-2], np.float32),
    }
    look = image_kinds.Look(nn.ModuleDict(), tensors, {"knee": 2.0, "mri": 4.0})
    found = look.kinds(np.array([[5, 10], [9, 0.5], [7, 9]], np.float32))  # standardised: (2, 2), (9, 0.5), (2, 2)
    assert found.shares == {"knee": pytest.approx(0.25), "mri": pytest.approx(0.75)}  # e² to 3 e²
    # (3 · (2 − 1), 4 · (2 − 1)) is 5 long; (2 − 0 + 2 + 1, 2 + 1) is √34
    assert found.ood_scores == {"knee": pytest.approx(2.5), "mri": pytest.approx(34**0.5 / 4)}
    assert found.metal == pytest.approx(1 / (1 + np.exp(-3)))  # 2 + 1 + 2 − 2
    assert found.likeliest == "mri"


def test_channels_are_pooled_to_mean_spread_and_maximum() -> None:
    class Ramp(nn.Module):
        """Two channels: columns 0, 1, 2, 3 of two rows, and ten more; then doubled."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.shape[2] > 2:
                ramp = torch.arange(4.0).expand(1, 1, 2, 4)
                return torch.cat([ramp, ramp + 10], 1)
            return 2 * x

    stages = nn.ModuleDict({name: Ramp() for name in ("stage2", "stage3", "stage4")})
    found = image_kinds.pool_kind_features(stages, np.zeros((64, 64), np.float32))
    spread = (10 / 7) ** 0.5  # of 0, 0, 1, 1, 2, 2, 3, 3, with n − 1
    right = [[3, 23, 6, 46], [2 * spread] * 2 + [4 * spread] * 2, [6, 26, 12, 52]]
    np.testing.assert_allclose(found, right, rtol=1e-6)


def test_the_last_64_frames_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(image_kinds, "_SEEN", type(image_kinds._SEEN)())
    monkeypatch.setattr(image_kinds, "_look", lambda image, frame: asked.append((image.sha256, frame)) or len(asked))
    picture = np.zeros((8, 8))
    for number in range(65):
        look_at_image_kind(image(picture, f"{number}"))
    assert len(image_kinds._SEEN) == 64
    assert look_at_image_kind(image(picture, "64")) == 65
    assert look_at_image_kind(image(picture, "1")) == 2
    assert look_at_image_kind(image(picture, "1"), 1) == 66  # another frame
    assert look_at_image_kind(image(picture, "0")) == 67  # the oldest was forgotten
    assert look_at_image_kind(image(picture, "2")) == 68  # and the next two, for the two that came
    for _ in range(2):
        look_at_image_kind(image(picture))
    assert len(asked) == 70  # what has no hash is looked at each time


def test_a_large_frame_is_thinned_and_a_long_one_has_its_ends() -> None:
    fine = np.zeros((2048, 2048, 3), np.float32)
    fine[1::2] = 1  # every other row, which thinning by two leaves out
    assert float(make_kind_input(fine).max()) == -1
    assert float(make_kind_input(fine[:1023, :1023]).max()) > -0.5
    assert make_kind_input(np.zeros((90, 30, 3), np.float32)).shape == make_kind_input(np.zeros((900, 30, 3))).shape
