"""A card of a user's own: drafted from a folder of pictures, trained and measured by the recipe of all classifiers.

The draft lies in the user's folder of cards from the start, so that what was stopped goes on with the same command, or
with `ortholens train` and the card's id; it answers from the moment its weights are there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tomlkit

from models.cards import Card, Label, cards, reload_cards
from models.cards.tables import Data, Input, Net, Use
from models.errors import BadCard, CannotWrite, why
from models.settings import settings
from models.tasks.classification.own_set import NEAR_BITS, SUFFIX, Look, Source

SIDE = 224
"""Pixels a side of a picture as the network is shown it."""
FOLDS = 5
"""Parts of the cross-validation by group."""
STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 400, 12, 40
"""Steps of training, and the epochs that they may come to: few pictures are shown more often."""


@dataclass(frozen=True)
class Wish:
    """What a user wants trained.

    Attributes
    ----------
    task
        Question that it answers, such as "pathology".
    name
        Title of the card.
    id
        Of the card; None makes one of the name.
    start
        Id of a card whose trunk is the start; None: ImageNet.
    """

    task: str
    name: str
    id: str | None = None
    start: str | None = None

    @property
    def card_id(self) -> str:
        """The id, small letters and digits with hyphens between."""
        return self.id or "-".join(re.findall(r"[a-z0-9]+", self.name.lower())) or "own"


def sentences(seen: Look) -> Iterator[str]:
    """Say what a folder holds, before anything is learned from it."""
    counts = Counter(seen.labels)
    yield f"{len(seen.names)} pictures of {len(counts)} labels in {len(set(seen.groups))} groups"
    for label, n in sorted(counts.items()):
        groups = {group for group, of in zip(seen.groups, seen.labels, strict=True) if of == label}
        yield f"  {label}: {n} in {len(groups)} groups"
    if seen.shapes:
        sides = np.sort([min(shape) for shape in seen.shapes])
        yield f"Shorter sides {sides[0]} to {sides[-1]} px, half of them under {sides[len(sides) // 2]}"
    for sentence in seen.broken:
        yield f"Left out: {sentence}"
    for i, j in seen.copies[:20]:
        told = "" if seen.labels[i] == seen.labels[j] else f", and are labelled {seen.labels[i]} and {seen.labels[j]}"
        yield f"Near copies, kept in one group: {seen.names[i]} and {seen.names[j]}{told}"
    if len(seen.copies) > 20:
        yield f"and {len(seen.copies) - 20} more pairs of near copies (of 256 bits at most {NEAR_BITS} differ)"
    if not seen.grouped:
        yield "No groups are given, so each picture is one: of patients with several the figures will be too good"


def draft(wish: Wish, source: Source, seen: Look) -> Card:
    """Write a card without weights into the user's folder of cards, in place of one that never got any, and return it.

    Raises
    ------
    BadCard
        When there is too little to learn from, or a model of that id.
    CannotWrite
        When the folder of cards cannot be written to.
    """
    if missing := seen.too_little():
        fix = "Add them and run the command again; `--look` only says what there is."
        raise BadCard(f"there is too little to learn and measure: {'; '.join(missing)}", fix=fix)
    id, home = wish.card_id, settings().cards_dir
    old = cards().get(id)
    begun = old is not None and not old.members and Source.beside(old) is not None
    if (id in cards() or (home / id).exists()) and not begun:
        raise BadCard(f"there is a model {id!r} already", fix="Give this one another name, or --id.")
    keys, n = sorted(set(seen.labels)), len(seen.names)
    made = Card(
        id=id,
        task=wish.task,
        title=wish.name,
        summary=f"Tells apart {', '.join(keys)}. Trained by its user on pictures of their own.",
        labels=tuple(Label(key=key, name=key) for key in keys),
        input=Input(size=(SIDE, SIDE)),
        net=Net(name="mobilenet_v2"),
        use=Use(
            intended="Research and teaching on pictures like those it learned from.",
            not_intended="Diagnosis, or a decision about treatment; pictures from elsewhere.",
            limits=(f"It learned from {n} pictures only, and was measured on pictures of the same place.",),
        ),
        data=Data(
            name=f"Pictures of a user's own for {wish.name}",
            licence="not stated",
            citation="not published",
            url="not-published",
            n=n,
            split=f"Cross-validated in {FOLDS} parts by group"
            + ("" if seen.grouped else ", each picture a group of its own; near copies are kept together"),
            shows=f"a picture for {wish.name}",
        ),
        training=recipe(n) | ({"start": wish.start} if wish.start else {}),
    )
    try:
        (home / id).mkdir(parents=True, exist_ok=begun)
        (home / id / f"{id}{SUFFIX}").write_text(source.model_dump_json(indent=1, exclude_none=True), "utf-8")
        text = tomlkit.dumps(_last("labels", made.model_dump(mode="json", exclude_none=True, exclude_defaults=True)))
        (home / id / f"{id}.toml").write_text(text, "utf-8")
    except OSError as error:
        fix = f"Get the right to write in {home}, or set ORTHOLENS_CARDS_DIR to another folder."
        raise CannotWrite(f"the card cannot be written: {why(error)}", fix=fix, file=id) from error
    reload_cards()
    return cards()[id]


def _last(name: str, fields: dict[str, object]) -> dict[str, object]:
    """Put a list of tables behind the fields that would else become the last table's."""
    return {key: value for key, value in fields.items() if key != name} | {name: fields[name]}


def recipe(n: int) -> dict[str, object]:
    """Return the recipe for so many pictures: the fewer, the smaller the batches and the more epochs."""
    batch = 32 if n >= 300 else 16 if n >= 100 else 8
    epochs = min(max(STEPS * batch // n, FEWEST_EPOCHS), MOST_EPOCHS)
    return {
        "epochs": epochs, "batch": batch, "view_size": [192, 192], "mixup": 0.2, "learning_rate": 7e-4,
        "augmentation": {"rotation_deg": 10.0, "scale": 0.1, "shift": 0.05},
    }  # fmt: skip
