"""What a lab expects of the accuracy on digits that the submission never had."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from grader import catalogue
from grader.checks.diagnosis import Diagnosis
from grader.checks.expectations import CheckFailed, expect, fail
from grader.checks.graded import GradedDigits


def expect_accuracy(
    graded: GradedDigits, diagnosis: Diagnosis, *, marks: float, shown: float
) -> None:
    """Expect an accuracy that is not significantly below `marks`; the student reads `shown`.

    Where a mistake was seen that can lower it, the check fails with that one.
    """
    try:
        graded.expect_at_least(marks, shown)
    except CheckFailed as failed:
        _fail_with_cause(failed, diagnosis)


def expect_every_class(graded: GradedDigits, diagnosis: Diagnosis, *, least: float) -> None:
    """Expect that at least a share `least` of each class is recognised."""
    # Where the network cannot be asked, reading the accuracy says so and fails the check.
    table = graded.confusion if graded.accuracy >= 0 else None
    assert table is not None
    shares = np.diag(table) / np.maximum(table.sum(axis=1), 1)
    worst = int(shares.argmin())
    answer = int(table[worst].argmax())
    try:
        expect(
            shares[worst] >= least,
            observed=f"{shares[worst]:.0%} of the {worst}s are recognised"
            + (f"; most are taken for {answer}" if answer != worst else ""),
            expected=f"at least {least:.0%} of each digit",
            why="A good overall accuracy can hide a digit that the network hardly knows.",
            next=f"Look at the row of the {worst} in your confusion matrix, and at how many "
            f"{worst}s your network gets to learn from.",
        )
    except CheckFailed as failed:
        _fail_with_cause(failed, diagnosis)


def _fail_with_cause(failed: CheckFailed, diagnosis: Diagnosis) -> NoReturn:
    """Fail with the mistake that explains a low accuracy, or as it is where none was seen."""
    for sighting in diagnosis.sightings:
        entry = catalogue.get(sighting.misconception)
        if entry.severity in "EW" and entry.stage not in ("evaluation", "style"):
            fail(
                observed=failed.shortfall.observed,
                expected=failed.shortfall.expected,
                misconception=entry.code,
                earned=failed.shortfall.earned,
                cell=sighting.cell,
                line=sighting.line,
            )
    raise failed
