"""The sections of the how-it-works page, in the order in which the talk tells them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dashboard.i18n import later

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "block": later("Building block"),
        "network": later("Network"),
        "resolution": later("High resolution"),
        "categories": later("Three categories"),
        "learning": later("Learning"),
        "start": later("Getting started"),
    }
)
"""Key of a section, as in the page's address (`?section=network`) → its title on the screen."""
