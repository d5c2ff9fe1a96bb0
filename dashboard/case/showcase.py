"""One live example of each page, on Home: its picture with the overlay, and the answer, by the models themselves.

The pictures are nobody's, so all visitors share what was made of them; the bare picture stands until that is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import models
from dashboard import session
from dashboard.case import examples
from dashboard.case import pages as views
from dashboard.case.states import plain
from dashboard.i18n import later, spoken, t
from dashboard.style import figures
from dashboard.views.lessons import figures as how_figures
from models import OrthoLensError, Prediction, lessons
from models.cases import Case, lunge
from models.tasks.kinematics import export

SIDE_PX = 640
"""Longest side of a picture."""
MAPS = 6
"""Feature maps that stand for the lessons."""
QUESTIONS = {
    "implant": later("Which implant is it?"),
    "pathology": later("How far has it gone?"),
    "tissue": later("Which tissue is where?"),
    "detection": later("Where is it?"),
    "kinematics": later("How does it move?"),
    "how_it_works": later("How does it work?"),
}
"""What each page answers, in the order of the tiles."""


@dataclass(frozen=True)
class Tile:
    """What stands on one tile: a PNG, and the answer; of what cannot be answered, no more than the picture."""

    picture: bytes
    answer: Prediction | None = None
    says: str = ""


def show(pages: Iterable[str]) -> None:
    """Draw the tiles of those pages that have a case."""
    there = {*pages, "how_it_works"}
    shown = [(page, found[0]) for page in QUESTIONS if page in there and (found := examples.offered(page))]
    places = {}
    with st.container(key=f"tiles-{len(shown)}"):
        for page, case in shown:
            with st.container(key=f"tile-{page}", gap=None):
                places[page] = st.empty()
                st.button(
                    f"**{t(QUESTIONS[page])}**", key=f"open-{page}", type="tertiary",
                    on_click=examples.choose, args=(case, page),
                )  # fmt: skip
                places[f"{page} says"] = st.empty()
    for page, case in shown:
        places[page].image(session.exhibit(str(case.path)), width="stretch", alt=t(case.title))
        places[f"{page} says"].caption(t("The model is looking at it…"))
    for page, case in shown:
        tile = session.of_nobody(
            lambda page=page, case=case: _tile(page, case), "tile", page, case.file, *_versions(case)
        )
        places[page].image(tile.picture, width="stretch", alt=t(case.title))
        places[f"{page} says"].caption(_words(page, case, tile))


def _versions(case: Case) -> tuple[str, ...]:
    """Return what a tile changes with: the weights, and the language of the words in it."""
    return (*session.weights(models.card(case.card)), spoken().code)


def _words(page: str, case: Case, tile: Tile) -> str:
    kind = t(examples.KINDS[case.kind])
    if page == case.task and tile.answer is not None:
        card = models.card(case.card)
        said = views.card_page(card).tell(case, card, tile.answer)
        return plain(f"{examples.made(case)} · {said}")
    return plain(f"{kind}: {t(case.title)} · {t(tile.says)}" if tile.says else f"{kind}: {t(case.title)}")


def _tile(page: str, case: Case) -> Tile:
    try:
        if page == "kinematics":
            return _motion(case)
        if page == "how_it_works":
            return _maps(case)
        return _answered(case)
    except OrthoLensError:  # the page says what is wrong
        return Tile(session.exhibit(str(case.path)))


def _answered(case: Case) -> Tile:
    image = models.read(case.path)
    kind = views.card_page(models.card(case.card))
    answer = models.predict(image, case.card, explain="grad-cam" if kind.names_the_whole else None)
    return Tile(_png(kind.picture(image, answer)), answer)


def _motion(case: Case) -> Tile:
    """Draw the frame with both components as they were found."""
    scene, found = lunge.scene(), lunge.replay()
    if found is None:
        return Tile(session.exhibit(str(case.path)))
    motion = found.motion
    image = models.read(case.path)
    poses = motion.femoral.pose[0], motion.tibial.pose[0]
    drawn = export.overlay(image.grey(), (scene.femoral, scene.tibial), poses, scene.camera)
    least, most = np.nanmin(motion.joint[:, 0]), np.nanmax(motion.joint[:, 0])
    bend = later("{count} frames, flexion {least:.0f}° to {most:.0f}°", count=motion.frames, least=least, most=most)
    return Tile(_png(drawn), None, bend)


def _maps(case: Case) -> Tile:
    """Draw what a layer in the middle of the network makes of the picture."""
    image, card = models.read(case.path), models.card(case.card)
    layers = [layer for layer in lessons.layers(card) if layer.has_maps]
    found = lessons.feature_maps(image, card, layers[len(layers) // 4], count=MAPS)
    return Tile(_png(how_figures.mosaic(found.maps)), None, later("what one layer sees"))


def _png(picture: NDArray[np.uint8]) -> bytes:
    return figures.png(figures.shrunk(picture.astype(np.float32) / 255, SIDE_PX))
