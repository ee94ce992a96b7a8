"""Points by the rubric, and the mistake to mend first."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from grader.checks.expectations import Shortfall
from grader.checks.outcomes import CheckOutcome
from grader.records.lab import Lab, Rubric
from grader.records.misconception import Sighting
from grader.records.result import Outcome
from grader.scoring import find_root_cause, findings, score_checks, total

LAB = Lab(
    id="x", title="", summary="", folder=Path(), starter=Path(), public_checks=(), hidden_checks=(),
    rubric=Rubric(total=10, points={"a": 6.0, "b": 4.0}),
)  # fmt: skip


def outcome(check: str, how: Outcome, **shortfall: object) -> CheckOutcome:
    short = Shortfall("seen", "wanted", **shortfall) if shortfall or how != "passed" else None  # type: ignore[arg-type]
    return CheckOutcome(check, check, False, how, short)


def sighting(
    code: str, cell: int | None = None, certainty: Literal["fact", "likely"] = "fact"
) -> Sighting:
    return Sighting(code, certainty, "seen", "wanted", cell, None)


def test_a_passed_check_earns_its_points_and_a_partial_one_its_share() -> None:
    checks = score_checks(
        LAB, [outcome("a", Outcome.PASSED), outcome("b", Outcome.FAILED, earned=0.5)]
    )
    assert [check.points for check in checks] == [6.0, 2.0]
    assert total(checks) == (8.0, 10.0)


def test_no_share_is_more_than_the_whole_or_less_than_nothing() -> None:
    for earned, points in ((7.0, 6.0), (-3.0, 0.0)):
        (check,) = score_checks(LAB, [outcome("a", Outcome.FAILED, earned=earned)])
        assert check.points == points


def test_what_breaks_earlier_is_the_root_cause() -> None:
    checks = score_checks(
        LAB,
        [
            outcome("a", Outcome.FAILED, misconception="confusion-transposed"),
            outcome("b", Outcome.FAILED, misconception="one-hot-with-sparse-loss"),
        ],
    )
    assert find_root_cause(checks, []) == "one-hot-with-sparse-loss"


def test_an_error_that_was_seen_beside_a_nameless_failure_is_the_root_cause() -> None:
    checks = score_checks(LAB, [outcome("a", Outcome.FAILED)])
    assert find_root_cause(checks, [sighting("no-scaling")]) == "no-scaling"
    assert find_root_cause(checks, [sighting("no-seed")]) is None
    assert find_root_cause(checks, [sighting("no-scaling", certainty="likely")]) is None


def test_an_error_goes_before_a_habit_whatever_its_stage() -> None:
    checks = score_checks(
        LAB,
        [
            outcome("a", Outcome.FAILED, misconception="too-few-epochs"),
            outcome("b", Outcome.FAILED, misconception="argmax-axis"),
        ],
    )
    assert find_root_cause(checks, []) == "argmax-axis"
    assert find_root_cause(checks[:1], []) == "too-few-epochs"


def test_full_marks_have_no_root_cause_whatever_was_seen() -> None:
    checks = score_checks(LAB, [outcome("a", Outcome.PASSED)])
    assert find_root_cause(checks, [sighting("no-scaling")]) is None


def test_each_mistake_is_listed_once() -> None:
    checks = score_checks(
        LAB, [outcome("a", Outcome.FAILED, misconception="no-scaling", cell=3, line=2)]
    )
    found = findings(checks, [sighting("no-seed", 1)])
    assert [finding.misconception for finding in found] == ["no-seed", "no-scaling"]
    assert len(findings(checks, [sighting("no-scaling", 3)])) == 1
