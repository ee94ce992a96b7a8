"""CSV files that are written whole: the table of grades, and nbgrader's."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from grader.batch.tables import COLUMNS, cell, row_of
from grader.export.marks import Marks

NBGRADER = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score",
)  # fmt: skip
"""The columns of `nbgrader export` (its CsvExportPlugin)."""


def columns_of(folder: Path) -> tuple[str, ...]:
    """The columns of the grades.csv in OUT; none where it is gone or damaged."""
    return tuple(*_rows(folder / "grades.csv", 1))


def penalties_of(folder: Path) -> dict[str, float]:
    """What the late.csv in OUT takes off, in points, by id as tables write it."""
    names, *rows = _rows(folder / "late.csv") or [[]]
    found = {}
    for row in rows:
        told = dict(zip(names, row, strict=False))
        with contextlib.suppress(KeyError, ValueError):
            found[told["id"]] = float(told["penalty"])
    return found


def _rows(path: Path, most: int | None = None) -> list[list[str]]:
    """The rows of a table, or the first of them; none where it is gone or damaged."""
    try:
        with path.open(encoding="utf-8", newline="") as table:
            return list(islice(csv.reader(table), most))
    except (OSError, ValueError, csv.Error):
        return []


def plain_table(marks: Marks, order: Sequence[str]) -> bytes:
    """A row for each verdict, with the columns of grades.csv; those of its checks as in `order`."""
    found = dict.fromkeys(check.id for mark in marks.items for check in mark.result.checks)
    checks = list(dict.fromkeys([*(one for one in order if one in found), *found]))
    rows = (row_of(mark.result, checks) for mark in marks.items)
    return _csv([*COLUMNS, *checks], rows)


def nbgrader_table(marks: Marks, penalties: Mapping[str, float]) -> bytes:
    """A row for each verdict, with nbgrader's columns; what is not known here stays empty.

    `penalties` are what `penalties_of` found: as with nbgrader, they are taken off the score.
    """
    rows = []
    for mark in marks.items:
        figures: tuple[float | None, ...] = (None, None, None)
        if mark.counts:
            raw, penalty = mark.result.score, penalties.get(cell(mark.id), 0.0)
            figures = raw, penalty, round(max(raw - penalty, 0.0), 2)
        person = (None, None, mark.id, None, None, None)
        rows.append((marks.lab, *person, *figures, mark.result.max_score))
    return _csv(NBGRADER, rows)


def _csv(headers: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(headers)
    table.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
