"""Precision, recall and F1, rows of answers and names of files, as a student may write them."""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks.per_class import _rounds_to, _told, scores
from grader.checks.samples import ROW, SAID
from grader.checks.saved import named_files
from grader.records.submission import Cell, Submission


def test_the_scores_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import precision_recall_fscore_support

    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 5, 200), rng.integers(0, 4, 200)
    theirs = precision_recall_fscore_support(truth, predicted, zero_division=0)[:3]
    assert np.allclose(scores(truth, predicted, 5), np.stack(theirs))


@pytest.mark.parametrize(
    ("text", "percent"), [("0.988", ""), ("0.98765", ""), ("98.8", "%"), ("98.77", "")]
)
def test_a_number_is_known_by_its_rounding(text: str, percent: str) -> None:
    assert _rounds_to(0.98765, text, percent)
    assert not _rounds_to(0.95, text, percent)


def test_a_fifth_of_the_numbers_may_be_missing_and_no_more() -> None:
    row = np.linspace(0.8, 0.89, 10)
    printed = [(f"{value:.4f}", "") for value in row]
    assert _told(row, printed[2:])
    assert not _told(row, printed[3:])


def test_rows_of_answers_are_found_among_other_numbers() -> None:
    assert ROW.findall("answers [7 2 1 0 4 1] of 2024") == ["7 2 1 0 4 1"]
    assert ROW.findall("0.98 0.97 12 13 14 15 16") == []
    assert SAID.findall("predicted: 7, true: 7 · prediction 0.91") == ["7"]


def test_files_are_found_by_their_names_in_the_source() -> None:
    source = """
keep = ModelCheckpoint(filepath="best.keras", save_best_only=True)
model.export("served")
print("accuracy 0.98", 'no.txt')
"""
    submission = Submission("s", "s.py", "0", "module", (Cell(1, source),))
    assert named_files(submission) == ["best.keras", "served"]
