"""Hidden checks of lab05: digits that the submission never had."""

import pytest

from grader.checks.accuracy import expect_every_class

pytestmark = pytest.mark.hidden


@pytest.mark.needs("network")
def test_recognises_digits(accuracy):
    """The network recognises digits that it has never met."""
    accuracy.expect()


@pytest.mark.needs("network")
def test_every_digit(graded, diagnosis, settings):
    """No digit is left behind: each of the ten is recognised."""
    expect_every_class(graded, diagnosis, least=settings["least_share"])
