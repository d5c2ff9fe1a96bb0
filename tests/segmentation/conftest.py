"""Segmentations made by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.types import Segmentation


@pytest.fixture(scope="session")
def segmented() -> Callable[..., Segmentation]:
    """Return what makes a segmentation of a mask, with labels background, bone and cartilage by default."""

    def make(
        mask: np.ndarray,
        labels: tuple[str, ...] = ("background", "bone", "cartilage"),
        instances: np.ndarray | None = None,
    ) -> Segmentation:
        return Segmentation(
            task="tissue",
            card="test",
            sha256="0" * 64,
            seconds=0.0,
            warnings=("a warning",),
            labels=labels,
            mask=np.asarray(mask, np.uint8),
            certainty=np.full(np.shape(mask), 100, np.uint8),
            instances=None if instances is None else np.asarray(instances, np.int32),
        )

    return make
