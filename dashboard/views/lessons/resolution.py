"""High resolution: HRNet's parallel branches beside a U-Net's way down and up, on the same picture."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import models
from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t
from dashboard.style import figures
from dashboard.style.maps import enlarge_map
from dashboard.views.lessons import diagrams
from dashboard.views.lessons import figures as how_figures
from dashboard.views.lessons import subject as how_subject
from dashboard.views.lessons.subject import SMEAR_SAYS, Subject
from models import Card, lessons
from models.drawing import paint
from models.lessons import Depth, Depths

NETWORKS = {
    "histology-nuclei": ("U-Net", later("goes down to 1/32 and comes back up; dotted skips bring back what was lost")),
    "histology-nuclei-hrnet": (
        "HRNet",
        later("keeps a branch at 1/4 from start to end and adds coarser ones beside it"),
    ),
}
"""Cards that are compared: name, and what it does."""


def show_resolution_lesson(subject: Subject) -> None:
    """Draw the lesson."""
    cards = [models.cards()[id] for id in NETWORKS if id in models.cards()]
    if not cards:
        st.info(t("The two nuclei cards that are compared here are not installed."), icon=":material/hourglass:")
        return
    if not subject.image.colour:
        st.info(
            t("Both networks were trained on stained cells, and this image is grey, so the lesson is shown on a "
            "**simulated** stained smear."), icon=":material/science:",
        )  # fmt: skip
        subject = Subject(how_subject.simulate_lesson_smear(), 0, SMEAR_SAYS)
    st.markdown(
        t(
            "A mask needs fine detail and the view of the whole at once. A **U-Net** shrinks the picture and then "
            "restores it. An **HRNet** never gives up resolution: it works at several at the same time, and they talk "
            "to each other."
        )
    )
    found = [(card, _depths(subject, card)) for card in cards]
    columns = st.container(key="workspace").columns(len(found), gap="medium")
    for (card, depths), box, look in zip(found, columns, diagrams.LINES, strict=False):
        with box:
            _network(card, depths, look[0])
    st.subheader(t("What each keeps"), anchor=False)
    st.plotly_chart(
        diagrams.draw_kept_detail([(NETWORKS[card.id][0], depths) for card, depths in found]), key="how-kept",
        config={"displayModeBar": False}, alt=t("Detail kept by each network from its first stage to its last"),
    )  # fmt: skip
    st.caption(
        t(
            "1: all of the picture's fine detail (what a blur of 2 px takes away) can be read off the network's "
            "features by one linear layer; 0: none. Fitted on half of the picture's squares, measured on the other "
            "half, as a correlation. Where the U-Net's line rises again, its skips have brought the detail back."
        )
    )
    _inside(found)
    st.subheader(t("What each answers"), anchor=False)
    for (card, depths), box in zip(found, st.columns(len(found), gap="medium"), strict=True):
        with box:
            _mask(card, depths)
    st.caption(
        t("On {words}", words=t(subject.words))
        + (t(", the middle of it") if max(subject.image.shape) > max(found[0][1].picture.shape) else "")
        + t(
            ". Neither card has an out-of-distribution detector: it segments whatever it is shown. One picture says "
            "nothing about which network is better; their figures are on the page of the model cards."
        )
    )


def _depths(subject: Subject, card: Card) -> Depths:
    return session.compute_once(
        lambda: lessons.follow_depths(subject.image, card, frame=subject.frame),
        "depths", subject.key, card.id, *session.name_weights(card),
    )  # fmt: skip


def _network(card: Card, found: Depths, colour: str) -> None:
    name, does = NETWORKS[card.id]
    st.subheader(name, anchor=False)
    st.caption(f"{escape_markdown(t(card.title))}: {t(does)}.")
    st.plotly_chart(
        diagrams.draw_resolutions(found, colour), key=f"how-resolutions-{card.id}", config={"displayModeBar": False},
        alt=t("Resolutions that {name} holds at each depth", name=name),
    )  # fmt: skip


def _inside(found: Sequence[tuple[Card, Depths]]) -> None:
    """Let the reader walk through both networks at once, and see the strongest maps of each."""
    longest = max((depths for _, depths in found), key=lambda depths: len(depths.depths))
    count = len(longest.depths)
    stage = st.select_slider(
        t("Depth"), range(count), value=count // 2, key="how-depth", persist_state="session",
        format_func=lambda at: longest.depths[at].stage,
    )  # fmt: skip
    for (card, depths), box in zip(found, st.columns(len(found), gap="medium"), strict=True):
        with box:
            _maps(card, depths.depths[round(stage / max(1, count - 1) * (len(depths.depths) - 1))])


def _maps(card: Card, depth: Depth) -> None:
    """Draw the strongest maps of the finest branch at one depth."""
    network = NETWORKS[card.id][0]
    sizes = ", ".join(f"{c} × {h} × {w}" for c, h, w in depth.shapes[:1])
    more = t(" and {n} coarser", n=len(depth.shapes) - 1) if len(depth.shapes) > 1 else ""
    says = t(
        "{stage}: {sizes}{more} · detail kept {retained:.2f}",
        stage=depth.stage,
        sizes=sizes,
        more=more,
        retained=depth.retained,
    )
    st.image(
        how_figures.tile_map_row(depth.maps),
        width="stretch",
        caption=f"{network}, {says}",
        alt=t("The strongest maps of {network} at {stage}", network=network, stage=depth.stage),
    )


def _mask(card: Card, found: Depths) -> None:
    answer = found.answer
    size = found.picture.shape[:2]
    lines = None if answer.instances is None else paint.outline_areas(paint.fit_classes(answer.instances, size))
    picture = paint.paint_classes(
        found.picture, paint.fit_classes(answer.mask, size), paint.find_class_colours(card), 0.4, lines
    )
    count = 0 if answer.instances is None else int(answer.instances.max())
    st.image(
        figures.encode_png(enlarge_map(picture, 480)),
        width="stretch",
        caption=t(
            "{network}: {count} nuclei, {share:.1%} of the picture",
            network=NETWORKS[card.id][0],
            count=count,
            share=(answer.mask > 0).mean(),
        ),
        alt=t("Nuclei segmented by {network}", network=NETWORKS[card.id][0]),
    )
