"""The example that a page opens with: a picture of nobody, answered, beside what a right answer is.

It is never on the table: a file of the reader's own takes its place. Public cases that were fetched come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import streamlit as st

import models
from dashboard import session
from dashboard.case import door, gallery, pages
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import later, t
from dashboard.session import READ_FIRST, Item
from dashboard.style import figures
from models import Card, Judged
from models.cases import Case, is_right, list_first_cases

KINDS = {"generated": later("Generated"), "simulated": later("Simulated")}
STRIP_PX = 84
"""Least width of a picture in the strip."""


def list_examples(page: str) -> list[Case]:
    """Return the cases of a page whose model is here."""
    here = models.cards()
    return [case for case in list_first_cases(page) if case.card in here and here[case.card].members]


def open_with_example(page: str) -> Case | None:
    """Let a page look at its example, and ask its card; None where a file is looked at, or no case is the card's."""
    if session.find_selected_file() is not None:
        return None
    by_hand = session.find_card_chosen_by_hand(page)
    fitting = [
        case
        for case in list_examples(page)
        if by_hand is None or models.card(by_hand).base_id == models.card(case.card).base_id
    ]
    chosen = session.get(_key(page))
    case = next((case for case in fitting if case.file == chosen), next(iter(fitting), None))
    if case is not None:
        session.open_example(_item(case))
        if by_hand is None:
            session.choose_card(page, case.card, by_hand=False)
    return case


def choose_example(case: Case, page: str) -> None:
    """Open a page on a case, and look at no file of the table."""
    session.unselect_file()
    session.put(_key(page), case.file)
    if page == case.task:
        session.choose_card(page, case.card, by_hand=False)
    session.go_to(page)


def draw_examples_beside_drop_area(page: str, invitation: str, case: Case) -> None:
    """Draw the invitation to drop, and beside it the other cases."""
    cases = list_examples(page)
    if len(cases) < 2 and not gallery.list_public_exhibits():
        door.show_drop_area(invitation, compact=True)
        return
    with st.container(key="opening"):
        left, right = st.columns([1.75, 1], gap="medium")
    with left:
        door.show_drop_area(invitation, compact=True)
    with right:
        st.caption(t("Or try one of these"))
        draw_examples(page, cases, case)


def draw_examples(page: str, cases: Sequence[Case], chosen: Case | None = None) -> None:
    """Draw cases as small pictures, each a button: public ones that were fetched first, one of each label."""
    public = {one.title: one for one in reversed(gallery.list_public_exhibits()) if one.task == page}
    with st.container(key="strip", horizontal=True, gap="small"):
        for one in reversed(public.values()):
            with st.container(key=f"case-{page}-{one.path.stem}", gap=None, width=STRIP_PX):
                st.image(figures.inline_png(session.draw_exhibit(str(one.path))), width="stretch", alt="")
                st.button(
                    escape_markdown(t(one.title)), key=f"open-{page}-{one.path.name}", type="tertiary",
                    on_click=one.open,
                    help=escape_markdown(f"{t(one.title)}. {one.origin}"),
                )  # fmt: skip
        for case in cases:
            name = "shown" if case == chosen else "case"
            with st.container(key=f"{name}-{page}-{case.file}", gap=None, width=STRIP_PX):
                st.image(figures.inline_png(session.draw_exhibit(str(case.path))), width="stretch", alt="")
                st.button(
                    escape_markdown(t(case.title)), key=f"open-{page}-{case.file}", type="tertiary",
                    on_click=choose_example,
                    args=(case, page), help=f"{t(case.title)}. {describe_making(case)}.",
                )  # fmt: skip


def judge_example(case: Case, card: Card, answer: Judged | None) -> None:
    """Say of an example what it is, what it was made for, and whether the answer is that; no answer: what it is."""
    with st.container(key="example", gap=None):
        words = f"**{t(KINDS[case.kind])}**"
        if answer is not None and not session.get(READ_FIRST):
            said = pages.find_page_of_card(card).tell(case, card, answer)
            words = f"**{escape_markdown(describe_making(case))}** · {escape_markdown(said)}"
            words += " :material/check_circle:" if is_right(case, answer) else " :material/error:"
        st.markdown(f":material/science: {words}")
        st.caption(escape_markdown(t(case.origin)))


def describe_making(case: Case) -> str:
    """Return how a case was made, and what for."""
    if case.reference_text.startswith(case.kind):  # "generated for ..."
        return write_as_sentence(t(case.reference_text))
    return f"{t(KINDS[case.kind])}: {t(case.reference_text)}"


def _key(page: str) -> str:
    return f"example-of-{page}"


@lru_cache(maxsize=32)
def _item(case: Case) -> Item:
    data = case.read_bytes()
    return Item(case.file, data, sha256(data).hexdigest(), case.origin, case.task)
