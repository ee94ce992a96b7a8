"""Hidden checks of lab09: the same functions with other classes and larger tables."""

import numpy as np
import pytest

from grader.checks import expect, expect_array
from grader.checks.expectations import plain_array

pytestmark = pytest.mark.hidden
NAMES = ("precision", "recall", "f1", "support")


def shares(cm):
    """Precision, recall, F1 and support of each class, 0 where there is nothing to divide by."""
    hits = np.diag(cm).astype(float)
    by = [np.where(total > 0, total, 1) for total in (cm.sum(axis=0), cm.sum(axis=1))]
    precision, recall = hits / by[0], hits / by[1]
    both = precision + recall
    return precision, recall, 2 * precision * recall / np.where(both > 0, both, 1), cm.sum(axis=1)


@pytest.mark.needs("confusion", "misclassified")
def test_counts_many_classes(student, rng):
    """confusion and misclassified work for any number of pictures and classes."""
    for n, k, dtype in [(2000, 10, np.uint8), (300, 26, np.int64), (1, 4, np.int64)]:
        y_true = rng.integers(0, k, size=n).astype(dtype)
        guess = rng.integers(0, k - 1, size=n).astype(dtype)
        y_pred = np.where(rng.random(n) < 0.7, y_true, guess)
        wanted = np.zeros((k, k))
        np.add.at(wanted, (y_true, y_pred), 1)
        call = f"confusion(y_true, y_pred, {k}) with {n:,} label(s) of type {dtype.__name__}"
        mistakes = {"confusion-transposed": wanted.T}
        expect_array(student.confusion(y_true, y_pred, k), wanted, call=call, mistakes=mistakes)
        found = student.misclassified(y_true, y_pred)
        found = found[0] if isinstance(found, tuple) and len(found) == 1 else found
        call = f"misclassified(y_true, y_pred) with {n:,} label(s)"
        expect_array(found, np.flatnonzero(y_true != y_pred), call=call)


def without_nan(answer):
    """The answer, and 0 where it is NaN: a class that is absent has no share of its own."""
    table = plain_array(answer)
    return answer if table is None else np.nan_to_num(table.astype(float), nan=0.0)


@pytest.mark.needs("overall_accuracy", "class_accuracy", "per_class")
def test_shares_many_tables(student, rng):
    """overall_accuracy, class_accuracy and per_class work for any table."""
    for k, absent, unseen in [(10, (), ()), (26, (3,), (5, 9)), (2, (), (1,))]:
        cm = rng.integers(0, 9, size=(k, k)) + np.diag(rng.integers(1, 90, size=k))
        cm[list(absent)] = 0
        cm[:, list(unseen)] = 0
        told = f"with {k} classes, {len(absent)} absent and {len(unseen)} never predicted"
        precision, recall, f1, support = shares(cm)
        overall, wanted = plain_array(student.overall_accuracy(cm)), np.trace(cm) / cm.sum()
        expect(
            overall is not None and overall.size == 1 and np.isclose(overall, wanted),
            observed=f"overall_accuracy(cm) {told} gave {str(overall)[:60]}",
            expected=f"{wanted:.4f}",
            next="Try your function with a table of another size.",
        )
        answer = without_nan(student.class_accuracy(cm))
        expect_array(answer, recall, call=f"class_accuracy(cm) {told}")
        parts = student.per_class(cm)
        for name, part, right in zip(NAMES, parts, (precision, recall, f1, support)):
            expect_array(part, right, call=f"{name} of per_class(cm) {told}")
