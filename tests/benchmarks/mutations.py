"""Ten thousand broken inputs over every format that is read: `python -m tests.benchmarks.mutations [--inputs 10000]`.

Each input is a small valid file that one or a few random changes broke: bytes turned over, taken out, put in twice, cut
off, lengths and numbers made extreme. It must end in an answer or in one sentence, within seconds and within bounds of
memory, and no decoder may die of it. An input has a number, from which it is made again: what failed once becomes a
test by its number (`FAILED_ONCE`), and a few of each format are read by the suite (`tests/io/test_mutations.py`).

Reference: B. P. Miller, L. Fredriksen, B. So, An empirical study of the reliability of UNIX utilities, CACM 33:32, 1990
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np

from models.errors import DecoderFailed, InputError, UnsupportedFormat
from tests.benchmarks import mutation_seeds

SLOW = 5.0
"""Seconds after which an input counts as one that hangs."""
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE)
WORDS = (
    b"-1", b"0", b"1e999", b"nan", b"-inf", b"99999999999999999999", b"1,5", b"0x10", b"", b"null", b"[]", b"{}",
    b'"a"', b"1e-320", b"\xff\xfe", b"\xef\xbb\xbf", b"true", b"1_000",
)  # fmt: skip
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Outcome:
    """What became of one input: "read", "sentence", or what must not be: "crash", "hang", "traceback"."""

    kind: str
    said: str
    seconds: float


def mutated(data: bytes, number: int) -> bytes:
    """Return the input of that number: `data` with one to four changes."""
    dice = random.Random(number)
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        dice.choice(CHANGES_OF_TEXT if data.isascii() else CHANGES)(changed, dice)
    return bytes(changed)


def _turn(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 3, 20))):
        if data:
            data[_at(data, dice)] = dice.randrange(256)


def _flip(data: bytearray, dice: random.Random) -> None:
    if data:
        data[_at(data, dice)] ^= 1 << dice.randrange(8)


def _cut(data: bytearray, dice: random.Random) -> None:
    del data[_at(data, dice) :]


def _take(data: bytearray, dice: random.Random) -> None:
    at = _at(data, dice)
    del data[at : at + dice.choice((1, 2, 4, 30))]


def _twice(data: bytearray, dice: random.Random) -> None:
    at = _at(data, dice)
    data[at:at] = data[at : at + dice.choice((1, 2, 8, 60))] * dice.choice((1, 1, 200))


def _extreme(data: bytearray, dice: random.Random) -> None:
    size, at = dice.choice((1, 2, 4)), _at(data, dice)
    value = dice.choice(EXTREMES) % 256**size
    data[at : at + size] = value.to_bytes(size, dice.choice(("little", "big")))


def _number(data: bytearray, dice: random.Random) -> None:
    found = list(NUMBER.finditer(bytes(data[:20_000])))
    if found:
        start, end = dice.choice(found).span()
        data[start:end] = dice.choice(WORDS)


def _letter(data: bytearray, dice: random.Random) -> None:
    if data:
        data[_at(data, dice)] = dice.choice(b' ,.;:"<>[]{}-+eE0159/\\\n\t')


CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _turn, _turn, _flip, _cut, _take, _twice, _extreme, _extreme, _number,
)  # fmt: skip


CHANGES_OF_TEXT = (_number, _number, _number, _number, _letter, _letter, _cut, _take, _twice, _turn)


def _at(data: bytearray, dice: random.Random) -> int:
    """Return a place, more often in the header."""
    return dice.randrange(max(1, min(len(data), dice.choice((64, 600, 1 << 30)))))


@cache
def seeds() -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Return name → a valid file of that kind, and what reads it."""
    return mutation_seeds.seeds()


def outcome(seed: str, number: int) -> Outcome:
    """Read the input of that number made from that seed."""
    data, read = seeds()[seed]
    begun = time.perf_counter()
    try:
        read(mutated(data, number))
        kind, said = "read", ""
    except DecoderFailed as died:
        said = str(died)
        kind = "sentence" if "memory" in said else "crash"
    except InputError as refused:
        kind, said = ("sentence" if refused.problem and refused.fix else "traceback"), str(refused)
    except Exception as error:  # noqa: BLE001 (this is what is looked for)
        kind, said = "traceback", repr(error)[:200]
    seconds = time.perf_counter() - begun
    return Outcome("hang" if seconds > SLOW and kind != "crash" else kind, said, seconds)


def main() -> None:
    """Print a table of what became of the inputs, and the numbers of those that failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    names = [name for name in seeds() if given.only in name]
    for name in names:
        data, read = seeds()[name]
        with suppress(UnsupportedFormat):  # some are refused whole, and must be so in pieces
            read(data)
    begun, memory = time.perf_counter(), _memory_mb()
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(given.first, given.first + given.inputs):
        name = names[number % len(names)]
        one = outcome(name, number)
        counts[name][one.kind] += 1
        seconds[name].append(one.seconds)
        if one.kind not in ("read", "sentence"):
            print(f"- {one.kind}: {name!r}, {number}: {one.said} ({one.seconds:.1f} s)", flush=True)  # noqa: T201
    kinds = ("read", "sentence", "crash", "hang", "traceback")
    print("\n| format | " + " | ".join(kinds) + " | slowest |\n|" + "---|" * (len(kinds) + 2))  # noqa: T201
    for name in names:
        row = [name, *(str(counts[name][kind]) for kind in kinds), f"{np.max(seconds[name]):.2f} s"]
        print("| " + " | ".join(row) + " |")  # noqa: T201
    total = sum(counts.values(), Counter())
    print("| all | " + " | ".join(str(total[kind]) for kind in kinds) + " | |")  # noqa: T201
    took = time.perf_counter() - begun
    print(f"\n{given.inputs:,} inputs in {took:.0f} s; the process grew by {_memory_mb() - memory:.0f} MB at most.")  # noqa: T201


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
