"""Put a step of the playlist on the table: its case, what of the page is looked at, and the page itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

import models
from dashboard import session
from dashboard.case import pages
from dashboard.conference import Playlist, Step, find_case_of_step
from dashboard.style import figures
from models.errors import OrthoLensError

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

THUMBNAIL_PX = 360


def open_step(playlist: Playlist, step: Step, listed: Mapping[str, StreamlitPage]) -> NoReturn:
    """Put a step's case on the table and go to its page; the script starts again there."""
    if step.case is not None:
        session.select_file(_case(playlist.folder, step))
    if step.page not in _tasks():
        session.settle_arrival()  # the step says which page
    st.switch_page(listed[step.page], query_params={"section": step.show.section} if step.show.section else {})


def set_controls_of_step(step: Step) -> None:
    """Set the controls of a step's page, before they are drawn for the first time.

    Done in the run that draws them: what the browser still believes of them may arrive just before it.
    """
    item, card = session.find_selected_file(), step.asked
    if step.show.anyway and item is not None and card is not None and step.page in _tasks():
        session.put(f"anyway-{item.sha256[:12]}-{card.id}", True)
    if card is not None:
        session.choose_card(step.page, card.id, by_hand=True)
    session.put("read-first", False)
    session.put("layout", step.show.layout or "Overlay")
    panel = pages.find_page_kind(step.page).panel if step.page in pages.list_tasks_with_page() else None
    if panel is not None and step.show.panel is not None:
        session.put(panel, step.show.panel)
    if step.show.section is not None:
        session.put("section", step.show.section)


def _case(folder: Path, step: Step) -> str:
    """Put a step's case into the queue, and return its sha256."""
    case, (name, data) = find_case_of_step(step.case or ""), _bytes(folder, step.case or "")
    if case is not None:
        return session.add_to_queue(name, data, origin=case.origin, task=case.task)
    return session.add_to_queue(name, data, origin=step.origin, task=step.page if step.page in _tasks() else None)


def _tasks() -> set[str]:
    return {card.task for card in models.cards().values()}


def is_step_of_nobody(step: Step) -> bool:
    """Whether a step's case is one that comes with the program, so that no patient's picture is on it."""
    return step.case is not None and find_case_of_step(step.case) is not None


def draw_thumbnail_of_step(playlist: Playlist, step: Step) -> bytes | None:
    """Return a small picture of a step's case; None where it has none that can be read."""
    try:
        if step.case is None:
            still = pages.find_page_kind(step.page).still() if step.page in pages.list_tasks_with_page() else None
            return None if still is None else figures.encode_thumbnail(still, THUMBNAIL_PX)
        name, data = _bytes(playlist.folder, step.case)
        return figures.encode_thumbnail(models.read(data, name), THUMBNAIL_PX)
    except (OrthoLensError, OSError):
        return None  # the stage itself says what is wrong with it


def _bytes(folder: Path, name: str) -> tuple[str, bytes]:
    """Return the name and the content of a case's file."""
    case = find_case_of_step(name)
    path = folder / name if case is None else case.path
    return path.name, path.read_bytes()
