"""What of a Result a student should read, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

from grader.records.exhibits import Exhibits
from grader.records.result import CheckResult, Finding, Outcome, Result

AT_MOST = 3
"""Things to mend that are shown at once: more is not read."""

BROKEN = (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True)
class ToMend:
    """One thing to mend. `check` is the check's id, `also` the titles of others that it failed."""

    title: str
    outcome: Outcome
    misconception: str | None
    check: str | None = None
    observed: str | None = None
    expected: str | None = None
    why: str | None = None
    next: str | None = None
    cell: int | None = None
    line: int | None = None
    also: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def to_mend(result: Result, exhibits: Exhibits) -> tuple[ToMend, ...]:
    """Everything to mend, the root cause first; checks that name the same mistake are one.

    Nothing where each check explains itself in its place: no question comes before another.
    """
    if exhibits.kind == "answers":
        return ()
    broken = [check for check in result.checks if check.outcome in BROKEN]
    broken.sort(key=lambda check: not _is_root(check.misconception, result))
    groups: dict[str, list[CheckResult]] = {}
    for number, check in enumerate(broken):
        groups.setdefault(check.misconception or f"#{number}", []).append(check)
    things = [_from_checks(group, exhibits) for group in groups.values()]
    if not any(_is_root(thing.misconception, result) for thing in things):
        things = [*_root_finding(result, exhibits), *things]
    return tuple(things)


def good_to_know(result: Result) -> tuple[Finding, ...]:
    """Findings that no failed check names and that are not the root cause: they cost nothing."""
    charged = {check.misconception for check in result.checks if check.outcome in BROKEN}
    charged.add(result.root_cause)
    return tuple(finding for finding in result.findings if finding.misconception not in charged)


def passed(result: Result) -> int:
    """How many checks passed."""
    return sum(check.outcome is Outcome.PASSED for check in result.checks)


def full_marks(result: Result) -> bool:
    """Whether every check that ran passed with all its points."""
    return bool(result.checks) and all(check.outcome is Outcome.PASSED for check in result.checks)


def _is_root(misconception: str | None, result: Result) -> bool:
    return misconception is not None and misconception == result.root_cause


def _from_checks(group: list[CheckResult], exhibits: Exhibits) -> ToMend:
    first = group[0]
    return ToMend(
        title=first.title,
        outcome=first.outcome,
        check=first.id,
        misconception=first.misconception,
        observed=first.observed,
        expected=first.expected,
        why=first.why,
        next=first.next,
        cell=first.cell,
        line=first.line,
        also=tuple(check.title for check in group[1:]),
        hints=exhibits.hints.get(first.misconception or "", ()),
    )


def _root_finding(result: Result, exhibits: Exhibits) -> list[ToMend]:
    found = [item for item in result.findings if _is_root(item.misconception, result)]
    return [
        ToMend(
            title=item.message,
            outcome=Outcome.FAILED,
            misconception=item.misconception,
            cell=item.cell,
            line=item.line,
            hints=exhibits.hints.get(item.misconception, ()),
        )
        for item in found[:1]
    ]
