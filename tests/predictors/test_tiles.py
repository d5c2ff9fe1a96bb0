"""Sliding windows: the same answer as the whole image, all of it, and a way to stop."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models.errors import Cancelled
from models.nets import tiles
from models.progress import ProgressToken


def slid(picture: Tensor, tile: tuple[int, int], paint: object, watch: ProgressToken | None = None) -> Tensor:
    """Return the whole answer of a picture (1, 3, H, W)."""
    shape = (picture.shape[2], picture.shape[3])

    def patch(top: int, left: int, height: int, width: int) -> Tensor:
        return picture[..., top : top + height, left : left + width]

    strips = list(
        tiles.slide_over_tiles(shape, tile, patch, paint, watch or ProgressToken(tiles.count_tiles(shape, tile)))
    )  # type: ignore[arg-type]
    assert [strip.top for strip in strips] == np.cumsum([0, *(strip.logits.shape[1] for strip in strips)])[:-1].tolist()
    return torch.cat([strip.logits for strip in strips], 1)


@pytest.mark.parametrize("shape", [(64, 64), (65, 130), (200, 96), (20, 300)])
def test_tiles_of_a_pointwise_network_are_the_whole_image(shape: tuple[int, int]) -> None:
    picture = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        slid(picture, (64, 64), lambda x: torch.cat([x, 2 * x], 1)), torch.cat([picture, 2 * picture], 1)[0]
    )


def test_the_middle_of_a_tile_counts_more_than_its_edge() -> None:
    """A network that errs at the edge of its input is right where tiles overlap."""

    def edgy(x: Tensor) -> Tensor:
        out = torch.zeros_like(x[:, :1])
        out[..., :4] = out[..., -4:] = 1
        return out

    found = slid(torch.zeros(1, 3, 64, 112), (64, 64), edgy)[0]
    assert found[:, 0].min() == 1  # no neighbour beyond the image's own edge
    assert found[16:48, 48:64].max() < 0.2


def test_starts_cover_a_side_and_end_flush() -> None:
    assert tiles.place_tiles(100, 512) == [0]
    assert tiles.place_tiles(512, 512) == [0]
    assert tiles.place_tiles(1000, 512) == [0, 384, 488]
    assert tiles.count_tiles((1000, 512), (512, 512)) == 3


def test_no_more_than_a_band_of_the_answer_is_held() -> None:
    """Memory grows with the width of the image and the height of a tile, never with the height of the image."""
    held = []
    for strip in tiles.slide_over_tiles(
        (4096, 32), (64, 32), lambda *at: torch.zeros(1, 3, at[2], at[3]), lambda x: x, ProgressToken(100)
    ):
        held.append(strip.logits.untyped_storage().nbytes())
    assert max(held) <= 3 * 64 * 32 * 4


def test_progress_reaches_one_and_cancel_stops_at_once() -> None:
    told: list[float] = []
    picture = torch.zeros(1, 3, 100, 100)
    count = tiles.count_tiles((100, 100), (64, 64))
    slid(picture, (64, 64), lambda x: x, ProgressToken(count, told.append))
    assert told == pytest.approx([(i + 1) / count for i in range(count)])
    asked = []

    def after_two() -> bool:
        asked.append(1)
        return len(asked) > 3

    painted: list[int] = []
    with pytest.raises(Cancelled):
        slid(picture, (64, 64), lambda x: painted.append(1) or x, ProgressToken(count, None, after_two))
    assert len(painted) < count
