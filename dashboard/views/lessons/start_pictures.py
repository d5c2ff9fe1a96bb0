"""Tips on a picture: what each augmentation does, and when not to believe a heat map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t
from dashboard.style import figures
from dashboard.views.lessons import start_figures
from dashboard.views.lessons import subject as how_subject
from dashboard.views.lessons.subject import Subject
from models import Card
from models.cards import cards
from models.tasks.classification.sanity import APART, Cascade

if TYPE_CHECKING:
    from models.tasks.classification.augmentation import Augmentation

VIEWS, IN_A_ROW = 8, 4
SIDE_PX = 224
ALL, ALL_WORD = "all together", later("All together")
WORDS = {
    "rotation_deg": later("Rotation"),
    "scale": later("Size"),
    "shift": later("Shift"),
    "contrast": later("Contrast"),
    "brightness": later("Brightness"),
    "gamma": later("Gamma"),
    "noise": later("Noise"),
    "flip": later("Mirror"),
    "erase": later("Erase"),
}
"""Each change by its name in a card's recipe, as on the screen."""
UNITS = {"rotation_deg": "°", "erase": later(" of views")}


def show_augmentation() -> None:
    """Show what training makes of one picture."""
    from models.lessons import views

    st.markdown(
        t(
            "**Show the network what may vary.** Each time it meets a picture, the picture is a little different; the "
            "answer stays. So it learns what matters from fewer images."
        )
    )
    subject = how_subject.choose_lesson_subject()
    recipes = views.list_augmentations()
    if subject is None:
        return
    if not recipes:
        st.caption(t("No classifier here says how it was trained."))
        return
    left, right = st.container(key="workspace").columns([1.75, 1], gap="medium")
    with right:
        names = {id: cards()[id].title for id in recipes}
        chosen = st.selectbox(
            t("Recipe of"),
            list(names),
            format_func=lambda id: t(names[id]),
            key="augment-card",
            persist_state="session",
        )
        change = st.pills(
            t("Change"), [ALL, *WORDS], default=ALL, format_func=lambda key: t(WORDS.get(key, ALL_WORD)),
            key="augment-change", required=True, wrap=True, persist_state="session",
        )  # fmt: skip
        strength = st.slider(
            t("Strength, as a multiple of the recipe's"), 0.0, 4.0, 1.0, 0.25, key="augment-strength",
            persist_state="session",
        )  # fmt: skip
        st.button(t("Draw again"), icon=":material/casino:", key="augment-again", on_click=_again)
    how = recipes[chosen]
    used = (
        views.strengthen_augmentation(how, strength) if change == ALL else views.isolate_change(how, change, strength)
    )
    grey = figures.shrink_picture(subject.image.grey(subject.frame), SIDE_PX)
    drawn = views.draw_lesson_views(grey, used, VIEWS, seed=session.get("augment-seed", 0))
    with left:
        for row in range(VIEWS // IN_A_ROW):
            for column, box in enumerate(st.columns(IN_A_ROW, gap="small")):
                number = row * IN_A_ROW + column
                box.image(
                    start_figures.encode_view_tile(drawn[number]),
                    width="stretch",
                    alt=t("View {number}", number=number + 1),
                )
        st.caption(t("Eight random views of {words}, drawn by the code that trained the card.", words=t(subject.words)))
        _who_uses_what(recipes, names)


def _again() -> None:
    session.put("augment-seed", session.get("augment-seed", 0) + 1)


def _who_uses_what(recipes: Mapping[str, Augmentation], names: dict[str, str]) -> None:
    """Say which card was trained with which change."""
    rows: dict[str, list[str]] = {t("Change"): [t(word) for word in WORDS.values()]}
    for id, how in recipes.items():
        rows[escape_markdown(t(names[id]))] = [_value(getattr(how, key), key) for key in WORDS]
    st.table(rows, hide_index=True, alt=t("Which card was trained with which change"))


def _value(value: float | bool, key: str) -> str:
    if not value:
        return t("off")
    if value is True:
        return t("half of the views")
    if key == "erase":
        return f"{value:.0%}{t(UNITS[key])}"
    return f"± {value:g}{UNITS.get(key, '')}"


def show_sanity_check() -> None:
    """Show a heat map beside that of a network that knows nothing."""
    st.markdown(
        t(
            "**A heat map can look right and mean nothing.** Take away what the network learnt, part by part. A map "
            "that stays shows the picture, not the reason (Adebayo and others, 2018)."
        )
    )
    subject = how_subject.choose_lesson_subject()
    card = _classifier(subject) if subject else None
    if subject is None or card is None:
        return
    from models.lessons.forgetting import explain_while_forgetting

    label, found = session.compute_once(
        lambda: explain_while_forgetting(subject.image, card.id, subject.frame), "forgetting", subject.image.sha256,
        card.id,
        *session.name_weights(card), subject.frame,
    )  # fmt: skip
    parts = {step.down_to: step for step in found.steps}
    down_to = st.select_slider(
        t("Random weights from the answer down to"), list(parts), value=list(parts)[-1], key="random-down-to",
        persist_state="session", format_func=lambda part: t("the head alone") if part == "head" else part,
    )  # fmt: skip
    step, grey = parts[down_to], subject.image.grey(subject.frame)
    left, right = st.columns(2, gap="medium")
    random = t("Random down to {down_to}", down_to=down_to)
    for box, title, heat in ((left, t("Trained"), found.original.heat), (right, random, step.explanation.heat)):
        box.markdown(f"**{title}**")
        box.image(start_figures.heat_picture(grey, heat), width="stretch", alt=t("Grad-CAM. {title}", title=title))
    name = escape_markdown(t(card.labels[card.index(label)].name))
    st.caption(
        t(
            "Grad-CAM for {name} by {title}, on {words}. Rank correlation of the two maps "
            "{agreement:.2f}: 1 is the same map, 0 has nothing in common. "
            "Red speaks for the label, blue against it.",
            name=name,
            title=escape_markdown(t(card.title)),
            words=t(subject.words),
            agreement=step.agreement,
        )
    )
    st.markdown(_verdict(found))


def _classifier(subject: Subject) -> Card | None:
    """Return the classifier that a picture is for, else the first that there is."""
    from models.lessons.views import list_augmentations

    able = [cards()[id] for id in list_augmentations() if cards()[id].members]
    if not able:
        st.caption(t("No classifier has weights yet."))
        return None
    return next((card for card in able if subject.card == card.id), able[0])


def _verdict(found: Cascade) -> str:
    last = found.steps[-1].agreement
    if abs(last) < APART:
        return t(
            "With every weight random little of the map is left ({last:.2f}), so on this picture it did show what was "
            "learnt. That does not make the answer right: the audit on the task's page asks more.",
            last=last,
        )
    return t(
        "With every weight random the map is still much the same ({last:.2f}). **Do not believe it here**: it would "
        "look like this whatever had been learnt.",
        last=last,
    )
