"""The language of the screen: English sentences are the ids of gettext catalogues, one .po file a language.

`t("Grade {low} to {high}", low=1, high=3)` says it in the language of the user, numbers with its separators. What a
catalogue lacks, or has with other placeholders, stays English. All English texts stand in `locale/ortholens.pot`, which
`python -m dashboard.i18n.texts` collects from the code and the cards; a second language is one more file beside it
(www.gnu.org/software/gettext/manual/html_node/PO-Files.html).
"""

from __future__ import annotations

import gettext
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Formatter

from babel import Locale
from babel.messages.pofile import read_po

from dashboard.i18n.reader import find_reader_language
from models import i18n
from models.i18n import ENGLISH, Language
from models.words import Later, later

__all__ = [
    "ENGLISH",
    "LOCALE",
    "Catalogue",
    "Language",
    "Later",
    "find_current_language",
    "find_placeholders",
    "find_separators",
    "format_number",
    "format_significant",
    "has_faithful_placeholders",
    "later",
    "list_languages",
    "lower_in_sentence",
    "speak",
    "spoken",
    "t",
    "tn",
    "write_language_script",
]

LOCALE = Path(__file__).parent / "locale"


@dataclass(frozen=True)
class Catalogue:
    """One language.

    Attributes
    ----------
    words
        Translations by their English id; for a plural, by the id of the singular, one a form.
    form
        Which of the plural forms a number takes.
    """

    words: Mapping[str, tuple[str, ...]]
    form: Callable[[int], int]


def t(message: str, /, **values: object) -> str:
    """Return an English text in the user's language, with its placeholders filled in."""
    return spoken()(message, **values)


def tn(one: str, many: str, n: int, /, **values: object) -> str:
    """Return the text for a number of things, `{n}`, in the user's language."""
    catalogue, english = _catalogue(find_current_language()), one if n == 1 else many
    found, form = catalogue.words.get(one, ()), catalogue.form(n)
    text = found[form] if 1 < len(found) > form else english
    return i18n.fill_in(text, english, {"n": n, **values}, find_current_language())


def format_number(value: float, spec: str = ",") -> str:
    """Write a number as `format(value, spec)` does, with the separators of the user's language: "48,3 %"."""
    return i18n.format_number(value, spec, find_current_language())


def format_significant(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits and never an exponent: "4,730"."""
    return i18n.format_significant(value, digits, find_current_language())


def find_separators() -> str:
    """Return the decimal and the group separator of the user's language, as plotly takes them."""
    written = format_number(1000.5, ",.1f")
    return f"{written[-2]}{written[1]}"


def lower_in_sentence(name: str) -> str:
    """Return a name as it stands inside a sentence: small in English, as it is in German, which keeps its capitals."""
    return spoken().lowered(name)


def spoken() -> Language:
    """Return the user's language, for texts and numbers that are written later, where no user is known."""
    return speak(find_current_language())


@lru_cache(maxsize=8)
def speak(code: str) -> Language:
    """Return a language by its code, one of `list_languages`."""

    def words(message: str) -> str:
        found = _catalogue(code).words.get(message, ())
        return found[0] if len(found) == 1 else message

    return Language(code, words)


@lru_cache(maxsize=1)
def list_languages() -> Mapping[str, str]:
    """Return the name of each language in itself, by its code: English, and one for each .po file."""
    codes = [ENGLISH, *sorted(file.stem for file in LOCALE.glob("*.po"))]
    return {code: (Locale.parse(code).get_display_name() or code).capitalize() for code in codes}


def write_language_script(code: str) -> str:
    """Return what tells a browser the language; the only script in a page that `dashboard.served` lets it run."""
    return f"document.documentElement.lang = {json.dumps(code)}"


def find_current_language() -> str:
    """Return the code of the user's language; English outside a page."""
    return find_reader_language(tuple(list_languages()), ENGLISH)


def find_placeholders(message: str) -> frozenset[str]:
    """Return the names in the braces of a message.

    Raises
    ------
    ValueError
        Where its braces do not match.
    """
    return frozenset(name for _, name, _, _ in Formatter().parse(message) if name is not None)


def has_faithful_placeholders(ids: tuple[str, ...], translations: tuple[str, ...]) -> bool:
    """Whether translations are complete and have the placeholders of their ids; of a plural, none that no id has."""
    try:
        wanted = frozenset().union(*map(find_placeholders, ids))
        given = [find_placeholders(text) for text in translations]
    except ValueError:
        return False
    if not all(translations):
        return False
    return all(names <= wanted for names in given) if len(ids) > 1 else given == [wanted]


def _texts(of: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the texts of an entry, one for each number where it has several."""
    return (of,) if isinstance(of, str) else tuple(of or ("",))


@lru_cache(maxsize=8)
def _catalogue(code: str) -> Catalogue:
    """Read a language's file; entries that are fuzzy, empty or not faithful are left out, and so stay English."""
    if code == ENGLISH:
        return Catalogue({}, lambda n: int(n != 1))
    with (LOCALE / f"{code}.po").open("rb") as file:
        read = read_po(file, locale=code)
    words = {}
    for entry in read:
        if not entry.id or entry.fuzzy:
            continue
        ids, translations = _texts(entry.id), _texts(entry.string)
        if has_faithful_placeholders(ids, translations):
            words[ids[0]] = translations
    return Catalogue(words, gettext.c2py(read.plural_expr))
