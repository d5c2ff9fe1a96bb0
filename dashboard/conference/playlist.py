"""A playlist: the steps of a talk, in a TOML file checked against the program; `playlist.toml` comes with it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import models
from models.cases import Case, cases, list_first_cases
from models.errors import BadPlaylist
from models.tasks import kind_of_card

DEFAULT = Path(__file__).with_name("playlist.toml")
"""The playlist that comes with the program."""
FIX = "Mend the playlist, or start with the one that comes with the program: ortholens --stage."

Text = Annotated[str, Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Show(_Table):
    """What of a page is looked at; what is not named stays as the page has it."""

    layout: Literal["Overlay", "Side by side", "Image only"] | None = None
    """How heat is drawn, on pages of classifiers."""
    panel: Text | None = None
    """What is read off the picture, on pages that have several panels."""
    anyway: bool = False
    """Whether the answer is shown that a model would not give: simulated films are unlike those it learned from."""
    section: Text | None = None
    """Part of a page that has several, as in its address."""
    press: tuple[Text, ...] = ()
    """Buttons and tabs that are pressed once the page is there, by their key or by what stands on them."""


class Step(_Table):
    """One thing to show.

    Attributes
    ----------
    page
        Its address: "implant", "tissue", "kinematics", "how_it_works"; "home" is the first.
    case
        A file of `models.cases`, "@tissue" for the first of those that a page offers and "@tissue/2" for the
        second, or a file of your own beside the playlist.
    card
        Model to ask; by default the page's own.
    seconds
        How long it stays while nobody touches the screen.
    notes
        For the speaker, on the speaker's own page.
    """

    title: Text
    page: Text
    case: Text | None = None
    card: Text | None = None
    origin: str = ""
    show: Show = Show()
    seconds: float = Field(20.0, ge=2, le=600)
    notes: str = ""

    @property
    def votable(self) -> bool:
        """Whether the audience can vote: its model answers with one label of a few."""
        return self.case is not None and self.asked is not None and kind_of_card(self.asked).one_label

    @property
    def asked(self) -> models.Card | None:
        """The model that its page asks: the step's own, that of its case, or the page's first; None without one."""
        of_page = {card.id: card for card in models.cards().values() if card.task == self.page}
        case = find_case_of_step(self.case) if self.case else None
        named = self.card or (case.card if case and case.card in of_page else None)
        return models.card(named) if named else next(iter(of_page.values()), None)


class Playlist(_Table):
    """Steps in their order."""

    idle_seconds: float = Field(90.0, ge=5, le=3600)
    """After so long without a touch, everything is forgotten and the loop begins."""
    step: tuple[Step, ...] = Field(min_length=1)
    folder: Path = DEFAULT.parent
    """Where the playlist lies: files of its own are looked for there."""


def load_playlist(path: Path, pages: Mapping[str, Collection[str]]) -> Playlist:
    """Read a playlist and check it against the program.

    Parameters
    ----------
    pages
        Addresses of the pages there are, and the panels of each. Of the playlist that comes with the program, steps
        whose page or model this copy lacks are left out; in any other they are an error.

    Raises
    ------
    BadPlaylist
        Where the file is missing or no TOML, a field is missing, unknown or out of range, or a step names a page, case
        or model that there is not; the message names the step and the field.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadPlaylist("cannot be read", fix="Check its name and its folder.", file=path.name) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPlaylist(f"is no TOML file ({error})", fix=FIX, file=path.name) from error
    try:
        playlist = Playlist.model_validate(raw | {"folder": path.parent})
    except ValidationError as error:
        first = error.errors()[0]
        said = f"{_place(first['loc'])}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise BadPlaylist(said, fix=FIX, file=path.name) from error
    troubles = [_trouble(step, playlist.folder, pages) for step in playlist.step]
    if path == DEFAULT:
        kept = tuple(step for step, trouble in zip(playlist.step, troubles, strict=True) if trouble is None)
        if kept:
            return playlist.model_copy(update={"step": kept})
    for number, trouble in enumerate(troubles, 1):
        if trouble is not None:
            said, fix = trouble
            raise BadPlaylist(f"step {number}, {said}", fix=fix, file=path.name)
    return playlist


def _place(where: tuple[int | str, ...]) -> str:
    """Return which field an error is in, as a reader of the file counts."""
    if where[:1] == ("step",) and len(where) > 1:
        return ", ".join([f"step {int(where[1]) + 1}", ".".join(str(part) for part in where[2:])]).rstrip(", ")
    return ".".join(str(part) for part in where) or "the playlist"


def _trouble(step: Step, folder: Path, pages: Mapping[str, Collection[str]]) -> tuple[str, str] | None:
    """Return what in this program a step asks for in vain, and the fix; None where there is all of it."""
    if step.page not in pages:
        return f"page: there is no page {step.page!r}", f"Choose one of {', '.join(sorted(pages))}."
    panel, panels = step.show.panel, pages[step.page]
    if panel is not None and panel not in panels:
        fix = f"Choose one of {', '.join(panels)}." if panels else "Leave it out."
        return f"show.panel: the page {step.page!r} has no panel {panel!r}", fix
    if step.card is not None and step.card not in models.cards():
        return f"card: there is no model {step.card!r}", f"Choose one of {', '.join(models.cards())}."
    if step.case is not None and find_case_of_step(step.case) is None and not (folder / step.case).is_file():
        known = ", ".join(case.file for case in cases())
        return f"case: there is no file {step.case!r}", f"Put it beside the playlist, or choose of {known}."
    return None


def find_case_of_step(name: str) -> Case | None:
    """Return the case of the program that a step names; None where it is a file of the playlist's own."""
    if not name.startswith("@"):
        return next((case for case in cases() if case.file == name), None)
    page, _, number = name[1:].partition("/")
    place = int(number or 1) - 1 if (number or "1").isdecimal() else -1
    of_page = list_first_cases(page)
    return of_page[place] if 0 <= place < len(of_page) else None
