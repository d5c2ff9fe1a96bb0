"""What a network that segments keeps of the picture at each depth: branches side by side, or down and up again.

How much is left is measured by a linear reading, as probes of hidden layers are (Alain and Bengio 2016,
arXiv:1610.01644): ridge regression from all that the network holds at a depth, brought to the picture's size, to the
picture's fine detail, fitted on half of the places and tried on the other half. A U-Net (arXiv:1505.04597) loses detail
on its way down and takes it back over its skips; an HRNet (arXiv:1908.07919) carries a fine branch all the way.
"""

from __future__ import annotations

import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

import models
from models.cards import Card
from models.errors import UnknownCard
from models.lessons.maps import Sight, clear_map_margin, cut_map_middle, map_to_picture, prepare_map_input
from models.lessons.records import Depth, Depths
from models.nets.dense import DenseNet, State
from models.nets.unet import UNetMobileNetV2
from models.types import Image, Segmentation

PLACES = 6000
"""Places of the picture at which detail is read."""
FINE_PX = 2.0
"""Detail is what a Gaussian blur of this deviation takes away."""
BLOCK_PX = 32
"""Side of the squares of a chessboard: on one colour the reading is fitted, on the other it is tried."""
RIDGE = 1e-2
"""Of the regression, per place, on features of unit variance."""
SHOWN = 4
"""Maps of the finest branch."""


def follow_resolution(image: Image, card: Card, *, frame: int = 0) -> Depths:
    """Return what a network that segments holds at each depth, and what it segmented.

    Raises
    ------
    UnknownCard
        For a card that does not segment.
    BadWeights
        When the card's weights are missing or changed.
    """
    part = cut_map_middle(image, card)
    seen = prepare_map_input(part, card, frame)
    if not isinstance(seen.net, DenseNet):
        raise UnknownCard(f"{card.id} does not segment", fix="Choose a card that segments every pixel.")
    detail = measure_detail(seen.x)
    states = _states(seen, seen.net)
    answer = models.predict(part, card.id, frame=frame)
    assert isinstance(answer, Segmentation)  # by the card's network
    skips = tuple((f"stage{level}", f"up{level}") for level in range(4, 0, -1))
    return Depths(
        card=card.id,
        picture=map_to_picture(seen.x),
        detail=detail.numpy(),
        depths=tuple(_depth(name, state, detail) for name, state in states.items()),
        skips=skips if isinstance(seen.net, UNetMobileNetV2) else (),
        answer=answer,
    )


@torch.no_grad()
def _states(seen: Sight, net: DenseNet) -> dict[str, State]:
    """Run the stages one by one and keep what each holds: of a U-Net the maps it computes, of an HRNet all branches."""
    state: State = (seen.x,)
    kept: dict[str, State] = {}
    with seen.lock:
        for name in net.stages:
            state = net.run(name, state)
            held = state[:1] if isinstance(net, UNetMobileNetV2) else state  # what follows there are the skips
            kept[name] = tuple(branch.float().cpu() for branch in held)
    return kept


def _depth(name: str, state: State, detail: Tensor) -> Depth:
    finest = state[0][0]  # (C, h, w)
    strongest = clear_map_margin(finest).amax((1, 2)).argsort(descending=True, stable=True)[:SHOWN]
    return Depth(
        stage=name,
        shapes=tuple((branch.shape[1], branch.shape[2], branch.shape[3]) for branch in state),
        strides=tuple(round(detail.shape[0] / branch.shape[2]) for branch in state),
        retained=measure_retained_detail(state, detail),
        maps=finest[strongest].numpy(),
    )


def measure_detail(x: Tensor) -> Tensor:
    """Return the fine detail of an input: (1, 3, h, w) → (h, w), brightness less its blur, over its largest value."""
    grey = x[0].float().mean(0).cpu().numpy()
    detail = torch.from_numpy(grey - ndimage.gaussian_filter(grey, FINE_PX, mode="nearest"))
    return detail / detail.abs().max().clamp_min(1e-6)


def measure_retained_detail(state: State, detail: Tensor) -> float:
    """Return how well detail (h, w) can be read off maps (1, C, …) by one linear layer: correlation, held out."""
    rows, columns, fitting = _places((detail.shape[0], detail.shape[1]))
    size = torch.tensor([detail.shape[1], detail.shape[0]])
    grid = ((torch.stack([columns, rows], -1) + 0.5) / size * 2 - 1)[None, None]  # (1, 1, P, 2) as (x, y)
    read = [
        F.grid_sample(branch, grid, padding_mode="border", align_corners=False)[0, :, 0].T.double() for branch in state
    ]
    known = torch.cat(read, 1)  # (P, C)
    known = (known - known[fitting].mean(0)) / known[fitting].std(0).clamp_min(1e-6)
    sought = detail[rows, columns].double()
    centre = sought[fitting].mean()
    given, wanted = known[fitting], sought[fitting] - centre
    square = given.T @ given + RIDGE * len(given) * torch.eye(given.shape[1], dtype=torch.float64)
    guessed = known[~fitting] @ torch.linalg.solve(square, given.T @ wanted)
    pair = torch.stack([guessed, sought[~fitting] - centre])
    if (pair.std(1) < 1e-9).any():
        return 0.0
    return max(0.0, float(torch.corrcoef(pair)[0, 1]))


def _places(size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Draw places, always the same: rows, columns, and which of them the reading is fitted on, (P,) each."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = (torch.randint(side, (PLACES,), generator=generator) for side in size)
    block = min(BLOCK_PX, max(1, min(size) // 4))
    return rows, columns, (rows // block + columns // block) % 2 == 0
