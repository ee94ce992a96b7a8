"""What came of a case, and whether that is as it should be."""

from __future__ import annotations

from dataclasses import dataclass

from grader import catalogue
from grader.records.result import Outcome, Result, Status
from grader.validation.cases import Case

STARTER_SHARE = 0.1
NAMED = 3


@dataclass(frozen=True)
class Graded:
    """The part of a result that is judged here; small, since it crosses between processes.

    `seen` are the mistakes among the findings, `lost` the checks that did not pass; `fault` says
    that no verdict could be had, and `faulty_lab` that the lab's own files are to blame for it.
    """

    score: float = 0.0
    max_score: float = 0.0
    root_cause: str | None = None
    seen: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    limit: str | None = None
    accuracy: float | None = None
    seconds: float = 0.0
    fault: str | None = None
    faulty_lab: bool = False

    @property
    def errors_seen(self) -> tuple[str, ...]:
        """The mistakes among those seen that cost points."""
        return tuple(code for code in self.seen if catalogue.get(code).severity == "E")

    @property
    def full(self) -> bool:
        """Whether every point was earned."""
        return self.score >= self.max_score > 0


def summary(result: Result) -> Graded:
    """The summary of a result; a grading that went wrong by our fault has its `fault`."""
    invalid = [check for check in result.checks if check.outcome is Outcome.INVALID]
    fault = None
    if result.status is Status.INVALID:
        fault = result.reason or "; ".join(f"{check.id}: {check.observed}" for check in invalid)
    return Graded(
        score=result.score,
        max_score=result.max_score,
        root_cause=result.root_cause,
        seen=tuple(item.misconception for item in result.findings),
        lost=tuple(check.id for check in result.checks if check.outcome is not Outcome.PASSED),
        limit=result.limit,
        accuracy=result.metrics.get("graded_accuracy"),
        seconds=result.seconds.get("total", 0.0),
        fault=fault,
    )


def problem(case: Case, graded: Graded) -> str | None:
    """What is not as it should be, in one sentence, or None. Mutants are judged as a crowd."""
    if case.kind in ("reference", "right", "shortened"):
        return _not_right(case, graded)
    if case.kind == "starter" and graded.score > STARTER_SHARE * graded.max_score:
        return (
            f"the untouched starter earns {graded.score:g} of {graded.max_score:g}, "
            f"more than a tenth"
        )
    if case.kind == "wrong":
        return _not_wrong(case, graded)
    return None


def _not_right(case: Case, graded: Graded) -> str | None:
    what = {
        "reference": "the reference",
        "right": "a right answer",
        "shortened": "the reference, shortened by [validation] of lab.toml,",
    }[case.kind]
    if not graded.full:
        lost = ", ".join(graded.lost[:NAMED]) or "no check"
        limit = f", limit {graded.limit}" if graded.limit else ""
        return f"{what} earns {graded.score:g} of {graded.max_score:g} ({lost}{limit})"
    if graded.errors_seen and case.kind != "shortened":
        return f"{what} is said to make the mistake {', '.join(graded.errors_seen[:NAMED])}"
    unseen = [code for code in case.shows if code not in graded.seen]
    if unseen:
        return f"{what} is not told of {', '.join(unseen[:NAMED])}"
    if case.accuracy is not None and (graded.accuracy or 0) < case.accuracy:
        return f"{what} reaches an accuracy of {graded.accuracy}, not {case.accuracy}"
    return None


def _not_wrong(case: Case, graded: Graded) -> str | None:
    if graded.full:
        return f"a wrong answer earns all {graded.max_score:g} points"
    if graded.root_cause != case.code:
        return f"the mistake named is {graded.root_cause or 'none'}, not {case.code}"
    return None
