"""The lab on augmentation and RMSprop: reference, starter, right answers and mistakes, graded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from grader.course import find_course
from grader.grading import grade
from grader.records.lab import Lab
from grader.records.result import CheckResult, Outcome, Result
from grader.sandbox import open_sandbox
from grader.submissions import read

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "assignments" / "lab06"
RIGHT = sorted((FOLDER / "fixtures" / "right").iterdir())
WRONG = sorted((FOLDER / "fixtures" / "wrong").iterdir())

Judge = Callable[[Path], Result]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return find_course(ROOT, ROOT).load("lab06")


@pytest.fixture(scope="module")
def judge(lab: Lab) -> Judge:
    sandbox = open_sandbox()

    @cache
    def judge(path: Path) -> Result:
        return grade(lab, read(path), sandbox, hidden=True).result

    return judge


def by_id(result: Result) -> dict[str, CheckResult]:
    return {check.id: check for check in result.checks}


def passed(result: Result) -> set[str]:
    return {check.id for check in result.checks if check.outcome is Outcome.PASSED}


# The reference trains for minutes on all of MNIST: `pytest assignments/lab06` grades it.
@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_right_answer_gets_full_marks(judge: Judge, path: Path) -> None:
    result = judge(path)
    assert [check for check in result.checks if check.outcome is not Outcome.PASSED] == []
    assert result.score == result.max_score == 20
    assert result.root_cause is None


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_mistake_is_named_and_costs_points(judge: Judge, path: Path) -> None:
    result = judge(path)
    assert result.root_cause == path.stem.split("--")[0]
    assert result.score < 20
    broken = [check for check in result.checks if check.misconception == result.root_cause]
    assert broken
    assert all(check.why and check.next and check.observed for check in broken)
    assert Outcome.INVALID not in {check.outcome for check in result.checks}


def test_the_untouched_starter_gets_almost_nothing(judge: Judge, lab: Lab) -> None:
    result = judge(lab.starter)
    assert passed(result) == {"runs"}
    assert result.score <= 2


def test_what_is_missing_is_said_check_by_check(judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "lab06.py"
    path.write_text(
        """
import matplotlib.pyplot as plt
from tensorflow import keras

(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, x_test = x[:1000].reshape(-1, 784) / 255, x_test.reshape(-1, 784) / 255
model = keras.Sequential(
    [
        keras.Input((784,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y[:1000], epochs=2, verbose=0)
answers = model.predict(x_test, verbose=0).argmax(axis=1)
plt.imshow(x_test[0].reshape(28, 28))
plt.title(answers[0])
plt.show()
"""
    )
    checks = by_id(judge(path))
    assert checks["hidden_layers"].points == checks["hidden_layers"].max_points / 2
    assert "their activations are: relu" in (checks["leaky_relu"].observed or "")
    assert checks["rmsprop"].misconception == "too-few-epochs"
    assert checks["adam"].outcome is Outcome.SKIPPED
    assert checks["augmentation"].misconception is None
    assert "as they are in the data" in (checks["augmentation"].observed or "")
    assert checks["changes"].outcome is Outcome.SKIPPED
    assert checks["pictures"].points == checks["pictures"].max_points / 2
    assert checks["test_untouched"].outcome is Outcome.PASSED
