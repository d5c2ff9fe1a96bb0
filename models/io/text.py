"""Text files as people send them: any encoding that says which it is, decimal commas, and names with numbers in them.

One home for page and command line, so that both read the same from the same file.
"""

from __future__ import annotations

import codecs
import csv
import io
import re

from models.errors import DamagedFile, TooLarge
from models.words import later

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""Byte order marks, with which editors of Windows begin a text."""
MOST_BYTES = 16 << 20
"""Of a text; the poses of the longest sequence take two million."""


def decode_text(data: bytes, name: str) -> str:
    """Return the text of a file, without a byte order mark.

    Raises
    ------
    DamagedFile
        When it is none.
    TooLarge
        When it has more than `MOST_BYTES`.
    """
    if len(data) > MOST_BYTES:
        raise TooLarge(
            later("has {size:,} MB, too many for a text of numbers", size=len(data) >> 20),
            fix=later("Check that the files are not exchanged."),
            file=name,
        )
    encoding = next((encoding for mark, encoding in MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        raise DamagedFile(
            later("is no text file"),
            fix=later("Check that the files are not exchanged, or save it as UTF-8."),
            file=name,
        )
    return text


def split_table(text: str) -> list[list[str]]:
    """Return the cells of each line of a CSV in any of the usual separators, without blank lines.

    Raises
    ------
    csv.Error
        When it is none.
    """
    separator = max(",;\t", key=text.partition("\n")[0].count)
    lines = [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text), delimiter=separator)]
    return [line for line in lines if any(line)]


def parse_numbers(line: str) -> list[float]:
    """Return the numbers of a line, which spaces, semicolons or commas part; a comma within one is a decimal comma.

    "1000,0,400" is three numbers, and so is "1000,0 0,0 400,5": where other separators stand, commas are none.

    Raises
    ------
    ValueError
        When a word is no number.
    """
    words = [word for word in re.split(r"[;\s]+", line.strip()) if word]
    decimal = len(words) > 1 and all(re.fullmatch(r"[-+]?\d*(,\d+)?([eE][-+]?\d+)?", word) for word in words)
    if decimal:
        return [float(word.replace(",", ".")) for word in words]
    return [float(word) for word in re.split(r"[,;\s]+", line.strip()) if word]


def parse_number(line: str) -> float:
    """Return the only number of a line; a comma is a decimal comma.

    Raises
    ------
    ValueError
        When it is none.
    """
    return float(line.strip().replace(",", ".") if line.count(",") == 1 and "." not in line else line)


def natural_name_key(name: str) -> tuple[str | int, ...]:
    """Return what names are sorted by so that frame 2 comes before frame 10."""
    parts = re.split(r"([0-9]+)", name.lower())
    return tuple(int(part) if number % 2 else part for number, part in enumerate(parts))
