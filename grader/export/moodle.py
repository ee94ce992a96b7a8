"""Moodle: an assignment's grading worksheet, or the gradebook's export, with marks filled in."""

from __future__ import annotations

import html
import re

from grader import catalogue
from grader.batch.tables import cell
from grader.errors import UsageError
from grader.export.columns import assignment_column, by_name
from grader.export.filling import Filled, Target, fill, finished, scales
from grader.export.marks import Mark, Marks
from grader.export.numbers import points_in, shown
from grader.export.sheet import Sheet
from grader.export.students import Person, folded
from grader.records.result import Outcome

_KEYS = ("id number", "username", "email address", "email")
_FIRST, _LAST = ("first name",), ("last name", "surname")
_FEEDBACK = re.compile(r"\s*\((?:feedback|percentage|letter)\)", re.IGNORECASE)
_OURS = re.compile(r"(?:<[^>]*>|\s)*[\d.]+ of [\d.]+ points\.")
"""How a comment of an earlier export begins, with the tags that Moodle puts around it."""
_TAIL = re.compile(r"\s*\([^()]*\)$")


def fill_moodle(template: bytes, marks: Marks, column: str | None, points: float | None) -> Filled:
    """Fill in either kind of file, told apart by “Identifier”, which only the worksheet has.

    Raises UsageError where it is neither, or the column is in doubt.
    """
    sheet = Sheet.parse(template)
    headers = sheet.values(0) if sheet.rows else []
    known = by_name(headers)
    if "identifier" in known:
        return _worksheet(sheet, headers, known, marks, column, points)
    if any(key in known for key in (*_KEYS, *_FIRST)):
        return _gradebook(sheet, headers, known, marks, column, points)
    raise UsageError(
        "The template is neither a grading worksheet of Moodle nor an export of its gradebook, "
        "in English.",
        hint="In the assignment: View all submissions, Download grading worksheet. Moodle takes "
        "only files with the column names of the language that is set; English are known here.",
    )


def _worksheet(
    sheet: Sheet,
    headers: list[str],
    known: dict[str, int],
    marks: Marks,
    column: str | None,
    points: float | None,
) -> Filled:
    chosen = known.get("grade")
    if column is not None:
        chosen = assignment_column(headers, range(len(headers)), marks.lab, marks.title, column)
    if chosen is None:
        raise UsageError("The worksheet has no column “Grade”.", hint="Name it with --column.")
    maximum = known.get("maximum grade", -1)
    numbered = [_identifier(sheet, row, known) for row in range(len(sheet.rows))]
    rows = [row for row in range(1, len(sheet.rows)) if numbered[row]]
    cells = [sheet.value(row, maximum) for row in rows]

    def possible(row: int) -> float | None:
        return points or points_in(sheet.value(row, maximum), f"“Maximum Grade” in row {row + 1}")

    def locked(row: int) -> str:
        said = sheet.value(row, known.get("grade can be changed", -1))
        return "Moodle says that the grade cannot be changed" if folded(said) == "no" else ""

    target = Target(chosen, possible, locked, comma=any("," in text for text in cells))
    people = [_participant(sheet, row, numbered[row], known) for row in rows]
    filled, entered = fill(sheet, marks, people, target, "moodle")
    _comment(sheet, known.get("feedback comments"), entered, filled)
    return finished(filled, sheet, scales(marks, possible(rows[0])) if rows else "")


def _gradebook(
    sheet: Sheet,
    headers: list[str],
    known: dict[str, int],
    marks: Marks,
    column: str | None,
    points: float | None,
) -> Filled:
    personal = {known[name] for name in (*_KEYS, *_FIRST, *_LAST) if name in known}
    candidates = [
        index
        for index, name in enumerate(headers)
        if index not in personal and not _FEEDBACK.search(name)
    ]
    chosen = assignment_column(headers, candidates, marks.lab, marks.title, column)
    rows = [row for row in range(1, len(sheet.rows)) if any(sheet.values(row))]
    written = [sheet.value(row, index) for row in rows for index in candidates]
    target = Target(
        chosen,
        possible=lambda _row: points,
        locked=lambda _row: "",
        comma=any(re.fullmatch(r"\d+,\d\d", text) for text in written),
        blank=("", "-"),
    )
    people = [_listed(sheet, row, known) for row in rows]
    filled, entered = fill(sheet, marks, people, target, "moodle")
    feedback = folded(_TAIL.sub("", headers[chosen]) + " (Feedback)")
    _comment(sheet, known.get(feedback), entered, filled)
    return finished(filled, sheet, scales(marks, points))


def _identifier(sheet: Sheet, row: int, known: dict[str, int]) -> str:
    """The number of a row: “Participant 123” has 123."""
    found = re.search(r"(\d+)\s*$", sheet.value(row, known.get("identifier", -1)))
    return found[1] if found else ""


def _participant(sheet: Sheet, row: int, number: str, known: dict[str, int]) -> Person:
    identifier = sheet.value(row, known["identifier"]).strip()
    name = sheet.value(row, known.get("full name", -1)).strip()
    return Person(
        row,
        f"{name or identifier} ({number})",
        number,
        _keys(sheet, row, known, identifier),
        (name,) if name else (),
    )


def _listed(sheet: Sheet, row: int, known: dict[str, int]) -> Person:
    first, last = (
        next((sheet.value(row, known[name]).strip() for name in names if name in known), "")
        for names in (_FIRST, _LAST)
    )
    name = f"{first} {last}".strip()
    keys = _keys(sheet, row, known)
    return Person(
        row,
        name or next(filter(None, keys), f"row {row + 1}"),
        "",
        keys,
        (name, f"{last} {first}".strip()),
    )


def _keys(sheet: Sheet, row: int, known: dict[str, int], *more: str) -> tuple[str, ...]:
    return (*more, *(sheet.value(row, known[key]).strip() for key in _KEYS if key in known))


def _comment(
    sheet: Sheet, column: int | None, entered: list[tuple[Mark, int]], filled: Filled
) -> None:
    """Say in the comments what the mark is about, where nobody else has written any."""
    if column is None:
        return
    kept = []
    for mark, row in entered:
        text = cell(comment(mark))
        before = sheet.value(row, column).strip()
        if before in ("", "-") or _OURS.match(before):
            sheet.write(row, column, text)
        else:
            kept.append(mark.id)
    filled.note("A comment was there and is kept", kept)


def comment(mark: Mark) -> str:
    """A line on a mark, as HTML, which is what Moodle takes comments for."""
    result = mark.result
    parts = [
        f"{shown(result.score, of=1, possible=None)} of "
        f"{shown(result.max_score, of=1, possible=None)} points."
    ]
    if result.reason:
        parts.append(result.reason)
    if result.root_cause and (entry := catalogue.load().get(result.root_cause)):
        parts.append(f"To mend first: {entry.title}.")
    open_ = [
        check.title.rstrip(".")
        for check in result.checks
        if check.outcome in (Outcome.FAILED, Outcome.ERROR) and not check.hidden
    ]
    if open_:
        parts.append(f"Not passed: {'; '.join(open_)}.")
    return html.escape(" ".join(" ".join(parts).split()), quote=False)
