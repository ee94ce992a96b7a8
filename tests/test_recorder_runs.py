"""Several trainings in one run: whether each began anew, and the table that holds their results."""

from __future__ import annotations

import pytest
from recorded import Told, run_cells

CELLS = [
    """
import keras
import numpy as np
x, y = np.random.default_rng(0).random((40, 4)), np.arange(40) % 2
def build():
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made
""",
    """
one = build()
start = one.get_weights()
one.fit(x, y, verbose=0)
one.compile("adam", "sparse_categorical_crossentropy")
one.fit(x, y, verbose=0)
""",
    """
one.set_weights(start)
one.fit(x, y, verbose=0)
build().fit(x, y, verbose=0)
copy = build()
copy.set_weights(one.get_weights())
copy.fit(x, y, verbose=0)
""",
    """
deep = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
deep.compile("sgd", "mse")
deep.layers[0].trainable = False
deep.fit(x, np.eye(2)[y], verbose=0)
deep.fit(x, np.eye(2)[y], verbose=0)
deep.layers[0].trainable = True
deep.fit(x, np.eye(2)[y], verbose=0)
deep.compile("sgd", "mse")
deep.fit(x, np.eye(2)[y], verbose=0)
deep.pop()
deep.compile("sgd", "mse")
deep.fit(x, x[:, :3], verbose=0)
""",
    'results = [{"optimizer": one.optimizer, "loss": np.float32(0.5)}]',
]


@pytest.fixture(scope="module")
def told() -> Told:
    return run_cells(CELLS, None)


def test_a_training_that_goes_on_from_another_says_from_which(told: Told) -> None:
    assert told.faults == []
    fits = [fit for fit in told.of_kind("fit") if fit["cell"] < 4]
    first = fits[0]["model"]
    assert [fit["continues"] for fit in fits] == [None, first, None, None, first]


def test_a_change_of_what_is_trainable_is_told_where_no_compile_came_between(told: Told) -> None:
    fits = told.of_kind("fit", cell=4)
    assert [fit["restructured"] for fit in fits] == [False, False, True, False, False]


def test_the_table_of_results_is_told(told: Told) -> None:
    assert told.values["results"]["table"] == [{"optimizer": "Adam", "loss": 0.5}]
