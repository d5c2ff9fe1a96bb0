"""The files on the table: a thumbnail and a name each; a click, or Enter on the name, looks at it."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.components.states import plain
from dashboard.language import t, tn


def show() -> None:
    """Draw the queue, the newest file last."""
    items = session.queue()
    chosen = session.selected()
    if items:
        st.caption(tn("{n} image", "{n} images", len(items)))
    for item in items:
        here = item is chosen
        with st.container(key=f"{'chosen' if here else 'file'}-{item.sha256[:12]}", horizontal=True, gap="small",
                          vertical_alignment="center", wrap=False):  # fmt: skip
            if picture := session.thumbnail(item):
                st.image(picture, width=40, alt="")  # its name stands beside it
            else:
                st.markdown(":material/broken_image:", width=40)
            st.button(
                plain(item.name), key=f"select-{item.sha256}", type="tertiary", width="stretch",
                on_click=session.select, args=(item.sha256,), help=t(item.origin) if item.origin else None,
            )  # fmt: skip
            st.button(
                "", key=f"remove-{item.sha256}", type="tertiary", icon=":material/close:",
                on_click=session.remove, args=(item.sha256,), help=t("Remove {name}", name=plain(item.name)),
            )  # fmt: skip
