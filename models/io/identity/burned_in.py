"""Text that is burned into a picture: lines of letters, found by their shape alone, since they may name a patient.

Letters of a burned-in line are bright or dark all through, stand out sharply, and are alike in height on one base line.
Nothing is read. Written in white on the dark of shoulders, knees and limbs, 33 of 44 lines of 12 px and 95 of 96 of 16
to 20 px were found; of 300 such pictures without, 3 were called written on. White on bright is mostly missed, so a
picture of which nothing is said must be looked at all the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from models.types import Pixels

SIDE_PX = 700
"""Shorter side to which small pictures are enlarged, by a whole factor: letters that touch part there."""
WINDOW_PX = 7
"""In which a letter stands out from its ground; of the picture as it came."""
CONTRAST, BRIGHT = 0.3, 0.8
"""Of a letter to its ground, and its brightness as a share of the picture's brightest."""
LETTERS = 5
"""In a line; a marker of the side has fewer."""
MOST_PARTS = 6000
"""Parts of a picture beyond which it is a texture, not a film."""


def has_text(grey: Pixels) -> bool:
    """Return whether a line of letters is burned into a picture (H, W) in [0, 1]."""
    return len(find_text(grey)) > 0


def find_text(grey: Pixels) -> NDArray[np.intp]:
    """Return where lines of letters are burned into a picture.

    Parameters
    ----------
    grey
        (H, W) in [0, 1].

    Returns
    -------
    NDArray
        (N, 4) top, left, bottom, right in pixels, the last two beyond the line; a letter's height of room round each,
        since the letters at its ends may touch and be missed.
    """
    tall, wide = grey.shape
    k = max(1, round(SIDE_PX / max(1, min(tall, wide))))
    large = grey.astype(np.float32)
    if k > 1:
        large = np.asarray(Pillow.fromarray(large).resize((wide * k, tall * k), Pillow.Resampling.BICUBIC)).clip(0, 1)
    found = [box for ground in (large, 1 - large) for box in _find_lines(_find_letters(ground, k))]
    boxes = np.array(found, float).reshape(-1, 4) / k
    room = boxes[:, 2:3] - boxes[:, 0:1]
    low = np.floor(boxes[:, :2] - np.hstack([room / 2, 2 * room]))
    high = np.ceil(boxes[:, 2:] + np.hstack([room / 2, 2 * room]))
    return np.hstack([low.clip(0), np.minimum(high, (tall, wide))]).astype(np.intp)


def _find_letters(grey: Pixels, k: int) -> NDArray[np.intp]:
    """Return the parts that may be letters, (N, 4): top, left, bottom, right, from left to right."""
    low, high = (find(grey, WINDOW_PX * k) for find in (ndimage.minimum_filter, ndimage.maximum_filter))
    stands_out = (grey > 0.35 * low + 0.65 * high) & (high - low > CONTRAST) & (high > BRIGHT * grey.max())
    numbered, count = ndimage.label(stands_out)
    if not 0 < count <= MOST_PARTS:
        return np.zeros((0, 4), np.intp)
    boxes = np.array([(r.start, c.start, r.stop, c.stop) for r, c in ndimage.find_objects(numbered)])
    height, width = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    filled = np.bincount(numbered.ravel())[1:] / (height * width)
    fits = (6 * k <= height) & (height <= max(12 * k, 0.07 * len(grey))) & (width <= 1.6 * height)
    fits &= (filled >= 0.12) & (filled <= 0.92)
    found: NDArray[np.intp] = boxes[fits][np.argsort(boxes[fits, 1], kind="stable")]
    return found


def _find_lines(boxes: NDArray[np.intp]) -> list[list[int]]:
    """Return where enough letters follow each other closely, alike in height, on one base line."""
    top, left, bottom, right = boxes.T
    height = bottom - top
    in_line = np.ones(len(boxes), np.intp)  # letters of the longest line that ends in each
    before = np.full(len(boxes), -1)
    for i in range(len(boxes)):
        gap = left[i] - right[:i]
        near = (gap >= -1) & (gap <= 0.9 * height[:i]) & (np.abs(bottom[i] - bottom[:i]) <= 0.2 * height[:i] + 1)
        near &= (height[i] >= 0.6 * height[:i]) & (height[i] <= 1.67 * height[:i])
        if near.any():
            before[i] = int(np.argmax(np.where(near, in_line[:i], 0)))
            in_line[i] = 1 + in_line[before[i]]
    lines = []
    for end in np.setdiff1d(np.flatnonzero(in_line >= LETTERS), before):  # of each line its last letter
        letters = [int(end)]
        while before[letters[-1]] >= 0:
            letters.append(int(before[letters[-1]]))
        line = boxes[letters]
        lines.append([*line[:, :2].min(0).tolist(), *line[:, 2:].max(0).tolist()])
    return lines
