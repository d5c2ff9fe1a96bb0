"""Lookup tables of DICOM: what a modality, a display or a palette makes of a stored value.

pydicom reads tables of 8 and of 16 bits; these are read by their descriptor at any depth, packed two a word or one a
word, in the byte order of the file, and with a first value that is signed where the pixels are.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part03.html (C.7.6.3.1.5, C.11.1.1, C.11.2.1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from models.io.dicom_form import is_little_endian, read_dicom_numbers
from models.types import Curve, Window

SIGMOID_REACH = 3
"""Widths of a sigmoid window on either side of its centre beyond which it is black, or white, to 1/255."""


@dataclass(frozen=True, eq=False)
class Table:
    """A lookup table.

    Attributes
    ----------
    first
        Input that is mapped to the first value; smaller ones are too, and those past the end to the last.
    bits
        Of each value: white is 2**bits − 1.
    values
        (N,) uint16.
    """

    first: int
    bits: int
    values: NDArray[np.uint16]

    def of(self, stored: NDArray[Any]) -> NDArray[np.uint16]:
        """Return the values for stored ones of any shape."""
        index = np.clip(stored.astype(np.int64) - self.first, 0, len(self.values) - 1)
        found: NDArray[np.uint16] = self.values[index]
        return found


def read_lookup_table(item: Dataset, little: bool, signed: bool, prefix: str = "LUT") -> Table | None:
    """Read the table that `item` holds; None where there is none, or one that is cut off.

    Parameters
    ----------
    item
        Of a LUT sequence, or the dataset for a palette.
    little
        Byte order of the file.
    signed
        Whether the first value mapped is: where the inputs can be negative.
    prefix
        "LUT", or that of a palette's attributes.
    """
    described = _words(item, f"{prefix}Descriptor", little)[:3]
    if len(described) != 3:
        return None
    count, first, bits = (int(word) for word in described)
    values = _values(item, f"{prefix}Data", count or 65536, little)
    if values is None:
        return None
    fits = 1 <= bits <= 16 and int(values.max()) < 2**bits
    bits = bits if fits else max(8, int(values.max()).bit_length())
    return Table(first - 65536 if signed and first >= 32768 else first, bits, values)


def _words(item: Dataset, keyword: str, little: bool) -> NDArray[np.uint16]:
    value = item.get(keyword)
    if isinstance(value, bytes):
        return np.frombuffer(value[: len(value) // 2 * 2], "<u2" if little else ">u2").astype(np.uint16)
    return np.atleast_1d(np.asarray([] if value is None else value, dtype=np.int64)).astype(np.uint16)


def _values(item: Dataset, keyword: str, count: int, little: bool) -> NDArray[np.uint16] | None:
    """Return `count` values, one a word or packed two a word with the first in the low byte; None where they lack."""
    words = _words(item, keyword, little)
    if len(words) >= count:
        return words[:count]
    held = item.get(keyword)
    plain = isinstance(held, bytes) and item[keyword].VR in ("OB", "UN")
    octets = np.frombuffer(held if plain else words.astype("<u2").tobytes(), np.uint8)
    return octets[:count].astype(np.uint16) if len(octets) >= count > 0 else None


def read_modality_table(dataset: Dataset) -> Table | None:
    """Return the modality table, None where it cannot be read."""
    item = dataset.ModalityLUTSequence[0] if dataset.ModalityLUTSequence else Dataset()
    return read_lookup_table(item, is_little_endian(dataset), dataset.get("PixelRepresentation") == 1)


def read_voi_tables(dataset: Dataset) -> tuple[tuple[Window, ...], int]:
    """Return the display tables (VOI LUTs) as windows with a curve, and how many could not be read."""
    items = dataset.get("VOILUTSequence") or []
    tables = [read_lookup_table(item, is_little_endian(dataset), _can_be_negative(dataset)) for item in items]
    found = [_curve(f"Curve {index + 1}", table) for index, table in enumerate(tables) if table is not None]
    return tuple(found), len(items) - len(found)


def _can_be_negative(dataset: Dataset) -> bool:
    """Whether values after the modality transform can be below zero."""
    if "ModalityLUTSequence" in dataset:
        return False
    slope, intercept = (read_dicom_numbers(dataset, key)[:1] for key in ("RescaleSlope", "RescaleIntercept"))
    below = (slope and slope[0] < 0) or (intercept and intercept[0] < 0)
    return bool(below) or dataset.get("PixelRepresentation") == 1


def _curve(name: str, table: Table) -> Window:
    """Return a table as the window in which it goes through 1 to 99 % of its way, and its course within and beyond."""
    shown = table.values.astype(np.float64) / (2**table.bits - 1)
    low, high = _rise(shown)
    ends = (-low / (high - low), (len(shown) - 1 - low) / (high - low))
    return Window(name, table.first + low, table.first + high, Curve(tuple(shown.tolist()), *ends))


def _rise(shown: NDArray[np.float64]) -> tuple[float, float]:
    """Return the places in a table where 1 and 99 % of its way are done; between the middles of equal values."""
    way = np.abs(shown - shown[0])
    if (np.diff(way) < 0).any():  # neither rises nor falls throughout
        way = np.maximum.accumulate(way)
    levels, first, counts = np.unique(way, return_index=True, return_counts=True)
    middles = first + (counts - 1) / 2
    middles[0], middles[-1] = counts[0] - 1, first[-1]
    low, high = np.interp(levels[-1] * np.array([0.01, 0.99]), levels, middles).tolist()
    return low, max(high, low + 1)


def make_sigmoid_window() -> Curve:
    """Return the course of a sigmoid window of which low and high are its centre ± half its width (C.11.2.1.3.1)."""
    widths = np.linspace(-SIGMOID_REACH, SIGMOID_REACH, 1025)
    return Curve(tuple((1 / (1 + np.exp(-4 * widths))).tolist()), 0.5 - SIGMOID_REACH, 0.5 + SIGMOID_REACH)


def apply_palette(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.uint8] | None:
    """Return stored values (T, H, W) as the 8-bit colours (T, H, W, 3) of a plain palette; None for a segmented one."""
    signed = dataset.get("PixelRepresentation") == 1
    channels = []
    for colour in ("Red", "Green", "Blue"):
        prefix = f"{colour}PaletteColorLookupTable"
        table = read_lookup_table(dataset, is_little_endian(dataset), signed, prefix)
        if table is None:
            return None
        eight = np.rint(table.values * (255 / (2**table.bits - 1))).astype(np.uint8)
        channels.append(eight[np.clip(stored.astype(np.int64) - table.first, 0, len(eight) - 1)])
    return np.stack(channels, -1)
