"""From outcomes to points, from mistakes to the one to mend first."""

from __future__ import annotations

from collections.abc import Sequence

from grader import catalogue
from grader.checks.outcomes import CheckOutcome
from grader.diagnosis import to_finding
from grader.records.lab import Lab
from grader.records.misconception import Sighting
from grader.records.result import CheckResult, Finding, Outcome


def score_checks(lab: Lab, outcomes: Sequence[CheckOutcome]) -> tuple[CheckResult, ...]:
    """Give each check its points by the rubric; where that is silent, by the check's own mark."""
    return tuple(_scored(lab, outcome) for outcome in outcomes)


def earned_share(outcome: CheckOutcome) -> float:
    """The share of its points that a check gives, 0 to 1, whatever they are."""
    if outcome.outcome is Outcome.PASSED:
        return 1.0
    short = outcome.shortfall
    return 0.0 if short is None else min(max(short.earned, 0.0), 1.0)


def points_for(worth: float, share: float) -> float:
    """What a share of a check's points comes to; nothing is rounded off the whole of them."""
    return worth if share == 1.0 else round(worth * share, 2)


def _scored(lab: Lab, outcome: CheckOutcome) -> CheckResult:
    worth = lab.rubric.points.get(outcome.id, outcome.default_points)
    short = outcome.shortfall
    return CheckResult(
        id=outcome.id,
        title=outcome.title,
        outcome=outcome.outcome,
        points=points_for(worth, earned_share(outcome)),
        max_points=worth,
        hidden=outcome.hidden,
        misconception=short.misconception if short else None,
        observed=short.observed if short else None,
        expected=(short.expected or None) if short else None,
        why=short.why if short else None,
        next=short.next if short else None,
        cell=short.cell if short else None,
        line=short.line if short else None,
    )


def total(checks: Sequence[CheckResult]) -> tuple[float, float]:
    """(score, max_score): the sums over the checks that ran."""
    score = sum(check.points for check in checks)
    return round(score, 2), round(sum(check.max_points for check in checks), 2)


def find_root_cause(checks: Sequence[CheckResult], sightings: Sequence[Sighting]) -> str | None:
    """The misconception to mend first, or None where nothing was lost or nothing could be named.

    Among the mistakes that cost points and the errors that were seen for certain, the one whose
    stage comes first: what breaks earlier hides what comes later. A mere habit, such as few epochs,
    leads only where no error was seen.
    """
    failed = [check for check in checks if check.outcome in (Outcome.FAILED, Outcome.ERROR)]
    if not failed:
        return None
    named = [check.misconception for check in failed if check.misconception is not None]
    named += [
        sighting.misconception
        for sighting in sightings
        if sighting.certainty == "fact" and catalogue.get(sighting.misconception).severity == "E"
    ]
    return min(named, key=_urgency, default=None)


def _urgency(code: str) -> tuple[bool, int]:
    return catalogue.get(code).severity != "E", catalogue.priority(code)


def findings(checks: Sequence[CheckResult], sightings: Sequence[Sighting]) -> tuple[Finding, ...]:
    """Every mistake seen once, those that only a check saw too."""
    found = [to_finding(sighting) for sighting in sightings]
    seen = {finding.misconception for finding in found}
    for check in checks:
        code = check.misconception
        if code is not None and code not in seen:
            seen.add(code)
            entry = catalogue.get(code)
            found.append(Finding(code, entry.severity, "fact", entry.why, check.cell, check.line))
    return tuple(found)
