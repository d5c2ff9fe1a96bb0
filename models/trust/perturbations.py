"""Other acquisitions of the same picture: what an OOD detector must not take for an image of another kind.

An out-of-distribution detector fitted on the files of one set alone learns their sharpness and compression too, and
refuses the same knees saved as PNG (seen: 3 of 10 kept; 9 of 10 when fitted on perturbed copies, with no image of
another kind let in).
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from models.types import Pixels


def perturb_picture(picture: Pixels, rng: Generator, *, sized: bool = True) -> Pixels:
    """Return a picture in [0, 1], (H, W) or (H, W, 3), placed, exposed and stored a little differently.

    Parameters
    ----------
    sized
        Whether it may come enlarged: to a model that looks at images at their own resolution that is another picture.
    """
    return _stored(_exposed(_placed(picture, rng), rng), rng, sized).astype(np.float32)


def grey_picture(picture: Pixels) -> Pixels:
    """Return a coloured picture's luminance, as `Image.grey` has it."""
    luminance: Pixels = (picture @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
    return luminance


def _placed(picture: Pixels, rng: Generator) -> NDArray[np.floating]:
    """Turn by up to 6°, move each edge in by up to 10 % or out by up to 6 %, and mirror half of the time."""
    turned: NDArray[np.floating] = ndimage.rotate(picture, rng.uniform(-6, 6), reshape=False, order=1)
    rows, columns = picture.shape[:2]
    edges = [round(rng.uniform(-0.06, 0.1) * side) for side in (rows, rows, columns, columns)]
    out, inwards = [max(0, -edge) for edge in edges], [max(0, edge) for edge in edges]
    wide = np.pad(turned, (tuple(out[:2]), tuple(out[2:]), *[(0, 0)] * (picture.ndim - 2)))
    cut: NDArray[np.floating] = wide[inwards[0] : wide.shape[0] - inwards[1], inwards[2] : wide.shape[1] - inwards[3]]
    return cut[:, ::-1] if rng.random() < 0.5 else cut


def _exposed(picture: NDArray[np.floating], rng: Generator) -> NDArray[np.floating]:
    low, high = rng.uniform(-0.08, 0.1), rng.uniform(0.9, 1.08)
    return np.asarray(((picture ** np.exp(rng.uniform(-0.3, 0.3)) - low) / (high - low)).clip(0, 1))


def _stored(picture: NDArray[np.floating], rng: Generator, sized: bool) -> NDArray[np.floating]:
    """Leave it, blur it, add noise, compress it as JPEG or, where `sized`, enlarge it, one as likely as the other."""
    match rng.integers(5 if sized else 4):
        case 1:
            return np.asarray(ndimage.gaussian_filter(picture, rng.uniform(0.3, 1.2), axes=(0, 1)))
        case 2:
            return np.clip(picture + rng.uniform(0.005, 0.03) * rng.standard_normal(picture.shape), 0, 1)
        case 3:
            file = BytesIO()
            _bytes(picture).save(file, "JPEG", quality=int(rng.uniform(40, 95)))
            return np.asarray(Pillow.open(file), np.float32) / 255
        case 4:
            rows, columns = picture.shape[:2]
            larger = _bytes(picture).resize((3 * columns, 3 * rows), Pillow.Resampling.BICUBIC)
            return np.asarray(larger, np.float32) / 255
    return picture


def _bytes(picture: NDArray[np.floating]) -> Pillow.Image:
    return Pillow.fromarray((picture * 255).round().astype(np.uint8))
