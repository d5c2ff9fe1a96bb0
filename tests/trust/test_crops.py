"""The search of a film, with a network that measures grey and an OOD detector that knows how bright a knee is."""

import numpy as np
import pytest
import torch
from torch import nn

from models.cards.tables import OodStatistics
from models.errors import Cancelled
from models.tasks.classification import crops
from models.tasks.classification.crops import NEAR, keep_crops_apart, measure_shared_area, propose_crops
from models.trust.ood import OodDetector
from models.types import Box, Image


@pytest.fixture
def searcher(model_of, two_stages, monkeypatch):
    """Return a model that pools the mean grey in 4 × 4 parts of a picture, and whose kind is a bright disc."""

    class Parts(nn.Module):
        def forward(self, x):  # (N, 3, h, w) → (N, 4, 1, 1)
            return nn.functional.adaptive_avg_pool2d(x[:, :1], 4).flatten(1)[..., None, None]

    head = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    net = two_stages(Parts(), nn.Identity(), head).eval().requires_grad_(False)
    model = model_of(net)
    table = OodStatistics(file="x.safetensors", sha256="0" * 64, threshold=2.0, kept=0.95, n=1)
    model.card = model.card.model_copy(update={"ood": table})
    seen = net.pyramid(torch.from_numpy(disc(64))[None, None].expand(1, 3, -1, -1) * 2 - 1)["stage4"]
    ood_detector = OodDetector({"centre": seen.flatten(), "scale": torch.ones(16), "whiten": torch.eye(16)}, 2.0)
    monkeypatch.setattr(crops, "load_ood_detector", lambda card: ood_detector)
    return model


def disc(side: int) -> np.ndarray:
    across = np.linspace(-1, 1, side, dtype=np.float32)
    return (np.hypot(across[:, None], across) < 0.9).astype(np.float32)


def film(*places: tuple[int, int, int], shape: tuple[int, int] = (240, 400)) -> Image:
    grey = np.zeros(shape, np.float32)
    for row, column, side in places:
        grey[row : row + side, column : column + side] = disc(side)
    return Image(grey[None], name="film.png", sha256="1" * 64)


def test_both_parts_of_a_film_are_found_from_left_to_right(searcher) -> None:
    places = [(60, 40, 140), (50, 230, 140)]
    found = propose_crops(searcher, film(*places))
    assert len(found) == 2
    for box, (row, column, side) in zip(found, places, strict=True):
        assert measure_shared_area(box, Box(row, column, side, side)) > 0.85
        assert box.height == pytest.approx(side, rel=0.25)
        assert box.ood_score <= NEAR


def test_a_large_film_is_searched_at_the_size_of_the_network(searcher) -> None:
    small, large = film((60, 40, 140)), film((480, 320, 1120), shape=(1920, 3200))
    (one,), (two,) = propose_crops(searcher, small), propose_crops(searcher, large)
    assert two.height == pytest.approx(8 * one.height, rel=0.1)
    assert measure_shared_area(two, Box(480, 320, 1120, 1120)) > 0.85


def test_where_there_is_nothing_nothing_is_proposed(searcher) -> None:
    noise = np.random.default_rng(0).random((1, 200, 300), np.float32)
    for pixels in (np.zeros_like(noise), np.ones_like(noise), noise):
        assert propose_crops(searcher, Image(pixels, name="", sha256="")) == ()


def test_a_card_without_an_ood_detector_proposes_nothing(model_of, small_net) -> None:
    assert propose_crops(model_of(small_net(0)), film((60, 40, 140))) == ()


def test_of_overlapping_boxes_the_most_familiar_stays() -> None:
    boxes = [Box(0, 0, 10, 10, 0.9), Box(2, 2, 10, 10, 0.4), Box(0, 20, 10, 10, 1.0), Box(40, 0, 10, 10, 1.2)]
    assert keep_crops_apart(boxes, 4) == [boxes[1], boxes[2], boxes[3]]
    assert keep_crops_apart(boxes, 1) == [boxes[1]]
    assert measure_shared_area(Box(0, 0, 4, 4), Box(2, 2, 8, 8)) == pytest.approx(0.25)
    assert measure_shared_area(Box(0, 0, 4, 4), Box(4, 0, 4, 4)) == 0


def test_a_search_tells_how_far_it_is_and_can_be_stopped(searcher) -> None:
    told: list[float] = []
    propose_crops(searcher, film((60, 40, 140)), progress=told.append)
    assert told == sorted(told)
    assert len(told) > 5
    assert told[-1] <= 1
    with pytest.raises(Cancelled):
        propose_crops(searcher, film((60, 40, 140)), cancelled=lambda: len(told) > 0)
