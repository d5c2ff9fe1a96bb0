"""Outlines: the pixels they came from come back, also from GeoJSON read by another library."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.simulation.joint_section import CLASSES, simulate_joint_section
from models.tasks.segmentation.contours import rasterise_contours, trace_contours, write_geojson
from models.types import Segmentation

Made = Callable[..., Segmentation]


def from_geojson(collection: dict[str, Any], labels: tuple[str, ...], shape: tuple[int, int]) -> np.ndarray:
    """Classes of the pixel centres by shapely, as any other program would find them."""
    shapely = pytest.importorskip("shapely")
    mask = np.zeros(shape, np.uint8)
    rows, columns = np.indices(shape)
    for feature in collection["features"]:
        polygon = shapely.geometry.shape(feature["geometry"])
        assert polygon.is_valid
        inside = shapely.contains_xy(polygon, columns.ravel() + 0.5, rows.ravel() + 0.5).reshape(shape)
        mask[inside] = labels.index(feature["properties"]["classification"]["name"])
    return mask


def blobs(seed: int, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """Two classes with holes, islands in holes and single pixels."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    mask = np.zeros(shape, np.uint8)
    for _ in range(9):
        r, c, radius = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(3, 18)
        far = np.hypot(rows - r, columns - c)
        mask[far < radius] = rng.integers(1, 3)
        mask[far < radius / 2] = 0
    speckle = rng.random(shape)
    mask[speckle < 0.03] = 1
    mask[speckle > 0.97] = 0
    return mask


@pytest.mark.parametrize("seed", range(6))
def test_pixels_come_back_exactly(segmented: Made, seed: int) -> None:
    mask = blobs(seed)
    np.testing.assert_array_equal(rasterise_contours(trace_contours(segmented(mask)), mask.shape), mask)


@pytest.mark.parametrize("seed", range(3))
def test_geojson_is_valid_and_gives_the_pixels_back(segmented: Made, seed: int) -> None:
    answer = segmented(blobs(seed))
    collection = json.loads(json.dumps(write_geojson(answer)))
    np.testing.assert_array_equal(from_geojson(collection, answer.labels, answer.mask.shape), answer.mask)


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)))
def test_every_small_mask_comes_back(segmented: Made, mask: np.ndarray) -> None:
    np.testing.assert_array_equal(rasterise_contours(trace_contours(segmented(mask)), mask.shape), mask)


def test_a_single_pixel_and_its_place_in_qupath(segmented: Made) -> None:
    mask = np.zeros((6, 9), np.uint8)
    mask[2, 7] = 2
    answer = segmented(mask)
    (piece,) = trace_contours(answer)
    assert piece.label == 2
    assert piece.holes == ()
    np.testing.assert_allclose(piece.outer[:-1].mean(0), [2, 7])
    (feature,) = write_geojson(answer, {2: "#56B4E9"})["features"]
    x, y = np.array(feature["geometry"]["coordinates"][0][:-1]).mean(0)
    assert (x, y) == (7.5, 2.5)  # the centre of that pixel, counted from the corner of the image
    assert feature["properties"] == {
        "objectType": "annotation",
        "classification": {"name": "cartilage", "color": [86, 180, 233]},
    }


def test_rings_are_closed_and_holes_run_the_other_way(segmented: Made) -> None:
    mask = np.zeros((12, 12), np.uint8)
    mask[1:11, 1:11], mask[4:8, 4:8] = 1, 0
    (feature,) = write_geojson(segmented(mask))["features"]
    outer, hole = (np.array(ring) for ring in feature["geometry"]["coordinates"])
    for ring in (outer, hole):
        np.testing.assert_array_equal(ring[0], ring[-1])
    areas = [(ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]).sum() / 2 for ring in (outer, hole)]
    assert areas[0] == pytest.approx(100, abs=0.6)
    assert areas[1] == pytest.approx(-16, abs=0.6)
    assert len(outer) < 20  # straight edges need no corner a pixel


def test_objects_have_an_outline_each(segmented: Made) -> None:
    mask, instances = np.zeros((8, 8)), np.zeros((8, 8))
    mask[2:6, 1:7] = 1
    instances[2:6, 1:4], instances[2:6, 4:7] = 5, 9
    answer = segmented(mask, ("background", "nucleus"), instances)
    assert [(piece.label, piece.instance) for piece in trace_contours(answer)] == [(1, 5), (1, 9)]
    assert [feature["properties"]["name"] for feature in write_geojson(answer)["features"]] == [
        "nucleus 5",
        "nucleus 9",
    ]
    np.testing.assert_array_equal(rasterise_contours(trace_contours(answer), (8, 8)), mask)


def test_the_file_says_what_it_is_and_what_it_is_not(segmented: Made) -> None:
    collection = write_geojson(segmented(np.zeros((4, 4))))
    assert collection["features"] == []
    assert "a warning" in collection["description"]
    assert "not a medical device" in collection["description"]


def test_a_joint_section_comes_back(segmented: Made) -> None:
    mask = simulate_joint_section(1, size=(256, 256)).mask
    answer = segmented(mask, CLASSES)
    np.testing.assert_array_equal(rasterise_contours(trace_contours(answer), mask.shape), mask)
