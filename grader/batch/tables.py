"""The files about the whole class, made from the verdicts on the disk: grades.csv, index.html."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from grader import catalogue
from grader.batch.files import Out, read_json, writing
from grader.records.lab import Lab
from grader.records.result import Outcome, Result
from grader.report.class_page import ClassPage, Item, Notice, Row, render_class

COLUMNS = (
    "id",
    "status",
    "reason",
    "limit",
    "score",
    "max_score",
    "root_cause",
    "graded_accuracy",
    "sha256",
    "path",
)
NO_NAMES: Mapping[str, str] = MappingProxyType({})
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the start of a formula; the last four are full-width."""


_BROKEN = (Outcome.FAILED, Outcome.ERROR)


class TooLate(Exception):
    """There was no time to go through all verdicts."""


def write_tables(
    out: Out,
    lab: Lab,
    notices: Sequence[Notice],
    missing: Sequence[str],
    *,
    names: Mapping[str, str] = NO_NAMES,
    alike: int | None = None,
    until: float = float("inf"),
) -> ClassPage:
    """Write grades.csv and index.html; returns what is on the page.

    `missing` are the students who handed in nothing: they have no row. `names` are the file names
    of ids, as far as they are known, which spares a look into those files. `alike` is the number of
    pairs on similar.html, None where there is no such page.
    Raises OutputError, and TooLate where the monotonic clock passes `until` before the end:
    then both files are as they were.
    """
    page = ClassPage(
        lab.id,
        lab.title,
        dict(lab.rubric.points),
        notices=tuple(notices),
        missing=tuple(sorted(missing)),
        alike=alike,
    )
    checks = list(lab.rubric.points)
    with writing(out.folder / "grades.csv") as file:
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow([*COLUMNS, *checks])
        for name, result in _verdicts(out, names, until):
            table.writerow([cell(value) for value in row_of(result, checks)])
            _count(page, name, result)
    with writing(out.folder / "index.html") as file:
        file.writelines(render_class(page))
    return page


def _verdicts(out: Out, names: Mapping[str, str], until: float) -> Iterator[tuple[str, Result]]:
    """Every verdict with its file's name, ordered by id; only one is held at a time."""
    ids, known = [], {name: student for student, name in names.items()}
    for path in out.results():
        student = known.get(path.stem) or read_json(path, _id)
        if student is not None:
            ids.append((str(student), path))
        _must_be_before(until)
    for _, path in sorted(ids):
        result = read_json(path, Result.from_json)
        _must_be_before(until)
        if result is not None:
            yield path.stem, result


def _id(data: Any) -> Any:
    return data["submission"]["id"]


def _must_be_before(until: float) -> None:
    if time.monotonic() > until:
        raise TooLate


def row_of(result: Result, checks: Sequence[str]) -> Iterator[Any]:
    """The values of a row. A fault of ours has no score: it is never a zero."""
    earned = {check.id: check.points for check in result.checks}
    ours = result.status == "invalid"
    yield result.submission_id
    yield str(result.status)
    yield result.reason
    yield result.limit
    yield None if ours else result.score
    yield result.max_score
    yield result.root_cause
    yield result.metrics.get("graded_accuracy")
    yield result.sha256
    yield result.path
    for check in checks:
        yield None if ours else earned.get(check)


def cell(value: Any) -> str:
    """A value as a spreadsheet may have it: numbers plain, texts never a formula."""
    if value is None:
        return ""
    if isinstance(value, float | int):
        return repr(float(value)).removesuffix(".0")
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _count(page: ClassPage, name: str, result: Result) -> None:
    """Take a verdict into the class page."""
    page.rows.append(
        Row(
            id=result.submission_id,
            name=name,
            status=result.status.value,
            score=result.score,
            max_score=result.max_score,
            root_cause=_title(result.root_cause),
            limit=result.limit,
            accuracy=result.metrics.get("graded_accuracy"),
            reason=result.reason or _why_nothing(result),
            own_test="on_own_test_images" in result.metrics,
        )
    )
    if result.status != "graded":
        return
    for code in sorted(_mistakes(result)):
        page.mistakes[code] = page.mistakes.get(code, 0) + 1
        page.titles.setdefault(code, _title(code) or code)
    for check in result.checks:
        page.titles.setdefault(check.id, check.title)
        page.checks.setdefault(check.id, {}).setdefault(check.outcome.value, 0)
        page.checks[check.id][check.outcome.value] += 1
        if check.outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.ERROR):
            passed = check.outcome is Outcome.PASSED
            page.items.setdefault(check.id, Item()).add(passed, result.score - check.points)


def _why_nothing(result: Result) -> str | None:
    """What was observed first where a submission earned nothing: a zero wants a reason."""
    if result.status != "graded" or result.score:
        return None
    broken = (check for check in result.checks if check.outcome in _BROKEN)
    return next((check.observed for check in broken if check.observed), None)


def _mistakes(result: Result) -> set[str]:
    """What cost this submission points, by name, and what came first."""
    found = {check.misconception for check in result.checks if check.outcome in _BROKEN}
    return {code for code in {*found, result.root_cause} if code is not None}


def _title(code: str | None) -> str | None:
    if code is None:
        return None
    entry = catalogue.load().get(code)
    return code if entry is None else entry.title


def superseded(out: Out, names: Mapping[str, str]) -> list[Path]:
    """Verdicts in OUT that stand under another file name than their id has now."""
    now = set(names.values())
    others = (path for path in out.results() if path.stem not in now)
    return [path for path in others if read_json(path, _id) in names]
