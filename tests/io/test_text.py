"""Texts of any editor, numbers of any country, and names in the order in which people count."""

from __future__ import annotations

import random

import pytest

from models.errors import DamagedFile, TooLarge
from models.io.text import MOST_BYTES, decode_text, natural_name_key, parse_number, parse_numbers


def test_frames_are_in_the_order_of_their_numbers() -> None:
    names = [f"frame_{number}.png" for number in range(1, 120)]
    mixed = random.Random(0).sample(names, len(names))
    assert sorted(mixed, key=natural_name_key) == names
    assert sorted(["x/IM10", "x/IM9", "w/IM11"], key=natural_name_key) == ["w/IM11", "x/IM9", "x/IM10"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_of_any_editor(encoding: str) -> None:
    assert decode_text("Grüße\r\n1".encode(encoding), "a.txt") == "Grüße\r\n1"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00\x01", b"\xfc\xe4", bytes(range(256))])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedFile, match="is no text file"):
        decode_text(data, "a.txt")


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(TooLarge, match=r"a\.jts: has 16 MB"):
        decode_text(b" " * (MOST_BYTES + 1), "a.jts")


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("1000,0,400", [1000, 0, 400]),
        ("1000, 0, 400", [1000, 0, 400]),
        ("1000,5 0,25 400", [1000.5, 0.25, 400]),
        ("1000,5;0,25;400", [1000.5, 0.25, 400]),
        ("1000.5\t0.25\t-4e2", [1000.5, 0.25, -400]),
        ("", []),
    ],
)
def test_numbers_of_a_line(line: str, numbers: list[float]) -> None:
    assert parse_numbers(line) == numbers


def test_one_number() -> None:
    assert parse_number(" 0,373 ") == parse_number("0.373") == 0.373
    with pytest.raises(ValueError, match="could not convert"):
        parse_number("1,000.5")
