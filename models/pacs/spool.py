"""What waits, kept on disk: images that came and are not answered, and results that are not stored yet.

SQLite holds both, so that neither end that dies loses anything: an image is answered for only once it is written here,
and a result is forgotten only once the archive has said that it keeps it. What was done stays as a name without
content, so that it is not done again. The file holds patients' images while they wait; nobody else may read it.

Reference: https://www.sqlite.org/wal.html; exponential backoff with jitter after
https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.errors import CannotWrite, OrthoLensError
from models.pacs.made import StoredObject

FILE = "spool.sqlite"
LONGEST_WAIT = 300.0
"""Seconds between two tries, however often it failed."""
TABLES = """
CREATE TABLE IF NOT EXISTS inbox (instance TEXT PRIMARY KEY, data BLOB, tries INTEGER DEFAULT 0, due REAL DEFAULT 0,
  problem TEXT DEFAULT '');
CREATE TABLE IF NOT EXISTS outbox (instance TEXT, target TEXT, kind TEXT, sop_class TEXT, study TEXT, data BLOB,
  tries INTEGER DEFAULT 0, due REAL DEFAULT 0, problem TEXT DEFAULT '', PRIMARY KEY (instance, target));
"""


class Refused(OrthoLensError):
    """An archive that will never take an object, or an image that will never be answered: it is not tried again."""


@dataclass(frozen=True)
class Waiting:
    """How much waits: images to answer, results to store, and of both those that were given up."""

    images: int
    results: int
    given_up: int


class Spool:
    """One folder's inbox and outbox; any number of threads and processes may use it.

    Parameters
    ----------
    folder
        Made where it is not there, for this user alone.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.touch(mode=0o600)
            with self._open() as base:
                base.executescript(f"PRAGMA journal_mode=WAL;{TABLES}")
        except (OSError, sqlite3.Error) as error:
            raise CannotWrite(
                "cannot be written", fix="Set ORTHOLENS_SPOOL_DIR to another folder.", file=FILE
            ) from error

    def take_in(self, instance: str, data: bytes) -> bool:
        """Keep an image until it is answered; False where it came before, and is not asked again."""
        with self._open() as base:
            done = base.execute("INSERT OR IGNORE INTO inbox (instance, data) VALUES (?, ?)", (instance, data))
            return done.rowcount == 1

    def put_out(self, objects: Sequence[StoredObject], target: str, answered: str = "") -> None:
        """Keep results until they are stored, those of an image in one step with its leaving the inbox."""
        rows = [(one.instance, target, one.kind, one.sop_class, one.study, one.data) for one in objects]
        with self._open() as base:
            base.executemany(
                "INSERT OR IGNORE INTO outbox (instance, target, kind, sop_class, study, data) VALUES (?,?,?,?,?,?)",
                rows,
            )
            base.execute("UPDATE inbox SET data = NULL, problem = '' WHERE instance = ?", (answered,))

    def answer(self, make: Callable[[bytes], Sequence[StoredObject]], target: str) -> int:
        """Answer every image that is due; return how many were."""
        return self._work("inbox", lambda row: self.put_out(make(row["data"]), target, row["instance"]))

    def deliver(self, store: Callable[[StoredObject], None], target: str) -> int:
        """Store every result that is due; return how many the archive has taken."""

        def one(row: sqlite3.Row) -> None:
            store(StoredObject(row["kind"], row["instance"], row["sop_class"], row["study"], row["data"]))
            with self._open() as base:
                base.execute("UPDATE outbox SET data = NULL, problem = '' WHERE rowid = ?", (row["rowid"],))

        return self._work("outbox", one, "AND target = ?", (target,))

    def count(self) -> Waiting:
        """Return how much waits."""
        with self._open() as base:
            images, results = (
                base.execute(f"SELECT count(*) FROM {table} WHERE data IS NOT NULL AND due < 1e18").fetchone()[0]
                for table in ("inbox", "outbox")
            )
            given_up = sum(
                base.execute(f"SELECT count(*) FROM {table} WHERE due >= 1e18").fetchone()[0]
                for table in ("inbox", "outbox")
            )
        return Waiting(images, results, given_up)

    def list_problems(self) -> list[str]:
        """Return why what waits was not done yet, each reason once; no reason names a patient."""
        with self._open() as base:
            found = base.execute("SELECT DISTINCT problem FROM outbox UNION SELECT DISTINCT problem FROM inbox")
            return [row[0] for row in found if row[0]]

    def retry(self) -> None:
        """Make everything due at once, what was given up too."""
        with self._open() as base:
            for table in ("inbox", "outbox"):
                base.execute(f"UPDATE {table} SET due = 0 WHERE data IS NOT NULL")

    def _work(
        self, table: str, work: Callable[[sqlite3.Row], None], which: str = "", values: tuple[str, ...] = ()
    ) -> int:
        """Do what is due of a table, oldest first; what fails waits longer each time."""
        with self._open() as base:
            due = base.execute(
                f"SELECT rowid FROM {table} WHERE data IS NOT NULL AND due <= ? {which} ORDER BY rowid",
                (time.time(), *values),
            ).fetchall()
        done = 0
        for (rowid,) in due:
            with self._open() as base:
                row = base.execute(f"SELECT rowid, * FROM {table} WHERE rowid = ?", (rowid,)).fetchone()
            if row is None or row["data"] is None:
                continue  # another process was quicker
            try:
                work(row)
                done += 1
            except Refused as error:
                self._note(table, row, 1e18, error.problem)
            except OrthoLensError as error:
                self._note(table, row, time.time() + find_wait(row["tries"]), error.problem)
        return done

    def _note(self, table: str, row: sqlite3.Row, due: float, problem: str) -> None:
        with self._open() as base:
            base.execute(
                f"UPDATE {table} SET tries = tries + 1, due = ?, problem = ? WHERE rowid = ?",
                (due, str(problem), row["rowid"]),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=30)) as base, base:
            base.row_factory = sqlite3.Row
            yield base


def find_wait(tries: int) -> float:
    """Return the seconds before the next try: doubled each time up to five minutes, and a half of it by chance."""
    longest = min(LONGEST_WAIT, 2.0 ** min(tries, 16))
    return longest * (0.5 + random.random() / 2)
