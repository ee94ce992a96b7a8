"""Hidden checks of lab04: digits that the submission never had."""

import pytest

pytestmark = pytest.mark.hidden


@pytest.mark.needs("network", "dropout")
def test_recognises_digits(accuracy):
    """The networks recognise digits that they have never met."""
    accuracy.expect()
