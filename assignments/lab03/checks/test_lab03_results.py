"""Public checks of lab03: the trained network is tested and looked into.

What is drawn, printed and computed may be made in any way; it is recognised by its numbers.
"""

import pytest

from grader.checks.curves import expect_curves
from grader.checks.matrices import expect_confusion_matrix
from grader.checks.reported import expect_test_accuracy


@pytest.mark.needs("network")
def test_test_accuracy(evidence, submission, diagnosis, model, graded):
    """The accuracy on the test pictures is computed and reported."""
    expect_test_accuracy(evidence, submission, diagnosis, model, graded)


@pytest.mark.needs("network")
def test_curves(evidence, diagnosis, model):
    """The course of the training is drawn, for training and for held-out pictures."""
    expect_curves(evidence, diagnosis, model.fits)


@pytest.mark.needs("network")
def test_confusion_matrix(evidence, diagnosis):
    """A confusion matrix is shown, true digits in its rows."""
    expect_confusion_matrix(evidence, diagnosis, "mnist")
