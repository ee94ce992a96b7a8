"""Confusion matrices, recognised by their numbers."""

from __future__ import annotations

import numpy as np
import pytest

from grader import data
from grader.checks.matrices import orientation, printed_tables


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """Counts (10, 10) of the visible digits, a tenth of each taken for the next one."""
    truth = np.bincount(data.public_labels("mnist", np.arange(60_000, 65_000)))
    return np.diag(truth - truth // 10) + np.roll(np.diag(truth // 10), 1, axis=1)


def test_a_table_is_turned_by_what_its_sums_say(table: np.ndarray) -> None:
    square = (10, 10)
    assert orientation(tuple(table.ravel()), square, "mnist") == "rows"
    assert orientation(tuple(2 * table.ravel()), square, "mnist") == "rows"
    assert orientation(tuple(table.T.ravel()), square, "mnist") == "columns"
    assert orientation(tuple(table.ravel() / 5000), square, "mnist") is None
    assert orientation((None,) * 100, square, "mnist") is None
    assert orientation(tuple(table.ravel()), (100,), "mnist") is None


@pytest.mark.parametrize("frame", ["{}", "[{}]", "3 {}", "a three  {}", "digit 3 {}"])
def test_a_printed_table_is_read_whatever_frames_it(table: np.ndarray, frame: str) -> None:
    lines = [frame.format("  ".join(map(str, row))) for row in table]
    text = "\n".join(["the matrix:", *lines, "done"])
    assert list(printed_tables(text, 10)) == [table.ravel().tolist()]
    assert list(printed_tables("\n".join(lines[:9]), 10)) == []
