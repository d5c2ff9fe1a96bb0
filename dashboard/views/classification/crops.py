"""A film of more than one knee: the parts that the model can answer, found by its OOD detector, moved by the reader.

A film is searched beside the page, once the model has refused it as a whole: the picture and the first word come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

import models
from dashboard import session
from dashboard.case import progress, read_first, worklist
from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import format_number, later, t, tn
from dashboard.style import figures
from dashboard.views.classification import crop_figures
from models import Box, Card, Classification, Image, Judged
from models.jobs import Job

WHOLE = later("The whole film")
FILM_PX = 380
FIELDS = {"column": later("Left"), "row": later("Top"), "width": later("Width"), "height": later("Height")}


def choose_crop(image: Image, card: Card) -> Image:
    """Return what is to be answered: the image, or the part of a film that the reader chooses among those found."""
    state = _state(image, card)
    found = session.find_job(_search(image, card))
    if found and found.result and session.get(state) is None:
        session.put(state, list(found.result))
    boxes: list[Box] = session.get(state) or []
    if not boxes:
        return image
    with st.container(border=True, key="film-scan"):
        look = st.container()
        if session.get(f"{state}-{len(boxes)}") == WHOLE:  # the film itself stands below
            with look:
                chosen = _choice(image, card, boxes, state)
        else:
            left, right = look.columns([1.15, 1], gap="medium")
            with right:
                chosen = _choice(image, card, boxes, state)
            with left:
                _film(image, boxes, chosen, state)
    return image if chosen is None else image.crop(boxes[chosen])


def search_crops(prediction: Judged, image: Image, card: Card) -> None:
    """Begin to search a film that was refused, beside the page, and say how far that is and what came of it.

    Only a film whose model was trained on tight crops is searched, and no part of one.
    """
    state = _state(image, card)
    item = session.find_selected_file()
    if not (card.input.crop and prediction.abstained) or session.get(state) or not item or item.sha256 != image.sha256:
        return
    name, frame = _search(image, card), prediction.frame
    job: Job[tuple[Box, ...]] | None = session.find_job(name)
    if job is None:
        session.start_work(name, lambda job: _found(job, image, card, frame), in_turn=True)
        job = session.find_job(name)
    if job and job.running:
        _progress(name, card)
        return
    if job and job.result:  # it came while only this part of the page was drawn
        st.rerun()
    if job and job.error:
        st.caption(escape_markdown(f"{write_as_sentence(t(job.error.problem))}."))
        st.button(
            t("Search the film for parts"), icon=":material/search:", key="search-again", on_click=session.start_work,
            args=(name, lambda job: _found(job, image, card, frame)), kwargs={"in_turn": True},
        )  # fmt: skip
    else:
        st.caption(escape_markdown(t("Nor does any part of it look like {shows}.", shows=t(card.data.shows))))
    st.button(
        t("Choose a part by hand"), icon=":material/crop:", key="choose-part", type="tertiary",
        on_click=session.put, args=(state, [_middle(image)]),
    )  # fmt: skip


@poll_every(0.5)
def _progress(name: str, card: Card) -> None:
    progress.draw_progress(name, "search-cancel", t("Looking for parts that show {shows}", shows=t(card.data.shows)))


def _found(job: Job[tuple[Box, ...]], image: Image, card: Card, frame: int) -> tuple[Box, ...]:
    return models.crops(image, card.id, frame=frame, progress=job.report, cancelled=job.stopped)


def _state(image: Image, card: Card) -> str:
    return f"parts-{image.sha256[:12]}-{card.id}"


def _search(image: Image, card: Card) -> str:
    """Return the name of the job that searches a film."""
    return f"{session.SEARCH}{image.sha256}-{card.id}"


def _middle(image: Image) -> Box:
    """Return a square in the middle, half as large as the film: where a reader begins."""
    rows, columns = image.shape
    side = max(1, min(rows, columns) // 2)
    return Box((rows - side) // 2, (columns - side) // 2, side, side)


def _choice(image: Image, card: Card, boxes: list[Box], state: str) -> int | None:
    st.markdown(t("**More than the model was made for**"))
    st.caption(
        t("The whole image does not look like {shows}. ", shows=escape_markdown(t(card.data.shows)))
        + _parts(len(boxes))
        + t("Draw a rectangle on the film to add a part.")
    )
    names = [later("Part {number}", number=number) for number in range(1, len(boxes) + 1)]
    with st.container(horizontal=True, gap="medium", key="parts"):
        for name, box in zip(names, boxes, strict=True):
            _card(image.crop(box), card, t(name))
    look = f"{state}-{len(boxes)}"
    if session.get(look) is None:
        session.put(look, names[0])
    picked = st.segmented_control(
        t("Look at"), [*names, WHOLE], required=True, key=look, format_func=t, label_visibility="collapsed"
    )
    if picked not in names:
        return None
    chosen = names.index(picked)
    _fields(image, boxes, chosen, state)
    return chosen


def _parts(count: int) -> str:
    return tn("{n} part does, and each is answered alone. ", "{n} parts do, and each is answered alone. ", count)


def _card(cut: Image, card: Card, name: str) -> None:
    answer = session.predict_as(Classification, cut, card)
    label = escape_markdown(t(card.labels[card.index(answer.label)].name))
    hidden = read_first.hides_answer_until_read(answer)
    if not hidden:
        worklist.tell_worklist(answer)
    said = (
        t("read first")
        if hidden
        else t("**no answer**")
        if answer.abstained
        else f"**{label}** {format_number(answer.confidence, '.0%')}"
    )
    with st.container(width=132, gap="xxsmall"):
        st.image(figures.encode_thumbnail(cut, 264), width=132, alt=name)
        st.markdown(f"{name}: {said}")


def _fields(image: Image, boxes: list[Box], chosen: int, state: str) -> None:
    """Let the reader move, resize or remove the part that is looked at."""
    box = boxes[chosen]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for field, name in FIELDS.items():
            side = image.shape[field in ("column", "width")]
            key = f"{state}-{field}-{chosen}-{box.row}-{box.column}-{box.height}-{box.width}"
            st.number_input(
                t("{name} (px)", name=t(name)),
                0 if field in ("column", "row") else 1,
                side,
                getattr(box, field),
                key=key,
                width=112,
                on_change=_resize,
                args=(boxes, chosen, state, field, key),
            )
        st.button(
            t("Remove"), icon=":material/close:", key=f"{state}-remove", disabled=len(boxes) == 1,
            on_click=session.put, args=(state, boxes[:chosen] + boxes[chosen + 1 :]),
        )  # fmt: skip
    st.caption(
        t(
            "Cropped to {width} × {height} of {columns} × {rows} px, "
            "from column {column} and row {row}. Everything below is about this part.",
            width=box.width,
            height=box.height,
            columns=image.shape[1],
            rows=image.shape[0],
            column=box.column,
            row=box.row,
        )
    )


def _resize(boxes: list[Box], chosen: int, state: str, field: str, key: str) -> None:
    typed = session.get(key)
    if typed is not None:  # else everything was forgotten in between
        changed = replace(boxes[chosen], **{field: typed, "ood_score": None})
        session.put(state, [*boxes[:chosen], changed, *boxes[chosen + 1 :]])


def _film(image: Image, boxes: list[Box], chosen: int | None, state: str) -> None:
    key = f"{state}-film-{len(boxes)}"

    def draw(selection: Mapping[str, Any]) -> None:
        if selection["box"]:
            last = selection["box"][-1]
            _add(crop_figures.read_selected_box(image, last["x"], last["y"]), boxes, state)

    st.plotly_chart(
        crop_figures.draw_crops(image, boxes, chosen), key=key, height=FILM_PX, theme=None, selection_mode="box",
        on_select=lambda: session.take_selection(key, draw), config={"displaylogo": False},
        alt=t("The whole film with the parts that are answered"),
    )  # fmt: skip


def _add(box: Box, boxes: list[Box], state: str) -> None:
    """Add the area that was drawn, and look at it."""
    more = [*boxes, box]
    session.put(state, more)
    session.put(f"{state}-{len(more)}", f"Part {len(more)}")
