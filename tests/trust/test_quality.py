import numpy as np
import pytest

from models.trust.quality import note_quality
from models.types import Image

GOOD = np.random.default_rng(0).uniform(0.1, 0.9, (300, 250)).astype(np.float32)


def notes(pixels: np.ndarray, **tags: str) -> str:
    picture = Image(pixels[None].astype(np.float32), name="a.png", sha256="0" * 64, tags=tags)
    return " ".join(note_quality(picture))


def test_a_good_picture_of_a_stated_side_gets_no_note() -> None:
    assert notes(GOOD, Laterality="L") == ""


@pytest.mark.parametrize(
    ("pixels", "note"),
    [
        (GOOD[:150], "Low resolution: 150 × 250 pixels"),
        (np.pad(GOOD, ((30, 30), (0, 0))), "An even border takes 17% of the picture"),
        (np.pad(GOOD, ((0, 0), (40, 0)), constant_values=1), "An even border takes 14%"),
        (np.where(np.arange(250) < 50, 1, GOOD), "20% of the pixels are fully white"),
        (GOOD * 0.1, "almost all dark"),
        (0.91 + GOOD * 0.08, "almost all bright"),
        (0.4 + GOOD * 0.2, "Little contrast: the greys span 16%"),
        (np.zeros((300, 300)), "An even border takes 100%"),
    ],
)
def test_what_may_mislead_is_said(pixels: np.ndarray, note: str) -> None:
    if "white" in note:
        pixels = pixels.copy()
        pixels[:, 0] = GOOD[:, 0]  # not a border
    assert note in notes(pixels, Laterality="R")


def test_an_unknown_side_is_said() -> None:
    assert "does not state the side" in notes(GOOD)
    assert "does not state the side" not in notes(np.stack([GOOD, GOOD, GOOD / 2], -1))  # a section in colour has none
