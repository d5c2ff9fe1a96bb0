"""Draw a finished radiograph of a kind and label: a small picture, enlarged and sharpened, then given fine detail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.cases.generated.families import Frames
from models.cases.generated.nets import ENLARGED, Sharpener
from models.cases.generated.patches import Bank, Look, Refining, refine_by_patches
from models.cases.generated.sharpen import add_grain

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Generator:
    """What is needed to draw one kind of picture.

    Attributes
    ----------
    frames
        The pictures that it learns from.
    bank
        The same, four times smaller.
    sharpener
        Enlarges what is drawn.
    look, detail
        How patches are looked at, small and full size.
    """

    frames: Frames
    bank: Bank
    sharpener: Sharpener
    look: Look = Look()  # noqa: RUF009 - frozen
    detail: Refining = Refining()  # noqa: RUF009 - frozen

    @classmethod
    def of(cls, frames: Frames, sharpener: Sharpener) -> Generator:
        """Return the generator of a kind."""
        return cls(frames, Bank.of(frames.pictures, frames.labels, frames.groups, ENLARGED), sharpener.eval())

    def draw(self, label: str, seed: int) -> Grey:
        """Return a new picture (H, W) of a label; the same for the same seed."""
        small = self.bank.draw(label, seed, self.look)
        return self.finish(small, label, seed)

    def finish(self, small: NDArray[np.float32], label: str, seed: int) -> Grey:
        """Return a small picture (h, w) in 255ths enlarged, with the detail of those of its label most like it."""
        noise = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            large = self.sharpener(add_grain(torch.from_numpy(small)[None, None] / 127.5 - 1, noise))
        coarse = (large[0, 0] * 127.5 + 127.5).clamp(0, 255).numpy()
        own = np.flatnonzero(np.array(self.frames.labels) == label)
        alike = (self.bank.pictures[own] * _level(small)).mean((1, 2))
        lent = own[np.argsort(-alike)[: self.detail.among]]
        among = np.stack([_level(self.frames.pictures[i].astype(np.float32)) for i in lent])
        fine = refine_by_patches(_level(coarse), among, np.random.default_rng(seed), self.detail)
        return np.asarray(np.round(fine * coarse.std() + coarse.mean()).clip(0, 255), np.uint8)


def _level(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture with mean 0 and deviation 1."""
    return np.asarray((picture - picture.mean()) / (picture.std() + 1e-6), np.float32)
