"""The language of the screen: English sentences are the ids of gettext catalogues, one .po file a language.

`t("Grade {low} to {high}", low=1, high=3)` says it in the language of the visitor. What a catalogue lacks, or has
with other placeholders, stays English. All English texts stand in `locale/ortholens.pot`, which
`python -m dashboard.texts` collects from the code and the cards; a second language is one more file beside it
(www.gnu.org/software/gettext/manual/html_node/PO-Files.html).
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Formatter

from babel import Locale
from babel.messages.pofile import read_po

from models.words import Later, later

__all__ = [
    "ENGLISH",
    "LOCALE",
    "Catalogue",
    "Later",
    "current",
    "faithful",
    "languages",
    "later",
    "lowered",
    "placeholders",
    "t",
    "tn",
]

LOCALE = Path(__file__).parent / "locale"
ENGLISH = "en"
WRONG = (ValueError, LookupError, AttributeError, TypeError)
"""What `str.format` raises where a translation's placeholder does not fit its value."""


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
    """Return an English text in the visitor's language, with its placeholders filled in."""
    if isinstance(message, Later):
        message, values = message.message, {**message.values, **values}
    values = {name: t(value) if isinstance(value, Later) else value for name, value in values.items()}
    found = _catalogue(current()).words.get(message, ())
    return _filled(found[0] if len(found) == 1 else message, message, values)


def tn(one: str, many: str, n: int, /, **values: object) -> str:
    """Return the text for a number of things, `{n}`, in the visitor's language."""
    catalogue, english = _catalogue(current()), one if n == 1 else many
    found, form = catalogue.words.get(one, ()), catalogue.form(n)
    return _filled(found[form] if 1 < len(found) > form else english, english, {"n": n, **values})


def lowered(name: str) -> str:
    """Return a name as it stands inside a sentence: small in English, as it is in German, which keeps its capitals."""
    return name.lower() if current() == ENGLISH else t(name)


@lru_cache(maxsize=1)
def languages() -> Mapping[str, str]:
    """Return the name of each language in itself, by its code: English, and one for each .po file."""
    codes = [ENGLISH, *sorted(file.stem for file in LOCALE.glob("*.po"))]
    return {code: (Locale.parse(code).get_display_name() or code).capitalize() for code in codes}


def current() -> str:
    """Return the code of the visitor's language; English outside a page."""
    from dashboard import session  # here, since the session's own figures speak too

    return session.language(tuple(languages()), ENGLISH)


def placeholders(message: str) -> frozenset[str]:
    """Return the names in the braces of a message.

    Raises
    ------
    ValueError
        Where its braces do not match.
    """
    return frozenset(name for _, name, _, _ in Formatter().parse(message) if name is not None)


def faithful(ids: tuple[str, ...], translations: tuple[str, ...]) -> bool:
    """Whether translations are complete and have the placeholders of their ids; of a plural, none that no id has."""
    try:
        wanted = frozenset().union(*map(placeholders, ids))
        given = [placeholders(text) for text in translations]
    except ValueError:
        return False
    if not all(translations):
        return False
    return all(names <= wanted for names in given) if len(ids) > 1 else given == [wanted]


def _filled(text: str, english: str, values: Mapping[str, object]) -> str:
    if not values:
        return text
    try:
        return text.format(**values)
    except WRONG:
        return english.format(**values)


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
        ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        translations = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        if faithful(ids, translations):
            words[ids[0]] = translations
    return Catalogue(words, gettext.c2py(read.plural_expr))
