"""How texts and numbers are said in a reader's language: the words of a catalogue, the separators of the CLDR.

An English text is its own id (`models.words.later`); who shows it brings the words. Numbers are written in English by
`format` and then get the language's own separators (Unicode CLDR, by babel: babel.pocoo.org/en/latest/numbers.html), so
that "{share:.1%}" is "48.3%" here and "48,3 %" there. What a program reads (CSV, JSON) is never said: it keeps dots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number
from string import Formatter
from typing import Any

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol

from models.words import Later

ENGLISH = "en"
WRONG = (ValueError, LookupError, AttributeError, TypeError)
"""What formatting raises where a translation's placeholder does not fit its value."""
CM2_MM2 = 100.0
LARGE_CM2 = 100.0
"""Area from which square centimetres are read more easily than square millimetres."""
LEAST = 1e-4
"""Least value that is written out; what is less is said to be less."""


def fill_in(text: str, english: str, values: Mapping[str, object], code: str = ENGLISH) -> str:
    """Return a text with its placeholders filled in, numbers as the language writes them.

    Parameters
    ----------
    english
        What is filled in where a translation's placeholders do not fit.
    """
    if not values:
        return text
    try:
        return _Numbers(code).vformat(text, (), values)
    except WRONG:
        return _Numbers(code).vformat(english, (), values)


def format_number(value: float, spec: str = ",", code: str = ENGLISH) -> str:
    """Write a number as `format(value, spec)` does, with the separators of a language."""
    written = format(value, spec)
    decimal, group, percent = _symbols(code)
    if code != ENGLISH:
        written = written.translate({ord("."): decimal, ord(","): group})
    return f"{written[:-1]}{percent}" if written.endswith("%") else written


def format_significant(value: float, digits: int = 3, code: str = ENGLISH) -> str:
    """Write a number with so many significant digits and never an exponent: 4,730, 47.3, 0.00473, < 0.0001."""
    if 0 < abs(value) < LEAST:
        return f"{'−' if value < 0 else ''}< {format_number(LEAST, 'f', code).rstrip('0')}"
    if value == 0:
        return "0"
    rounded, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return format_number(float(f"{rounded}e{exponent}"), f",.{max(0, digits - 1 - int(exponent))}f", code)


def format_area(value_mm2: float, code: str = ENGLISH) -> str:
    """Write an area in mm², or in cm² from `LARGE_CM2` on, to three significant digits."""
    large = abs(value_mm2) >= LARGE_CM2 * CM2_MM2
    return f"{format_significant(value_mm2 / CM2_MM2 if large else value_mm2, 3, code)} {'cm²' if large else 'mm²'}"


@dataclass(frozen=True)
class Language:
    """A reader's language, for texts that are written where no reader can be asked.

    Attributes
    ----------
    words
        Returns the translation of an English text, or the text itself where there is none.
    """

    code: str = ENGLISH
    words: Callable[[str], str] = str

    def __call__(self, message: str, /, **values: object) -> str:
        """Return an English text in this language, with its placeholders filled in."""
        if isinstance(message, Later):
            values = {**message.values, **values}
            message = message.message
        said = {name: self(value) if isinstance(value, Later) else value for name, value in values.items()}
        return fill_in(self.words(message), message, said, self.code)

    def number(self, value: float, spec: str = ",") -> str:
        """Write a number; see `format_number`."""
        return format_number(value, spec, self.code)

    def significant(self, value: float, digits: int = 3) -> str:
        """Write a number without an exponent; see `format_significant`."""
        return format_significant(value, digits, self.code)

    def area(self, value_mm2: float) -> str:
        """Write an area; see `format_area`."""
        return format_area(value_mm2, self.code)

    def lowered(self, name: str) -> str:
        """Return a name inside a sentence: small in English, as it is in languages that keep their capitals."""
        return name.lower() if self.code == ENGLISH else self(name)


IN_ENGLISH = Language()


class _Numbers(Formatter):
    """Fills in placeholders as `str.format` does, with the separators of a language."""

    def __init__(self, code: str) -> None:
        self.code = code

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Number) and not isinstance(value, bool):
            return format_number(value, format_spec, self.code)  # type: ignore[arg-type]  # what can be formatted
        return str(super().format_field(value, format_spec))


@lru_cache(maxsize=8)
def _symbols(code: str) -> tuple[str, str, str]:
    """Return what separates decimals, what groups of three, and how a percentage ends."""
    pattern = Locale.parse(code).percent_formats[None].pattern
    return get_decimal_symbol(code), get_group_symbol(code), pattern[pattern.rindex("0") + 1 :]
