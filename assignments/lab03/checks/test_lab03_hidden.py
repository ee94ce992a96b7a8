"""Hidden checks of lab03: digits that the submission never had."""

import numpy as np
import pytest

from grader import catalogue
from grader.checks import CheckFailed, expect, fail

pytestmark = pytest.mark.hidden


def fail_with_cause(shortfall, diagnosis):
    """Fail with the mistake that explains a low accuracy, or as it is where none was seen."""
    for sighting in diagnosis.sightings:
        entry = catalogue.get(sighting.misconception)
        if entry.severity in "EW" and entry.stage not in ("evaluation", "style"):
            fail(
                observed=shortfall.observed,
                expected=shortfall.expected,
                misconception=entry.code,
                earned=shortfall.earned,
                cell=sighting.cell,
                line=sighting.line,
            )
    raise CheckFailed(shortfall)


@pytest.mark.needs("network", "learns")
def test_recognises_digits(graded, diagnosis, settings):
    """The network recognises digits that it has never met."""
    try:
        graded.expect_at_least(settings["accuracy_marks"], settings["accuracy_shown"])
    except CheckFailed as failed:
        fail_with_cause(failed.shortfall, diagnosis)


@pytest.mark.needs("network", "learns")
def test_every_digit(graded, diagnosis, settings):
    """No digit is left behind: each of the ten is recognised."""
    assert graded.accuracy >= 0  # where the network cannot be asked, this says so and fails
    table = graded.confusion
    shares = np.diag(table) / np.maximum(table.sum(axis=1), 1)
    worst = int(shares.argmin())
    answer = int(table[worst].argmax())
    least = settings["least_share"]
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
        fail_with_cause(failed.shortfall, diagnosis)
