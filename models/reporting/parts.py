"""What a report is made of, before it has a look: plain records that the PDF and the HTML page both write.

A report is a list of chapters, one an answer; a chapter has sections, and a section has the parts below. Every text is
plain: the writers escape it. The roles are those of PDF's standard structure (ISO 32000-1, 14.8.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.i18n import IN_ENGLISH, Language
from models.words import later

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Paragraph:
    """Running text; a "note" is small, a "warning" is what a reader must not miss."""

    text: str
    kind: Literal["body", "note", "warning"] = "body"


@dataclass(frozen=True)
class Answer:
    """The answer in large type.

    Attributes
    ----------
    text, figure, unit
        Such as "KL 3, moderate", "58 %" and "calibrated confidence"; figure and unit may be empty.
    meaning
        What it means, or why there is none.
    given
        Whether the model answers at all; False: it abstained.
    """

    text: str
    figure: str = ""
    unit: str = ""
    meaning: str = ""
    given: bool = True


@dataclass(frozen=True)
class Table:
    """Rows of short texts under a header.

    Attributes
    ----------
    words
        How many of the first columns are words, left-aligned; the others are numbers.
    colours
        "#RRGGBB" of the swatch before each row, where the table is also a legend.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    words: int = 1
    colours: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Names and what they are, such as "Weights" and a hash."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as JPEG.

    Attributes
    ----------
    alt
        What it shows, for who cannot see it.
    width, height
        In its own pixels.
    """

    data: bytes
    width: int
    height: int
    alt: str
    caption: str


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures side by side, three at most."""

    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Bar:
    """One label and its probability.

    Attributes
    ----------
    figure
        The share as it is written.
    possible
        Whether the conformal set holds it; None where there is no set.
    """

    name: str
    share: float
    figure: str
    possible: bool | None = None


@dataclass(frozen=True)
class Bars:
    """Labels with their probabilities, and what is said of one in the conformal set and of one that is not."""

    title: str
    bars: tuple[Bar, ...]
    words: tuple[str, str] = ("", "")

    def word(self, bar: Bar) -> str:
        """Return what is said of a bar; nothing where there is no set."""
        return "" if bar.possible is None else self.words[not bar.possible]


@dataclass(frozen=True, eq=False)
class Curve:
    """A value over the frames, with a band round it.

    Attributes
    ----------
    values, spread
        (T,) and half the height of the band there; not finite where there is none.
    other
        (T,) what the values are compared with, a dashed line; None where there is nothing.
    """

    title: str
    unit: str
    values: Array
    spread: Array
    say: Language = IN_ENGLISH
    other: Array | None = None


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves in small panels, three a row."""

    curves: tuple[Curve, ...]
    alt: str
    caption: str


Part = Paragraph | Answer | Table | Facts | Pictures | Bars | Curves


@dataclass(frozen=True)
class Section:
    """Parts under one heading; without a title they follow the chapter's heading at once."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Chapter:
    """One answer.

    Attributes
    ----------
    title
        Of the question, such as the card's.
    image, answer, sure
        The row of the table of contents: the image in a few characters, the answer in one line, and how sure it is.
    simulated
        Whether image or training is simulated, in words for a mark beside the title; empty where neither is.
    """

    title: str
    image: str
    answer: str
    sure: str
    sections: tuple[Section, ...]
    simulated: str = ""


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes
    ----------
    label
        What the user typed to know it by; the one place where an identifier can stand.
    say
        The reader's language.
    """

    title: str
    chapters: tuple[Chapter, ...]
    made: datetime
    label: str = ""
    say: Language = IN_ENGLISH

    @property
    def heading(self) -> str:
        """What the file is called where a program lists it."""
        return self.say(later("OrthoLens report: {title}"), title=self.title)

    @property
    def contents(self) -> tuple[str, str, str, str]:
        """Heads of the columns of the table of contents."""
        heads = later("No."), later("Image (SHA-256)"), later("Answer"), later("Sure")
        number, image, answer, sure = map(self.say, heads)
        return number, image, answer, sure
