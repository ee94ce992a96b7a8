"""Hidden check of lab06: digits that the submission never had."""

import pytest

pytestmark = pytest.mark.hidden


@pytest.mark.needs("network")
def test_recognises_digits(accuracy):
    """The network recognises digits that it has never met."""
    accuracy.expect()
