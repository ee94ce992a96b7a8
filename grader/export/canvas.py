"""Canvas: the gradebook as it exports it, with the column of one assignment filled in."""

from __future__ import annotations

import re

from grader.errors import UsageError
from grader.export.columns import assignment_column, by_name
from grader.export.filling import Filled, Target, fill, finished, scales
from grader.export.marks import Marks
from grader.export.numbers import points_in
from grader.export.sheet import Sheet
from grader.export.students import Person, folded

_ASSIGNMENT = re.compile(r".* \(\d+\)", re.DOTALL)
_KEYS = ("sis user id", "sis login id", "integration id")
_KEPT = {"EX": "excused", "N/A": "not assigned to them"}
"""What Canvas writes instead of a score, on which a score would have an effect."""


def fill_canvas(template: bytes, marks: Marks, column: str | None, points: float | None) -> Filled:
    """Fill in a gradebook's CSV. Raises UsageError where it is none, or the column is in doubt."""
    sheet = Sheet.parse(template)
    headers = sheet.values(0) if sheet.rows else []
    known = by_name(headers)
    if "id" not in known or "student" not in known:
        raise UsageError(
            "The template is not a gradebook of Canvas: it has no columns “Student” and “ID”.",
            hint="In Canvas: Grades, Export, Export Entire Gradebook.",
        )
    candidates = [index for index, name in enumerate(headers) if _ASSIGNMENT.fullmatch(name)]
    chosen = assignment_column(headers, candidates, marks.lab, marks.title, column)
    cell = _points_cell(sheet, known["id"], chosen)
    possible = points
    if possible is None:
        possible = points_in(cell, f"“Points Possible” of {headers[chosen]}")
    people = [
        _person(sheet, row, known)
        for row in range(1, len(sheet.rows))
        if _is_student(sheet, row, known)
    ]
    target = Target(
        chosen,
        possible=lambda _row: possible,
        locked=lambda row: _KEPT.get(sheet.value(row, chosen).strip(), ""),
        comma="," in cell,
    )
    filled, _ = fill(sheet, marks, people, target, "canvas")
    return finished(filled, sheet, scales(marks, possible))


def _is_student(sheet: Sheet, row: int, known: dict[str, int]) -> bool:
    return bool(sheet.value(row, known["id"]).strip())


def _points_cell(sheet: Sheet, id_column: int, column: int) -> str:
    """The points possible, of the rows above the students the one that is called so."""
    for row in range(1, len(sheet.rows)):
        if folded(sheet.value(row, 0)) == "points possible":
            return sheet.value(row, column)
        if sheet.value(row, id_column).strip():
            break
    return ""


def _person(sheet: Sheet, row: int, known: dict[str, int]) -> Person:
    name = sheet.value(row, known["student"]).strip()
    number = sheet.value(row, known["id"]).strip()
    keys = tuple(sheet.value(row, known[key]).strip() for key in _KEYS if key in known)
    return Person(row, f"{name} ({number})", number, keys, (name,))
