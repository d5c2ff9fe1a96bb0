"""One map carries pixels, masks, boxes and points alike, and a batch is what its pictures are one by one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from models.tasks.detection import augmentation as boxes
from models.tasks.detection.augmentation import BoxAugmentation
from models.tasks.landmarks.heatmaps import average_place, draw_heatmaps, read_heatmaps
from models.tasks.segmentation import augmentation as dense
from models.tasks.segmentation.augmentation import DenseAugmentation
from models.training.views import Maps, Resident, draw_bends

CPU = torch.device("cpu")
SIDES = ((40, 56), (64, 30), (33, 33))


def pictures(planes: int = 2) -> list[Tensor]:
    """Pictures of several sizes, each smooth enough to be looked up between pixels."""
    dice = Generator().manual_seed(0)
    rough = [torch.rand((1, planes, 5, 5), generator=dice) for _ in SIDES]
    return [
        (F.interpolate(of, side, mode="bilinear") * 255).round().to(torch.uint8)[0]
        for of, side in zip(rough, SIDES, strict=True)
    ]


def maps(n: int, elastic: float = 0.04, size: tuple[int, int] = (24, 32)) -> Maps:
    how = DenseAugmentation(rotation_deg=180.0, scale=0.3, shift=0.1, elastic=elastic)
    return dense.draw_maps(size, torch.full((n, 2), 16.0), how, Generator().manual_seed(1))


@pytest.mark.parametrize(("beyond", "padding"), [("black", "zeros"), ("reflect", "reflection")])
def test_what_is_looked_up_is_what_torch_looks_up_in_each_picture_alone(beyond: str, padding: str) -> None:
    given, which = pictures(), torch.tensor([2, 0, 1, 0])
    places = maps(4).places()
    found = Resident.of(given, CPU).look_up(which, places, beyond)
    nearest = Resident.of(given, CPU).look_up_nearest(which, places, beyond)
    for i, at in enumerate(which.tolist()):
        rows, columns = SIDES[at]
        grid = (places[i] / torch.tensor([columns - 1, rows - 1]) * 2 - 1)[None]
        alone = {"padding_mode": padding, "align_corners": True}
        right = F.grid_sample(given[at][None].float(), grid, **alone)[0]
        torch.testing.assert_close(found[i] * 255, right, atol=0.02, rtol=0)
        right = F.grid_sample(given[at][None].float(), grid, mode="nearest", **alone)[0]
        assert (nearest[i] == right).float().mean() > 0.99  # but for ties


@pytest.mark.parametrize("elastic", [0.0, 0.05])
def test_points_are_found_where_the_views_look_at_them(elastic: float) -> None:
    """The pixel of a view that looks at a place is where that place is found in the view."""
    drawn = maps(3, elastic)
    assert (drawn.bend is None) == (elastic == 0)
    places = drawn.places()
    view = torch.tensor([0, 0, 1, 2, 2])
    row, column = torch.tensor([3, 20, 11, 0, 23]), torch.tensor([5, 29, 16, 0, 31])
    found = drawn.find_in_views(places[view, row, column], view)
    torch.testing.assert_close(found, torch.stack([column, row], 1).float(), atol=0.02, rtol=0)
    assert drawn.find_in_views(torch.empty(0, 2), torch.empty(0, dtype=torch.long)).shape == (0, 2)


def test_a_bright_ellipse_fills_its_box_however_the_view_is_turned_and_bent() -> None:
    row, column = torch.meshgrid(torch.arange(80), torch.arange(80), indexing="ij")
    picture = (((column - 40) / 8) ** 2 + ((row - 38) / 14) ** 2 < 1).to(torch.uint8)[None] * 255
    box = torch.tensor([[32.0, 24.0, 16.0, 28.0]])
    how = BoxAugmentation(
        rotation_deg=40.0, scale=0.2, elastic=0.02, contrast=0.0, brightness=0.0, gamma=0.0, noise=0.0
    )
    samples = boxes.Samples(Resident.of([picture], CPU), [box], [torch.tensor([0])], [])
    which, centres = torch.zeros(20, dtype=torch.long), torch.tensor([[40.0, 40.0]]).expand(20, -1)
    seen = boxes.draw_detection_views(samples, which, centres, (80, 80), how, Generator().manual_seed(0))
    for view, (found,) in zip(seen.pictures[:, 0], seen.boxes, strict=True):
        rows, columns = torch.nonzero(view > 0.5).T
        bright = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
        assert (found - bright).abs().max() < 2.0  # pixels; unbent it would lie up to six beside


def test_a_bend_of_nothing_is_none_and_a_seed_fixes_it() -> None:
    assert not draw_bends(2, (8, 8), 0.0, Generator()).any()
    first, again, other = (draw_bends(2, (8, 8), 1.0, Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_all_that_views_take_is_on_the_device_of_their_pictures(elsewhere: SimpleNamespace) -> None:
    def away(*shape: int, of: torch.dtype = torch.float32) -> Tensor:
        return torch.empty(shape, dtype=of, device="meta")

    resident = Resident(away(3000, of=torch.uint8), away(3, of=torch.long), away(3, 2, of=torch.long), 3)
    every = DenseAugmentation(elastic=0.1, stain=0.2, hue_deg=30.0, grey=0.3, blur=1.0, invert=0.1)
    found = dense.draw_segmentation_views(
        dense.Samples(resident, resident, resident, []), away(4, of=torch.long), away(4, 2), (16, 24), every, elsewhere
    )
    assert [(of.device.type, tuple(of.shape)) for of in found] == [
        ("meta", (4, 3, 16, 24)), ("meta", (4, 16, 24)), ("meta", (4, 16, 24)),
    ]  # fmt: skip
    how = BoxAugmentation(elastic=0.1, invert=0.5)
    seen = boxes.draw_maps((16, 24), away(4, 2), how, elsewhere)
    assert (
        seen.places().device.type == boxes.carry_boxes(seen, away(7, 4), away(7, of=torch.long)).device.type == "meta"
    )
    assert boxes.draw_tones(away(4, 1, 16, 24), how, elsewhere).device.type == "meta"


def test_heatmaps_are_drawn_and_read_on_the_device_of_their_points() -> None:
    maps = draw_heatmaps(torch.empty(2, 3, 2, device="meta"), (64, 96), 1.5)
    places, spread = read_heatmaps(maps)
    assert [of.device.type for of in (maps, average_place(maps), places, spread)] == ["meta"] * 4
