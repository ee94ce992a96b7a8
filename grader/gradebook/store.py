"""`gradebook.db`: the SQLite file, its tables, and a new one where it cannot be read any more.

Only the process that holds OUT writes to it, in one transaction for a whole class. It is in WAL
mode and locked as a whole while it is open, which needs no shared memory, and so works on the
network folders of clusters too.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.batch.files import Out, unwritable
from grader.errors import OutputError
from grader.whole_files import replacing

VERSION = 1
"""Of the tables, in `PRAGMA user_version`."""
WAIT_SECONDS = 5.0
TABLES = """
-- Times are UTC, ISO 8601, in the columns recorded and replaced; nothing else varies between runs.
CREATE TABLE students (id TEXT PRIMARY KEY, missing INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE submissions (
    id TEXT PRIMARY KEY, student TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE attempts (
    submission TEXT NOT NULL, number INTEGER NOT NULL, sha256 TEXT NOT NULL, recorded TEXT NOT NULL,
    PRIMARY KEY (submission, number)
) WITHOUT ROWID;
CREATE TABLE stamps (id TEXT PRIMARY KEY, parts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE results (
    submission TEXT PRIMARY KEY REFERENCES submissions (id), attempt INTEGER NOT NULL,
    status TEXT NOT NULL, reason TEXT, hit_limit TEXT, isolation TEXT NOT NULL,
    score REAL, max_score REAL NOT NULL, root_cause TEXT, graded_accuracy REAL,
    versions TEXT NOT NULL, stamp TEXT NOT NULL REFERENCES stamps (id), recorded TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE outcomes (
    submission TEXT NOT NULL REFERENCES results (submission), position INTEGER NOT NULL,
    check_id TEXT NOT NULL, outcome TEXT NOT NULL, points REAL NOT NULL, max_points REAL NOT NULL,
    hidden INTEGER NOT NULL, misconception TEXT,
    PRIMARY KEY (submission, position)
) WITHOUT ROWID;
CREATE TABLE late (
    submission TEXT PRIMARY KEY REFERENCES results (submission), handed_in TEXT, days INTEGER,
    penalty REAL
) WITHOUT ROWID;
CREATE TABLE history (
    submission TEXT NOT NULL, number INTEGER NOT NULL, attempt INTEGER NOT NULL,
    status TEXT NOT NULL, score REAL, max_score REAL NOT NULL, root_cause TEXT,
    outcomes TEXT NOT NULL, why TEXT NOT NULL, recorded TEXT NOT NULL, replaced TEXT NOT NULL,
    PRIMARY KEY (submission, number)
) WITHOUT ROWID;
"""
Past = dict[str, list[tuple[Any, ...]]]
"""Rows by their table's name."""
NAMES = ("students", "submissions", "attempts", "stamps", "results", "outcomes", "late", "history")
LASTING = ("attempts", "history")
"""What the results on the disk do not tell, and so is saved from a file that is damaged."""


def path_of(out: Out) -> Path:
    """Where the gradebook of OUT is."""
    return out.folder / "gradebook.db"


@contextmanager
def opened(out: Out, said: list[str]) -> Iterator[sqlite3.Connection]:
    """The gradebook in one transaction, which counts when the block ends.

    Where it is damaged or of another version, its place is taken by a new one with as much of its
    past as can be read, and `said` gets a sentence about that; the old file is kept in `.grader`.
    Raises OutputError where it cannot be written.
    """
    path = path_of(out)
    try:
        fault = _fault(path) if path.exists() else None
        if not path.exists() or fault is not None:
            past = {} if fault is None else _readable(path)
            if fault is not None:
                _set_aside(out, path)
                said.append(_told(fault, past))
            _make(path, past)
        with contextlib.closing(_connect(path)) as book:
            with book:
                book.execute("BEGIN IMMEDIATE")
                yield book
            book.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise OutputError(
            f"{path} cannot be written: {error}.",
            hint="The results themselves are kept. Make room, close what else has the gradebook "
            "open, and give the same command again.",
        ) from None
    except OSError as error:
        raise unwritable(path, error) from None


def past_of(out: Out) -> Past:
    """The rows of the gradebook in OUT that results do not tell, as far as they can be read."""
    return _readable(path_of(out)) if path_of(out).is_file() else {}


def add(book: sqlite3.Connection, past: Past) -> None:
    """Add rows of the past; those that are there already stay."""
    for table, rows in past.items():
        marks = ", ".join("?" * len(_columns(table).split(", ")))
        book.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)


def _connect(path: Path) -> sqlite3.Connection:
    # Python begins no transaction of its own: the one above is the only one.
    book = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
    try:
        book.execute("PRAGMA locking_mode = EXCLUSIVE")
        book.execute("PRAGMA journal_mode = WAL")
    except BaseException:
        book.close()
        raise
    return book


def _fault(path: Path) -> str | None:
    """Why a gradebook cannot be gone on with, or None. Raises sqlite3.OperationalError."""
    try:
        with contextlib.closing(_connect(path)) as book:
            version = book.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION:
                return "was of another version of the grader"
            whole = book.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
            there = {row[0] for row in book.execute("SELECT name FROM sqlite_schema")}
            return None if whole and there.issuperset(NAMES) else "was damaged"
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return "was damaged"


def _readable(path: Path) -> Past:
    """Rows of the tables that last, as many as can be read and fit."""
    past: Past = {}
    for table in LASTING:
        columns = _columns(table)
        with contextlib.suppress(sqlite3.Error), contextlib.closing(_connect(path)) as book:
            rows = past.setdefault(table, [])
            for row in book.execute(f"SELECT {columns} FROM {table}"):
                rows.append(row)  # one by one: those before a fault are kept
    return past


def _columns(table: str) -> str:
    with contextlib.closing(sqlite3.connect(":memory:")) as book:
        book.executescript(TABLES)
        return ", ".join(row[1] for row in book.execute(f"PRAGMA table_info({table})"))


def _set_aside(out: Out, path: Path) -> None:
    """Keep a copy of what cannot be read, and let nothing of it be taken for the new one's."""
    taken = len(list(out.state.glob("gradebook-*.db")))
    shutil.copyfile(path, out.state / f"gradebook-{taken + 1}.db")
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _make(path: Path, past: Past) -> None:
    with replacing(path) as partial:
        partial.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as book:
            book.execute("PRAGMA journal_mode = MEMORY")  # no second file beside this one
            book.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {VERSION};")
            add(book, past)
            book.execute("COMMIT")


def _told(fault: str, past: Past) -> str:
    marks = len(past.get("history", ()))
    kept = f"{marks} former {'mark' if marks == 1 else 'marks'} could be read in it and are kept"
    return f"gradebook.db {fault}: it was made anew from the results. {kept}; .grader/ has the old."
