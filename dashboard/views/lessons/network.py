"""Network: the blocks of a card's network, and what each of them computes of the user's image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

import models
from dashboard import session
from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t
from dashboard.style import figures
from dashboard.style.maps import TILE_PX, enlarge_map
from dashboard.views.lessons import diagrams
from dashboard.views.lessons import figures as how_figures
from dashboard.views.lessons import subject as how_subject
from dashboard.views.lessons.subject import Subject
from models import Card, lessons
from models.drawing import draw
from models.lessons import FeatureMaps, Layer
from models.nets.stages import list_stages

CONFIG = {"displayModeBar": False}
SHOWN = 12
"""Feature maps of a layer."""
STEPS = {
    "stage1": later("**Edges.** Thin lines and spots; the picture can still be made out in every map."),
    "stage2": later("**Corners and lines.** Where edges meet or run along, at a quarter of the resolution."),
    "stage3": later(
        "**Textures and small shapes.** Trabeculae, rims, a screw's thread: more kinds of map, each coarser."
    ),
    "stage4": later(
        "**Parts.** A condyle, a joint space, the neck of an implant: maps light up at places, not along lines."
    ),
    "stage5": later(
        "**Objects in their surroundings.** A few places in each map; each looks at nearly the whole picture. "
        "The answer is a weighted sum of these."
    ),
}
"""What the stages of MobileNetV2 tend to answer to, in plain words."""


def show_network_lesson(subject: Subject) -> None:
    """Draw the lesson."""
    card = _card(subject)
    layers = lessons.list_layers(card)
    layer = _diagram(card, layers)
    looks: dict[str, Callable[[Subject, Card, Layer], None]] = {
        later("Feature maps"): _maps,
        later("What drives a channel"): _drivers,
    }
    if layer.stage in list_stages(card) or card.task == "tissue":
        looks["Grad-CAM"] = _reasons
    if list_stages(card):
        looks[later("From edges to objects")] = _hierarchy
    look = st.segmented_control(
        t("Look at"),
        list(looks),
        format_func=t,
        default="Feature maps",
        required=True,
        key="how-panel",
        persist_state="session",
        label_visibility="collapsed",
    )
    if not card.members:
        st.info(
            t("{title} has no weights yet, so its layers have nothing to show.", title=escape_markdown(t(card.title))),
            icon=":material/hourglass:",
        )
    elif look in looks:
        looks[look](subject, card, layer)


def _card(subject: Subject) -> Card:
    """Let the reader choose a network; the one that the picture was made for comes first."""
    cards = models.cards()
    drawn = [id for id, card in cards.items() if list_stages(card)]
    ids = [*drawn, *(id for id in cards if id not in drawn)]
    first = ids.index(subject.card) if subject.card in ids else 0
    id = st.selectbox(
        t("Network"), ids, index=first, format_func=lambda id: cards[id].title, key=f"how-card-{subject.key}",
        persist_state="session", width=420,
    )  # fmt: skip
    return cards[id]


def _diagram(card: Card, layers: Sequence[Layer]) -> Layer:
    """Draw the network, and return the layer chosen by a click or by name."""
    names = [layer.name for layer in layers]
    state, chart = f"how-layer-{card.id}", f"how-diagram-{card.id}"
    if session.get(state) not in names:
        middle = [name for name in names if name.startswith("stage3")]
        session.put(state, (middle or names)[0])

    def click(selection: Mapping[str, Any]) -> None:
        points: Sequence[Mapping[str, Any]] = selection["points"]
        if points and "customdata" in points[0]:
            session.put(state, points[0]["customdata"][0])

    st.plotly_chart(
        diagrams.draw_network_diagram(layers, session.get(state)), key=chart, selection_mode="points",
        on_select=lambda: session.take_selection(chart, click), config=CONFIG,
        alt=t("The {blocks} blocks of the network by depth and resolution; {name} is "
        "chosen", blocks=len(layers), name=session.get(state)),
    )  # fmt: skip
    total = sum(layer.parameters for layer in layers)
    st.caption(
        t(
            "Each square is a block, each colour a stage: {blocks} blocks, {total:,} parameters for an input of "
            "{rows} × {columns} pixels. Dotted lines skip blocks. Click a square, or choose by "
            "name.",
            blocks=len(layers),
            total=total,
            rows=card.input.size[0],
            columns=card.input.size[1],
        )
    )
    name = st.selectbox(t("Layer"), names, key=state, persist_state="session", width=260)
    layer = layers[names.index(name)]
    seen = layer.receptive_field_px
    with st.container(horizontal=True):
        st.metric(
            t("Output"), " × ".join(map(str, layer.shape)), help=t("Channels × rows × columns, or a list of numbers.")
        )
        st.metric(t("Parameters"), f"{layer.parameters:,}", help=t("Numbers that training sets, batch norms included."))
        st.metric(
            t("Receptive field"), t("{seen} px", seen=seen) if seen else t("all of it"),
            help=t("Side of the square of the network's input that one place of this layer looks at."),
        )  # fmt: skip
        st.metric(
            t("Resolution"), f"1/{layer.stride}" if layer.stride else t("none"), help=t("Against the network's input.")
        )
    st.caption(f"{layer.name}: {layer.kind}.")
    return layer


def compute_maps_of_layer(subject: Subject, card: Card, layer: Layer) -> FeatureMaps:
    """Return what a layer computes, from one pass a session."""
    return session.compute_once(
        lambda: lessons.rank_feature_maps(subject.image, card, layer, frame=subject.frame, count=SHOWN),
        "maps", subject.key, card.id, *session.name_weights(card), layer.name,
    )  # fmt: skip


def _maps(subject: Subject, card: Card, layer: Layer) -> None:
    if not layer.has_maps:
        st.markdown(t("This layer computes a list of numbers, not maps. Choose an earlier one."))
        return
    found = compute_maps_of_layer(subject, card, layer)
    _, height, width = layer.shape
    st.markdown(
        t(
            "The **{count} of {of} channels** with the largest peaks on {words}, the largest "
            "first. Bright: the channel answers.",
            count=len(found.channels),
            of=found.of,
            words=t(subject.words),
        )
    )
    _grid(found)
    st.caption(
        t(
            "Each block is one place of the map ({height} × {width} at the card's input size), each map scaled by "
            "itself (viridis). Peaks within 7% of the edge do not count: the zeros beyond it make false corners.",
            height=height,
            width=width,
        )
    )


def _grid(found: FeatureMaps) -> None:
    with st.grid(min_column_width=TILE_PX, gap="small"):
        for channel, values, peak in zip(found.channels, found.maps, found.peaks, strict=True):
            st.image(
                how_figures.encode_map_tile(values),
                caption=t("Channel {channel} · peak {peak:.1f}", channel=channel, peak=peak),
                width="stretch",
                alt=t("Feature map of channel {channel}", channel=channel),
            )


def _drivers(subject: Subject, card: Card, layer: Layer) -> None:
    if not layer.has_maps:
        st.markdown(t("This layer has no channels with places. Choose an earlier one."))
        return
    found = compute_maps_of_layer(subject, card, layer)
    channel = st.selectbox(
        t("Channel"), found.channels.tolist(), key=f"how-channel-{card.id}-{layer.name}-{subject.key}", width=160,
        help=t("The twelve that answer most to this image."),
    )  # fmt: skip
    others = {
        title: one for title,
        one in how_subject.simulate_lesson_pictures(card).items() if one.sha256 != subject.image.sha256
    }  # fmt: skip
    pictures = ((subject.image, subject.frame), *((one, 0) for one in others.values()))
    names = [t("This image"), *(t("Simulated: {title}", title=t(title)) for title in others)]
    best = session.compute_once(
        lambda: lessons.find_patches(pictures, card, layer, channel),
        "drivers", subject.key, card.id, *session.name_weights(card), layer.name, channel,
    )  # fmt: skip
    side = best[0].pixels.shape[0]
    st.markdown(
        t(
            "What channel {channel} answers to most, in {words} and {count} simulated pictures: squares "
            "of {side} × {side} px, ",
            channel=channel,
            words=t(subject.words),
            count=len(others),
            side=side,
        )
        + (t("which is its receptive field.") if side == layer.receptive_field_px else t("as much as the input has."))
    )
    with st.grid(min_column_width=TILE_PX, gap="small"):
        for number, patch in enumerate(best, 1):
            st.image(
                figures.encode_png(enlarge_map(patch.pixels, TILE_PX)), width="stretch",
                caption=f"{number}. {names[patch.picture]} · {patch.value:.1f}",
                alt=t("Patch {number} that drives channel {channel}", number=number, channel=channel),
            )  # fmt: skip
    st.caption(t("At most two patches of one picture. Black: beyond the edge of the network's input."))


def _reasons(subject: Subject, card: Card, layer: Layer) -> None:
    image = subject.image
    stage = layer.stage
    label = st.selectbox(
        t("Explain"), list(card.keys[1:] if card.task == "tissue" else card.keys), key=f"how-explained-{card.id}",
        format_func=lambda key: card.labels[card.index(key)].name, persist_state="session", width=320,
    )  # fmt: skip
    heat = session.compute_once(
        lambda: models.explain(image, card.id, "grad-cam", label=label, frame=subject.frame, stage=stage).heat,
        "how-why", subject.key, card.id, *session.name_weights(card), stage, label,
    )  # fmt: skip
    shown = figures.shrink_picture(image.shown(subject.frame), 480)
    ground = shown if shown.ndim == 2 else shown.mean(-1)
    small = how_figures.fit_heat(heat, ground.shape)
    name = t(card.labels[card.index(label)].name)
    before, after = st.columns(2)
    before.image(figures.encode_png(shown), width="stretch", caption=t("The image"), alt=t("The image"))
    after.image(
        draw.blend_heat(ground, small, draw.HeatLook(0.75, 0.1, "inferno")), width="stretch",
        alt=t("Grad-CAM at {stage}", stage=stage),
        caption=t("Grad-CAM at {stage} for “{name}”. Bright: speaks for it.", stage=stage, name=name),
    )  # fmt: skip
    st.caption(
        t(
            "At an early stage the map is fine and follows edges; at the last it is coarse and tells what the answer "
            "is made of. It shows where the network looked, not whether it is right."
        )
    )


def _hierarchy(subject: Subject, card: Card, _: Layer) -> None:
    stages = list_stages(card)
    stage = st.select_slider(t("Stage"), stages, key="how-stage", persist_state="session")
    layers = [layer for layer in lessons.list_layers(card) if layer.stage == stage]
    last = layers[-1]
    found = compute_maps_of_layer(subject, card, last)
    number, height, width = last.shape
    seen = last.receptive_field_px or max(card.input.size)
    st.markdown(t(STEPS[stage]))
    st.caption(
        t(
            "{stage}: {number} maps of {height} × {width}; one place looks at {seen} × {seen} of "
            "{rows} × {columns} pixels.",
            stage=stage,
            number=number,
            height=height,
            width=width,
            seen=seen,
            rows=card.input.size[0],
            columns=card.input.size[1],
        )
    )
    left, right = st.columns([1, 3], gap="medium")
    picture = session.compute_once(
        lambda: lessons.render_network_input(subject.image, card, subject.frame), "how-input", subject.key, card.id
    )
    left.image(
        how_figures.frame_middle(picture, seen),
        width="stretch",
        alt=t("The network's input with a square of {seen} pixels", seen=seen),
        caption=t("What one place in the middle sees: {seen} px", seen=seen)
        + (", all of it" if seen >= max(picture.shape) else ""),
    )
    with right:
        _grid(found)
    st.caption(
        t(
            "After Schulz and Behnke 2012, Deep learning: layer-wise learning of feature hierarchies. The words say "
            "what such stages tend to find; look for yourself what these maps do."
        )
    )
