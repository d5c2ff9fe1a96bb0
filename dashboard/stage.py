"""Conference mode without a screen: a playlist, and the state machine that walks through it.

A playlist is a TOML file of steps (`stage.toml` is the one that comes with the program). Nobody touching the screen
for `idle_seconds` brings the first step back with everything of the last visitor forgotten, and from then on the steps
follow each other until somebody does touch it. Time is always an argument, in seconds of whichever clock, so that half
an hour can pass in a test within a minute. After the attract mode of arcade cabinets
(https://en.wikipedia.org/wiki/Glossary_of_video_game_terms#attract_mode).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import models
from models.data.cases import cases
from models.errors import BadPlaylist

DEFAULT = Path(__file__).with_name("stage.toml")
"""The playlist that comes with the program."""
SECTION_CASE = "joint-section"
"""Case that is simulated when it is asked for: a stained section of a joint."""
FIX = "Mend the playlist, or start with the one that comes with the program: ortholens --stage."

Text = Annotated[str, Field(min_length=1)]
Look = Literal["Classes", "Truth", "Doubt", "Why", "Correct", "Curves", "Quality", "Move by hand", "Compare"]
Wish = Literal["next", "previous", "first", "last", "play", "notes", "table"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Show(_Table):
    """What of a page is looked at; what is not named stays as the page has it."""

    layout: Literal["Overlay", "Side by side", "Image only"] | None = None
    """How heat is drawn, on pages of classifiers."""
    look: Look | None = None
    """What is read off the picture, on the pages of tissue and of kinematics."""
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
        A file of `models.data.cases`, "joint-section", or a file of your own beside the playlist.
    card
        Model to ask; by default the page's own.
    seconds
        How long it stays while nobody touches the screen.
    notes
        For the speaker, shown on demand.
    """

    title: Text
    page: Text
    case: Text | None = None
    card: Text | None = None
    origin: str = ""
    show: Show = Show()
    seconds: float = Field(20.0, ge=2, le=600)
    notes: str = ""


class Playlist(_Table):
    """Steps in their order."""

    idle_seconds: float = Field(90.0, ge=5, le=3600)
    """After so long without a touch, everything is forgotten and the loop begins."""
    step: tuple[Step, ...] = Field(min_length=1)
    folder: Path = DEFAULT.parent
    """Where the playlist lies: files of its own are looked for there."""


def load(path: Path, pages: Collection[str]) -> Playlist:
    """Read a playlist and check it against the program.

    Parameters
    ----------
    pages
        Addresses of the pages there are. Of the playlist that comes with the program, steps whose page or model this
        copy lacks are left out; in any other they are an error.

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


def _trouble(step: Step, folder: Path, pages: Collection[str]) -> tuple[str, str] | None:
    """Return what in this program a step asks for in vain, and the fix; None where there is all of it."""
    if step.page not in pages:
        return f"page: there is no page {step.page!r}", f"Choose one of {', '.join(sorted(pages))}."
    if step.card is not None and step.card not in models.cards():
        return f"card: there is no model {step.card!r}", f"Choose one of {', '.join(models.cards())}."
    known = [*(case.file for case in cases()), SECTION_CASE]
    if step.case is not None and step.case not in known and not (folder / step.case).is_file():
        return f"case: there is no file {step.case!r}", f"Put it beside the playlist, or choose of {', '.join(known)}."
    return None


@dataclass(frozen=True)
class Stage:
    """Where a conference stands.

    Attributes
    ----------
    position
        Index of the step on the screen.
    turn
        How many steps were opened before this one; a step that is opened anew has another turn.
    turned
        When the step was drawn, s; None while it is not yet, so that slow work takes nothing of its time.
    touched
        When somebody last touched the screen, s.
    looping
        Whether the steps follow each other by themselves.
    loops, resets
        How often the last step was followed by the first, and how often everything was forgotten.
    notes, table
        Whether the speaker's notes and the sidebar with the files are open.
    """

    playlist: Playlist
    touched: float
    position: int = 0
    turn: int = 0
    turned: float | None = None
    looping: bool = False
    loops: int = 0
    resets: int = 0
    notes: bool = False
    table: bool = False

    @property
    def step(self) -> Step:
        """What is on the screen."""
        return self.playlist.step[self.position]

    def drawn(self, now: float) -> Stage:
        """Return the stage whose step is on the screen from now on."""
        return self if self.turned is not None else replace(self, turned=now)

    def touch(self, now: float) -> Stage:
        """Return the stage after somebody touched the screen: it waits for them."""
        return replace(self, touched=now, looping=False)

    def wish(self, wish: Wish, now: float) -> Stage:
        """Return the stage after a key of the speaker; every key is a touch too."""
        here, count = self.touch(now), len(self.playlist.step)
        if wish in ("notes", "table"):
            return replace(here, **{wish: not getattr(self, wish)})
        if wish == "play":
            return replace(here, looping=not self.looping, turned=now)
        places = {"next": self.position + 1, "previous": self.position - 1, "first": 0, "last": count - 1}
        return here._open(places[wish] % count)

    def tick(self, now: float) -> Stage:
        """Return the stage at a later time: reset where nobody is there any more, or a step further in the loop."""
        if not self.looping:
            return self._forgotten(now) if now - self.touched >= self.playlist.idle_seconds else self
        if self.turned is None or now - self.turned < self.step.seconds:
            return self
        following = (self.position + 1) % len(self.playlist.step)
        return replace(self._open(following), loops=self.loops + (following == 0))

    def _forgotten(self, now: float) -> Stage:
        """Return the first step of a loop that nobody has touched."""
        counted = {"turn": self.turn + 1, "loops": self.loops, "resets": self.resets + 1}
        return Stage(self.playlist, now, looping=True, **counted)

    def _open(self, position: int) -> Stage:
        return replace(self, position=position, turn=self.turn + 1, turned=None)
