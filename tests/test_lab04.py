"""The lab on dropout: its reference, starter, right answers and mistakes, graded for real."""

from __future__ import annotations

from pathlib import Path

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, passed, reference_of

LAB = "lab04"
FOLDER = folder_of(LAB)
REFERENCE = reference_of(LAB)
HANDS_ON = 0.9609
"""What the hands-on that the lab goes back to prints after five epochs in batches of 512."""


def test_the_reference_gets_full_marks(judge: Judge) -> None:
    result = judge(REFERENCE)
    assert_full_marks(result)


def test_the_reference_does_at_least_as_well_as_the_hands_on(judge: Judge) -> None:
    assert judge(REFERENCE).metrics["graded_accuracy"] >= HANDS_ON


def test_the_untouched_starter_gets_almost_nothing(judge: Judge, lab: Lab) -> None:
    result = judge(lab.starter)
    assert passed(result) == {"runs"}
    assert result.score <= 2


LITTLE = """
from tensorflow import keras
from tensorflow.keras import layers

(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, y, x_test = x[:2000].reshape(-1, 784) / 255, y[:2000], x_test.reshape(-1, 784) / 255


def trained(*hidden):
    model = keras.Sequential([keras.Input((784,)), *hidden, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)
    return model


one = trained(layers.Dense(32, "relu"), layers.Dropout(0.2))
"""


def test_a_network_without_its_counterpart_is_half_of_the_task(
    judge: Judge, tmp_path: Path
) -> None:
    path = tmp_path / "lab04.py"
    path.write_text(LITTLE + 'print("test accuracy", one.evaluate(x_test, y_test)[1])\n')
    checks = by_id(judge(path))
    assert checks["dropout"].outcome is Outcome.PASSED
    assert "no network without dropout" in (checks["both_trained"].observed or "")
    assert checks["both_trained"].misconception is None
    assert checks["compared"].outcome is checks["conclusion"].outcome is Outcome.SKIPPED


def test_what_is_not_shown_and_not_said_is_named(judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "lab04.py"
    path.write_text(
        LITTLE
        + """
# the network without dropout: it has the same training data and is tested on the test data
two = trained(layers.Dense(32, "relu"))
for model in (one, two):
    print(model.evaluate(x_test, y_test, verbose=0)[1])
"""
    )
    checks = by_id(judge(path))
    assert "on training pictures" in (checks["compared"].observed or "")
    assert 0 < checks["compared"].points < checks["compared"].max_points
    assert {"dropout", "both_trained"} <= passed(judge(path))


def test_names_that_hold_something_else_are_told_as_no_network(
    judge: Judge, tmp_path: Path
) -> None:
    path = tmp_path / "lab04.py"
    path.write_text("model = None\nplain = with_dropout = 3.5\nraise ValueError('no idea')\n")
    result = judge(path)
    assert result.score == 0
    assert "ValueError" in (by_id(result)["runs"].observed or "")
    assert by_id(result)["dropout"].outcome is Outcome.SKIPPED
