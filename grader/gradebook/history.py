"""Bring the gradebook up to the results on the disk, and keep each mark that they replace."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from grader.batch.files import Out, read_json
from grader.batch.parts import CHECKS, MESSAGES, RUBRIC, changed
from grader.batch.remembered import remembered
from grader.batch.state import Stamp, differing, rescoring
from grader.gradebook.store import add, opened, past_of, path_of
from grader.records.result import Result

GONE = "the result is not there any more"
_TWIN = re.compile(r"(.+)~[2-9]\d*", re.DOTALL)


class Mark(NamedTuple):
    """What a submission came to. A fault of ours has no score."""

    status: str
    score: float | None
    max_score: float
    root_cause: str | None
    outcomes: tuple[tuple[str, str, float, float], ...]
    """Of each check its id, outcome, points and most points."""


class Change(NamedTuple):
    """A mark that another took the place of; `now` is None where there is none any more."""

    id: str
    was: Mark
    now: Mark | None
    why: str


@dataclass(frozen=True)
class _Entry:
    """What the gradebook has of a submission."""

    attempt: int
    isolation: str
    versions: Mapping[str, str]
    parts: Mapping[str, str]
    recorded: str
    mark: Mark


@dataclass
class Told:
    """What became of the gradebook: `said` is for the user."""

    changes: list[Change] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def keep_marks(out: Out, *, share: bool = False) -> list[str]:
    """Take in what an earlier run graded, before any of it is replaced; nothing is dropped.

    Where there was none, the gradebook is begun; but not for a `share` of a class, whose gradebook
    comes with the whole. Returns sentences for the user. Raises OutputError.
    """
    told, missing = Told(), not path_of(out).exists()
    if share and missing:
        return []
    stamp: Stamp | None = read_json(out.state / "batch.json", Stamp.from_json)
    # Half of a rescoring is no mark that anybody has seen; what was before it is kept already.
    if stamp is None or rescoring(out).exists() or not any(True for _ in out.results()):
        with opened(out, told.said):
            return told.said
    told = enter(out, stamp, whole=False)
    if missing:
        told.said.append("There was no gradebook.db: it was made from the results, without a past.")
    return told.said


def enter(out: Out, stamp: Stamp, *, whole: bool, otherwise: str = "graded again") -> Told:
    """Enter every result on the disk, all of them or, where that fails, none.

    With `whole`, there are no others: a mark whose result is gone goes into the history.
    `otherwise` is why a mark changed where nothing else tells. Raises OutputError.
    """
    told = Told()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with opened(out, told.said) as book:
        writer = _Writer(book, stamp, now, otherwise, told)
        found = set()
        for path in sorted(out.results()):
            result: Result | None = read_json(path, Result.from_json)
            if result is not None:
                found.add(_plain(result.submission_id))
                writer.enter(result, path.stem)
        if whole:
            writer.drop_all_but(found)
        _enter_students(book, remembered(out).missing if whole else None)
        book.execute("DELETE FROM stamps WHERE id NOT IN (SELECT stamp FROM results)")
    return told


def adopt(out: Out, source: Out, ids: Iterable[str]) -> list[str]:
    """Take over the past of `ids` from the gradebook of another OUT; what is here already stays.

    Returns sentences for the user. Raises OutputError.
    """
    said: list[str] = []
    wanted = set(map(_plain, ids))
    past = past_of(source)
    if any(past.values()):
        with opened(out, said) as book:
            add(book, {t: [row for row in rows if row[0] in wanted] for t, rows in past.items()})
    return said


def mark_of(result: Result) -> Mark:
    """The mark of a result."""
    ours = result.status == "invalid"
    return Mark(
        str(result.status),
        None if ours else result.score,
        result.max_score,
        result.root_cause,
        tuple((c.id, str(c.outcome), c.points, c.max_points) for c in result.checks),
    )


class _Writer:
    """Writes rows for one state of the course."""

    def __init__(
        self, book: sqlite3.Connection, stamp: Stamp, now: str, otherwise: str, told: Told
    ) -> None:
        self._book, self._now, self._otherwise, self._told = book, now, otherwise, told
        self._parts = dict(stamp.parts)
        known = json.dumps(self._parts, sort_keys=True)
        self._stamp = hashlib.sha256(known.encode()).hexdigest()[:16]
        book.execute("INSERT OR IGNORE INTO stamps VALUES (?, ?)", (self._stamp, known))
        self._all_parts = {
            id: json.loads(parts) for id, parts in book.execute("SELECT id, parts FROM stamps")
        }

    def enter(self, result: Result, name: str) -> None:
        """Enter one result, and what it replaces into the history."""
        id, mark = _plain(result.submission_id), mark_of(result)
        attempt = self._attempt(id, _plain(result.sha256))
        was, recorded = self._found(id), self._now
        if was is not None and was.mark == mark:
            recorded = was.recorded
        elif was is not None:
            self._replace(id, was, mark, self._why(was, result, attempt))
        self._set("submissions", "id", id, [(id, id, name, result.path)])
        row = (
            *(id, attempt, mark.status, result.reason, result.limit, result.isolation),
            *(mark.score, mark.max_score, mark.root_cause, result.metrics.get("graded_accuracy")),
            *(json.dumps(dict(result.versions), sort_keys=True), self._stamp, recorded),
        )
        self._set("results", "submission", id, [row])
        outcomes = [
            (id, at, c.id, str(c.outcome), c.points, c.max_points, int(c.hidden), c.misconception)
            for at, c in enumerate(result.checks)
        ]
        self._set("outcomes", "submission", id, outcomes)

    def _set(self, table: str, key: str, id: str, rows: list[tuple[Any, ...]]) -> None:
        """Have these rows and no others of a submission; nothing is written where they are."""
        rows = [tuple(_plain(v) if isinstance(v, str) else v for v in row) for row in rows]
        if self._book.execute(f"SELECT * FROM {table} WHERE {key} = ?", (id,)).fetchall() == rows:
            return
        self._book.execute(f"DELETE FROM {table} WHERE {key} = ?", (id,))
        for row in rows:
            self._book.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    def _attempt(self, id: str, sha256: str) -> int:
        """The number of what was handed in; a new one where the file is another."""
        last = self._book.execute(
            "SELECT number, sha256 FROM attempts WHERE submission = ? ORDER BY number DESC LIMIT 1",
            (id,),
        ).fetchone()
        if last is not None and last[1] == sha256:
            return int(last[0])
        number = 1 if last is None else int(last[0]) + 1
        row = (id, number, sha256, self._now)
        self._book.execute("INSERT INTO attempts VALUES (?, ?, ?, ?)", row)
        return number

    def _found(self, id: str) -> _Entry | None:
        row = self._book.execute(
            "SELECT attempt, isolation, versions, stamp, recorded, status, score, max_score,"
            " root_cause FROM results WHERE submission = ?",
            (id,),
        ).fetchone()
        if row is None:
            return None
        outcomes = self._book.execute(
            "SELECT check_id, outcome, points, max_points FROM outcomes WHERE submission = ?"
            " ORDER BY position",
            (id,),
        ).fetchall()
        attempt, isolation, versions, stamp, recorded, status, score, most, cause = row
        mark = Mark(status, score, most, cause, tuple(outcomes))
        parts = self._all_parts.get(stamp, {})
        return _Entry(attempt, isolation, json.loads(versions), parts, recorded, mark)

    def _why(self, was: _Entry, result: Result, attempt: int) -> str:
        parts = changed(was.parts, self._parts)
        why = ["new file"] if attempt != was.attempt else []
        why += ["rubric changed"] if RUBRIC in parts else []
        why += ["checks changed"] if CHECKS in parts else []
        if told := differing(was.versions, result.versions, " → "):
            why.append(f"other versions: {', '.join(told)}")
        if was.isolation != result.isolation and result.status != "invalid":
            why.append(f"another isolation: {was.isolation} → {result.isolation}")
        if not why and MESSAGES in parts:
            why.append("messages changed")
        return "; ".join(why) or self._otherwise

    def _replace(self, id: str, was: _Entry, now: Mark | None, why: str) -> None:
        if was.mark.status == "invalid":
            return  # a fault of ours: there was no mark
        *mark, outcomes = was.mark
        known = was.attempt, *mark, json.dumps(outcomes)
        last = self._book.execute(
            "SELECT number, attempt, status, score, max_score, root_cause, outcomes FROM history"
            " WHERE submission = ? ORDER BY number DESC LIMIT 1",
            (id,),
        ).fetchone()
        if last is not None and last[1:] == known:
            return  # it came with the past of a shard
        number = 1 if last is None else last[0] + 1
        row = (id, number, *known, why, was.recorded, self._now)
        self._book.execute(f"INSERT INTO history VALUES ({', '.join('?' * len(row))})", row)
        self._told.changes.append(Change(id, was.mark, now, why))

    def drop_all_but(self, found: set[str]) -> None:
        """Take the results of all others out."""
        for (id,) in self._book.execute("SELECT submission FROM results").fetchall():
            was = None if id in found else self._found(id)
            if was is not None:
                self._replace(id, was, None, GONE)
                for table in ("outcomes", "results"):
                    self._book.execute(f"DELETE FROM {table} WHERE submission = ?", (id,))


def _plain(text: str) -> str:
    """A text that any database takes, whatever a file was called."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _enter_students(book: sqlite3.Connection, missing: Sequence[str] | None) -> None:
    """Everybody who has a submission, and `missing` where they are known."""
    ids = {row[0] for row in book.execute("SELECT id FROM submissions")}
    known = {row[0] for row in book.execute("SELECT id FROM students WHERE missing")}
    absent = (known if missing is None else set(map(_plain, missing))) - ids
    whose = {id: _student(id, ids | absent) for id in ids}
    rows = [(id, 0) for id in sorted(set(whose.values()))]
    rows += [(id, 1) for id in sorted(absent - set(whose.values()))]
    if book.execute("SELECT id, missing FROM students ORDER BY id").fetchall() != sorted(rows):
        book.execute("DELETE FROM students")
        book.executemany("INSERT INTO students VALUES (?, ?)", rows)
    book.executemany(
        "UPDATE submissions SET student = ? WHERE id = ? AND student <> ?",
        ((student, id, student) for id, student in whose.items()),
    )


def _student(id: str, ids: Iterable[str]) -> str:
    """Whose a submission is: that of `ann~2` is ann's, where there is an ann."""
    twin = _TWIN.fullmatch(id)
    return twin[1] if twin and twin[1] in ids else id
