"""The lab on evaluation: its reference, starter, right answers and mistakes, graded for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, reference_of

LAB = "lab09"
FOLDER = folder_of(LAB)
REFERENCE = reference_of(LAB)
FUNCTIONS = (FOLDER / "fixtures" / "wrong" / "misclassified-inverted.py").read_text()
FUNCTIONS = FUNCTIONS.replace("y_true == y_pred", "y_true != y_pred")


def written(tmp_path: Path, source: str) -> Path:
    """The five functions, right, with `source` after them."""
    path = tmp_path / "lab09.py"
    path.write_text(f"{FUNCTIONS}\n\n{source}\n", encoding="utf-8")
    return path


def test_the_reference_gets_full_marks(judge: Judge) -> None:
    result = judge(REFERENCE)
    assert_full_marks(result)


def test_the_untouched_starter_earns_nothing(judge: Judge, lab: Lab) -> None:
    assert judge(lab.starter).score == 0


@pytest.mark.parametrize(
    ("source", "check", "words"),
    [
        ("def confusion(y_true, y_pred, k):\n    print(k)", "confusion", "nothing (None)"),
        (
            "whole = confusion\n"
            "def confusion(y_true, y_pred, k):\n"
            "    return whole(y_true, y_pred, k) / len(y_true)",
            "confusion",
            "shares in place of counts",
        ),
        ("def confusion(y_true, y_pred, k):\n    return 'many'", "confusion", "many"),
        ("del confusion", "confusion", "no function `confusion`"),
        ("def overall_accuracy(cm):\n    return cm.trace()", "overall_accuracy", "a count"),
        (
            "def overall_accuracy(cm):\n    return 100 * cm.trace() / cm.sum()",
            "overall_accuracy",
            "a percentage",
        ),
        (
            "def class_accuracy(cm):\n    return np.diag(cm) / cm.sum()",
            "class_accuracy",
            "the diagonal over the sum of all",
        ),
        (
            "def class_accuracy(cm):\n    return {0: 1.0}",
            "class_accuracy",
            "dict",
        ),
        (
            "def per_class(cm):\n"
            "    p, r = np.diag(cm) / cm.sum(0), np.diag(cm) / cm.sum(1)\n"
            "    return p, r, 2 * p * r / (p + r), cm.sum(1)",
            "per_class",
            "NaN",
        ),
        (
            "each = per_class\n"
            "def per_class(cm):\n"
            "    p, r, f, s = each(cm)\n"
            "    return p, r, (p + r) / 2, s",
            "per_class",
            "the plain mean",
        ),
        (
            "each = per_class\n"
            "def per_class(cm):\n"
            "    p, r, f, s = each(cm)\n"
            "    return p, r, f, cm.sum(axis=0)",
            "per_class",
            "how often each class was predicted",
        ),
        ("def per_class(cm):\n    return 1, 2, 3", "per_class", "a tuple of 3"),
        ("def per_class(cm):\n    return None", "per_class", "nothing (None)"),
        ("def per_class(cm):\n    return 1, [2, 3], 4, 5", "per_class", ""),
        ("def per_class(cm):\n    return 'a', 'b', 'c', 'd'", "per_class", ""),
        (
            "def misclassified(y_true, y_pred):\n    return y_true != y_pred",
            "misclassified",
            "a yes or no",
        ),
        (
            "def misclassified(y_true, y_pred):\n    return np.argwhere(y_true != y_pred)",
            "misclassified",
            "one column",
        ),
        (
            "def misclassified(y_true, y_pred):\n    return y_pred[y_true != y_pred]",
            "misclassified",
            "the predicted classes",
        ),
    ],
)
def test_a_mistake_without_a_name_is_put_into_words(
    judge: Judge, tmp_path: Path, source: str, check: str, words: str
) -> None:
    told = by_id(judge(written(tmp_path, source)))[check]
    assert told.outcome is Outcome.FAILED
    assert told.misconception is None
    assert words in (told.observed or "")


def test_an_exception_in_a_function_is_an_error_of_that_task_alone(
    judge: Judge, tmp_path: Path
) -> None:
    source = "def overall_accuracy(cm):\n    return cm.sum(axis=2)"
    checks = by_id(judge(written(tmp_path, source)))
    assert checks["overall_accuracy"].outcome is Outcome.ERROR
    assert checks["class_accuracy"].outcome is Outcome.PASSED
    assert checks["shares_many_tables"].outcome is Outcome.SKIPPED


def test_what_fits_the_public_tables_only_fails_the_hidden_checks(
    judge: Judge, tmp_path: Path
) -> None:
    source = """
def class_accuracy(cm, k=4):
    return [cm[c, c] / cm[c].sum() for c in range(min(k, len(cm)))]
"""
    checks = by_id(judge(written(tmp_path, source)))
    assert checks["class_accuracy"].outcome is Outcome.PASSED
    assert checks["shares_many_tables"].outcome is Outcome.FAILED


REAL = """
from tensorflow.keras.datasets import mnist
_, (x, truth) = mnist.load_data()
"""
LIKE = """
x, truth = np.random.default_rng(0).random((30, 28, 28)), np.arange(30) % 10
"""
DRAWN = """
import matplotlib.pyplot as plt
guess = np.where(np.arange(len(x)) % 4, truth, 9 - truth)
"""
GRID = """
fig, axes = plt.subplots({rows}, 5)
for i, ax in enumerate(axes.flat):
    right = guess[i] == truth[i]
    ax.imshow(x[i]), ax.axis("off")
    {label}
plt.show()
plt.imshow({table})
plt.show()
"""


def drawn(tmp_path: Path, label: str, *, rows: int = 5, table: str) -> Path:
    data = REAL if table.startswith("confusion(truth, guess, 10)") else LIKE
    return written(tmp_path, data + DRAWN + GRID.format(label=label, rows=rows, table=table))


@pytest.mark.parametrize(
    ("label", "rows", "table", "check", "words", "points"),
    [
        ("pass", 5, "x[0]", "digit_grid", "25 of 25 pictures have no label", 0),
        ("ax.set_title('8')", 4, "x[0]", "digit_grid", "shows 20 picture(s)", 0),
        (
            "ax.set_title(f'{guess[i + 1]} ({truth[i + 1]})', color='blue' if right else 'red')",
            5,
            "confusion(truth, guess, 10)[:, :9]",
            "digit_grid",
            "a picture of a",
            0,
        ),
        ("ax.set_title(guess[i])", 5, "x[0]", "label_colours", "all labels are black", 0),
        (
            "ax.set_title(f'{guess[i]} ({truth[i]})', color='blue')",
            5,
            "np.zeros((10, 10))",
            "label_colours",
            "wrong predictions are in blue",
            0,
        ),
        (
            "ax.set_title(f'{guess[i]} ({truth[i]})', color='green' if right else 'red')",
            5,
            "np.ones((9, 10))",
            "label_colours",
            "right predictions are in green",
            1,
        ),
    ],
)
def test_figures_that_fall_short_are_told_why(
    judge: Judge,
    tmp_path: Path,
    label: str,
    rows: int,
    table: str,
    check: str,
    words: str,
    points: float,
) -> None:
    checks = by_id(judge(drawn(tmp_path, label, rows=rows, table=table)))
    assert words in (checks[check].observed or "")
    assert checks[check].points == points
    assert checks["heatmap"].outcome is Outcome.FAILED
    assert checks["heatmap"].next


def test_labels_that_name_the_truth_alone_are_believed(judge: Judge, tmp_path: Path) -> None:
    label = "ax.set_xlabel(truth[i], color='navy' if right else 'firebrick')"
    checks = by_id(judge(drawn(tmp_path, label, table="confusion(truth, guess, 10)")))
    assert checks["label_colours"].outcome is Outcome.PASSED
    assert checks["heatmap"].outcome is Outcome.PASSED
