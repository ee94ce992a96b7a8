"""Tables of results as a student may hold them, and as the recorder reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.inside.recorder.tables import MAX_ROWS, table_of
from grader.records.evidence import ValueFacts

RELU = {"setting": "relu", "loss": 0.3, "accuracy": 0.9}
TANH = {"setting": "tanh", "loss": 0.4, "accuracy": 0.8}


@pytest.mark.parametrize(
    "table",
    [
        [RELU, TANH],
        (RELU, TANH),
        pd.DataFrame([RELU, TANH]),
        {"setting": ["relu", "tanh"], "loss": [0.3, 0.4], "accuracy": [0.9, 0.8]},
        [{**RELU, "loss": np.float64(0.3)}, TANH],
    ],
    ids=["list", "tuple", "frame", "columns", "numpy"],
)
def test_the_usual_tables_have_the_same_rows(table: Any) -> None:
    assert table_of(table) == [RELU, TANH]


def test_the_index_of_a_frame_is_a_column_where_it_says_something() -> None:
    frame = pd.DataFrame([RELU, TANH]).set_index("setting")
    assert table_of(frame) == [RELU, TANH]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ({"relu": {"loss": 0.3}, "tanh": {"loss": 0.4}}, {"key": "relu", "loss": 0.3}),
        ({"relu": (0.3, 0.9), "tanh": (0.4, 0.8)}, {"key": "relu", "0": 0.3, "1": 0.9}),
        ({0.01: [0.3, 0.9], 0.1: [0.4, 0.8]}, {"key": 0.01, "0": 0.3, "1": 0.9}),
        ({"relu": 0.9, "tanh": 0.8}, {"key": "relu", "0": 0.9}),
        ([("relu", 0.3, 0.9)], {"0": "relu", "1": 0.3, "2": 0.9}),
        ({"act": {"relu": {"loss": 0.3}}}, {"key": "act", "key 2": "relu", "loss": 0.3}),
        ([{"optimizer": dict, "loss": 0.3}], {"optimizer": "dict", "loss": 0.3}),
    ],
)
def test_dictionaries_and_tuples_serve_as_tables(table: Any, row: dict[str, Any]) -> None:
    found = table_of(table)
    assert found is not None
    assert found[0] == row


@pytest.mark.parametrize("value", [[], {}, ["a", "b"], None, 3, [[]], [{"a": "b"}], "text"])
def test_what_is_no_table_has_no_rows(value: Any) -> None:
    assert table_of(value) is None


def test_a_table_is_bounded_and_what_is_not_finite_is_left_blank() -> None:
    assert len(table_of([RELU] * 1000) or []) == MAX_ROWS
    assert table_of([{"a": float("nan"), "b": 1.0, "c": 2.0}]) == [{"a": None, "b": 1.0, "c": 2.0}]


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
nests = st.recursive(
    leaves, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=30
)


@given(nests)
def test_any_nest_is_read_into_what_the_records_take(value: Any) -> None:
    rows = table_of(value)
    facts = ValueFacts.model_validate({"name": "x", "type": "list", "table": rows or []})
    assert len(facts.table) <= MAX_ROWS
