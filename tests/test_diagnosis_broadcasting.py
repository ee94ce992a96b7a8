"""Columns against flat arrays: named where a number is made of the table, and only there."""

from __future__ import annotations

import pytest
from diagnosis_cases import evidence, seen

from grader.records.evidence import ArrayFacts, Evidence, ValueFacts


def variables(**shapes: tuple[int, ...]) -> Evidence:
    values = tuple(
        ValueFacts(name=name, type="numpy.ndarray", array=ArrayFacts(shape=shape, dtype="int64"))
        for name, shape in shapes.items()
    )
    return evidence(values=values)


BOTH = variables(guess=(1000,), truth=(1000, 1), flat=(1000,))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("print(np.mean(guess == truth))", "broadcast-accuracy"),
        ("acc = (guess == truth).mean()", "broadcast-accuracy"),
        ("np.sum(guess != flat.reshape(-1, 1)) / 1000", "broadcast-accuracy"),
        ("np.mean(model.predict(x).argmax(axis=1) == truth)", "broadcast-accuracy"),
        ("loss = np.mean((guess - truth) ** 2)", "silent-broadcast"),
        ("tf.reduce_mean(tf.abs(guess - truth))", "silent-broadcast"),
    ],
)
def test_a_number_made_of_a_table_by_accident_is_named(source: str, code: str) -> None:
    found = seen(BOTH, "import numpy as np", source)
    assert code in found
    assert (found[code].cell, found[code].line) == (2, 1)


@pytest.mark.parametrize(
    "source",
    [
        "np.mean(guess == flat)",
        "np.mean(guess == truth.ravel())",
        "np.mean(flat.reshape(-1, 1) == truth)",
        "table = guess - truth",
        "np.mean(guess == 3)",
        "np.mean(unknown == truth)",
    ],
)
def test_pairs_and_tables_on_purpose_are_not_named(source: str) -> None:
    found = seen(BOTH, "import numpy as np", source)
    assert not {"broadcast-accuracy", "silent-broadcast"} & set(found)
