"""How many faults of one place the tests notice: `python -m tests.benchmarks.kill_rate --each 20 --out kills.jsonl`.

A copy of the working tree, in which no ../shared is, gets one fault at a time: an operator, a comparison, a condition,
a constant or a call that is changed or left out. The tests that name the module run until the first fails; a fault that
none notices has survived, and its line says where. Drawn by a seed, package by package in turn, so that a run that is
stopped is a smaller sample; it goes on where it was. mutmut and cosmic-ray do the same, but run one and the same tests
for every fault (here 25 minutes of them) or put each function behind a switch, which decoder processes do not see.

Reference: Y. Jia and M. Harman, An analysis and survey of the development of mutation testing, IEEE TSE 37(5), 2011.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "models/io": ("tests/io", "tests/detection", "tests/segmentation"),
    "models/trust": ("tests/trust", "tests/predictors"),
    "models/tasks": ("tests/tasks", "tests/predictors", "tests/detection", "tests/segmentation", "tests/kinematics"),
    "models/geometry": ("tests/kinematics",),
    "models/reporting": ("tests/reporting",),
    "dashboard/session": tuple(
        f"tests/dashboard/test_{name}.py"
        for name in ("forget", "jobs", "left_pages", "read_first", "stage", "worklist")
    ),
}
"""What is changed, and where its tests are: folders, or files."""
MOST_FILES = 3
"""Files of tests that are run for a module, those that name it most often first."""
SECONDS = 240
"""A fault that makes the tests hang is noticed too."""
SWAPS: dict[type[ast.AST], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*", ast.Pow: "*",
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not",
    ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in", ast.And: "or", ast.Or: "and",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One change: the part of a line from `column` to `end` becomes `after`."""

    module: str
    line: int
    column: int
    end: int
    before: str
    after: str


def faults(module: Path) -> list[Fault]:
    """Return every fault that one module may get."""
    source = module.read_text("utf-8")
    lines = source.encode().splitlines()
    name = str(module.relative_to(ROOT))
    found = []
    for node in _inside(ast.parse(source)):
        for first, last, after in _changes(node):
            (row, start), (stop_row, stop) = first, last
            if row == stop_row:
                before = lines[row - 1][start:stop].decode()
                after_all = after(before)
                if after_all and after_all != before:
                    found.append(Fault(name, row, start, stop, before, after_all))
    return found


def _inside(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs inside functions; no types, no texts of documentation."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    if not isinstance(node, ast.FunctionDef | ast.AnnAssign):
                        yield node


def _changes(node: ast.AST) -> Iterator[tuple[tuple[int, int], tuple[int, int], object]]:
    def whole(one: ast.expr | ast.stmt) -> tuple[tuple[int, int], tuple[int, int]]:
        return (one.lineno, one.col_offset), (one.end_lineno or 0, one.end_col_offset or 0)

    def between(one: ast.expr, other: ast.expr, operator: ast.AST) -> tuple[tuple[int, int], tuple[int, int], object]:
        swap = SWAPS[type(operator)]
        start, end = (one.end_lineno or 0, one.end_col_offset or 0), (other.lineno, other.col_offset)
        known = {"is not", "not in", "is", "in", "and", "or"}
        pattern = r"\b(is not|not in|is|in|and|or)\b" if swap in known else r"[-+*/%<>=!]+"
        return start, end, lambda text: re.sub(pattern, swap, text, count=1)

    match node:
        case ast.BinOp() if type(node.op) in SWAPS:
            yield between(node.left, node.right, node.op)
        case ast.Compare() if type(node.ops[0]) in SWAPS:
            yield between(node.left, node.comparators[0], node.ops[0])
        case ast.BoolOp():
            yield between(node.values[0], node.values[1], node.op)
        case ast.If() | ast.IfExp() | ast.While():
            yield (*whole(node.test), lambda text: f"(not ({text}))")
        case ast.Constant(value=bool()):
            yield (*whole(node), lambda text: str(text != "True"))
        case ast.Constant(value=int() | float()):
            yield (*whole(node), lambda text: f"({text} + 1)")
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield (*whole(node), lambda text: text.removeprefix("-").removeprefix("not "))
        case ast.Expr(value=ast.Call()):
            yield (*whole(node), lambda text: "pass")
        case ast.Return(value=ast.expr()):
            yield (*whole(node), lambda text: "return None")


def tests_of(module: str, folders: tuple[str, ...]) -> list[str]:
    """Return the files of tests that name a module, its own first; all of its folders' where none does."""
    path = Path(module)
    names = (f"{'.'.join(path.with_suffix('').parts)}", f"from {'.'.join(path.parent.parts)} import", path.stem)
    counted: dict[str, int] = {}
    for folder in folders:
        place = ROOT / folder
        for file in sorted(place.glob("test_*.py")) if place.is_dir() else [place]:
            text = file.read_text("utf-8")
            own = 100 * (file.stem == f"test_{path.stem}")
            score = own + 10 * text.count(names[0]) + len(re.findall(rf"\b{path.stem}\b", text))
            if score:
                counted[str(file.relative_to(ROOT))] = score
    return sorted(counted, key=lambda one: -counted[one])[:MOST_FILES] or [*folders]


def drawn(each: int, seed: int) -> Iterator[tuple[str, Fault]]:
    """Yield `each` faults of every package, one of each in turn."""
    chosen = []
    for package in PACKAGES:
        every = [one for module in sorted((ROOT / package).glob("*.py")) for one in faults(module)]
        chosen.append(
            [(package, one) for one in random.Random(f"{seed} {package}").sample(every, min(each, len(every)))]
        )
    for turn in zip_longest(*chosen):
        yield from (one for one in turn if one)


def copied(tree: Path) -> None:
    """Copy what git knows of the working tree, and nothing beside it."""
    listed = subprocess.run(
        ["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)


def noticed(tree: Path, tests: list[str]) -> tuple[str, str]:
    """Run tests and return how it ended, and the first that failed."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-m",
        "not browser and not slow",
        *tests,
    ]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    try:
        run = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "hangs", ""
    failed = [line.split(" - ")[0] for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return ("survived", "") if run.returncode == 0 else ("noticed", failed[0] if failed else f"code {run.returncode}")


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of k of n (E. B. Wilson, JASA 1927)."""
    z = 1.96
    middle, half = k + z * z / 2, z * (k * (n - k) / n + z * z / 4) ** 0.5
    return (middle - half) / (n + z * z), (middle + half) / (n + z * z)


def table(rows: list[dict[str, object]]) -> str:
    """Return the rates as a table in Markdown."""
    lines = ["| package | noticed | of | share | 95 % interval |", "| --- | --- | --- | --- | --- |"]
    for package in (*PACKAGES, "all"):
        own = [row for row in rows if package in ("all", row["package"]) and row["outcome"] != "void"]
        if own:
            k, n = sum(row["outcome"] != "survived" for row in own), len(own)
            low, high = wilson(k, n)
            lines.append(f"| {package} | {k} | {n} | {k / n:.0%} | {low:.0%} to {high:.0%} |")
    return "\n".join(lines)


def main() -> None:
    """Draw faults, try them, and keep each outcome as a line of JSON."""
    say = sys.stdout.write
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--each", type=int, default=20, help="faults of each package")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--out", type=Path, default=Path("kills.jsonl"))
    options = asked.parse_args()
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(row["module"], row["line"], row["column"], row["after"]) for row in rows}
    sound: dict[tuple[str, ...], bool] = {}
    with TemporaryDirectory() as folder, options.out.open("a") as out:
        tree = Path(folder) / "tree"
        copied(tree)
        for package, fault in drawn(options.each, options.seed):
            if (fault.module, fault.line, fault.column, fault.after) in done:
                continue
            tests = tests_of(fault.module, PACKAGES[package])
            path, begun = tree / fault.module, time.monotonic()
            before = path.read_bytes()
            lines = before.splitlines(keepends=True)
            line = lines[fault.line - 1]
            lines[fault.line - 1] = line[: fault.column] + fault.after.encode() + line[fault.end :]
            path.write_bytes(b"".join(lines))
            outcome, by = noticed(tree, tests)
            path.write_bytes(before)
            if outcome != "survived":
                told = [by.split()[-1]] if by.startswith("FAILED") else tests
                if tuple(told) not in sound:
                    sound[tuple(told)] = noticed(tree, told)[0] == "survived"
                outcome = (
                    outcome if sound[tuple(told)] else "void"
                )  # the tests fail, or take as long, without any fault
            row = {"package": package, **asdict(fault), "outcome": outcome, "by": by, "tests": tests}
            rows.append(row | {"seconds": round(time.monotonic() - begun)})
            out.write(json.dumps(rows[-1]) + "\n")
            out.flush()
            say(f"{outcome:9} {fault.module}:{fault.line} {fault.before!r} -> {fault.after!r} {by}\n")
            sys.stdout.flush()
    say(table(rows) + "\n")


if __name__ == "__main__":
    main()
