"""The lab on settings: its reference, starter, right answers and mistakes, graded for real."""

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
FOLDER = ROOT / "assignments" / "lab10"
RIGHT = sorted((FOLDER / "fixtures" / "right").iterdir())
WRONG = sorted((FOLDER / "fixtures" / "wrong").iterdir())

Judge = Callable[[Path], Result]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return find_course(ROOT, ROOT).load("lab10")


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


# The reference makes ten runs on all of MNIST: `pytest assignments/lab10` grades it.
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
