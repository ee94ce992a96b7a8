"""Hidden check of lab11: digits that the submission never had."""

import pytest

from grader.checks.accuracy import expect_accuracy

pytestmark = pytest.mark.hidden


@pytest.mark.needs("logistic_regression")
def test_recognises_digits(graded, diagnosis, settings):
    """The classifier recognises digits that it has never met."""
    marks, shown = settings["accuracy_marks"], settings["accuracy_shown"]
    expect_accuracy(graded, diagnosis, marks=marks, shown=shown)
