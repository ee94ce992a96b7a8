"""Hidden check of lab10: the numbers in the table are those that the runs have measured."""

import pytest

from grader.checks import expect
from grader.checks.runs import runs_of
from grader.checks.tables import result_rows

pytestmark = pytest.mark.hidden
MOST_UNKNOWN = 0.2
"""Of the rows: results may also be computed in ways that no recorder sees."""


@pytest.mark.needs("network", "table")
def test_table_is_measured(evidence, settings):
    """The numbers in the table come from the runs."""
    rows = [row for row in result_rows(evidence, settings["table"]) if row.accuracies]
    runs = runs_of(evidence)
    measured = [number for run in runs for number in (*run.held_out, *run.learned)]
    own_way = any(use.how in ("predict", "call") for use in evidence.uses)
    unknown = [row for row in rows if not any(known(top, measured) for top in row.accuracies)]
    expect(
        own_way or len(unknown) <= MOST_UNKNOWN * len(rows),
        observed=f"{len(unknown)} of {len(rows)} accuracies in the table were measured in no run",
        expected="numbers that your code takes from its runs",
        misconception="typed-in-result",
        why="A number that is typed in stays the same when the runs do not.",
    )


def known(told, measured):
    """Whether a number was measured; it may have been rounded to two decimals or more."""
    return any(abs(told - number) <= 0.005 for number in measured)
