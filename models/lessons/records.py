"""What the lessons hand to the screen: frozen records of numpy arrays and plain values, readable without torch.

As in `models.types`, pixels are (row, column) and lengths are said in the name; pixels here are those of the network's
input, which is the image fitted to the card's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.types import Pixels, Segmentation


@dataclass(frozen=True)
class Layer:
    """One block of a network.

    Attributes
    ----------
    name
        Stage and number, such as "stage2.3".
    kind
        What it does, in words for the screen.
    stage
        The stage that it belongs to, as `Card.net.stage` names stages.
    shape
        What it computes of one image: (channels, rows, columns), or fewer numbers where nothing is a map.
    parameters
        Numbers that training sets in it, batch norms included.
    receptive_field_px
        Side of the square of the input that one place of it looks at; None: the whole input.
    stride
        Pixels of the input between two neighbouring places; 0 where there are no places.
    column
        How deep it lies: blocks in one column run side by side.
    inputs
        Names of the layers that it reads; none for the first.
    module, output
        Where it is in the network, and which of several outputs it is.
    """

    name: str
    kind: str
    stage: str
    shape: tuple[int, ...]
    parameters: int
    receptive_field_px: int | None
    stride: int
    column: int
    inputs: tuple[str, ...]
    module: str
    output: int | str | None = None

    @property
    def has_maps(self) -> bool:
        """Whether it computes pictures that can be looked at."""
        return len(self.shape) == 3


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """What a layer computes of one image, the channels with the largest peak first.

    Attributes
    ----------
    channels
        (n,) numbers of the channels.
    maps
        (n, h, w) their values.
    peaks
        (n,) largest value of each, the margin of the map aside.
    of
        Number of channels of the layer.
    seconds
        Time of the pass through the network.
    """

    channels: NDArray[np.intp]
    maps: Pixels
    peaks: Pixels
    of: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Patch:
    """A part of a picture that drives a channel.

    Attributes
    ----------
    picture
        Which of the pictures it was cut from.
    row, column
        Its middle, in pixels of the network's input.
    value
        What the channel says there.
    pixels
        (s, s) or (s, s, 3) in [0, 1]: the receptive field, black where it reaches beyond the input.
    """

    picture: int
    row: int
    column: int
    value: float
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class Depth:
    """What a network that segments holds at one depth of an image.

    Attributes
    ----------
    stage
        Its name.
    shapes
        (channels, rows, columns) of each branch, the finest first.
    strides
        Pixels of the input between two places of each branch.
    retained
        Correlation, over held-out places, of the picture's fine detail with the best linear reading of all branches: 1
        where all of it can be read off, 0 where none.
    maps
        (n, h, w) the strongest channels of the finest branch.
    """

    stage: str
    shapes: tuple[tuple[int, int, int], ...]
    strides: tuple[int, ...]
    retained: float
    maps: Pixels


@dataclass(frozen=True, eq=False)
class Depths:
    """A network that segments, depth by depth, and what it segmented of the same picture.

    Attributes
    ----------
    picture
        (h, w) or (h, w, 3) in [0, 1]: the network's input.
    detail
        (h, w) in [−1, 1]: the fine detail that is looked for.
    skips
        Pairs of stages: the second joins what the first computed.
    """

    card: str
    picture: Pixels
    detail: Pixels
    depths: tuple[Depth, ...]
    skips: tuple[tuple[str, str], ...]
    answer: Segmentation


@dataclass(frozen=True)
class Step:
    """One step from the picture to an answer.

    Attributes
    ----------
    name, does
        What it is called, and what it does in words for the screen.
    shape
        Of what it computes: batch, channels, rows, columns, or fewer.
    parameters
        Numbers that training sets in it.
    shared
        Whether all three categories have it.
    """

    name: str
    does: str
    shape: tuple[int, ...]
    parameters: int
    shared: bool
