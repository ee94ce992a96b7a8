"""The lab on settings: its reference, starter, right answers and mistakes, graded for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, passed

LAB = "lab10"
FOLDER = folder_of(LAB)


# The reference trains for minutes on all of MNIST: `grade validate` grades it.
def test_a_right_answer_gets_full_marks(judge: Judge) -> None:
    assert_full_marks(judge(FOLDER / "fixtures" / "right" / "one_function.py"))


def test_the_untouched_starter_gets_almost_nothing(judge: Judge, lab: Lab) -> None:
    result = judge(lab.starter)
    assert passed(result) == {"runs"}
    assert result.score <= 2


START = """
from tensorflow import keras
(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, y, x_test, y_test = x[:300] / 255, y[:300], x_test[:300] / 255, y_test[:300]
def run(activation, optimizer, epochs=1):
    layers = [keras.Input((28, 28)), keras.layers.Flatten()]
    layers += [keras.layers.Dense(8, activation=activation), keras.layers.Dense(10)]
    made = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(optimizer, loss, metrics=["accuracy"])
    made.fit(x, y, epochs=epochs, verbose=0)
    return made.evaluate(x_test, y_test, verbose=0)
"""


def written(tmp_path: Path, source: str) -> Path:
    path = tmp_path / "lab10.py"
    path.write_text(START + source)
    return path


def test_settings_that_change_together_are_told_apart(judge: Judge, tmp_path: Path) -> None:
    source = """
run("relu", "adam"), run("tanh", "sgd"), run("sigmoid", "adam", 2), run("leaky_relu", "rmsprop")
results = "none"
"""
    checks = by_id(judge(written(tmp_path, source)))
    assert "alike in all but" in (checks["activations"].observed or "")
    assert checks["activations"].points == checks["activations"].max_points / 2
    assert checks["activations"].misconception is None
    assert "0.1, 1" in (checks["learning_rates"].observed or "")
    assert "no table" in (checks["table"].observed or "")
    assert "no chart" in (checks["charts"].observed or "")
    assert "says what came of" in (checks["conclusion"].observed or "")
    assert checks["table_is_measured"].outcome is Outcome.SKIPPED


def test_a_table_in_which_no_setting_learned_is_told(judge: Judge, tmp_path: Path) -> None:
    source = """
run("relu", "adam")
settings = ["relu", "tanh", "sigmoid", "leaky_relu", "Adam", "SGD", "RMSprop", 0.01, 0.1, 1.0]
results = [{"setting": each, "loss": 2.3, "accuracy": 0.1} for each in settings]
"""
    check = by_id(judge(written(tmp_path, source)))["table"]
    assert check.observed == "the best accuracy in the table is 0.10"
    assert check.points == check.max_points / 2


@pytest.mark.parametrize(
    "table", ["None", "run", "[None, {}, {'relu': None}, {'setting': [1, {2}]}]"]
)
def test_a_table_of_an_odd_kind_is_no_table(judge: Judge, tmp_path: Path, table: str) -> None:
    path = written(tmp_path, f"run('relu', 'adam')\nresults = {table}\n")
    checks = by_id(judge(path))
    assert checks["table"].outcome is Outcome.FAILED
    assert "table" in (checks["table"].observed or "")
    assert checks["fresh_models"].outcome is Outcome.FAILED


def test_an_exception_between_the_runs_keeps_what_was_done(judge: Judge, tmp_path: Path) -> None:
    path = written(tmp_path, "run('relu', 'adam')\nrun('tanh', 'adam')\nrun('banana', 'adam')\n")
    result = judge(path)
    assert {"network", "fresh_models", "pixels_scaled"} <= passed(result)
    assert by_id(result)["runs"].outcome is Outcome.FAILED
