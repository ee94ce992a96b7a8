"""Precision, recall and F1 of each class, by whatever means they were computed and shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from grader import data
from grader.checks.diagnosis import Diagnosis
from grader.checks.expectations import expect, fail
from grader.checks.graded import GradedDigits
from grader.checks.trained import TrainedModel
from grader.records.evidence import Evidence

SCORES = ("precision_score", "recall_score", "f1_score")
NUMBER = re.compile(r"(?<![\w.])(\d{1,3}\.\d{1,17})\s?(%?)")
MOST_MISSING = 0.2
"""Of the numbers of a metric: the program may have measured a part of the pictures."""
EXPECTED = "the precision, the recall and the F1 score of each of the ten digits"


def expect_per_class(
    evidence: Evidence, diagnosis: Diagnosis, model: TrainedModel, graded: GradedDigits
) -> None:
    """Expect all three for each class; half for their means alone."""
    diagnosis.expect_none("f1-without-average", "probabilities-to-metric", "argmax-axis")
    diagnosis.expect_none("report-arguments-swapped", earned=0.5)
    classes = data.classes(graded.name)
    if _called(evidence, classes) or _printed(evidence, model, graded):
        return
    calls = {metric.name for metric in evidence.metrics if metric.fault is None}
    expect(
        not calls & {*SCORES, "precision_recall_fscore_support"},
        observed="precision, recall or F1 were computed, but not all three for each digit",
        expected=EXPECTED,
        why="A mean over all digits hides the one that is recognised badly.",
        next="Look up how to get the numbers of each class in place of their mean.",
        earned=0.5,
    )
    fail(
        observed="no precision, recall and F1 of each digit were found",
        expected=EXPECTED,
        why="Precision tells how far an answer can be trusted, recall how many of a digit are "
        "found. The accuracy tells neither.",
        next="Collect the network's answers for the test pictures and let a report be made of "
        "true and predicted digits.",
    )


def scores(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Precision, recall and F1 (3, classes); 0 where there is nothing to divide by."""
    table = np.zeros((classes, classes))
    np.add.at(table, (truth, np.clip(predicted, 0, classes - 1)), 1)
    hits = np.diag(table)
    precision = hits / np.maximum(table.sum(axis=0), 1)
    recall = hits / np.maximum(table.sum(axis=1), 1)
    both = precision + recall
    return np.stack([precision, recall, 2 * precision * recall / np.where(both > 0, both, 1)])


def _called(evidence: Evidence, classes: int) -> bool:
    """Whether scikit-learn computed them for each class."""
    done = [metric for metric in evidence.metrics if metric.fault is None]
    if any(metric.name == "classification_report" for metric in done):
        return True
    several = [metric for metric in done if metric.name == "precision_recall_fscore_support"]
    if any(len(metric.value) >= 3 * classes for metric in several):
        return True
    each = {metric.name for metric in done if len(metric.value) == classes}
    return each >= set(SCORES)


def _printed(evidence: Evidence, model: TrainedModel, graded: GradedDigits) -> bool:
    """Whether the program printed the numbers that its answers to the test pictures give."""
    if graded.feeding is None:
        return False
    described = data.describe(graded.name)
    rows = np.arange(described.train, described.train + described.visible)
    answers = model.predict(graded.feeding.apply(data.public_rows(graded.name, rows)))
    answers = answers.argmax(axis=-1) if answers.ndim > 1 else answers
    if answers.shape != rows.shape:
        return False
    truth = data.public_labels(graded.name, rows).astype(int)
    wanted = scores(truth, answers.astype(int), data.classes(graded.name))
    printed = NUMBER.findall(evidence.text[:1_000_000])
    return len(printed) >= wanted.size and all(_told(row, printed) for row in wanted)


def _told(row: np.ndarray, printed: Sequence[tuple[str, str]]) -> bool:
    missing = 0
    for value in row:
        missing += not any(_rounds_to(value, text, percent) for text, percent in printed)
    return missing <= MOST_MISSING * len(row)


def _rounds_to(value: float, text: str, percent: str) -> bool:
    number = float(text)
    scale = 100 if percent or number > 1 else 1
    digits = min(len(text.split(".")[1]), 6)
    return bool(abs(value * scale - number) <= 0.51 * 10.0**-digits)
