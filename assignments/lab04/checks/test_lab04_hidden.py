"""Hidden checks of lab04: digits that the submission never had."""

import pytest

from grader.checks.accuracy import expect_accuracy
from grader.checks.dropout import judged_pair

pytestmark = pytest.mark.hidden


@pytest.mark.needs("network", "dropout")
def test_recognises_digits(networks, settings):
    """The networks recognise digits that they have never met."""
    marks, shown = settings["accuracy_marks"], settings["accuracy_shown"]
    for network in judged_pair(networks, "mnist"):
        expect_accuracy(network.graded, network.diagnosis, marks=marks, shown=shown)
