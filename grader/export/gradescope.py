"""Gradescope: the results.json of an autograder, one for each submission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grader import catalogue
from grader.export.marks import Mark, Marks
from grader.records.result import CheckResult, Outcome, Result
from grader.titles import NEEDS

_HIDDEN = "after_published"
"""When students see what became of hidden checks: with their marks, not before."""


def gradescope_files(marks: Marks) -> Iterator[tuple[str, dict[str, Any]]]:
    """The path `<name>/results.json` and content for each verdict that has a score."""
    for mark in marks.items:
        if mark.counts:
            yield f"{mark.name}/results.json", results_json(mark)


def results_json(mark: Mark) -> dict[str, Any]:
    """The content of results.json. `score` is the sum; the tests show how it came about."""
    result = mark.result
    return {
        "score": result.score,
        "output": _summary(result),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(check) for check in result.checks],
        "extra_data": {"id": mark.id, "lab": result.lab, "sha256": result.sha256},
    }


def _summary(result: Result) -> str:
    parts = [f"{result.score:g} of {result.max_score:g} points."]
    if result.reason:
        parts.append(result.reason)
    if result.limit:
        parts.append(f"A limit was hit: {result.limit}.")
    if result.root_cause and (entry := catalogue.load().get(result.root_cause)):
        parts.append(f"To mend first: {entry.title}.")
    return "\n".join(parts)


def _test(check: CheckResult) -> dict[str, Any]:
    passed = check.outcome is Outcome.PASSED
    skipped = "Not checked yet: a check that this one needs did not pass."
    words = [
        ("Observed", check.observed),
        ("Expected", check.expected),
        ("Why", check.why),
        ("Next", check.next),
    ]
    said = [f"{name}: {text}" for name, text in words if text]
    # An answer that is open was skipped too, and needs no other check.
    if check.outcome is Outcome.SKIPPED and (check.observed or NEEDS).startswith(NEEDS):
        said.insert(0, skipped)
    return {
        "name": check.title,
        "name_format": "text",
        "score": check.points,
        "max_score": check.max_points,
        "status": "passed" if passed else "failed",
        "output": "\n".join(said),
        "output_format": "text",
        "visibility": _HIDDEN if check.hidden else "visible",
    }
