"""Points and words made anew from outcomes that are known: nothing of a student's runs.

What a verdict was made of, beside its outcomes, is its `Basis`: it is noted down when the
submission is graded, for afterwards nobody could tell a text of the catalogue from a check's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grader import catalogue, scoring
from grader.diagnosis import message
from grader.grading import possible
from grader.records.exhibits import Exhibits
from grader.records.lab import Lab
from grader.records.misconception import Sighting
from grader.records.result import CheckResult, Finding, Outcome, Result, Status
from grader.showing import hints_for
from grader.titles import unchecked

TEXTS = ("why", "next")


@dataclass(frozen=True)
class Basis:
    """What the points and texts of a result were made of, each list in the result's own order.

    `earned` is the share of its points that each check gave, 0 to 1; `catalogued` names those of
    its texts that are the catalogue's. `seen` is what was observed of each finding, None where
    only a check named it.
    """

    earned: tuple[float, ...] = ()
    catalogued: tuple[tuple[str, ...], ...] = ()
    seen: tuple[str | None, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands beside the evidence."""
        return {
            "earned": list(self.earned),
            "catalogued": [list(names) for names in self.catalogued],
            "seen": list(self.seen),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Basis:
        """The inverse of `to_json`. Raises LookupError, TypeError or ValueError."""
        earned = tuple(float(share) for share in data["earned"])
        if not all(0 <= share <= 1 for share in earned):
            raise ValueError("a share of a check's points is from 0 to 1")
        return cls(
            earned,
            tuple(tuple(map(str, names)) for names in data["catalogued"]),
            tuple(None if seen is None else str(seen) for seen in data["seen"]),
        )

    def fits(self, result: Result) -> bool:
        """Whether it can be this result's."""
        checks, findings = len(result.checks), len(result.findings)
        return (len(self.earned), len(self.catalogued), len(self.seen)) == (
            checks,
            checks,
            findings,
        )


def basis_of(result: Result, earned: Sequence[float]) -> Basis:
    """The basis of a result that was made just now, with the catalogue as it is."""
    return Basis(
        tuple(earned),
        tuple(_catalogued(check) for check in result.checks),
        tuple(_seen(finding) for finding in result.findings),
    )


def _catalogued(check: CheckResult) -> tuple[str, ...]:
    if check.misconception is None:
        return ()
    entry = catalogue.get(check.misconception)
    return tuple(name for name in TEXTS if getattr(check, name) == getattr(entry, name))


def _seen(finding: Finding) -> str | None:
    why = message("", catalogue.get(finding.misconception).why)
    return finding.message.removesuffix(why) if finding.message.endswith(why) else None


@dataclass(frozen=True)
class Rescored:
    """A verdict made anew, with what the report shows and what it was made of."""

    result: Result
    exhibits: Exhibits
    basis: Basis


def rescored(lab: Lab, result: Result, exhibits: Exhibits, basis: Basis) -> Rescored:
    """The verdict by the rubric, the titles and the catalogue as they are now.

    A check that the rubric does not have any more is left out; outcomes, what was observed, and
    the versions that it ran with stay. Raises LabError where the catalogue lacks a mistake.
    """
    if result.status is not Status.GRADED and not result.checks:
        hidden = result.status is Status.INVALID or bool(lab.hidden_checks)
        again = replace(result, max_score=possible(lab, hidden=hidden))
        return Rescored(again, replace(exhibits, title=lab.title), basis)
    kept = [at for at, check in enumerate(result.checks) if check.id in lab.rubric.points]
    titles = lab.rubric.titles
    renamed = {check.title: titles.get(check.id, check.title) for check in result.checks}
    checks = tuple(_check(lab, renamed, result.checks[at], basis, at) for at in kept)
    found, seen = _findings(checks, result.findings, basis.seen)
    score, max_score = scoring.total(checks)
    again = replace(
        result,
        score=score,
        max_score=max_score,
        root_cause=scoring.find_root_cause(checks, _sightings(found, seen)),
        checks=checks,
        findings=found,
    )
    shown = replace(
        exhibits,
        title=lab.title,
        hints=hints_for(checks, found) if exhibits.kind == "code" else exhibits.hints,
        waiting=tuple(id for id in exhibits.waiting if id in lab.rubric.points),
    )
    earned = tuple(basis.earned[at] for at in kept)
    return Rescored(again, shown, Basis(earned, tuple(basis.catalogued[at] for at in kept), seen))


def _sightings(findings: Sequence[Finding], seen: Sequence[str | None]) -> list[Sighting]:
    """The findings that were seen in the evidence, and not by a check alone."""
    return [
        Sighting(finding.misconception, finding.certainty, said, "")
        for finding, said in zip(findings, seen, strict=True)
        if said is not None
    ]


def _check(
    lab: Lab,
    renamed: Mapping[str, str],
    check: CheckResult,
    basis: Basis,
    at: int,
) -> CheckResult:
    worth = lab.rubric.points[check.id]
    texts: dict[str, Any] = {}
    if check.misconception is not None:
        entry = catalogue.get(check.misconception)
        texts = {name: getattr(entry, name) for name in basis.catalogued[at]}
    observed = check.observed
    if check.outcome is Outcome.SKIPPED:
        old = {unchecked(was): unchecked(now) for was, now in renamed.items()}
        observed = old.get(observed or "", observed)
    return replace(
        check,
        title=lab.rubric.titles.get(check.id, check.title),
        points=scoring.points_for(worth, basis.earned[at]),
        max_points=worth,
        observed=observed,
        **texts,
    )


def _findings(
    checks: Sequence[CheckResult], findings: Sequence[Finding], seen: Sequence[str | None]
) -> tuple[tuple[Finding, ...], tuple[str | None, ...]]:
    """The findings in the catalogue's words, without those that only a dropped check named."""
    named = {check.misconception for check in checks}
    kept = []
    for finding, said in zip(findings, seen, strict=True):
        if said is None and finding.misconception not in named:
            continue
        entry = catalogue.get(finding.misconception)
        told = entry.why if said is None else message(said, entry.why)
        kept.append((replace(finding, severity=entry.severity, message=told), said))
    return tuple(finding for finding, _ in kept), tuple(said for _, said in kept)
