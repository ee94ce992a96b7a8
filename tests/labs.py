"""What the tests of every lab share. Their fixtures, right and wrong, are `grade validate`'s."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from grader.records.result import CheckResult, Outcome, Result

ROOT = Path(__file__).resolve().parent.parent

Judge = Callable[[Path], Result]
"""Grades a file with all checks of the module's `LAB`, each file once (the fixture `judge`)."""


def folder_of(lab: str) -> Path:
    return ROOT / "assignments" / lab


def reference_of(lab: str) -> Path:
    return ROOT / "reference" / f"{lab}.ipynb"


def by_id(result: Result) -> dict[str, CheckResult]:
    return {check.id: check for check in result.checks}


def passed(result: Result) -> set[str]:
    return {check.id for check in result.checks if check.outcome is Outcome.PASSED}


def assert_full_marks(result: Result) -> None:
    assert [check for check in result.checks if check.outcome is not Outcome.PASSED] == []
    assert result.score == result.max_score == 20
    assert result.root_cause is None
