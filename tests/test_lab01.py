"""The lab on loading and preprocessing: its reference, starter, right answers and mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.records.lab import Lab
from grader.records.result import CheckResult, Outcome, Result
from tests.labs import Judge, assert_full_marks, folder_of, reference_of

LAB = "lab01"
FOLDER = folder_of(LAB)
REFERENCE = reference_of(LAB)


FUNCTIONS = """
import numpy as np
def normalize(x):
    return x.astype("float32") / 255
def rescale(x):
    return x.astype("float32") / 127.5 - 1
def encode(y):
    return np.eye(10)[y]
def batches(x, y, size):
    for start in range(0, len(x), size):
        yield x[start : start + size], y[start : start + size]
"""
LOAD = """
from sklearn.datasets import fetch_openml
x, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
y = y.astype(int)
"""


def written(tmp_path: Path, *parts: str) -> Path:
    path = tmp_path / "lab01.py"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def told(result: Result, check: str) -> CheckResult:
    return next(item for item in result.checks if item.id == check)


def test_the_reference_gets_full_marks(judge: Judge) -> None:
    result = judge(REFERENCE)
    assert_full_marks(result)


def test_the_untouched_starter_earns_nothing(judge: Judge, lab: Lab) -> None:
    assert judge(lab.starter).score == 0


def test_scaling_inside_a_function_that_keeps_nothing_counts(judge: Judge, tmp_path: Path) -> None:
    main = "def main():\n" + "\n".join(f"    {line}" for line in LOAD.strip().splitlines())
    main += "\n    a, b = x[:60000], x[60000:]\n    print(normalize(a).max(), normalize(b).max())"
    assert judge(written(tmp_path, FUNCTIONS, main, "main()")).score == 20


def test_a_subset_of_the_data_is_as_good_as_all_of_it(judge: Judge, tmp_path: Path) -> None:
    rest = "x_train, y_train = normalize(x[:3000]), y[:3000]\nx_test = normalize(x[60000:60500])\n"
    assert judge(written(tmp_path, FUNCTIONS, LOAD, rest, "del x, y")).score == 20


def test_answers_learned_from_the_public_checks_fail_the_hidden_ones(
    judge: Judge, tmp_path: Path
) -> None:
    trick = """
def encode(y):
    return np.eye(10)[y] if tuple(y) in {(5, 0, 4, 1, 9, 2, 1, 3), (2, 0, 1, 2), (7,)} else None
"""
    result = judge(written(tmp_path, FUNCTIONS, trick))
    assert told(result, "encode").outcome is Outcome.PASSED
    assert told(result, "encode_many_labels").outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("source", "check", "words", "points"),
    [
        ("def normalize(x):\n    return x / 256", "normalize", "255 into 0.9961", 1.5),
        ("def rescale(x):\n    return normalize(x)", "rescale", "0 into 0 and 255 into 1", 0),
        ("def rescale(x):\n    print(x)", "rescale", "nothing (None)", 0),
        ("def normalize(x):\n    return x.reshape(-1) / 255", "normalize", "has shape", 0),
        ("def batches(x, y, size):\n    return x, y", "batches_keep_pairs", "a tuple", 0),
        ("def batches(x, y, size):\n    yield x", "batches_keep_pairs", "shape (200, 2, 2)", 0),
        ("def batches(x, y, size):\n    yield from ()", "batches_keep_pairs", "no batch", 0),
        ("def batches(x, y, size):\n    yield x / 2, y", "batches_keep_pairs", "not those", 0),
        (
            "def batches(x, y, size):\n    while True:\n        yield x[:size], y[:size]",
            "batches_keep_pairs",
            "goes on",
            0,
        ),
        (
            "def batches(x, y, size):\n    yield x[:size], y[:size]\n    yield x[:9], y[:9]",
            "batches_keep_all",
            "73 pictures, 64 different",
            0,
        ),
        (f"{LOAD}\nx = normalize(x)", "same_scaling", "no variables", 0),
        ("", "mnist_loaded", "no pictures", 0),
    ],
)
def test_a_mistake_without_a_name_is_put_into_words(
    judge: Judge, tmp_path: Path, source: str, check: str, words: str, points: float
) -> None:
    answer = told(judge(written(tmp_path, FUNCTIONS, source)), check)
    assert answer.outcome is Outcome.FAILED
    assert words in (answer.observed or "")
    assert answer.next
    assert answer.points == points


def test_float64_is_as_good_as_float32(judge: Judge, tmp_path: Path) -> None:
    result = judge(written(tmp_path, FUNCTIONS, "def normalize(x):\n    return x / 255"))
    assert told(result, "normalize").outcome is Outcome.PASSED
    assert told(result, "normalize_many_pictures").outcome is Outcome.PASSED
