"""The verdict as JUnit XML, for the CI systems that read it."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from grader.records.result import CheckResult, Outcome, Result, Status
from grader.report import words
from grader.report.clean import clean, line

ENDINGS = {"failures": "<failure", "errors": "<error", "skipped": "<skipped"}


def render_junit(*results: Result) -> str:
    """A suite for each result, a case a check, points as properties; always well-formed.

    A check that failed is a `failure`, one that broke or is ours an `error`, one not checked yet
    is `skipped`. A submission that was not graded is one case that says why.
    """
    suites = [_cases(result) for result in results]
    head = f'<testsuites name="grade" {_counts(case for cases in suites for case in cases)}>'
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', head]
    for result, cases in zip(results, suites, strict=True):
        parts += _suite(result, cases)
    return "\n".join([*parts, "</testsuites>", ""])


def _suite(result: Result, cases: list[str]) -> list[str]:
    name = _attribute(f"{result.lab}/{result.submission_id}")
    properties = _properties(
        status=str(result.status),
        score=words.points(result.score),
        max_score=words.points(result.max_score),
        isolation=result.isolation,
        limit=result.limit or "none",
        root_cause=result.root_cause or "none",
    )
    return [f"<testsuite name={name} {_counts(cases)}>", *properties, *cases, "</testsuite>"]


def _cases(result: Result) -> list[str]:
    cases = [_case(check, result) for check in result.checks]
    return cases if result.status is Status.GRADED else [*cases, _refusal(result)]


def _counts(cases: Iterable[str]) -> str:
    of = list(cases)
    found = {"tests": len(of)}
    found |= {name: sum(mark in case for case in of) for name, mark in ENDINGS.items()}
    return " ".join(f'{name}="{count}"' for name, count in found.items())


def _case(check: CheckResult, result: Result) -> str:
    name, suite = _attribute(check.id), _attribute(result.lab)
    properties = _properties(
        title=check.title,
        points=words.points(check.points),
        max_points=words.points(check.max_points),
        hidden=str(check.hidden).lower(),
        outcome=str(check.outcome),
        misconception=check.misconception or "none",
    )
    ending = _ending(check)
    opening = f"<testcase name={name} classname={suite}>"
    return "\n".join((opening, *properties, *ending, "</testcase>"))


def _ending(check: CheckResult) -> list[str]:
    element = {
        Outcome.FAILED: "failure",
        Outcome.ERROR: "error",
        Outcome.INVALID: "error",
        Outcome.SKIPPED: "skipped",
    }.get(check.outcome)
    if element is None:
        return []
    message = check.observed or check.why or words.MARKS[check.outcome].word
    opening = f"<{element} message={_attribute(message)}"
    if element == "skipped":
        return [f"{opening}/>"]
    kind = _attribute(check.misconception or check.outcome)
    return [f"{opening} type={kind}>{_details(check)}</{element}>"]


def _details(check: CheckResult) -> str:
    told = (
        ("Where", words.place(check.cell, check.line)),
        ("Observed", check.observed),
        ("Expected", check.expected),
        ("Why", check.why),
        ("Next", check.next),
    )
    return escape("\n".join(f"{name}: {clean(text)}" for name, text in told if text))


def _refusal(result: Result) -> str:
    rejected = result.status is Status.REJECTED
    message = _attribute(words.REJECTED if rejected else words.INVALID)
    reason = escape(clean(result.reason or ""))
    element = "failure" if rejected else "error"
    return (
        f'<testcase name="submission" classname={_attribute(result.lab)}>\n'
        f'<{element} message={message} type="{result.status}">{reason}</{element}>\n</testcase>'
    )


def _properties(**values: str) -> list[str]:
    rows = [f'<property name="{name}" value={_attribute(text)}/>' for name, text in values.items()]
    return ["<properties>", *rows, "</properties>"]


def _attribute(text: str) -> str:
    return quoteattr(line(text, 1_000))
