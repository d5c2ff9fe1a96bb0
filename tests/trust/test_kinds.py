"""The shared look: what it is shown, what it says, and what it remembers; with the weights that ship."""

from __future__ import annotations

import numpy as np
import pytest

from models.simulation.hardware import with_hardware
from models.simulation.joint_section import section
from models.trust import image_kinds
from models.trust.image_kinds import KINDS, kind_of, look, network_input
from models.types import Image

RNG = np.random.default_rng(0)


def image(picture: np.ndarray, sha256: str = "") -> Image:
    return Image(picture[None].astype(np.float32), "", sha256)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((300, 300), (224, 224)), ((3000, 2000, 3), (288, 192)), ((100, 900), (128, 384)), ((2, 3), (192, 288))],
)
def test_the_trunk_sees_about_as_many_pixels_of_every_picture(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    x = network_input(RNG.random(shape, np.float32))
    assert x.shape == (1, 3, *size)
    assert float(x.min()) >= -1
    assert float(x.max()) <= 1


def test_black_borders_of_a_film_are_not_looked_at() -> None:
    film = RNG.random((200, 200), np.float32)
    bordered = np.pad(film, ((0, 0), (60, 60)))
    np.testing.assert_allclose(network_input(bordered), network_input(film), atol=1e-6)


def test_a_simulated_section_is_a_section_and_noise_is_nothing() -> None:
    seen = look(image(section(7).pixels))
    assert seen.likeliest == "section"
    assert seen.ood_scores["section"] < 1
    assert sum(seen.shares.values()) == pytest.approx(1, abs=1e-5)
    assert set(seen.shares) == set(seen.ood_scores) == set(KINDS)
    noise = look(image(RNG.random((300, 300, 3))))
    assert min(noise.ood_scores.values()) > 1


def test_drawn_hardware_is_seen_as_metal() -> None:
    y, x = np.mgrid[:224, :224] / 224
    film = (0.25 + 0.35 * np.exp(-(((x - 0.5) / 0.25) ** 2)) + 0.05 * np.sin(40 * y)).astype(np.float32)
    drawn = [look(image(with_hardware(film, np.random.default_rng(seed)))).metal for seed in range(8)]
    assert np.median(drawn) > look(image(film)).metal


def test_a_frame_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, seen = section(8).pixels, []
    monkeypatch.setattr(image_kinds, "pooled_features", lambda *of: seen.append(of) or np.zeros((3, 128), np.float32))
    monkeypatch.setattr(image_kinds, "_SEEN", type(image_kinds._SEEN)())
    for _ in range(2):
        look(image(picture, "one"))
    look(image(picture, "other"))
    assert len(seen) == 2
    for _ in range(2):
        look(image(picture))  # of what has no identity nothing is remembered
    assert len(seen) == 4
    for i in range(image_kinds.KEPT):
        look(image(picture, str(i)))
    assert len(image_kinds._SEEN) == image_kinds.KEPT


def test_alternative_models_are_made_for_the_same_kind() -> None:
    assert kind_of("histology-nuclei") == kind_of("histology-nuclei-hrnet") == "histology"
    assert kind_of("someone-elses") is None
