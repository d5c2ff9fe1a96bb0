"""The sets of cards that segment, by card: nuclei in histology, bone in MR, implants in fluoroscopy, joint sections.

Read straight from their zips (`settings().data_dir`) or simulated. Groups keep together what looks alike or follows one
another, so every split and every bootstrap goes by group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from models.cards import cards, find_base_id
from models.errors import UnknownCard
from models.tasks.segmentation import own
from models.tasks.segmentation.dataset import DenseSet, Grey
from models.tasks.segmentation.fluoroscopy_set import read_tka_fluoroscopy
from models.tasks.segmentation.knee_film_set import read_knee_films
from models.tasks.segmentation.section_set import read_joint_section_set
from models.training.public_set import open_labelled_zip
from models.training.runs import locate_saved_set

LOOKS = 20
"""Clusters of histology pictures; a cluster is about one slide under one light."""


def read_histology_nuclei() -> DenseSet:
    """Read the bright-field part of BBBC038v1; a group is a cluster of pictures that are stained and lit alike."""
    rows, archive = open_labelled_zip("histology_nuclei.zip")
    with archive:
        pictures = tuple(np.asarray(Picture.open(archive.open(row["file"])).convert("RGB")) for row in rows)
        instances = tuple(np.asarray(Picture.open(archive.open(row["label"]))).astype(np.int32) for row in rows)
    looks = cluster_stains(pictures, LOOKS)
    return DenseSet(
        pictures=pictures,
        masks=tuple((of > 0).astype(np.uint8) for of in instances),
        groups=tuple(f"look {look}" for look in looks),
        splits=("",) * len(rows),
        instances=instances,
    )


def cluster_stains(pictures: tuple[Grey, ...], count: int) -> NDArray[np.intp]:
    """Return a number for each picture, the same for those whose ground and stain have nearly one colour.

    Ward's clustering of the median colour of the brightest half and of the darkest tenth of the pixels, and of the
    picture's size, which tells one microscope from another.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    features = []
    for picture in pictures:
        pixels = picture.reshape(-1, 3)[::7].astype(float)
        light = pixels.sum(1)
        ground = np.median(pixels[light >= np.median(light)], axis=0)
        stain = np.median(pixels[light <= np.quantile(light, 0.1)], axis=0)
        features.append([*ground, *stain, np.hypot(*picture.shape[:2])])
    found: NDArray[np.intp] = fcluster(linkage(np.array(features), "ward"), count, "maxclust").astype(np.intp) - 1
    return found


def read_knee_mri_bone() -> DenseSet:
    """Read the slices of one knee in the window of their header; the last third is for measuring, "test".

    Neighbouring slices look alike, so a group is five of them in a row.
    """
    from models.io import read

    rows, archive = open_labelled_zip("knee_mri_bone.zip")
    with archive:
        shown = [read(archive.read(row["file"]), row["file"]).shown() for row in rows]
        masks = tuple((np.asarray(Picture.open(archive.open(row["mask"]))) > 0).astype(np.uint8) for row in rows)
    train = len(rows) - len(rows) // 3
    return DenseSet(
        pictures=tuple((picture * 255).round().astype(np.uint8) for picture in shown),
        masks=masks,
        groups=tuple(f"slices {i // 5}" for i in range(len(rows))),
        splits=tuple("train" if i < train else "last third of the slices" for i in range(len(rows))),
    )


DENSE_SETS: Mapping[str, Callable[[], DenseSet]] = {
    "histology-nuclei": read_histology_nuclei,
    "knee-implants": read_knee_films,
    "joint-section": read_joint_section_set,
    "knee-mri-bone": read_knee_mri_bone,
    "tka-fluoroscopy": read_tka_fluoroscopy,
}
"""The set of a card, by the card's base id."""


def read_dense_set(card_id: str) -> DenseSet:
    """Read the set that a card was made from, or is being, where it is a user's own.

    Raises
    ------
    UnknownCard
        When the card has no such set.
    Unreachable
        When its zip is not in the data folder.
    """
    name = find_base_id(card_id)
    chosen = cards().get(card_id)
    if chosen is not None and locate_saved_set(chosen).is_file():
        return own.read_saved(locate_saved_set(chosen))
    if name not in DENSE_SETS:
        raise UnknownCard(f"{card_id} has no set of masks", fix=f"Sets exist for {', '.join(DENSE_SETS)}.")
    return DENSE_SETS[name]()
