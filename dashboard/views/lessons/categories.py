"""Three categories: the same backbone with a head that names, one that segments and one that finds, on one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import plotly.graph_objects as go
import streamlit as st

import models
from dashboard import session
from dashboard.case import states
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import later, lower_in_sentence, t, tn
from dashboard.style import figures
from dashboard.style.figures import View
from dashboard.views.detection import figures as detection_figures
from dashboard.views.lessons import diagrams
from dashboard.views.lessons.subject import Subject
from dashboard.views.segmentation import figures as tissue_figures
from dashboard.views.segmentation.case import segment_on_page
from dashboard.views.segmentation.figures import TissueView
from models import Card, Classification, Detections, Judged, OrthoLensError, lessons
from models.lessons import Step
from models.nets.stages import list_stages

TITLES = {
    "classification": later("Classification"),
    "segmentation": later("Segmentation"),
    "detection": later("Detection"),
}
ASKS = {
    "classification": later(
        "**What is in the picture?** The maps of the last stage are averaged over the whole picture, so "
        "the place is lost, and one linear layer gives one number a label."
    ),
    "segmentation": later(
        "**Which pixel is what?** A way up doubles the resolution four times and takes back, at each size, "
        "what the way down saw there. One number a label, for every place."
    ),
    "detection": later(
        "**Where is it, and how large?** A pyramid of three sizes; at each of its places one head says what "
        "lies there and one how far away the edges of its box are."
    ),
}
HEIGHT_PX = 330


def show_categories_lesson(subject: Subject) -> None:
    """Draw the lesson."""
    chosen = st.segmented_control(
        t("Category"),
        list(TITLES),
        format_func=lambda key: t(TITLES[key]),
        default="classification",
        required=True,
        key="how-category",
        persist_state="session",
    )
    cards = _cards(subject)
    size, found = _size(cards["classification"]), _steps(cards)
    st.markdown(t(ASKS[chosen]))
    st.plotly_chart(
        diagrams.draw_ways_through_heads(found, _titles(), (chosen,)),
        key="how-ways",
        config={"displayModeBar": False},
        alt=t("One backbone and three heads; {chosen} is lit", chosen=lower_in_sentence(TITLES[chosen])),
    )
    shared = sum(step.parameters for step in found[chosen] if step.shared)
    own = sum(step.parameters for step in found[chosen] if not step.shared)
    st.caption(
        t(
            "In each box: its name, the shape of what it computes of a picture of {rows} × {columns} pixels, and its "
            "parameters. The backbone, MobileNetV2, has {shared:,} in all three; the head for {chosen} adds {own:,}. "
            "Only the lit row changes.",
            rows=size[0],
            columns=size[1],
            shared=shared,
            chosen=lower_in_sentence(TITLES[chosen]),
            own=own,
        )
    )
    st.subheader(t("Three answers to the same picture"), anchor=False)
    for name, box in zip(TITLES, st.container(key="workspace").columns(3, gap="medium"), strict=True):
        with box.container(border=True, key=f"lit-{name}" if name == chosen else f"unlit-{name}"):
            st.markdown(f"{':material/radio_button_checked:' if name == chosen else ''} **{t(TITLES[name])}**")
            _answer(name, cards[name], subject)


def draw_ways_of_categories(subject: Subject) -> go.Figure:
    """Return the way of a picture into all three heads, each of them lit."""
    return diagrams.draw_ways_through_heads(_steps(_cards(subject)), _titles(), TITLES)


def _titles() -> dict[str, str]:
    return {key: t(title) for key, title in TITLES.items()}


def _cards(subject: Subject) -> dict[str, Card | None]:
    return {name: _card(name, subject) for name in TITLES}


def _steps(cards: Mapping[str, Card | None]) -> dict[str, tuple[Step, ...]]:
    """Return the way of each category, with the labels of the card that answers."""
    size = _size(cards["classification"])
    return {name: lessons.list_steps(name, size, len(card.labels) if card else 1) for name, card in cards.items()}


def _size(card: Card | None) -> tuple[int, int]:
    return card.input.size if card else (224, 224)


def _card(category: str, subject: Subject) -> Card | None:
    """Return the card of a category that fits the picture best; None where there is none."""
    cards = models.cards()
    if category == "detection":
        return next((card for card in cards.values() if card.task == "detection"), None)
    if category == "classification":
        named = [card for card in cards.values() if list_stages(card) and card.members]
        fits = [card for card in named if card.id == subject.card]
        return next(iter(fits or sorted(named, key=lambda card: _ood_score(card, subject))), None)
    return _find_segmentation_card(subject)


def _ood_score(card: Card, subject: Subject) -> float:
    answer = session.predict(subject.image, card, subject.frame)
    return answer.ood_score if isinstance(answer, Classification) and answer.ood_score is not None else 0.0


def _find_segmentation_card(subject: Subject) -> Card | None:
    """Return the card that segments what this picture seems to be: stained, magnetic resonance, or a radiograph."""
    cards = {id: card for id, card in models.cards().items() if card.task == "tissue" and card.members}
    if subject.card in cards:
        return cards[subject.card]
    if subject.image.colour:
        wanted = "histology-nuclei"
    else:
        wanted = "knee-mri-bone" if subject.image.tags.get("Modality") == "MR" else "tka-fluoroscopy"
    return cards.get(wanted) or next(iter(cards.values()), None)


def _answer(category: str, card: Card | None, subject: Subject) -> None:
    """Draw what one card says, or why it cannot say anything."""
    if card is None:
        st.caption(t("There is no card for this yet."))
        return
    st.caption(escape_markdown(t(card.title)))
    if not card.members:
        st.markdown(t(":material/hourglass: **No weights yet.**"))
        st.caption(
            t("This card is not trained on this machine yet. The diagram above is its real network all the same.")
        )
        return
    try:
        ANSWERS[category](card, subject)
    except OrthoLensError as problem:
        states.show_error(problem)


def _named(card: Card, subject: Subject) -> None:
    answer = session.predict(subject.image, card, subject.frame)
    assert isinstance(answer, Classification)  # by the card's network
    _verdict(answer, card)
    st.markdown(f"**{escape_markdown(t(card.labels[card.index(answer.label)].name))}**, {answer.confidence:.0%}")
    _picture(figures.draw_figure(answer, subject.image, View(frame=subject.frame)), card, t("Grad-CAM over the image"))
    st.plotly_chart(
        figures.draw_probability_bars(answer, card),
        key="how-bars",
        config={"displayModeBar": False},
        alt=t("Probability of each label"),
    )


def _segmented(card: Card, subject: Subject) -> None:
    image = lessons.cut_middle(subject.image, card)
    answer = segment_on_page(image, card, subject.frame)
    _verdict(answer, card)
    found = [
        f"{escape_markdown(t(label.name))} {_share(share)}"
        for index, label in enumerate(card.labels)
        if index and (share := float((answer.mask == index).mean())) > 0
    ]
    st.markdown(t("**Segmented:** ") + (", ".join(found) or t("nothing")))
    view = TissueView(frame=subject.frame)
    part = t("The image") if image is subject.image else t("The middle of the image")
    _picture(tissue_figures.draw_segmentation(answer, image, view), card, t("{part} with its classes", part=part))


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else "< 0.1%"


def _boxed(card: Card, subject: Subject) -> None:
    answer = session.compute_once(
        lambda: models.predict(subject.image, card.id, frame=subject.frame),
        "how-found", subject.key, card.id, *session.name_weights(card),
    )  # fmt: skip
    assert isinstance(answer, Detections)  # by the card's task
    _verdict(answer, card)
    n = len(answer.shown)
    some = tn(
        "**{n} box** from {threshold:.0%} on", "**{n} boxes** from {threshold:.0%} on", n, threshold=answer.threshold
    )
    st.markdown(some if n else t("**No boxes** from {threshold:.0%} on", threshold=answer.threshold))
    _picture(
        detection_figures.draw_detections(answer, subject.image, View(frame=subject.frame)),
        card,
        t("The image with its boxes"),
    )


ANSWERS: dict[str, Callable[[Card, Subject], None]] = {
    "classification": _named,
    "segmentation": _segmented,
    "detection": _boxed,
}


def _verdict(answer: Judged, card: Card) -> None:
    """Say whether the card was made for such a picture, or that it cannot tell."""
    if answer.abstained:
        st.badge(t("not made for this image"), icon=":material/block:", color="orange")
        st.caption(
            escape_markdown(write_as_sentence(t(answer.reason) if answer.reason else ""))
            + t(" Shown for illustration only.")
        )
    elif card.ood is None:
        st.badge(t("for illustration"), icon=":material/info:", color="gray")
        st.caption(
            t(
                "Made for {shows}. It cannot tell whether this is one: it answers to anything.",
                shows=escape_markdown(t(card.data.shows)),
            )
        )
    else:
        st.badge(t("looks like its training images"), icon=":material/check:", color="green")


def _picture(figure: object, card: Card, says: str) -> None:
    st.plotly_chart(
        figure, key=f"viewer-how-{card.id}", height=HEIGHT_PX, theme=None, config={"displayModeBar": False},
        alt=t("{says}, by {title}", says=says, title=t(card.title)),
    )  # fmt: skip
    st.caption(f"{says}.")
