"""Numbers and texts in a reader's language."""

from __future__ import annotations

import pytest

from models.i18n import Language, fill_in, format_area, format_number, format_significant
from models.words import later

GERMAN = Language("de", {"{n:,} of {share:.1%}": "{n:,} von {share:.1%}", "bone": "Knochen"}.get)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "spec", "english", "german"),
    [
        (0.483, ".1%", "48.3%", "48,3\u00a0%"),
        (12345.678, ",.2f", "12,345.68", "12.345,68"),
        (4730, ",", "4,730", "4.730"),
        (-1.5, "+.1f", "-1.5", "-1,5"),
        (7, "", "7", "7"),
    ],
)
def test_a_number_has_the_separators_of_its_language(value: float, spec: str, english: str, german: str) -> None:
    assert format_number(value, spec) == english
    assert format_number(value, spec, "de") == german


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (4730.2, "4,730"), (47.34, "47.3"), (0.004731, "0.00473"), (999.6, "1,000"), (9.996, "10.0"), (0.5, "0.500"),
        (12345678, "12,300,000"), (0, "0"), (0.00003, "< 0.0001"), (-1.234, "-1.23"),
    ],
)  # fmt: skip
def test_three_digits_and_never_an_exponent(value: float, said: str) -> None:
    assert format_significant(value) == said
    assert "e" not in said


def test_a_large_area_is_told_in_square_centimetres() -> None:
    assert format_area(4730) == "4,730 mm²"
    assert format_area(9999, "de") == "10.000 mm²"
    assert format_area(47_300) == "473 cm²"
    assert format_area(0.5, "de") == "0,500 mm²"


def test_a_language_says_its_words_with_its_numbers() -> None:
    said = later("{n:,} of {share:.1%}", n=1200, share=0.5)
    assert said == "1,200 of 50.0%"
    assert Language()(said) == "1,200 of 50.0%"
    german = Language("de", lambda text: GERMAN.words(text) or text)
    assert german(said) == "1.200 von 50,0\u00a0%"
    assert german(later("one {part}", part=later("bone"))) == "one Knochen"
    assert (Language().lowered("Bone"), german.lowered("bone")) == ("bone", "Knochen")


def test_a_translation_with_other_placeholders_falls_back() -> None:
    assert fill_in("{other} Stück", "{n} pieces", {"n": 3}, "de") == "3 pieces"
