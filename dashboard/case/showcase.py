"""One live example of each page, on Home: its picture with the overlay, and the answer, by the models themselves.

The pictures are nobody's, so all users share what was made of them; the bare picture stands until that is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import models
from dashboard import session
from dashboard.case import examples, pages
from dashboard.case.page_kind import Tile
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, spoken, t
from dashboard.style import figures
from dashboard.style.maps import tile_maps
from models import Judged, OrthoLensError, lessons
from models.cases import Case
from models.tasks import question_of

SIDE_PX = 640
"""Longest side of a picture."""
MAPS = 6
"""Feature maps that stand for the lessons."""
LESSONS = "how_it_works"
"""Address of the lessons, which are no task."""
LESSONS_ASK = later("How does it work?")


@dataclass(frozen=True)
class Shown:
    """A tile as it is kept: its picture as PNG."""

    picture: bytes = field(repr=False)
    answer: Judged | None = None
    says: str = ""


def show_showcase(tasks: Iterable[str]) -> None:
    """Draw the tiles of the tasks that have a case, and of the lessons."""
    shown = [(page, found[0]) for page in (*tasks, LESSONS) if (found := examples.list_examples(page))]
    places = {}
    with st.container(key=f"tiles-{len(shown)}"):
        for page, case in shown:
            with st.container(key=f"tile-{page}", gap=None):
                places[page] = st.empty()
                st.button(
                    f"**{t(_asks(page))}**", key=f"open-{page}", type="tertiary",
                    on_click=examples.choose_example, args=(case, page),
                )  # fmt: skip
                places[f"{page} says"] = st.empty()
    for page, case in shown:
        places[page].image(session.draw_exhibit(str(case.path)), width="stretch", alt=t(case.title))
        places[f"{page} says"].caption(t("The model is looking at it…"))
    for page, case in shown:
        tile = session.share_picture_of_nobody(partial(_tile, page, case), "tile", page, case.file, *_versions(case))
        places[page].image(tile.picture, width="stretch", alt=t(case.title))
        places[f"{page} says"].caption(_words(page, case, tile))


def _asks(page: str) -> str:
    return LESSONS_ASK if page == LESSONS else question_of(page).asks


def _versions(case: Case) -> tuple[str, ...]:
    """Return what a tile changes with: the weights, and the language of the words in it."""
    return (*session.name_weights(models.card(case.card)), spoken().code)


def _words(page: str, case: Case, tile: Shown) -> str:
    kind = t(examples.KINDS[case.kind])
    if page == case.task and tile.answer is not None:
        card = models.card(case.card)
        said = pages.find_page_of_card(card).tell(case, card, tile.answer)
        return escape_markdown(f"{examples.describe_making(case)} · {said}")
    return escape_markdown(f"{kind}: {t(case.title)} · {t(tile.says)}" if tile.says else f"{kind}: {t(case.title)}")


def _tile(page: str, case: Case) -> Shown:
    bare = session.draw_exhibit(str(case.path))
    try:
        tile = _maps(case) if page == LESSONS else pages.find_page_kind(page).tile(case)
    except OrthoLensError:  # the page says what is wrong
        return Shown(bare)
    return Shown(bare if tile.picture is None else _png(tile.picture), tile.answer, tile.says)


def _maps(case: Case) -> Tile:
    """Draw what a layer in the middle of the network makes of the picture."""
    image, card = models.read(case.path), models.card(case.card)
    layers = [layer for layer in lessons.list_layers(card) if layer.has_maps]
    found = lessons.rank_feature_maps(image, card, layers[len(layers) // 4], count=MAPS)
    return Tile(tile_maps(found.maps), None, later("what one layer sees"))


def _png(picture: NDArray[np.uint8]) -> bytes:
    return figures.encode_png(figures.shrink_picture(picture.astype(np.float32) / np.float32(255), SIDE_PX))
