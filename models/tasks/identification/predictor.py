"""One loaded model that names an implant by its shape: a network for the outlines, and the library of designs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from models.cards import Card
from models.errors import Cancelled
from models.geometry.camera import Camera, find_camera_of_image
from models.geometry.compiled import trace_outline
from models.geometry.mesh import Mesh
from models.geometry.render import render_silhouette
from models.nets.dense import DenseNet
from models.tasks.identification.answer import Contour, FittedDesign, Identification
from models.tasks.identification.match import LEAST_PIXELS, Match, Outlined, match_designs
from models.tasks.identification.silhouettes import Candidate, list_candidates
from models.tasks.kind import ANSWER, Request, Why
from models.tasks.kinematics.shape import keep_largest_part
from models.tasks.members import Members
from models.tasks.segmentation.predictor import Segmenter
from models.types import Explanation, Image
from models.words import later

Bits = NDArray[np.bool_]

LIMIT_PX = 1.99
"""Residual over which a design is not the one on the film: parts best, on 12 films of designs in the library and 12 of
designs whose whole family is not, what is known from what is not (`limit` of `ortholens evaluate knee-implants`)."""
SHOWN = 3
"""Designs that an answer holds."""
SIDE_PX = 130.0
"""Root of the area of both components at the scale of the comparison, at most: more says no more of their shape."""
PIECE = 0.08
"""Parts of an outline that are smaller than this share of its largest are taken for errors of the network."""
POINTS = 500
"""Of a contour, about."""
NO_IMPLANT = later("no component of a knee arthroplasty is outlined in it")
STOPPED, AGAIN = later("the computation was stopped"), later("Start it again to see its result.")


class Identifier(Members[DenseNet]):
    """A card's network and the library, ready to answer."""

    does: ClassVar[str] = "names an implant by its shape"

    def __init__(self, card: Card, device: torch.device) -> None:
        self.segmenter = Segmenter(card, device)
        super().__init__(card, device, self.segmenter.members)
        self.lock = self.segmenter.lock

    def warm_up(self) -> None:
        """Outline a blank image; the library waits for the first film that shows an implant."""
        self.segmenter.warm_up()

    def predict(self, image: Image, frame: int = 0, asked: Request = ANSWER) -> Identification:
        """Answer one frame; where the model abstains, no design is compared.

        Raises
        ------
        Cancelled
            When the request was cancelled.
        UnknownCard
            For a method or a label that does not exist, and for what only detectors can be asked.
        """
        return self.identify(image, list_candidates(), frame, asked)

    def identify(
        self, image: Image, candidates: Iterable[Candidate], frame: int = 0, asked: Request = ANSWER
    ) -> Identification:
        """Answer one frame from some designs, as `predict` does from all of the library."""
        start = time.perf_counter()
        outlines = self.segmenter.predict(image, frame, replace(asked, progress=None))
        known, mask = list(candidates), clean_outlines(outlines.mask)
        fits: tuple[FittedDesign, ...] = ()
        if not outlines.abstained:
            fits = compare_with_designs(image, mask, known, _watch(asked))
        missing = not fits and not outlines.abstained
        return Identification(
            task=self.card.task,
            card=self.card.id,
            sha256=image.sha256,
            frame=frame,
            seconds=time.perf_counter() - start,
            warnings=outlines.warnings,
            explanation=outlines.explanation,
            abstained=outlines.abstained or missing,
            reason=NO_IMPLANT if missing else outlines.reason,
            ood_score=outlines.ood_score,
            mask=mask,
            fits=fits,
            limit_px=LIMIT_PX,
            compared=len(known),
        )

    def explain(self, image: Image, why: Why, frame: int = 0) -> Explanation:
        """Explain the outline of one component.

        Raises
        ------
        UnknownCard
            For a method, class or stage that does not exist.
        """
        return self.segmenter.explain(image, why, frame)


def _watch(asked: Request) -> Callable[[float], None]:
    """Return what is told how far the comparison is, and stops it where the request was cancelled."""

    def watch(share: float) -> None:
        if asked.cancelled and asked.cancelled():
            raise Cancelled(STOPPED, fix=AGAIN)
        if asked.progress:
            asked.progress(share)

    return watch


def clean_outlines(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the classes (H, W) without small parts that lie apart from the largest of their class."""
    found = np.zeros_like(mask)
    for index in (1, 2):
        parts, count = ndimage.label(mask == index)
        if count:
            sizes = np.bincount(parts.ravel())
            sizes[0] = 0
            found[(sizes >= max(PIECE * sizes.max(), 1))[parts]] = index
    return found


def compare_with_designs(
    image: Image, mask: NDArray[np.uint8], known: list[Candidate], watch: Callable[[float], None]
) -> tuple[FittedDesign, ...]:
    """Return the designs that fit outlines best, the best first; none where no component is large enough."""
    factor = min(1.0, SIDE_PX / float(np.sqrt(max((mask > 0).sum(), 1))))
    masks = _shrink(mask == 1, factor), _shrink(mask == 2, factor)
    if max(one.sum() for one in masks) < LEAST_PIXELS:
        return ()
    camera = find_camera_of_image(image)
    row_mm, column_mm = image.cell
    seen = Outlined(
        masks,
        camera.over(masks[0].shape) if camera else None,
        row_mm / column_mm,
        image.spacing_mm[1] * mask.shape[1] / masks[0].shape[1] if image.spacing_mm else None,
    )
    matches = match_designs(seen, known, watch)
    return tuple(_tell(match, seen, mask.shape) for match in matches[:SHOWN])


def _shrink(mask: Bits, factor: float) -> Bits:
    """Return a mask at a smaller scale, each pixel what most of it is."""
    if factor == 1.0:
        return mask
    rows, columns = (max(1, round(side * factor)) for side in mask.shape)
    small = Pillow.fromarray(mask.astype(np.uint8) * 255).resize((columns, rows), Pillow.Resampling.BOX)
    return np.asarray(small) > 127


def _tell(match: Match, seen: Outlined, shape: tuple[int, ...]) -> FittedDesign:
    """Return a match in the film's own pixels."""
    design = match.candidate.design
    scale = match.measure_scale(seen.pixel_mm)
    size, width = "", None
    if scale is not None:
        middle = design.widths_mm[len(design.widths_mm) // 2]
        width = scale * middle
        size = design.name_size(width)
    contours = tuple(
        _outline(mesh, fit.pose, match.camera, shape) if mesh and fit else None
        for mesh, fit in zip(match.meshes(), match.fits, strict=True)
    )
    return FittedDesign(
        design.key, design.maker, design.model, design.generated, match.residual_px, (contours[0], contours[1]),
        size, width,
    )  # fmt: skip


def _outline(mesh: Mesh, pose: NDArray[np.float64], camera: Camera, shape: tuple[int, ...]) -> Contour | None:
    """Return the border of a component's silhouette in a picture of this shape, thinned to `POINTS`."""
    drawn = render_silhouette(mesh, pose, camera.over(shape)) > 0
    if not drawn.any():
        return None
    border = trace_outline(keep_largest_part(drawn)) - 1.0
    return border[:: max(1, len(border) // POINTS)]
