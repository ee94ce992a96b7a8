"""Hidden checks of lab03: digits that the submission never had."""

import numpy as np
import pytest

from grader.checks import expect

pytestmark = pytest.mark.hidden


@pytest.mark.needs("network", "learns")
def test_recognises_digits(graded, settings):
    """The network recognises digits that it has never met."""
    graded.expect_at_least(settings["accuracy_marks"], settings["accuracy_shown"])


@pytest.mark.needs("network", "learns")
def test_every_digit(graded, settings):
    """Each of the ten digits is recognised more often than not."""
    assert graded.accuracy >= 0  # where the network cannot be asked, this says so and fails
    table = graded.confusion
    shares = np.diag(table) / np.maximum(table.sum(axis=1), 1)
    worst = int(shares.argmin())
    answer = int(table[worst].argmax())
    expect(
        shares[worst] >= settings["least_share"],
        observed=f"of the {worst}s only {shares[worst]:.0%} are recognised; "
        + (f"most are taken for {answer}" if answer != worst else "the others are scattered"),
        expected=f"at least {settings['least_share']:.0%} of every digit",
        why="A good overall accuracy can hide a digit that the network hardly knows.",
        next="Count how often each digit is among the pictures and labels that you train on.",
    )
