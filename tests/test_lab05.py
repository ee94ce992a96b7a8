"""The lab on convolutions: its reference, starter, right answers and mistakes, graded for real."""

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
FOLDER = ROOT / "assignments" / "lab05"
RIGHT = sorted((FOLDER / "fixtures" / "right").iterdir())
WRONG = sorted((FOLDER / "fixtures" / "wrong").iterdir())
REFERENCE = ROOT / "reference" / "lab05.ipynb"
CASE_STUDY = 0.9884
"""What the case study that the lab goes back to prints after five epochs in batches of 64."""

Judge = Callable[[Path], Result]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return find_course(ROOT, ROOT).load("lab05")


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


@pytest.mark.parametrize("path", [REFERENCE, *RIGHT], ids=lambda path: path.stem)
def test_a_right_answer_gets_full_marks(judge: Judge, path: Path) -> None:
    result = judge(path)
    assert [check for check in result.checks if check.outcome is not Outcome.PASSED] == []
    assert result.score == result.max_score == 20
    assert result.root_cause is None


def test_the_reference_does_at_least_as_well_as_the_case_study(judge: Judge) -> None:
    assert judge(REFERENCE).metrics["graded_accuracy"] >= CASE_STUDY


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


SMALL = """
from tensorflow import keras

(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, y, x_test = x[:1500, :, :, None] / 255, y[:1500], x_test[..., None] / 255
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(4, 3, strides=3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=1, verbose=0)
"""


def test_what_is_missing_is_said_check_by_check(judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "lab05.py"
    path.write_text(
        SMALL
        + """
from sklearn.metrics import precision_score

print(precision_score(y_test, model.predict(x_test, verbose=0).argmax(1), average="macro"))
keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save("other.keras")
"""
    )
    checks = by_id(judge(path))
    assert checks["convolution"].outcome is Outcome.PASSED
    assert "no curve" in (checks["curves"].observed or "")
    assert "not all three" in (checks["per_class"].observed or "")
    assert checks["per_class"].points == checks["per_class"].max_points / 2
    assert "single pictures" in (checks["samples"].observed or "")
    assert "another model was saved" in (checks["saved"].observed or "")


def test_an_exported_folder_and_an_old_file_name_are_files_too(
    judge: Judge, tmp_path: Path
) -> None:
    for number, line in enumerate(("model.export('folder')", "model.save('digits')")):
        path = tmp_path / f"lab05_{number}.py"
        path.write_text(f"{SMALL}\n{line}\n")
        assert "saved" in passed(judge(path))


def test_names_that_hold_something_else_are_told_as_no_network(
    judge: Judge, tmp_path: Path
) -> None:
    path = tmp_path / "lab05.py"
    path.write_text("model = 'model.keras'\nhistory = None\nraise KeyError('digits')\n")
    result = judge(path)
    assert result.score == 0
    assert "KeyError" in (by_id(result)["runs"].observed or "")
