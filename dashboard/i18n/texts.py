"""All English texts in one place: `python -m dashboard.i18n.texts` writes `ortholens.pot` and updates every .po file.

Collected are the arguments of `t`, `tn` and `later` in the code of this package and of `models`, and the words of the
cards, cases, methods and talks that pages show through `t`. What a .po file does not translate yet is empty there, what
is no longer said goes out of it (babel.pocoo.org/en/latest/messages.html).
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import models
from dashboard.i18n import LOCALE
from models import Card
from models.cases import cases, generated
from models.lessons.neuron import ACTIVATIONS, PRESETS
from models.lessons.shafts import LABELS
from models.tasks import questions
from models.trust.methods import BOX_METHODS, METHODS, POINT_METHODS

PACKAGE = Path(__file__).parents[1]
TEMPLATE = LOCALE / "ortholens.pot"
KEYWORDS = {"t": None, "tn": (1, 2), "later": None}
TALKS = {"views/lessons/tour.toml": ("title", "text", "notes"), "conference/playlist.toml": ("title", "notes")}
"""Files of this package whose steps are told on the screen, and what of a step is."""


def collect_texts() -> Catalog:
    """Return every English text that the screen can say, with the files that say it, in their order."""
    catalog = Catalog(project="OrthoLens", charset="utf-8", fuzzy=False)
    catalog.header_comment = "# The English texts of OrthoLens, collected by `python -m dashboard.i18n.texts`."
    for package, keywords in ((PACKAGE, KEYWORDS), (Path(str(models.__file__)).parent, {"later": None})):
        found = extract_from_dir(package, [("**.py", "python")], keywords=keywords)
        for file, _, message, _, _ in sorted(found, key=lambda one: one[:2]):
            _add(catalog, message, f"{package.name}/{file}")
    for message, source in _said():
        _add(catalog, message, source)
    return catalog


def _add(catalog: Catalog, message: str | tuple[str, ...], source: str) -> None:
    added = catalog.add(message, locations=[(source, 0)])
    added.flags -= {"python-format"}  # what looks like one is "95 % of"; braces are ours


def _said() -> Iterator[tuple[str, str]]:
    """Yield words that do not stand in the code of this package, and the file in which they do."""
    yield models.DISCLAIMER, "models/__init__.py"
    for card in (card for card in models.cards().values() if card.folder is None):  # a user's own are the user's words
        for words in filter(None, _words(card)):
            yield words, f"models/cards/{card.id}.toml"
    for task in questions():
        yield task.replace("_", " ").capitalize(), "dashboard/case/pages.py"
    for case in cases():
        yield from (
            (words, "models/cases/pictures/cases.toml") for words in (case.title, case.reference_text, case.origin)
        )
    generator = generated.load_generator_card()
    for words in (generator.title, generator.summary, generator.recipe, *generator.limits):
        yield words, "models/cases/generated/generated.toml"
    for method in (*METHODS.values(), *BOX_METHODS.values(), *POINT_METHODS.values()):
        yield from ((words, "models/trust/methods.py") for words in (method.name, method.sentence))
    yield from ((words, "models/lessons/shafts.py") for words in LABELS)
    for name, preset in PRESETS.items():
        yield from ((words, "models/lessons/neuron.py") for words in (name, preset.says))
    for name, activation in ACTIVATIONS.items():
        yield from ((words, "models/lessons/neuron.py") for words in (name, inspect.getdoc(activation)) if words)
    for name, keys in TALKS.items():
        for step in tomllib.loads((PACKAGE / name).read_text("utf-8"))["step"]:
            yield from ((step[key], f"dashboard/{name}") for key in keys if step.get(key))


def _words(card: Card) -> Iterator[str]:
    yield from (card.use.intended, card.use.not_intended, *card.use.limits)
    yield from (card.title, card.summary, card.data.shows, card.dichotomised.name if card.dichotomised else "")
    yield from (point.name for point in card.detecting.points) if card.detecting else ()
    for label in card.labels:
        yield from (label.name, label.definition)


def write_catalogues() -> None:
    """Write the template, and bring every language up to it; translations stay, nothing is guessed."""
    template = collect_texts()
    _write(template, TEMPLATE)
    for path in sorted(LOCALE.glob("*.po")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.stem)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.header_comment = f"# {Locale.parse(path.stem).english_name} texts of OrthoLens."
        _write(catalog, path)


def _write(catalog: Catalog, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, include_lineno=False, omit_header=False)


if __name__ == "__main__":
    write_catalogues()
