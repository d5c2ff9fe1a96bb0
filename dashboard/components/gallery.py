"""Real cases to try: public ones that are fetched when asked for; those that come with the program are examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import streamlit as st

from dashboard import figures, session
from dashboard.components import states
from dashboard.jobs import Job
from dashboard.language import t
from models.data import samples

TILE_PX = 168
"""Least width of a picture."""
FETCH = "public-cases"


@dataclass(frozen=True)
class Exhibit:
    """One picture in the gallery; `origin` goes wherever the picture is shown."""

    title: str
    path: Path
    task: str
    origin: str


def public(tasks: Iterable[str]) -> None:
    """Draw the public cases, or the button that fetches them."""
    megabytes = sum(sample.bytes for sample in samples.samples()) / 1e6
    st.subheader(t("Try a real case"), anchor=False)
    job: Job[tuple[Path, ...]] | None = session.job(FETCH)
    if job and job.running:
        _progress()
    elif job and job.result:
        _sources(dict(zip(samples.samples(), job.result, strict=True)), tasks)
    else:
        st.caption(t("Public radiographs, free to use, fetched from their publishers and kept on this machine."))
        st.button(
            t("Fetch {count} public files ({megabytes:.0f} MB)", count=len(samples.samples()), megabytes=megabytes),
            icon=":material/download:",
            on_click=session.start,
            args=(FETCH, _fetch),
        )
        if job and job.error:
            states.error(job.error)


def _fetch(job: Job[tuple[Path, ...]]) -> tuple[Path, ...]:
    return samples.fetch_all(job.report, job.stopped)


@st.fragment(run_every=0.4)
def _progress() -> None:
    job = session.job(FETCH)
    if job is None or not job.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, t("Fetching public cases, {share:.0%}", share=job.share))
        st.button(t("Cancel"), icon=":material/close:", on_click=job.stop)


def _sources(paths: dict[samples.Sample, Path], tasks: Iterable[str]) -> None:
    wanted = [sample for sample in paths if sample.task in tasks]
    for (cite, licence), group in groupby(wanted, key=lambda sample: (sample.cite, sample.licence)):
        origin = f"{cite} ({licence})"
        st.caption(states.plain(origin))
        _grid([Exhibit(s.truth or s.file, paths[s], s.task, origin) for s in group])


def _grid(exhibits: Sequence[Exhibit]) -> None:
    with st.grid(min_column_width=TILE_PX, gap="medium"):
        for exhibit in exhibits:
            with st.container(key=f"case-{exhibit.path.stem}", gap="xxsmall"):
                st.image(figures.inline(session.exhibit(str(exhibit.path))), width="stretch", alt=t(exhibit.title))
                st.button(
                    states.plain(t(exhibit.title)), key=f"open-{exhibit.path.name}", type="tertiary",
                    on_click=session.open_case, args=(exhibit.path, exhibit.task, exhibit.origin),
                )  # fmt: skip
