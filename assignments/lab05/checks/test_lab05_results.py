"""Public checks of lab05: the trained network is looked into and saved.

What is drawn, printed and computed may be made in any way; it is recognised by its numbers. The
file is judged by loading it where it was written and comparing what it predicts.
"""

import pytest

from grader.checks.curves import expect_curves
from grader.checks.matrices import expect_confusion_matrix
from grader.checks.per_class import expect_per_class
from grader.checks.samples import expect_samples
from grader.checks.saved import expect_saved


@pytest.mark.needs("network")
def test_curves(evidence, diagnosis, model):
    """The course of the training is drawn, for training and for held-out pictures."""
    expect_curves(evidence, diagnosis, model.fits)


@pytest.mark.needs("network")
def test_confusion_matrix(evidence, diagnosis):
    """A confusion matrix is shown, true digits in its rows."""
    diagnosis.expect_none("evaluated-on-train", earned=0.5)
    expect_confusion_matrix(evidence, diagnosis, "mnist")


@pytest.mark.needs("network")
def test_per_class(evidence, diagnosis, model, graded):
    """Precision, recall and F1 are given for each digit."""
    expect_per_class(evidence, diagnosis, model, graded)


@pytest.mark.needs("network")
def test_samples(evidence, model, graded):
    """Some predictions are shown one by one."""
    expect_samples(evidence, model, graded, model.fits)


@pytest.mark.needs("network")
def test_saved(evidence, submission, model, graded):
    """The trained network is saved; loaded again, it predicts the same."""
    expect_saved(evidence, submission, model, graded)
