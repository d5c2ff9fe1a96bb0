"""Real cases to try: public ones that are fetched when asked for; those that come with the program are examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import streamlit as st

from dashboard import session
from dashboard.case import pages, states
from dashboard.case.polling import poll_every
from dashboard.i18n import t
from dashboard.style import figures
from models.cases import samples
from models.jobs import Job

TILE_PX = 168
"""Least width of a picture."""
FETCH = "public-cases"


@dataclass(frozen=True)
class Exhibit:
    """One case of the gallery; `origin` goes wherever its picture is shown.

    Attributes
    ----------
    study
        Every file of it, where it is the motion of an implant and no single image.
    """

    title: str
    path: Path
    task: str
    origin: str
    study: tuple[Path, ...] = ()

    def open(self) -> None:
        """Go to its page with it."""
        if self.study:
            pages.find_page_of_studies()[1].take([(path.name, path.read_bytes()) for path in self.study])
            session.go_to(self.task)
        else:
            session.open_case(self.path, self.task, self.origin)


def show_public_gallery(tasks: Iterable[str]) -> None:
    """Draw the public cases that are here, and the button that fetches the others."""
    st.subheader(t("Try a real case"), anchor=False)
    here, fetched, tasks = list_public_exhibits(), samples.list_fetched_samples(), {*tasks}
    for origin, group in groupby((one for one in here if one.task in tasks), key=lambda one: one.origin):
        st.caption(states.escape_markdown(origin))
        _grid([*group])
    job: Job[tuple[Path, ...]] | None = session.find_job(FETCH)
    missing = [sample for sample in samples.list_samples() if sample not in fetched]
    if job and job.running:
        _progress()
    elif missing:
        megabytes = sum(sample.bytes for sample in missing) / 1e6
        st.caption(t("Public radiographs, free to use, fetched from their publishers and kept on this machine."))
        st.button(
            t("Fetch {count} public files ({megabytes:.0f} MB)", count=len(missing), megabytes=megabytes),
            icon=":material/download:",
            on_click=session.start_work,
            args=(FETCH, _fetch),
        )
        if job and job.error:
            states.show_error(job.error)


def list_public_exhibits() -> list[Exhibit]:
    """Return the public cases that are on this machine, those of one source together."""
    here, motion = samples.list_fetched_samples(), pages.find_page_of_studies()[0]
    found = [
        Exhibit(sample.shows, path, sample.task, f"{sample.cite} ({sample.licence})")
        for sample, path in here.items()
        if sample.task != motion
    ]
    study = [sample for sample in samples.list_samples() if sample.task == motion]
    if all(sample in here for sample in study):
        first, files = study[0], tuple(here[sample] for sample in study)
        found.append(Exhibit(first.shows, files[0], motion, f"{first.cite} ({first.licence})", files))
    return found


def _fetch(job: Job[tuple[Path, ...]]) -> tuple[Path, ...]:
    return samples.fetch_all_samples(job.report, job.stopped)


@poll_every(0.4)
def _progress() -> None:
    job = session.find_job(FETCH)
    if job is None or not job.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, t("Fetching public cases, {share:.0%}", share=job.share))
        st.button(t("Cancel"), icon=":material/close:", on_click=job.stop)


def _grid(exhibits: Sequence[Exhibit]) -> None:
    with st.grid(min_column_width=TILE_PX, gap="medium"):
        for exhibit in exhibits:
            with st.container(key=f"case-{exhibit.path.stem}", gap="xxsmall"):
                st.image(
                    figures.inline_png(session.draw_exhibit(str(exhibit.path))), width="stretch", alt=t(exhibit.title)
                )
                st.button(
                    states.escape_markdown(t(exhibit.title)), key=f"open-{exhibit.path.name}", type="tertiary",
                    on_click=exhibit.open,
                )  # fmt: skip
