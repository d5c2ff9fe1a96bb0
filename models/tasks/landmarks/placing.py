"""The points that a network places in pictures of a set, as the product does, and how far off they are there."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from models.tasks.landmarks.landmark_set import LandmarkSet
from models.tasks.landmarks.metrics import Values, calibrate_radii
from models.tasks.landmarks.predictor import Locator
from models.tasks.segmentation.task import make_frame_pixels
from models.types import Image, Landmarks


def make_landmark_image(picture: NDArray[np.uint8]) -> Image:
    """Return a picture of a set as the product sees one."""
    return Image(make_frame_pixels(picture), name="", sha256="")


def place_set(locator: Locator, data: LandmarkSet, some: Iterable[int]) -> list[Landmarks]:
    """Return the points of some pictures of a set."""
    images = (make_landmark_image(data.pictures[i]) for i in some)
    return [locator.task.read(locator.locate(image), image, locator.card) for image in images]


def measure_errors(locator: Locator, data: LandmarkSet, some: NDArray[np.intp]) -> tuple[Values, Values]:
    """Return errors and widths of the heatmaps, (N, K) each, in pixels of the set; nan where there is no such point."""
    unit = locator.card.model_copy(update={"locating": calibrate_radii(*2 * (np.ones((1, len(data.names))),))})
    images = [make_landmark_image(data.pictures[i]) for i in some]
    found = [locator.task.read(locator.locate(image), image, unit) for image in images]
    error = np.linalg.norm(np.stack([one.points for one in found]) - data.points[some], axis=-1)
    return error.astype(float), np.stack([one.radius_px for one in found]).astype(float)
