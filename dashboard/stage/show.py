"""Put a step of the playlist on the table: its case, what of the page is looked at, and the page itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

import models
from dashboard import session
from dashboard.stage import SECTION_CASE, Playlist, Step
from models.data.cases import cases

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

LOOKS = {"tissue": "tissue-look", "kinematics": "kinematics-look"}
"""Page → the key of the control that says what is read off the picture."""
SECTION_SEED = 4
"""Of the simulated section; a femoral condyle on a tibial plateau."""


def open_step(playlist: Playlist, step: Step, listed: Mapping[str, StreamlitPage]) -> NoReturn:
    """Put a step's case on the table and go to its page; the script starts again there."""
    if step.case is not None:
        session.select(_case(playlist.folder, step))
    if step.page not in _tasks():
        session.settle()  # the step says which page
    st.switch_page(listed[step.page], query_params={"section": step.show.section} if step.show.section else {})


def dress(step: Step) -> None:
    """Set the controls of a step's page, before they are drawn for the first time.

    Done in the run that draws them: what the browser still believes of them may arrive just before it.
    """
    item = session.selected()
    if step.show.anyway and item is not None and step.page in _tasks():
        card = step.card or models.cards_of(step.page)[0].id
        session.put(f"anyway-{item.sha256[:12]}-{card}", True)
    if step.card is not None:
        session.choose_card(step.page, step.card, by_hand=True)
    session.put("read-first", False)
    session.put("layout", step.show.layout or "Overlay")
    if step.page in LOOKS and step.show.look is not None:
        session.put(LOOKS[step.page], step.show.look)
    if step.show.section is not None:
        session.put("section", step.show.section)


def _case(folder: Path, step: Step) -> str:
    """Put a step's case into the queue, and return its sha256."""
    task = step.page if step.page in _tasks() else None
    known = {case.file: case for case in cases()}
    if step.case in known:
        case = known[step.case]
        return session.add(case.file, case.read_bytes(), origin=case.origin, task=case.task)
    if step.case == SECTION_CASE:
        return session.add("joint-section.png", _section(), origin="Simulated by OrthoLens: no patient.", task=task)
    return session.add(
        Path(step.case or "").name, (folder / (step.case or "")).read_bytes(), origin=step.origin, task=task
    )


def _tasks() -> set[str]:
    return {card.task for card in models.cards().values()}


@lru_cache(maxsize=1)
def _section() -> bytes:
    """Return a simulated section of a joint as PNG with its scale; the same for every visitor."""
    from models.data.joint_section import section
    from models.data.section_files import write_section

    with TemporaryDirectory() as folder:
        picture = Path(folder) / "section.png"
        write_section(section(SECTION_SEED, damage=0.5), picture, Path(folder) / "mask.png")
        return picture.read_bytes()
