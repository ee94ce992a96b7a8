"""The lab on logistic regression: reference, starter, right and wrong answers, graded for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, reference_of

LAB = "lab11"
FOLDER = folder_of(LAB)
REFERENCE = reference_of(LAB)


def test_the_reference_gets_full_marks(judge: Judge) -> None:
    result = judge(REFERENCE)
    assert_full_marks(result)
    assert result.metrics["graded_accuracy"] >= 0.91


def test_old_arguments_are_explained_and_cost_nothing(judge: Judge) -> None:
    result = judge(FOLDER / "fixtures" / "right" / "keras_data_old_arguments.py")
    assert "removed-sklearn-argument" in {finding.misconception for finding in result.findings}


def test_the_untouched_starter_gets_almost_nothing(judge: Judge, lab: Lab) -> None:
    result = judge(lab.starter)
    assert result.score == 1
    assert by_id(result)["runs"].outcome is Outcome.PASSED


LIKE_MNIST = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
y = np.arange(6000) % 10
X = np.random.default_rng(0).random((6000, {width})) + np.eye(10, {width})[y]
def fit(a, b, model=LogisticRegression(max_iter=3)):
    return model.fit(a, b)
"""


@pytest.mark.parametrize(
    ("source", "width", "check", "words"),
    [
        ("fit(X[:800], y[:800]).score(X[800:1000], y[800:1000])", 784, "split", "1,000 rows"),
        ("fit(X[:5400], y[:5400]).score(X[5400:], y[5400:])", 784, "split", "90% of the rows"),
        ("del fit; LogisticRegression(max_iter=3).fit(X, y)", 784, "split", "none were held out"),
        ("fit(X[:4800], y[:4800]).score(X[4800:], y[4800:])", 64, "features", "64 features"),
        (
            "from sklearn.neighbors import KNeighborsClassifier as Other\nfit(X, y, Other())",
            784,
            "logistic_regression",
            "what was trained is a KNeighborsClassifier",
        ),
        ("fit(X[:, None], y)", 784, "logistic_regression", "stopped with ValueError"),
        ("LogisticRegression()", 784, "logistic_regression", "made but never fitted"),
        (
            "order = np.random.permutation(6000)\n"
            "fit(X[order[:4800]], y[order[:4800]]).score(X[order[4800:]], y[order[4800:]])",
            784,
            "seed",
            "`permutation`",
        ),
        (
            "fit(X[:4800], y[:4800]).predict(X[4800:])",
            784,
            "held_out_accuracy",
            "no accuracy on the held-out rows",
        ),
        (
            "print(fit(X[:4800], y[:4800]).predict(X[4800:])[:10][::-1])",
            784,
            "first_predictions",
            "nowhere to be seen",
        ),
        (
            "print(fit(X[:4800], y[:4800]).score(X[4800:], y[4800:]))",
            784,
            "first_predictions",
            "nothing was predicted",
        ),
    ],
)
def test_what_is_missing_is_said_check_by_check(
    judge: Judge, tmp_path: Path, source: str, width: int, check: str, words: str
) -> None:
    path = tmp_path / "lab11.py"
    path.write_text(LIKE_MNIST.format(width=width) + source + "\n", encoding="utf-8")
    told = by_id(judge(path))[check]
    assert told.outcome is Outcome.FAILED
    assert words in (told.observed or "")
    assert told.expected
    assert told.next


@pytest.mark.parametrize(
    "shown",
    [
        "print(guess[:6])",
        "print([float(g) for g in guess[:5]])",
        "print(*zip(guess[:5], y[4800:]), sep='\\n')",
        "for i in range(5): print(f'{i}: predicted {guess[i]}, true {y[4800 + i]}')",
        "print(model.predict(X[5000:5003]))",
    ],
)
def test_first_predictions_are_seen_in_any_form(judge: Judge, tmp_path: Path, shown: str) -> None:
    path = tmp_path / "lab11.py"
    asked = "model = fit(X[:4800], y[:4800])\nguess = model.predict(X[4800:])\n"
    path.write_text(LIKE_MNIST.format(width=784) + asked + shown + "\n", encoding="utf-8")
    assert by_id(judge(path))["first_predictions"].outcome is Outcome.PASSED
