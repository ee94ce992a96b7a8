"""Hidden checks of lab05: digits that the submission never had."""

import pytest

from grader.checks.accuracy import expect_accuracy, expect_every_class

pytestmark = pytest.mark.hidden


@pytest.mark.needs("network")
def test_recognises_digits(graded, diagnosis, settings):
    """The network recognises digits that it has never met."""
    marks, shown = settings["accuracy_marks"], settings["accuracy_shown"]
    expect_accuracy(graded, diagnosis, marks=marks, shown=shown)


@pytest.mark.needs("network")
def test_every_digit(graded, diagnosis, settings):
    """No digit is left behind: each of the ten is recognised."""
    expect_every_class(graded, diagnosis, least=settings["least_share"])
