"""Random views of pictures that lie on a device, a batch at once: where each pixel of a view looks, and what it finds.

Pictures lie as bytes, one behind the other, so that they may differ in size and a set fits into a GPU's memory whole;
a batch reads the pixels that it shows and no others. One map carries pixels, masks, boxes and points alike, so that
they move together: an affine map, and a smooth bend where the recipe wants one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

Beyond = Literal["reflect", "black"]
"""What lies beyond a picture's edge: its mirror image, or nothing."""
KNOTS = 4
"""Places a side that a bend is drawn at; between them it is smooth."""
SETTLED = 12
"""Steps after which a point under a bend lies still to a hundredth of a pixel, where the bend does not fold."""


@dataclass(frozen=True)
class Resident:
    """N pictures of any size, of C planes each, on a device.

    Attributes
    ----------
    values
        (P,) uint8: planes row by row, one behind the other.
    start
        (N,) where each picture begins.
    sides
        (N, 2) rows and columns of each.
    """

    values: Tensor
    start: Tensor
    sides: Tensor
    planes: int

    @classmethod
    def of(cls, pictures: Sequence[Tensor], device: torch.device) -> Resident:
        """Put pictures, (C, H, W) uint8, on a device."""
        lengths = torch.tensor([0, *(picture.numel() for picture in pictures)])
        values = torch.empty(int(lengths.sum()), dtype=torch.uint8)
        start = lengths.cumsum(0)[:-1]
        for first, picture in zip(start.tolist(), pictures, strict=True):
            values[first : first + picture.numel()] = picture.reshape(-1)
        sides = torch.tensor([picture.shape[1:] for picture in pictures])
        return cls(values.to(device), start.to(device), sides.to(device), len(pictures[0]))

    def look_up(self, which: Tensor, places: Tensor, beyond: Beyond) -> Tensor:
        """Return what lies at places of some pictures, between four pixels by their nearness.

        Parameters
        ----------
        which
            (B,) indices of pictures.
        places
            (B, h, w, 2) as (x, y), pixel centres at whole numbers.

        Returns
        -------
        Tensor
            (B, C, h, w) in [0, 1].
        """
        x, y = self._inside(which, places, beyond)
        left, top = x.floor(), y.floor()
        found = places.new_zeros((len(which), self.planes, *places.shape[1:3]))
        for column, near_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            for row, near_y in ((top, 1 - (y - top)), (top + 1, y - top)):
                found += self._at(which, column, row) * (near_x * near_y)[:, None]
        return found / 255

    def look_up_nearest(self, which: Tensor, places: Tensor, beyond: Beyond) -> Tensor:
        """Return the value of the nearest pixel, likewise: (B, C, h, w) from 0 to 255."""
        x, y = self._inside(which, places, beyond)
        return self._at(which, x.round(), y.round())

    def _inside(self, which: Tensor, places: Tensor, beyond: Beyond) -> tuple[Tensor, Tensor]:
        """Return x and y (B, h, w) of places, those beyond a picture where they are mirrored to."""
        rows, columns = self.sides[which].to(places.dtype).T
        found = []
        for at, side in zip(places.unbind(-1), (columns, rows), strict=True):
            if beyond == "reflect":
                last = (side - 1).view(-1, 1, 1)
                folded = at.abs().remainder((2 * last).clamp_min(1))
                at = torch.minimum(folded, 2 * last - folded).clamp_min(0)
            found.append(at)
        return found[0], found[1]

    def _at(self, which: Tensor, column: Tensor, row: Tensor) -> Tensor:
        """Return the pixels at whole places (B, h, w): (B, C, h, w); 0 where there are none."""
        rows, columns = (side.view(-1, 1, 1) for side in self.sides[which].T)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        at = row.long().clamp_min(0).minimum(rows - 1) * columns + column.long().clamp_min(0).minimum(columns - 1)
        plane = torch.arange(self.planes, device=at.device).view(1, -1, 1, 1) * (rows * columns)[:, None]
        values = self.values[self.start[which].view(-1, 1, 1, 1) + plane + at[:, None]]
        found: Tensor = values.to(torch.float32) * inside[:, None]
        return found


@dataclass(frozen=True)
class Maps:
    """How each of B views lies in its picture.

    Attributes
    ----------
    picture_from_view
        (B, 2, 2) of vectors (x, y).
    middle
        (B, 2) the place (x, y) of the picture, pixel centres at whole numbers, that a view has in its middle.
    size
        (rows, columns) of the views.
    bend
        (B, rows, columns, 2) how far each pixel of a view looks beside its place, in pixels of the view; None: nowhere.
    """

    picture_from_view: Tensor
    middle: Tensor
    size: tuple[int, int]
    bend: Tensor | None = None

    def places(self) -> Tensor:
        """Return the place of the picture that each pixel of the views looks at, (B, rows, columns, 2) as (x, y)."""
        device = self.middle.device
        y, x = (torch.arange(side, device=device) - (side - 1) / 2 for side in self.size)
        seen = torch.stack([x.expand(self.size), y[:, None].expand(self.size)], -1)[None]  # from the view's middle
        if self.bend is not None:
            seen = seen + self.bend
        return seen @ self.picture_from_view.mT[:, None] + self.middle[:, None, None]

    def find_in_views(self, points: Tensor, view: Tensor) -> Tensor:
        """Return where points of the pictures lie in the views.

        Parameters
        ----------
        points
            (M, 2) as (x, y), in pixels of the picture.
        view
            (M,) the view that each is looked for in.

        Returns
        -------
        Tensor
            (M, 2) as (x, y) in pixels of the view, also where that is beyond its edge.
        """
        turned: Tensor = torch.linalg.solve(self.picture_from_view[view], points - self.middle[view])
        plain = turned + turned.new_tensor([(self.size[1] - 1) / 2, (self.size[0] - 1) / 2])
        if self.bend is None:
            return plain
        found = plain
        for _ in range(SETTLED):  # that place whose bend leads to the point
            found = plain - self._bend_at(found, view)
        return found

    def _bend_at(self, places: Tensor, view: Tensor) -> Tensor:
        """Return the bend of views at places (M, 2) between pixels; beyond the edge that of the edge."""
        assert self.bend is not None
        last = places.new_tensor([self.size[1] - 1, self.size[0] - 1])
        at = torch.minimum(places.clamp_min(0), last)
        first = torch.minimum(at.floor(), last - 1).clamp_min(0)
        share, (x, y) = at - first, first.long().unbind(-1)
        above, above_right, below, below_right = (self.bend[view, y + i, x + j] for i in (0, 1) for j in (0, 1))
        across, down = share[:, :1], share[:, 1:]
        bent: Tensor = torch.lerp(torch.lerp(above, above_right, across), torch.lerp(below, below_right, across), down)
        return bent


def draw_bends(n: int, size: tuple[int, int], amount: float, generator: Generator) -> Tensor:
    """Draw smooth random displacements, (N, *size, 2) as (x, y), normal at each knot with this standard deviation.

    Knots are joined by cubic curves (Ronneberger et al. 2015, arXiv:1505.04597).
    """
    knots = torch.randn((n, 2, KNOTS, KNOTS), generator=generator, device=generator.device) * amount
    return F.interpolate(knots, size, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)


def throw(n: int, generator: Generator, spread: float) -> Tensor:
    """Draw evenly between −spread and spread, (n,), on the generator's device."""
    return (torch.rand(n, generator=generator, device=generator.device) * 2 - 1) * spread
