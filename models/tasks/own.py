"""A model of a user's own: its set is looked at, its card drafted, and it is trained and measured; for every kind.

The draft lies in the user's folder of cards from the start, with the pictures that it learns from ready and without
their names beside it, so that what was stopped goes on. Once it is done the pictures are deleted.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.cards import Card, card, cards, reload_cards
from models.cards.tables import Data, Input, Use
from models.errors import BadCard, CannotWrite, OrthoLensError, UnknownCard, why
from models.progress import Progress, tell_part
from models.settings import settings
from models.tasks import kind_of, kind_of_card, kinds, questions
from models.tasks.kind import CardKind, OwnSets
from models.training.own_files import SUFFIX, Files, Source
from models.training.own_set import FOLDS, Look
from models.training.runs import locate_runs, locate_saved_set
from models.words import Later, later

MEASURING = 1 / (1 + FOLDS * (FOLDS - 1) / FOLDS)
"""Share of the whole after which what ships is trained, and the folds are measured, which have a little less each."""
LITTLE = 0.02
"""Gain of a doubling that is hardly worth it."""
CURVE = 0.97
"""Share after which the learning curve is measured."""
LONGEST_TITLE = 80
IMAGENET = "imagenet"
"""Start from photographs of everyday things; its weights are downloaded, so it needs a network once."""
QUICK = "It is a quick trial: trained in full, it would be better."
UPLOADED = Source()
"""Of pictures that were uploaded: they are kept nowhere once the card is done."""


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
        Id of a card whose trunk is the start, or `IMAGENET`; None: the nearest, as `choose_start` has it.
    quick
        Whether it is only a trial of whether everything is right, in a fraction of the time.
    """

    task: str
    name: str
    id: str | None = None
    start: str | None = None
    quick: bool = False

    @property
    def card_id(self) -> str:
        """The id, small letters and digits with hyphens between."""
        return self.id or "-".join(re.findall(r"[a-z0-9]+", self.name.lower())) or "own"


def check_libraries() -> None:
    """See that there is what training needs beyond the rest of the program.

    Raises
    ------
    OrthoLensError
        When a library is missing.
    """
    for name in ("sklearn", "tomlkit"):
        if find_spec(name) is None:
            fix = later("Install them with `pip install -e '.[train]'`.")
            raise OrthoLensError(later("training and evaluation need {name}", name=name), fix=fix)


def list_teachable_tasks() -> tuple[str, ...]:
    """Return the tasks that a set of a user's own can teach."""
    teachable = [kind.name for kind in kinds().values() if isinstance(kind, CardKind) and kind.own_sets() is not None]
    return tuple(name for name, question in questions().items() if question.kind in teachable)


def list_starts(task: str) -> tuple[Card, ...]:
    """Return the cards whose trunk can be the start of a new one of the task, those of the task itself first.

    Raises
    ------
    UnknownCard
        When nothing teaches that task.
    """
    may = _own_sets(task).may_start_from
    found = (one for one in cards().values() if may(one) and one.id == one.base_id)
    return tuple(sorted(found, key=lambda one: (one.task != task, one.data.simulated)))


def list_start_ids(task: str) -> tuple[str, ...]:
    """Return what a new card of the task can start from: ids of cards, and `IMAGENET` where its network knows that.

    Raises
    ------
    UnknownCard
        When nothing teaches that task.
    """
    ids = tuple(one.id for one in list_starts(task))
    return (*ids, IMAGENET) if _own_sets(task).KNOWS_IMAGENET else ids


def choose_start(task: str, seen: Look) -> str:
    """Return the start for what a set holds: the first that sees grey or colour as it does, which needs no network.

    Raises
    ------
    UnknownCard
        When nothing teaches that task.
    """
    wanted, starts = _own_sets(task).describe_card(seen, False)["input"], list_starts(task)
    assert isinstance(wanted, Input)  # as every kind describes it
    alike = (one.id for one in starts if one.input.channels == wanted.channels)
    return next(alike, starts[0].id if starts else IMAGENET)


def look_at_files(task: str, files: Files, progress: Progress) -> Look:
    """Read what a user brings for a task, and look at it; nothing is learned and nothing written.

    Raises
    ------
    UnknownCard
        When nothing teaches that task.
    InputError, Unreachable
        When there is nothing of the form that the task learns from.
    """
    return _own_sets(task).look(files, progress)


def draft_card(wish: Wish, seen: Look, source: Source = UPLOADED) -> Card:
    """Write a card without weights, and what it learns from, into the user's folder of cards, and return it.

    A draft of that id that never got done is replaced; where its set and its recipe are the same, what it has learned
    so far stays.

    Parameters
    ----------
    source
        Where the pictures are, so that the card can be trained anew.

    Raises
    ------
    BadCard, UnknownCard
        When there is too little to learn from, or a model of that id, or no such start.
    CannotWrite
        When the folder of cards cannot be written to.
    """
    import tomlkit

    if missing := seen.too_little():
        fix = later("Add them and look again.")
        raise BadCard(later("there is too little to learn and measure: {all}", all="; ".join(missing)), fix=fix)
    starts = list_start_ids(wish.task)
    if wish.start is not None and wish.start not in starts:
        fix = later("Choose one of {all}.", all=", ".join(starts))
        raise UnknownCard(later("{start} is no start for it", start=wish.start), fix=fix)
    id, home = wish.card_id, settings().cards_dir
    old = cards().get(id)
    if (old is not None or (home / id).exists()) and not (old is not None and is_draft(old)):
        fix = later("Give this one another name, or --id.")
        raise BadCard(later("there is a model {id} already", id=repr(id)), fix=fix)
    made = _describe(wish, seen)
    try:
        folder = home / id
        (folder / "runs").mkdir(parents=True, exist_ok=True)
        text = tomlkit.dumps(_last("labels", made.model_dump(mode="json", exclude_none=True, exclude_defaults=True)))
        (folder / f"{id}{SUFFIX}").write_text(source.model_dump_json(indent=1, exclude_none=True), "utf-8")
        if _save_set(seen, folder / "runs", text) or old is None:
            (folder / f"{id}.toml").write_text(text, "utf-8")
    except OSError as error:
        fix = later("Get the right to write in {home}, or set ORTHOLENS_CARDS_DIR to another folder.", home=str(home))
        raise CannotWrite(later("the card cannot be written: {why}", why=why(error)), fix=fix, file=id) from error
    reload_cards()
    return cards()[id]


def train_own(card_id: str, progress: Progress) -> Card:
    """Train a user's own card where it was stopped, measure it in folds by group, and return it as it then is.

    One that is done is trained anew where its pictures are still known.

    Raises
    ------
    BadCard
        For one whose pictures are not here.
    """
    chosen = card(card_id)
    if not is_draft(chosen):
        _prepare_anew(chosen, progress)
    trials = kind_of_card(chosen).trials()
    trials.train(card_id, tell_part(progress, 0, MEASURING))
    trials.evaluate(card_id, FOLDS, False, tell_part(progress, MEASURING, CURVE))
    _own_sets(chosen.task).measure_curve(card_id, tell_part(progress, CURVE, 1))
    shutil.rmtree(locate_runs(chosen))
    return card(card_id)


def is_draft(chosen: Card) -> bool:
    """Whether a card of a user's own is being made, or waits to be made further."""
    return chosen.folder is not None and locate_saved_set(chosen).is_file()


def is_own(chosen: Card) -> bool:
    """Whether a card was trained here by its user, or is being."""
    return Source.beside(chosen) is not None


def list_made() -> tuple[Card, ...]:
    """Return the cards that were trained here and are done."""
    return tuple(one for one in cards().values() if one.figures and is_own(one) and not is_draft(one))


def list_drafts() -> tuple[Card, ...]:
    """Return the cards that are being made, or wait to be made further."""
    return tuple(one for one in cards().values() if is_draft(one))


def discard_draft(card_id: str) -> None:
    """Delete a card that was not done, with all that it has learned and learned from.

    Raises
    ------
    BadCard
        For one that is done, or none of a user's own.
    """
    chosen = cards().get(card_id)
    if chosen is None or chosen.folder is None or not is_draft(chosen):
        raise BadCard(later("is no draft"), fix=later("Choose one that is not done yet."), file=card_id)
    shutil.rmtree(chosen.folder)
    reload_cards()


def fill_in(card_id: str, use: Use, data: Mapping[str, str]) -> Card:
    """Write what only its user knows of a card into it: what it is for, who made it, and who may use its pictures.

    Parameters
    ----------
    data
        Fields of the card's table `data`.

    Raises
    ------
    BadCard
        For a card that is none of the user's, or a field that is not of its form.
    CannotWrite
        When it cannot be written to.
    """
    from models.cards.writing import write_card

    chosen = card(card_id)
    if not is_own(chosen):
        raise BadCard(later("is none of your own"), fix=later("Choose one that you trained."), file=card_id)
    try:
        told = Data.model_validate(chosen.data.model_dump() | dict(data))
        write_card(card_id, {"use": use, "data": told})
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        fix = later("Change it.")
        raise BadCard(later("{field} is not of its form", field=field), fix=fix, file=card_id) from error
    except OSError as error:
        raise CannotWrite(
            later("the card cannot be written: {why}", why=why(error)),
            fix=later("Check who may write to it."),
            file=card_id,
        ) from error
    return card(card_id)


def _own_sets(task: str) -> OwnSets:
    kind = kind_of(task)
    found = kind.own_sets() if isinstance(kind, CardKind) else None
    if found is None:
        fix = later("Choose one of {all}.", all=", ".join(list_teachable_tasks()))
        raise UnknownCard(later("nothing of a user's own teaches {task}", task=repr(task)), fix=fix)
    return found


def _describe(wish: Wish, seen: Look) -> Card:
    n, name = len(seen.pictures.listed), wish.name.strip()
    if not name or len(name) > LONGEST_TITLE or not name.isprintable():
        fix = later("Give it one of at most {most} letters.", most=LONGEST_TITLE)
        raise BadCard(later("the model has no name, or too long a one"), fix=fix)
    own = dict(_own_sets(wish.task).describe_card(seen, wish.quick))
    start = wish.start or choose_start(wish.task, seen)
    training = dict(own.pop("training")) | ({} if start == IMAGENET else {"start": start})  # type: ignore[call-overload]
    split = f"Cross-validated in {FOLDS} parts by group"
    split += "" if seen.pictures.grouped else ", each picture a group of its own; near copies are kept together"
    fields = {
        "id": wish.card_id,
        "task": wish.task,
        "title": name,
        "use": Use(
            intended="Research and teaching on pictures like those it learned from.",
            not_intended="Diagnosis, or a decision about treatment; pictures from elsewhere.",
            limits=(
                *([QUICK] if wish.quick else []),
                f"It learned from {n} pictures only, and was measured on pictures of the same place.",
            ),
        ),
        "data": Data(
            name=f"Pictures of a user's own for {name}",
            licence="not stated",
            citation="not published",
            url="not-published",
            n=n,
            split=split,
            shows=f"a picture for {name}",
        ),
        "training": training,
        **own,
    }
    try:
        return Card.model_validate(fields)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        fix = later("Change it.")
        raise BadCard(later("{field} is not of its form", field=field), fix=fix, file=wish.card_id) from error


def _save_set(seen: Look, runs: Path, recipe: str) -> bool:
    """Keep a set beside a draft; where another, or another recipe, was there, what was learned from it goes.

    Returns whether it is another.
    """
    part, kept = runs / "set.part.npz", runs / "set.npz"
    seen.save(part)
    stamp = runs / hashlib.sha256(recipe.encode() + part.read_bytes()).hexdigest()
    if stamp.exists() and kept.exists():
        part.unlink()
        return False
    for old in runs.iterdir():
        if old != part:
            old.unlink()
    part.replace(kept)
    stamp.touch()
    return True


def _prepare_anew(chosen: Card, progress: Progress) -> None:
    """Look at the pictures of a card that is done, and make a draft of it again."""
    source = Source.beside(chosen)
    if source is None or source.folder is None:
        fix = later("Whoever made it can train and measure it, and hand it on with `ortholens bundle export`.")
        raise BadCard(later("what it learned from is not here"), fix=fix, file=chosen.id)
    seen = look_at_files(chosen.task, source.files(), progress).regrouped(source.group)
    runs = locate_runs(chosen)
    runs.mkdir(exist_ok=True)
    _save_set(seen, runs, chosen.id)


def _last(name: str, fields: dict[str, object]) -> dict[str, object]:
    """Put a list of tables behind the fields that would else become the last table's."""
    return {key: value for key, value in fields.items() if key != name} | {name: fields[name]}


def say_growth(made: Card) -> Later | None:
    """Say whether more pictures would help a card; None where that was not measured."""
    found = made.figures.get("learning", {}).get("gain")
    if found is None:
        return None
    said = later(
        "From {first} to {last} pictures, accuracy of a simple probe changed by {value:+.1f} points ({low:+.1f} to "
        "{high:+.1f})",
        first=found["from"], last=found["to"],
        **{key: 100 * found[key] for key in ("value", "low", "high")},
    )  # fmt: skip
    if found["low"] > 0:
        return later("{said}: more pictures of this kind would help.", said=said)
    if found["high"] < LITTLE:
        return later("{said}: more pictures of this kind would help little.", said=said)
    return later("{said}: whether more pictures would help cannot be told from so few.", said=said)


def say_result(made: Card) -> Later:
    """Say in a sentence how good a card of a user's own is."""
    measured = find_measured(made)
    name, row = next(iter(measured["metrics"].items()))
    return later(
        "{name} {value:.1%} (95 % interval {low:.1%} to {high:.1%}), cross-validated by group on {n} pictures of "
        "{groups} groups",
        name=name[:1].upper() + name[1:], value=row["value"], low=row["low"], high=row["high"], n=measured["n"],
        groups=measured["groups"],
    )  # fmt: skip


def find_measured(made: Card) -> Mapping[str, Any]:
    """Return the figures of a card's cross-validation: `n`, `groups` and `metrics`, the most telling first."""
    found: Mapping[str, Any] = made.figures
    return next(iter(found["trials"].values())) if "trials" in found else found
