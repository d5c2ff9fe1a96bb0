"""How many faults of one place the tests notice: `python -m tests.benchmarks.kill_rate --each 20 --out kills.jsonl`.

A copy of the working tree, in which no ../shared is, gets one fault at a time: an operator, a comparison, a condition,
a constant or a call that is changed or left out. The tests that run its line, as coverage.py noted once at the start
(--notes keeps that for the next run), are run until the first fails; a fault that none notices has survived, and its
line says where. Decoder processes note their lines too; what numba compiled notes nothing, and gets the files of tests
that name the module.
Faults are drawn by a seed, package by package in turn, so that a run that is stopped is a smaller sample; it goes on
where it was. mutmut and cosmic-ray were looked at: the one puts each function behind a switch, which decoder processes
do not see, the other runs one and the same tests for every fault (here 25 minutes of them).

Reference: Y. Jia and M. Harman, An analysis and survey of the development of mutation testing, IEEE TSE 37(5), 2011.
"""

from __future__ import annotations

import argparse
import ast
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import accumulate, chain, zip_longest
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import coverage
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "models/io": ("tests/io", "tests/detection", "tests/segmentation"),
    "models/trust": ("tests/trust", "tests/predictors"),
    "models/tasks": ("tests/tasks", "tests/predictors", "tests/detection", "tests/segmentation", "tests/kinematics",
                     "tests/trust", "tests/training", "tests/data", "tests/io", "tests/reporting"),
    "models/geometry": ("tests/kinematics",),
    "models/simulation": ("tests/simulation", "tests/data", "tests/kinematics"),
    "models/reporting": ("tests/reporting",),
    "models/answers": ("tests/reporting", "tests/predictors", "tests/trust"),
    "dashboard/session": ("tests/dashboard",),
}  # fmt: skip
"""What is changed, and the folders in which its tests are."""
MOST_SECONDS = 40.0
"""Tests that are run of those that run a line: the quickest, until they take so long together."""
MOST_FILES, MOST_FILES_ALONE = 2, 5
"""Files of tests that are run after them, and where none is noted: those that name the module most often."""
FAST = ("-q", "--assert=plain", "-n", "0", "-p", "no:cacheprovider", "-m", "not browser and not slow")
HEAVY = (
    "torch", "torchvision", "numba", "scipy.ndimage", "skimage.measure", "pydicom", "highdicom", "tifffile", "trimesh",
    "captum.attr", "reportlab.platypus", "plotly.graph_objects", "streamlit.testing.v1", "hypothesis",
)  # fmt: skip
"""What is imported once, before a fault has its process."""
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

    def put_into(self, source: bytes) -> bytes:
        """Return a module with the fault."""
        lines = source.splitlines(keepends=True)
        line = lines[self.line - 1]
        lines[self.line - 1] = line[: self.column] + self.after.encode() + line[self.end :]
        return b"".join(lines)


def faults(tree: Path, name: str) -> list[Fault]:
    """Return every fault that one module may get."""
    source = (tree / name).read_text("utf-8")
    lines = source.encode().splitlines()
    found = []
    for node in _inside(ast.parse(source)):
        for first, last, after in _changes(node):
            (row, start), (stop_row, stop) = first, last
            if row == stop_row:
                before = lines[row - 1][start:stop].decode()
                after_all = after(before)
                if after_all and after_all != before:
                    found.append(Fault(name, row, start, stop, before, after_all))
    return [*dict.fromkeys(found)]  # what is inside a function inside a function was met twice


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


def named(tree: Path, module: str, folders: tuple[str, ...], most: int) -> list[str]:
    """Return the files of tests that name a module, its own first; all of its folders' where none does."""
    path = Path(module)
    names = (f"{'.'.join(path.with_suffix('').parts)}", f"from {'.'.join(path.parent.parts)} import", path.stem)
    counted: dict[str, int] = {}
    for file in chain.from_iterable(sorted((tree / folder).glob("test_*.py")) for folder in folders):
        text = file.read_text("utf-8")
        own = 100 * (file.stem == f"test_{path.stem}")
        score = own + 10 * text.count(names[0]) + len(re.findall(rf"\b{path.stem}\b", text))
        if score:
            counted[str(file.relative_to(tree))] = score
    return sorted(counted, key=lambda one: -counted[one])[:most] or [*folders]


class Noted:
    """Which tests run which lines, and how long each takes."""

    def __init__(self, file: Path) -> None:
        self._data = _read(file)
        self._lines: dict[str, dict[int, list[str]]] = {}
        self._seconds: dict[str, float] = json.loads(file.with_suffix(".json").read_text())

    def tests(self, module: str, line: int) -> list[str]:
        """Return the tests that run a line of a module, or what it goes on from, the quickest first.

        Of a test with parameters, the next case comes after one of every other test: what is cut off are repetitions.
        """
        if module not in self._lines:
            name = next((name for name in self._data.measured_files() if name.endswith(f"/{module}")), "")
            self._lines[module] = self._data.contexts_by_lineno(name) if name else {}
        run = next((self._lines[module][row] for row in range(line, line - 9, -1) if row in self._lines[module]), [])
        found, of_function = [], Counter[str]()
        for test in sorted((test for test in run if test), key=lambda test: (self._seconds.get(test, 0.0), test)):
            found.append((of_function[test.partition("[")[0]], test))
            of_function[test.partition("[")[0]] += 1
        found = [test for _, test in sorted(found, key=lambda one: one[0])]  # of each function its quickest first
        enough = accumulate(self._seconds.get(test, 0.0) for test in found)
        return [test for test, sum_ in zip(found, enough, strict=True) if sum_ < MOST_SECONDS or test == found[0]]


class Watch:
    """A plugin of pytest: coverage.py learns which test runs; the first that fails is kept, and what each takes."""

    def __init__(self) -> None:
        self.failed, self.runs = "", ""
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.runs = item.nodeid
        if (measured := coverage.Coverage.current()) is not None:
            measured.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed = self.failed or report.nodeid


def drawn(tree: Path, each: int, seed: int, only: str) -> Iterator[tuple[str, Fault]]:
    """Yield `each` faults of every package, one of each in turn, of modules whose path has `only` in it."""
    chosen = []
    for package in PACKAGES:
        modules = sorted(str(module.relative_to(tree)) for module in (tree / package).rglob("*.py"))
        every = [one for module in modules if only in module for one in faults(tree, module)]
        some = random.Random(f"{seed} {package}").sample(every, min(each, len(every)))
        chosen.append([(package, one) for one in some])
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


def _tested(tree: Path, arguments: list[str], notes: Path | None, told: Connection) -> None:
    """Run tests in the tree, as a process of its own, and tell how it ended."""
    os.setsid()
    os.chdir(tree)
    sys.path[:] = [str(tree), *(path for path in sys.path if path and Path(path) != ROOT)]
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]
    os.environ |= {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    log = os.open(tree.parent / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    watch = Watch()
    if notes is None:
        told.send((int(pytest.main([*FAST, "-x", *arguments], plugins=[watch])), watch.failed))
    else:
        measured = coverage.Coverage(data_file=str(notes), source=["models", "dashboard"])
        _note_decoders(notes, watch)
        with measured.collect():
            code = pytest.main([*FAST, *arguments], plugins=[watch])
        measured.save()
        own = _read(notes)
        for beside in notes.parent.glob(f"{notes.name}.*.*"):
            own.update(_read(beside))
            beside.unlink()
        notes.with_suffix(".json").write_text(json.dumps(watch.seconds))
        told.send((int(code), watch.failed))
    told.close()
    os._exit(0)  # what a test left running is of no interest


def _note_decoders(notes: Path, watch: Watch) -> None:
    """Have each decoder process of this one note what it runs, beside `notes`, under the test that asked."""
    note = import_module("tests.benchmarks.noted").note
    worker = import_module("models.io.worker").Worker
    exchange = worker._exchange

    def noting(self: object, seconds: float, job: tuple[object, ...]) -> object:
        return exchange(self, seconds, (note, (str(notes), watch.runs, *job), {}))

    worker._exchange = noting


def _read(file: Path) -> coverage.CoverageData:
    found = coverage.CoverageData(str(file))
    found.read()
    return found


def noticed(tree: Path, tests: list[str], notes: Path | None = None, seconds: float = SECONDS) -> tuple[str, str]:
    """Run tests and return how it ended, and the first that failed."""
    fork = multiprocessing.get_context("fork")
    hear, tell = fork.Pipe(duplex=False)
    process = fork.Process(target=_tested, args=(tree, tests, notes, tell))
    process.start()
    tell.close()
    try:
        code, failed = hear.recv() if hear.poll(seconds) else (None, "")
    except EOFError:
        code, failed = -1, "the process died"
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # decoders too
    process.join()
    if code is None:
        return "hangs", ""
    return ("survived", "") if code == 0 else ("noticed", failed or f"code {code}")


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
    asked.add_argument("--only", default="", help="of modules whose path has this in it")
    asked.add_argument("--out", type=Path, default=Path("kills.jsonl"))
    asked.add_argument("--notes", type=Path, help="which test runs which line; read where it is there, else written")
    options = asked.parse_args()
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(row["module"], row["line"], row["column"], row["after"]) for row in rows}
    sound: dict[tuple[str, ...], bool] = {}
    for name in HEAVY:
        import_module(name)
    with TemporaryDirectory() as folder, options.out.open("a") as out:
        tree = Path(folder) / "tree"
        copied(tree)
        notes = (options.notes or Path(folder) / "notes").absolute()
        if not notes.exists():
            folders = dict.fromkeys(chain.from_iterable(PACKAGES.values()))
            say(f"without any fault: {noticed(tree, [*folders], notes, 3600)}\n")
        noted = Noted(notes)
        for package, fault in drawn(tree, options.each, options.seed, options.only):
            if (fault.module, fault.line, fault.column, fault.after) in done:
                continue
            begun = time.monotonic()
            near = noted.tests(fault.module, fault.line)
            path, before = tree / fault.module, (tree / fault.module).read_bytes()
            path.write_bytes(fault.put_into(before))
            asked = near
            outcome, by = noticed(tree, asked) if asked else ("survived", "")
            if outcome == "survived":
                most = MOST_FILES if near else MOST_FILES_ALONE
                asked = named(tree, fault.module, PACKAGES[package], most)
                outcome, by = noticed(tree, asked)
            path.write_bytes(before)
            if outcome != "survived":
                told = (by,) if "::" in by else tuple(asked)
                if told not in sound:
                    sound[told] = noticed(tree, [*told])[0] == "survived"
                outcome = outcome if sound[told] else "void"  # the tests fail, or take as long, without any fault
            row = {"package": package, **asdict(fault), "outcome": outcome, "by": by, "near": len(near)}
            rows.append(row | {"seconds": round(time.monotonic() - begun)})
            out.write(json.dumps(rows[-1]) + "\n")
            out.flush()
            say(f"{outcome:9} {fault.module}:{fault.line} {fault.before!r} -> {fault.after!r} {by}\n")
            sys.stdout.flush()
    say(table(rows) + "\n")


if __name__ == "__main__":
    main()
