"""The second language: what falls back to English, that nothing is left to translate, and German pages."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import i18n
from dashboard.i18n import Later, has_faithful_placeholders, later, t, texts, tn

PACKAGE = Path(dashboard.__file__).parent
SAYING = {
    "badge", "button", "caption", "checkbox", "dialog", "download_button", "error", "expander", "feedback",
    "file_uploader", "header", "info", "link_button", "markdown", "metric", "multiselect", "number_input", "offer",
    "page_link", "pills", "popover", "progress", "radio", "segmented_control", "select_slider", "selectbox", "slider",
    "status", "subheader", "success", "tabs", "text_area", "text_input", "title", "toggle", "warning", "write",
}  # fmt: skip
SAID = {"label", "help", "alt", "placeholder"}
"""Keyword arguments that are read or read out."""
UNSPOKEN = {"px", "mm", "µm", "h", "s", "kg", "GB", "MB"}
"""Units."""


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody reads German."""
    monkeypatch.setattr(i18n, "find_reader_language", lambda known, otherwise: "de")


@pytest.fixture
def klingon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Return what makes a text the only .po file there is, and everybody's language."""

    def only(text: str) -> None:
        header = (
            'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\nContent-Type: text/plain; charset=utf-8"'
        )
        (tmp_path / "nl.po").write_text(f"{header}\n\n{text}", "utf-8")
        monkeypatch.setattr(i18n, "LOCALE", tmp_path)
        monkeypatch.setattr(i18n, "find_reader_language", lambda known, otherwise: "nl")
        forget()

    def forget() -> None:
        i18n.list_languages.cache_clear()
        i18n._catalogue.cache_clear()

    yield only
    forget()


def entries(path: Path) -> list[Message]:
    with path.open("rb") as file:
        return [entry for entry in read_po(file) if entry.id]


def first(entry: Message) -> str:
    return entry.id if isinstance(entry.id, str) else entry.id[0]


def told(catalog: Catalog) -> dict[str, tuple[object, set[str]]]:
    """Return every id and where it is said, by its English singular."""
    return {first(one): (one.id, {file for file, _ in one.locations}) for one in catalog if one.id}


def test_a_translation_takes_the_values(klingon: Callable[[str], None]) -> None:
    klingon('msgid "Grade {low} to {high}"\nmsgstr "{high} tot {low}, graad"\n')
    assert t("Grade {low} to {high}", low=1, high=3) == "3 tot 1, graad"


@pytest.mark.parametrize(
    "translation",
    [
        "",
        "{n} graden",
        "graad {low} tot {high",
        "{low} tot {high} van {n}",
        "{low} tot {high:zz}",
        "{low.x} tot {high}",
    ],
)
def test_an_empty_or_wrong_translation_leaves_the_english(klingon: Callable[[str], None], translation: str) -> None:
    klingon(f'msgid "Grade {{low}} to {{high}}"\nmsgstr "{translation}"\n')
    assert t("Grade {low} to {high}", low=1, high=3) == "Grade 1 to 3"


def test_what_no_catalogue_has_and_what_is_fuzzy_stays_english(klingon: Callable[[str], None]) -> None:
    klingon('#, fuzzy\nmsgid "Frame"\nmsgstr "Beeld"\n')
    assert (t("Frame"), t("Nothing like it")) == ("Frame", "Nothing like it")


def test_a_number_chooses_the_form(klingon: Callable[[str], None]) -> None:
    assert (tn("{n} file", "{n} files", 1), tn("{n} file", "{n} files", 0)) == ("1 file", "0 files")
    klingon('msgid "{n} file"\nmsgid_plural "{n} files"\nmsgstr[0] "een bestand"\nmsgstr[1] "{n} bestanden"\n')
    assert (tn("{n} file", "{n} files", 1), tn("{n} file", "{n} files", 5)) == ("een bestand", "5 bestanden")


def test_words_said_before_a_reader_is_known_are_translated_where_they_are_shown(german: None) -> None:
    said = later("Finding the poses, frame {frame} of {total}", frame=2, total=9)
    assert said == "Finding the poses, frame 2 of 9"
    assert t(said) == "Posen werden gesucht, Bild 2 von 9"
    assert isinstance(said.rstrip("."), Later)
    assert type(later("Stop.").rstrip(".")) is str


def test_outside_a_page_everything_is_english() -> None:
    assert i18n.find_current_language() == "en"
    assert t("Home") == "Home"


def test_a_language_is_a_file() -> None:
    files = sorted(file.stem for file in i18n.LOCALE.glob("*.po"))
    assert i18n.list_languages() == {"en": "English", "de": "Deutsch"}
    assert files == ["de"]


def test_the_template_is_what_the_code_and_the_cards_say() -> None:
    with texts.TEMPLATE.open("rb") as file:
        written = told(read_po(file))
    assert told(texts.collect_texts()) == written, "run `python -m dashboard.i18n.texts`"


@pytest.mark.parametrize("path", sorted(i18n.LOCALE.glob("*.po")), ids=lambda path: path.stem)
def test_every_text_is_translated_with_its_own_placeholders(path: Path) -> None:
    translated = entries(path)
    assert {first(entry) for entry in translated} == {first(entry) for entry in entries(texts.TEMPLATE)}
    for entry in translated:
        ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        strings = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        assert not entry.fuzzy, ids[0]
        assert has_faithful_placeholders(ids, strings), ids[0]
        assert ids[0].endswith((" ", "\n")) == strings[0].endswith((" ", "\n")), ids[0]


@pytest.mark.parametrize("path", sorted(i18n.LOCALE.glob("*.po")), ids=lambda path: path.stem)
def test_every_translation_can_be_filled_in(path: Path) -> None:
    """Format specifications of a translation take the same values as those of the English text."""
    for entry in entries(path):
        ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        values = {name: 2 for text in ids for name in i18n.find_placeholders(text)}
        for text in entry.string if isinstance(entry.string, tuple) else (entry.string,):
            assert text.format(**values), ids[0]


def literal(node: ast.expr) -> str:
    """Return the words of a literal, and of an f-string what stands between its values; else nothing."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return " ".join(literal(part) for part in node.values)
    if isinstance(node, ast.IfExp):
        return f"{literal(node.body)} {literal(node.orelse)}"
    if isinstance(node, ast.BinOp):
        return f"{literal(node.left)} {literal(node.right)}"
    if isinstance(node, (ast.List, ast.Tuple)):
        return " ".join(map(literal, node.elts))
    return ""


def words(text: str) -> list[str]:
    """Return what of a text would have to be translated: no icon, code, colour or unit."""
    plain = [part for part in text.split() if not part.startswith((":material/", ":violet", "`", "%"))]
    letters = ["".join(filter(str.isalpha, part)) for part in plain]
    return [word for word in letters if len(word) > 1 and word not in UNSPOKEN]


def spoken(call: ast.Call) -> Iterator[ast.expr]:
    """Yield the arguments of a call of Streamlit that a visitor reads."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in SAYING:
        first_of = 1 if call.func.attr == "page_link" else 0
        yield from call.args[first_of : first_of + 1]
        if call.func.attr == "progress":
            yield from call.args[1:2]
    yield from (keyword.value for keyword in call.keywords if keyword.arg in SAID)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_said_past_the_catalogues(path: Path) -> None:
    for call in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(call, ast.Call):
            said = [literal(argument) for argument in spoken(call)]
            assert [text for text in said if words(text)] == [], f"line {call.lineno}: wrap it in t()"


@pytest.fixture
def deutsch(home: AppTest) -> AppTest:
    """The first page for a German reader."""
    home.query_params["lang"] = "de"
    page = home.run()
    assert not page.exception
    return page


def english_among(shown: list[str]) -> set[str]:
    """Return headings that are English texts and not their own translation."""
    german = {first(entry): entry.string for entry in entries(i18n.LOCALE / "de.po")}
    return {text for text in shown if german.get(text, text) != text}


def test_a_german_reader_meets_german_headings(deutsch: AppTest) -> None:
    headings = [element.value for kind in (deutsch.title, deutsch.subheader) for element in kind]
    assert "Sehen, was ein neuronales Netz in einem orthopädischen Bild sieht." in headings
    assert "Echten Fall ausprobieren" in headings
    assert english_among(headings) == set()
    assert any("kein Medizinprodukt" in caption.value for caption in deutsch.caption)


def test_an_answer_is_given_in_german(
    deutsch: AppTest, drop: Callable[..., AppTest], picture: Callable[..., bytes]
) -> None:
    page = drop(deutsch.switch_page("views/classification/implant.py").run(), **{"a.png": picture()})
    assert any(caption.value.startswith("Beantwortet in") for caption in page.caption)
    assert [tab.label for tab in page.tabs] == ["Warum", "Wie weit vertrauen?"]
    headings = [element.value for kind in (page.header, page.subheader) for element in kind]
    assert english_among([*headings, *(tab.label for tab in page.tabs)]) == set()


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("cut.png", 300, "Ist eine abgeschnittene PNG-Datei."),  # said by the process that decodes
        ("empty.png", 0, "Ist leer (0 Bytes)."),
    ],
)
def test_a_file_is_refused_in_german(
    deutsch: AppTest, drop: Callable[..., AppTest], picture: Callable[..., bytes], name: str, size: int, said: str
) -> None:
    page = drop(deutsch.switch_page("views/classification/implant.py").run(), **{name: picture()[:size]})
    assert said in [element.value.replace("\\", "") for element in page.markdown]
    assert any(caption.value.startswith("Noch einmal") for caption in page.caption)


def test_the_choice_is_written_into_the_address_and_holds_on_other_pages(home: AppTest) -> None:
    page = home.selectbox(key="language").set_value("de").run()
    assert page.query_params["lang"] == "de"
    page = page.switch_page("views/kinematics/kinematics.py").run()
    assert page.subheader[0].value == "Bewegung des Knieimplantats aus der Durchleuchtung"
    page = page.selectbox(key="language").set_value("en").run()
    assert page.subheader[0].value == "Knee implant motion from fluoroscopy"
