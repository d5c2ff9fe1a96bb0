"""Random views with the dice fixed: at either end of every range a view is what one works out with pencil and paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from models.tasks.classification.augmentation import Augmentation, augment_radiographs
from models.tasks.detection import augmentation as boxes
from models.tasks.detection.augmentation import BoxAugmentation
from models.tasks.segmentation import augmentation as dense
from models.tasks.segmentation.augmentation import DenseAugmentation
from models.training.views import Resident
from models.trust import perturbations

DICE = Generator()
Throw = Callable[[float], None]


@pytest.fixture
def thrown(monkeypatch: pytest.MonkeyPatch) -> Throw:
    """Return what fixes every throw: uniform numbers to a share of their range, normal ones to one."""

    def fix(share: float) -> None:
        monkeypatch.setattr(torch, "rand", lambda *shape, generator, device=None: torch.full(_flat(shape), share))
        monkeypatch.setattr(torch, "randn", lambda shape, generator, device=None: torch.ones(shape))
        monkeypatch.setattr(torch, "randint", lambda most, shape, generator: torch.full(shape, int(share * (most - 1))))

    return fix


def _flat(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if isinstance(shape[0], tuple) else shape


def still(kind: type, **only: float) -> Any:
    """Return a recipe that changes nothing but what is named."""
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return kind(**({name: False if name == "flip" else 0.0 for name in names} | only))


FLAT = torch.full((2, 1, 20, 30), 0.4)
TONES = [
    ("gamma", 0.3, 1, 0.4 ** math.exp(0.3)), ("gamma", 0.3, 0, 0.4 ** math.exp(-0.3)),
    ("brightness", 0.1, 1, 0.5), ("brightness", 0.1, 0, 0.3), ("noise", 0.02, 1, 0.42), ("noise", 0.02, 0.5, 0.41),
]  # fmt: skip


@pytest.mark.parametrize(
    ("knob", "much", "share", "value"),
    [*TONES, ("contrast", 0.3, 1, 0.5 - 0.1 * math.exp(0.3)), ("contrast", 0.3, 0, 0.5 - 0.1 * math.exp(-0.3))],
)
def test_tones_of_a_radiograph(knob: str, much: float, share: float, value: float, thrown: Throw) -> None:
    thrown(share)
    views = augment_radiographs(FLAT, (20, 30), still(Augmentation, **{knob: much}), DICE)
    assert views.numpy() == pytest.approx(value, abs=1e-5)
    assert dense.recolour_views(FLAT, still(DenseAugmentation, **{knob: much}), DICE).numpy() == pytest.approx(
        value, abs=1e-5
    )


@pytest.mark.parametrize(
    ("knob", "much", "share", "value"),
    [
        *TONES,
        ("contrast", 0.3, 1, 0.37),
        ("contrast", 0.3, 0, 0.43),
        ("invert", 0.3, 0.29, 0.6),
        ("invert", 0.3, 0.3, 0.4),
    ],
)
def test_tones_of_a_radiograph_with_boxes(knob: str, much: float, share: float, value: float, thrown: Throw) -> None:
    thrown(share)
    assert boxes.draw_tones(FLAT, still(BoxAugmentation, **{knob: much}), DICE).numpy() == pytest.approx(
        value, abs=1e-5
    )


COS, SIN = math.cos(math.radians(12)), math.sin(math.radians(12))


def slope(rows: int = 40, columns: int = 60) -> Tensor:
    """A picture whose grey is 0.5 + 0.3 x + 0.1 y, x and y from −1 to 1 at the outer edges of the pixels."""
    x, y = ((torch.arange(side) + 0.5) / side * 2 - 1 for side in (columns, rows))
    return 0.5 + 0.3 * x[None] + 0.1 * y[:, None]


@pytest.mark.parametrize(
    ("recipe", "share", "place"),
    [
        ({"rotation_deg": 12}, 1, lambda x, y: (COS * x - SIN * y, SIN * x + COS * y)),
        ({"rotation_deg": 12}, 0, lambda x, y: (COS * x + SIN * y, -SIN * x + COS * y)),
        ({"scale": 0.15}, 1, lambda x, y: (x / 1.161834, y / 1.161834)),
        ({"shift": 0.08}, 1, lambda x, y: (x + 0.16, y + 0.16)),  # a share of the side, which is two long
        ({"flip": True}, 0.49, lambda x, y: (-x, y)),
        ({"flip": True}, 0.51, lambda x, y: (x, y)),
        ({"flip": True, "rotation_deg": 12}, 0, lambda x, y: (-COS * x + SIN * y, SIN * x + COS * y)),
    ],
)  # fmt: skip
def test_a_radiograph_is_looked_up_where_the_map_says(
    recipe: dict[str, Any], share: float, place: Callable[[float, float], tuple[float, float]], thrown: Throw
) -> None:
    thrown(share)
    (view,) = augment_radiographs(slope()[None, None], (40, 60), still(Augmentation, **recipe), DICE)[:, 0]
    for row, column in ((20, 30), (12, 25), (25, 40)):
        x, y = place((column + 0.5) / 30 - 1, (row + 0.5) / 20 - 1)
        assert float(view[row, column]) == pytest.approx(0.5 + 0.3 * x + 0.1 * y, abs=1e-4)


def test_an_erased_part_is_a_tenth_to_a_third_of_each_side(thrown: Throw) -> None:
    for share, (height, width), top, left in ((0, (4, 6), 0, 0), (0.5, (8, 12), 16, 24), (0.99, (12, 19), 27, 40)):
        thrown(share)
        (view,) = augment_radiographs(torch.full((1, 1, 40, 60), 0.3), (40, 60), still(Augmentation, erase=1.0), DICE)[
            :, 0
        ]
        rows, columns = np.nonzero(np.abs(view.numpy() - share) < 1e-6)  # it is as grey as the throw
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (height, width)
        assert (rows.min(), columns.min()) == (top, left)
    thrown(0.5)
    assert augment_radiographs(FLAT, (20, 30), still(Augmentation, erase=0.5), DICE).numpy() == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("recipe", "share", "right"),
    [
        ({}, 1, [[1, 0], [0, 1]]),
        ({"rotation_deg": 30}, 1, [[0.75**0.5, -0.5], [0.5, 0.75**0.5]]),
        ({"rotation_deg": 30}, 0, [[0.75**0.5, 0.5], [-0.5, 0.75**0.5]]),
        ({"scale": math.log(2)}, 1, [[2, 0], [0, 2]]),
        ({"scale": math.log(2)}, 0, [[0.5, 0], [0, 0.5]]),
        ({"aspect": math.log(4)}, 1, [[2, 0], [0, 0.5]]),  # four times as wide as high
        ({"flip": True}, 0.49, [[-1, 0], [0, 1]]),
        ({"flip": True}, 0.5, [[1, 0], [0, 1]]),
        ({"flip": True, "rotation_deg": 30}, 0, [[-(0.75**0.5), 0.5], [0.5, 0.75**0.5]]),
    ],
)
def test_the_map_of_a_view_with_boxes(recipe: dict[str, Any], share: float, right: Any, thrown: Throw) -> None:
    thrown(share)
    maps = boxes.draw_maps((30, 40), torch.tensor([[5.0, 6.0]]), still(BoxAugmentation, **recipe), DICE)
    assert torch.linalg.inv(maps.picture_from_view)[0].numpy() == pytest.approx(np.array(right), abs=1e-6)


def test_a_box_is_the_upright_one_round_its_ellipse_and_cut_at_the_view(thrown: Throw) -> None:
    thrown(1)
    given = torch.tensor([[40.0, 45, 20, 10], [62, 40, 20, 20], [60, 40, 10, 20], [80, 80, 5, 5]])
    classes = torch.tensor([1, 2, 3, 4])
    picture = Resident.of([torch.zeros(1, 100, 100, dtype=torch.uint8)] * 2, torch.device("cpu"))
    samples = boxes.Samples(picture, [given, given[:1]], [classes, classes[:1]], [])

    def view(which: int, **only: float) -> boxes.Seen:
        recipe = still(BoxAugmentation, **only)
        return boxes.draw_detection_views(
            samples, torch.tensor([which]), torch.tensor([[50.0, 50.0]]), (40, 30), recipe, Generator()
        )

    still_ = view(0)
    # the view runs from (35, 30) to (65, 70): of the second 3 of 20 columns are in it, of the third 5 of 10
    assert still_.classes[0].tolist() == [1, 3]
    assert still_.boxes[0].numpy() == pytest.approx(np.array([[5, 15, 25, 25], [25, 10, 30, 30]]), abs=1e-4)
    quarter, eighth = (view(1, rotation_deg=angle).boxes[0].numpy() for angle in (90, 45))
    assert quarter == pytest.approx(np.array([[10, 10, 20, 30]]), abs=1e-4)
    half = ((10**2 + 5**2) / 2) ** 0.5
    assert eighth == pytest.approx(np.array([[15 - half, 20 - half, 15 + half, 20 + half]]), abs=1e-4)


def test_a_place_beyond_the_picture_is_black_or_its_mirror_image() -> None:
    pictures = [torch.full((1, 2, 2), 9, dtype=torch.uint8), torch.arange(12, dtype=torch.uint8).reshape(1, 3, 4) * 20]
    places = torch.tensor([[[[0.0, 0], [3, 2], [1.5, 1], [-2, 0], [0, 4], [3.5, 0]]]])
    resident = Resident.of(pictures, torch.device("cpu"))
    black, mirror = (resident.look_up(torch.tensor([1]), places, how)[0, 0, 0] * 255 for how in ("black", "reflect"))
    assert black.tolist() == pytest.approx([0, 220, 110, 0, 0, 30], abs=1e-3)  # halfway over the edge: half of it
    assert mirror.tolist() == pytest.approx([0, 220, 110, 40, 0, 50], abs=1e-3)
    nearest = resident.look_up_nearest(torch.tensor([1]), places[:, :, :5] + 0.4, "reflect")[0, 0, 0]
    assert nearest.tolist() == [0, 220, 120, 40, 0]


@pytest.mark.parametrize(
    ("recipe", "share", "x", "y"),
    [
        ({}, 1, [8, 9, 10, 11, 12], [19, 20, 21]),
        ({"shift": 0.2}, 1, [9, 10, 11, 12, 13], [19.6, 20.6, 21.6]),  # a fifth of five columns, of three rows
        ({"shift": 0.2}, 0, [7, 8, 9, 10, 11], [18.4, 19.4, 20.4]),
        ({"scale": math.log(2)}, 1, [6, 8, 10, 12, 14], [18, 20, 22]),
        ({"flip": True}, 0.49, [12, 11, 10, 9, 8], [19, 20, 21]),
        ({"flip": True}, 0.5, [8, 9, 10, 11, 12], [19, 20, 21]),
    ],
)
def test_the_grid_of_a_dense_view(
    recipe: dict[str, Any], share: float, x: list[float], y: list[float], thrown: Throw
) -> None:
    thrown(share)
    how = still(DenseAugmentation, **recipe)
    (places,) = dense.draw_maps((3, 5), torch.tensor([[20.0, 10.0]]), how, DICE).places()
    assert places[1, :, 0].tolist() == pytest.approx(x)
    assert places[:, 2, 1].tolist() == pytest.approx(y)


def test_a_dense_grid_turns_clockwise(thrown: Throw) -> None:
    thrown(1)
    how = still(DenseAugmentation, rotation_deg=90)
    (places,) = dense.draw_maps((3, 5), torch.tensor([[20.0, 10.0]]), how, DICE).places()
    assert places[1].numpy() == pytest.approx(np.array([[10, 18], [10, 19], [10, 20], [10, 21], [10, 22]]), abs=1e-5)
    assert places[:, 2].numpy() == pytest.approx(np.array([[11, 20], [10, 20], [9, 20]]), abs=1e-5)


def test_colours_are_changed_where_there_are_any(thrown: Throw) -> None:
    rosa = torch.tensor([0.8, 0.5, 0.6]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    thrown(0.2)
    assert (dense.recolour_views(rosa, still(DenseAugmentation, grey=0.2), DICE) == rosa).all()
    grey = dense.recolour_views(rosa, still(DenseAugmentation, grey=0.21), DICE)
    assert grey.numpy() == pytest.approx(0.299 * 0.8 + 0.587 * 0.5 + 0.114 * 0.6, abs=1e-5)
    inverted = dense.recolour_views(rosa, still(DenseAugmentation, invert=0.21), DICE)
    assert inverted[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.5, 0.4])
    assert (dense.recolour_views(rosa, still(DenseAugmentation, invert=0.2), DICE) == rosa).all()
    thrown(1)
    third = dense.recolour_views(rosa, still(DenseAugmentation, hue_deg=120.0), DICE)
    assert third[0, :, 0, 0].tolist() == pytest.approx([0.6, 0.8, 0.5], abs=1e-5)
    stained = dense.recolour_views(rosa, still(DenseAugmentation, stain=0.2), DICE)
    assert stained.numpy() == pytest.approx(
        dense.restain_views(rosa, torch.full((1, 3), 1.2), torch.full((1, 3), 0.02)).numpy()
    )
    flat = torch.full((1, 1, 2, 2), 0.5)
    for colours_only in ("stain", "hue_deg", "grey"):
        assert (dense.recolour_views(flat, still(DenseAugmentation, **{colours_only: 1.0}), DICE) == flat).all()


def test_a_blur_is_a_gaussian_of_each_view() -> None:
    from scipy.ndimage import gaussian_filter

    pictures = torch.rand(3, 2, 16, 20, generator=Generator().manual_seed(0))
    blurred = dense.blur_views(pictures, torch.tensor([0.0, 0.5, 1.3]), 1.3)
    assert torch.equal(blurred[0], pictures[0])
    for i, sigma in ((1, 0.5), (2, 1.3)):
        right = gaussian_filter(pictures[i].numpy(), (0, sigma, sigma), mode="nearest", radius=4)
        assert blurred[i].numpy() == pytest.approx(right, abs=1e-5)


class Dice:
    """A numpy generator whose throws lie at one share of their range."""

    def __init__(self, share: float, which: int = 0) -> None:
        self.share, self.which = share, which

    def uniform(self, low: float, high: float) -> float:
        return low + self.share * (high - low)

    def random(self) -> float:
        return self.share

    def integers(self, most: int) -> int:
        assert self.which < most
        return self.which

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.ones(shape)


@pytest.mark.parametrize(
    ("share", "value"),
    [(0, (0.5 ** math.exp(-0.3) + 0.08) / 0.98), (1, (0.5 ** math.exp(0.3) - 0.1) / 0.98), (0.5, 0.5)],
)
def test_an_exposure_at_the_ends_of_its_range(share: float, value: float) -> None:
    found = perturbations._exposed(np.full((2, 2), 0.5), Dice(share))  # type: ignore[arg-type]
    assert found == pytest.approx(value if share != 0.5 else (0.5 - 0.01) / 0.98)


@pytest.mark.parametrize("colour", [(), (3,)])
def test_a_placed_picture_is_cut_padded_and_mirrored(colour: tuple[int, ...]) -> None:
    picture = np.ones((100, 50, *colour))
    cut = perturbations._placed(picture, Dice(1))  # type: ignore[arg-type]
    assert cut.shape == (80, 40, *colour)  # a tenth of each edge
    padded = perturbations._placed(picture, Dice(0))  # type: ignore[arg-type]
    assert padded.shape == (112, 56, *colour)
    assert not padded[:6].any()
    assert not padded[-6:].any()
    assert not padded[:, :3].any()
    assert padded[30:80, 12:44].all()
    ramp = np.tile(np.linspace(0, 1, 50), (100, 1))
    level = perturbations._placed(ramp, Dice(0.5))  # type: ignore[arg-type]
    assert (level[:, 0] < level[:, -1]).all()  # not mirrored
    assert level.shape == (96, 48)  # 0.02 of each edge
    mirrored = perturbations._placed(ramp, Dice(0.499))  # type: ignore[arg-type]
    assert (mirrored[10:-10, 0] > mirrored[10:-10, -1]).all()


def test_a_stored_picture_is_kept_blurred_grained_compressed_or_enlarged() -> None:
    from scipy.ndimage import gaussian_filter

    picture = np.random.default_rng(0).random((24, 32)) * 0.9
    kept, soft, grained, packed = (perturbations._stored(picture, Dice(1, which), False) for which in range(4))  # type: ignore[arg-type]
    assert kept is picture
    assert soft == pytest.approx(gaussian_filter(picture, 1.2))
    assert grained == pytest.approx(np.clip(picture + 0.03, 0, 1))
    assert perturbations._stored(picture, Dice(0, 2), False) == pytest.approx(np.clip(picture + 0.005, 0, 1))  # type: ignore[arg-type]
    assert 0.001 < np.abs(packed - picture).mean() < 0.05
    worse = perturbations._stored(picture, Dice(0, 3), False)  # type: ignore[arg-type]
    assert np.abs(worse - picture).mean() > 2 * np.abs(packed - picture).mean()
    larger = perturbations._stored(picture, Dice(1, 4), True)  # type: ignore[arg-type]
    assert larger.shape == (72, 96)
    assert np.abs(larger[1::3, 1::3] - picture).max() < 0.02
    colours = np.dstack([picture] * 3)
    assert perturbations._stored(colours, Dice(0.5, 1), False).shape == (24, 32, 3)  # type: ignore[arg-type]
    assert np.ptp(perturbations._stored(colours, Dice(0.5, 1), False), axis=2).max() < 1e-6  # type: ignore[arg-type]


def test_luminance_is_that_of_the_standard() -> None:
    found = perturbations.grey_picture(np.eye(3, dtype=np.float32)[None])
    assert found[0].tolist() == pytest.approx([0.299, 0.587, 0.114])  # ITU-R BT.601
