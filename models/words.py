"""Sentences that are said in one language and may be shown in another."""

from __future__ import annotations

from collections.abc import Mapping


class Later(str):
    """An English text that is translated where it is shown; it is equal to its English words.

    Attributes
    ----------
    message, values
        Of the text with placeholders, since words that are filled in already cannot be looked up.
    """

    message: str
    values: Mapping[str, object]

    def rstrip(self, characters: str | None = None, /) -> str:
        """Return itself where there is nothing to strip, as an error does with a full stop."""
        stripped = super().rstrip(characters)
        return self if len(stripped) == len(self) else stripped


DISCLAIMER = "Research and education only, not a medical device."
"""Stands on every page and in every exported file."""


def later(message: str, /, **values: object) -> Later:
    """Mark an English text for the catalogues of `dashboard.i18n`, which translate it where it is shown.

    For constants, for choices of widgets, which keep their English value, and for words said where no user is
    known: in a model, or outside a page's own thread. A value that is such a text is translated too.
    """
    said = Later(message.format(**values) if values else message)
    said.message, said.values = str(message), values
    return said
