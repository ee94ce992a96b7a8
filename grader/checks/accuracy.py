"""What a lab expects of the accuracy on digits that the submission never had."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import numpy as np

from grader import catalogue
from grader.checks.diagnosis import Diagnosis
from grader.checks.expectations import CheckFailed, Shortfall, expect, fail
from grader.checks.further import FURTHER_SEEDS
from grader.checks.graded import DIGITS, GradedDigits
from grader.checks.judged import judged
from grader.checks.subject import Subject
from grader.checks.threshold import Measured, is_close, share_earned
from grader.errors import LabError
from grader.records.lab import AccuracyRule
from grader.records.misconception import Sighting

NEXT = "If the curves are still rising, train longer; if not, give the model more units."
LUCK = "Training is partly luck, so your file was run again under other seeds."


class Accuracy:
    """The accuracy that the lab marks by: `accuracy.expect()`."""

    def __init__(self, subject: Subject, remark: Callable[[Shortfall], None]) -> None:
        self._subject = subject
        self._remark = remark

    def expect(self) -> None:
        """Expect an accuracy that is not significantly below what `[accuracy]` asks for.

        Where it is close, and no mistake was seen that lowers it, the submission runs again under
        two other seeds, and both have to reach the threshold. Where it is not enough, the check
        fails with a mistake that can be the reason, and a share of the points in the band.
        """
        __tracebackhide__ = True
        rule, found = self._rule(), judged(self._subject)
        assert rule.marks is not None
        # Where the network cannot be asked, reading the accuracy says so and fails the check.
        first = found.graded.measured if found.graded.accuracy >= 0 else Measured(0, 0)
        if first.reaches(rule.marks):
            return
        cause = _cause(found.diagnosis)
        certain = cause is not None and catalogue.get(cause.misconception).severity == "E"
        excuse = None if certain else found.graded.excuse(rule.marks)
        further = {} if certain or excuse else self._further(first, rule)
        shortfall = _shortfall(found.graded, first, rule, further)
        reached = [run is not None and run.reaches(rule.marks) for run in further.values()]
        if len(reached) == len(FURTHER_SEEDS) and all(reached):
            excuse = f"{LUCK} Both runs reached what is asked for."
        if excuse is None:
            _fail(shortfall, cause)
        self._remark(Shortfall(shortfall.observed, shortfall.expected, excuse))

    def _rule(self) -> AccuracyRule:
        rule, lab = self._subject.lab.accuracy, self._subject.lab
        if rule.marks is None:
            raise LabError(
                f"{lab.folder / 'lab.toml'}: a check asks for an accuracy, and none is set.",
                hint=f"Measure it with grade calibrate {lab.id}, or write marks and shown "
                "below [accuracy].",
            )
        return rule

    def _further(self, first: Measured, rule: AccuracyRule) -> dict[int, Measured | None]:
        """The accuracies under other seeds, up to the first that settles it, by seed."""
        subject, runs = self._subject, self._subject.further
        whole = subject.evidence.finished and subject.live.limit is None
        if runs is None or not whole or not is_close(first, rule):
            return {}
        found: dict[int, Measured | None] = {}
        for seed in FURTHER_SEEDS:
            again = found[subject.lab.seed + seed] = runs.under(seed)
            if again is None or not again.reaches(rule.marks or 0.0):
                break
        return found


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
            shares[worst] >= least or graded.excuse(least) is not None,
            observed=f"{shares[worst]:.0%} of the {worst}s are recognised"
            + (f"; most are taken for {answer}" if answer != worst else ""),
            expected=f"at least {least:.0%} of each digit",
            why="A good overall accuracy can hide a digit that the network hardly knows.",
            next=f"Look at the row of the {worst} in your confusion matrix, and at how many "
            f"{worst}s your network gets to learn from.",
        )
    except CheckFailed as failed:
        _fail(failed.shortfall, _cause(diagnosis))


def _shortfall(
    graded: GradedDigits, first: Measured, rule: AccuracyRule, further: dict[int, Measured | None]
) -> Shortfall:
    digits, why = DIGITS[graded.how]
    return Shortfall(
        observed=_observed(first, digits, further, close=is_close(first, rule)),
        expected=f"at least {_percent(rule.shown)}",
        why=f"{LUCK} {why}" if further else why,
        next=NEXT,
        earned=share_earned(first, rule),
    )


def _observed(
    first: Measured, digits: str, further: dict[int, Measured | None], *, close: bool
) -> str:
    said = f"{first.accuracy:.2%} of {first.count:,} {digits} were recognised"
    if close:
        said = f"close but below: {said}"
    for seed, run in further.items():
        if run is None:
            said += f"; a run under seed {seed} gave no accuracy, so the first one counts"
        else:
            said += f"; {run.accuracy:.2%} under seed {seed}"
    return said


def _percent(share: float | None) -> str:
    return f"{share or 0.0:.1%}".replace(".0%", "%")


def _cause(diagnosis: Diagnosis) -> Sighting | None:
    """The first mistake seen that can lower an accuracy."""
    for sighting in diagnosis.sightings:
        entry = catalogue.get(sighting.misconception)
        # A matter of concept lowers an accuracy only where it is one of settings.
        known = entry.severity in "EW" and entry.stage not in ("evaluation", "style")
        if known or (entry.severity == "C" and entry.stage == "hyperparameters"):
            return sighting
    return None


def _fail(shortfall: Shortfall, cause: Sighting | None) -> NoReturn:
    """Fail with the mistake that explains a low accuracy, or as it is where none was seen."""
    __tracebackhide__ = True
    if cause is None:
        raise CheckFailed(shortfall)
    fail(
        observed=shortfall.observed,
        expected=shortfall.expected,
        misconception=cause.misconception,
        earned=shortfall.earned,
        cell=cause.cell,
        line=cause.line,
    )
