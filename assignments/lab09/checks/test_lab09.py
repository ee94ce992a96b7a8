"""Public checks of lab09: the five functions, on small tables that can be worked out by hand."""

from dataclasses import dataclass

import numpy as np

from grader.checks import expect, expect_array, fail
from grader.checks.expectations import in_words, plain_array
from grader.checks.running import expect_finished


@dataclass(frozen=True)
class Slip:
    """An answer that is wrong in a known way; why and next default to the catalogue's."""

    wrong: np.ndarray
    seen: str
    code: str | None = None
    why: str | None = None
    next: str | None = None


def same(answer, wanted):
    """Whether an answer has the values and the shape that are wanted."""
    table = plain_array(answer)
    if table is None or table.shape != np.shape(wanted):
        return False
    return bool(np.allclose(table.astype(float), wanted, atol=1e-6, equal_nan=True))


def expect_answer(answer, wanted, call, slips=()):
    """Expect `wanted`; an answer that equals one of the slips is told as what it is."""
    expect(
        answer is not None,
        observed=f"{call} returned nothing (None)",
        expected="an answer that is returned; what is only printed cannot be used further on",
        next="End the function with `return` and your result.",
    )
    for slip in slips:
        if same(answer, slip.wrong) and not same(answer, wanted):
            fail(
                observed=f"{call} gave {slip.seen}",
                expected=plainly(wanted),
                misconception=slip.code,
                why=slip.why,
                next=slip.next,
            )
    expect_array(answer, np.asarray(wanted), call=call)


def plainly(wanted):
    """A small table or row as people write it; a larger one by its shape."""
    wanted = np.asarray(wanted)
    if wanted.size > 12:
        return f"a table of shape {wanted.shape}"
    return " ".join(np.array2string(wanted, precision=3, separator=", ").split())


def counted(y_true, y_pred, k):
    """The confusion matrix, true classes in rows."""
    table = np.zeros((k, k), dtype=np.int64)
    np.add.at(table, (y_true, y_pred), 1)
    return table


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect_finished(evidence, diagnosis)


# ---------------------------------------------------------------- counts

COUNTS_AND_NOT_SHARES = {
    "why": "Shares can be had from counts at any time, but not the counts from shares.",
    "next": "Leave the division out of this function.",
}


def slips_of_confusion(y_true, y_pred, k):
    """Tables that a known mistake leads to."""
    table = counted(y_true, y_pred, k)
    present = np.union1d(y_true, y_pred)
    per_row = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    slips = [
        Slip(table.T, "the true classes in the columns", "confusion-transposed"),
        Slip(per_row, "shares in place of counts", **COUNTS_AND_NOT_SHARES),
        Slip(table / len(y_true), "shares in place of counts", **COUNTS_AND_NOT_SHARES),
    ]
    if k < 10:
        why = "A table of ten rows fits digits only; the caller says how many classes there are."
        step = "Look for a number that is typed in where `k` belongs."
        seen = f"ten rows for {k} classes"
        slips.append(Slip(counted(y_true, y_pred, 10), seen, "hard-coded-size", why, step))
    for size in {int(present.max()) + 1, len(present)} - {k}:
        smaller = counted(*(np.searchsorted(present, y) for y in (y_true, y_pred)), size)
        if size > len(present):
            smaller = counted(y_true, y_pred, size)
        why = "A class that nobody met today keeps its row and column, or the others move up."
        step = "Let `k` decide how large the table is, and not the labels."
        seen = f"{size} rows for {k} classes, of which not all occur"
        slips.append(Slip(smaller, seen, "wrong-class-count", why, step))
    return slips


def test_confusion(student):
    """confusion counts each pair of true class (row) and predicted class (column)."""
    for truth, guess, k in [
        ([0, 0, 1, 2, 2, 2], [0, 1, 1, 0, 2, 0], 3),
        ([4, 0, 0, 2], [0, 0, 2, 2], 6),
        ([7, 9, 9, 4], [9, 9, 4, 4], 10),
    ]:
        y_true, y_pred = np.array(truth), np.array(guess)
        call = f"confusion({truth}, {guess}, {k})"
        answer = student.confusion(y_true, y_pred, k)
        wanted = counted(y_true, y_pred, k)
        expect_answer(answer, wanted, call, slips_of_confusion(y_true, y_pred, k))


# ---------------------------------------------------------------- shares

PERCENT = {
    "why": "Everywhere in this lab a share is a number from 0 to 1.",
    "next": "Multiply by 100 only where you print it.",
}
TABLES = [
    [[5, 1, 0], [2, 6, 4], [0, 3, 9]],
    [[40, 10], [2, 8]],
    [[1, 0, 0, 3], [0, 2, 2, 0], [1, 1, 6, 0], [0, 0, 0, 9]],
]


def quotient(part, whole):
    """part / whole, 0 where the whole is 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def shares(cm):
    """Precision, recall, F1 and support of each class of a table with true classes in rows."""
    hits = np.diag(cm)
    precision, recall = quotient(hits, cm.sum(axis=0)), quotient(hits, cm.sum(axis=1))
    f1 = quotient(2 * precision * recall, precision + recall)
    return precision, recall, f1, cm.sum(axis=1)


def slips_of_overall(cm):
    """Numbers that a known mistake leads to."""
    share = np.trace(cm) / cm.sum()
    each = "the mean of the classes' own shares"
    return [
        Slip(np.array(shares(cm)[1].mean()), each, "macro-weighted"),
        Slip(np.array(100 * share), "a percentage", **PERCENT),
        Slip(np.array(np.trace(cm)), "a count", next="Divide by the number of all predictions."),
        Slip(np.array(1 - share), "the share of wrong ones", next="Count the diagonal instead."),
    ]


def test_overall_accuracy(student):
    """overall_accuracy is the share of right predictions among all."""
    for table in TABLES:
        cm = np.array(table)
        answer = student.overall_accuracy(cm)
        number = plain_array(answer)
        if number is not None and number.size == 1:
            answer = number.reshape(())
        wanted = np.array(np.trace(cm) / cm.sum())
        expect_answer(answer, wanted, f"overall_accuracy({table})", slips_of_overall(cm))


def slips_of_class_accuracy(cm):
    """Rows of shares that a known mistake leads to."""
    precision, recall, f1, support = shares(cm)
    overall = np.trace(cm) / cm.sum()
    hits, predicted = np.diag(cm), cm.sum(axis=0)
    against_rest = (cm.sum() - support - predicted + 2 * hits) / cm.sum()
    against = {
        "why": "The pictures of all other classes, which were not taken for this one either, make "
        "nearly every class look good.",
        "next": "Look at the pictures of one class only: how many are there, how many are found?",
    }
    wrong_axis = "class-accuracy-wrong-axis"
    return [
        Slip(np.array(overall), "one number for all classes", "class-accuracy-is-overall"),
        Slip(np.full(len(cm), overall), "the same for each", "class-accuracy-is-overall"),
        Slip(precision, "the diagonal over the column sums", wrong_axis),
        Slip(against_rest, "each class against all the rest", wrong_axis, **against),
        Slip(hits, "counts", next="Divide by the number of pictures of each class."),
        Slip(hits / cm.sum(), "the diagonal over the sum of all", next="Which total fits a class?"),
        Slip(100 * recall, "percentages", **PERCENT),
    ]


def test_class_accuracy(student):
    """class_accuracy is, for each class, the share of its pictures that was recognised."""
    for table in TABLES:
        cm = np.array(table)
        call = f"class_accuracy({table})"
        expect_answer(student.class_accuracy(cm), shares(cm)[1], call, slips_of_class_accuracy(cm))


NAMES = ("precision", "recall", "f1", "support")


def parts_of(answer, call):
    """The four rows of an answer of per_class."""
    whole = plain_array(answer)
    parts = list(answer) if isinstance(answer, (tuple, list, np.ndarray)) and np.ndim(whole) else []
    if len(parts) != 4:
        told = f"a tuple of {len(parts)}" if isinstance(answer, tuple) else in_words(answer)
        fail(
            observed=f"{call} returned {told}",
            expected="a tuple of four arrays: precision, recall, f1, support",
            why="The caller takes the four apart by their places.",
            next="End the function with `return precision, recall, f1, support`.",
        )
    return parts


def expect_not_swapped(parts, cm, call):
    """Tell precision and recall that have changed places, and whether the support has, too."""
    precision, recall, _, support = shares(cm)
    if same(parts[0], precision) or not (same(parts[0], recall) and same(parts[1], precision)):
        return
    columns = same(parts[3], cm.sum(axis=0)) and not same(parts[3], support)
    fail(
        observed=f"{call} gave the recall in the place of the precision and the other way round"
        + (", and counted the predictions as support" if columns else ""),
        expected=f"precision {plainly(precision)} and recall {plainly(recall)}",
        misconception="report-arguments-swapped" if columns else "precision-recall-swapped",
        why="The true classes are in the rows of cm. Taken for predictions, precision and recall "
        "change places and the support is wrong."
        if columns
        else None,
        next="Say in words what a row of cm is, then look at what each of your sums adds up."
        if columns
        else None,
    )


def expect_per_class(answer, cm, call):
    """Expect the four rows, and tell the commonest slips of each."""
    parts = parts_of(answer, call)
    expect_not_swapped(parts, cm, call)
    precision, recall, f1, support = wanted = shares(cm)
    slips = {
        "f1": [
            Slip((precision + recall) / 2, "the plain mean of precision and recall"),
            Slip(quotient(precision * recall, precision + recall), "half of it"),
        ],
        "support": [Slip(cm.sum(axis=0), "how often each class was predicted")],
    }
    for name, part, right in zip(NAMES, parts, wanted):
        table = plain_array(part)
        expect(
            table is None or table.shape != right.shape or not np.isnan(table.astype(float)).any(),
            observed=f"{call} gave NaN in {name}",
            expected=f"0 where there is nothing to divide by: {plainly(right)}",
            why="A class that does not occur or is never predicted makes a sum 0, and 0/0 has no "
            "value. One NaN spoils every mean it gets into.",
            next="Decide what happens where the sum is 0 before you divide.",
            earned=0.5,
        )
        expect_answer(part, right, f"{name} of {call}", slips.get(name, ()))


def test_per_class(student):
    """per_class gives precision, recall, F1 and support of each class; 0 for an absent one."""
    for table in [*TABLES, [[4, 0, 2], [0, 0, 0], [1, 0, 3]]]:
        cm = np.array(table)
        expect_per_class(student.per_class(cm), cm, f"per_class({table})")


# ---------------------------------------------------------------- which ones


def indices(answer):
    """The indices in an answer; what np.where gives, a tuple of one array, counts as the array."""
    if isinstance(answer, tuple) and len(answer) == 1:
        return indices(answer[0])
    return answer


def slips_of_misclassified(y_true, y_pred):
    """Answers that a known mistake leads to."""
    wrong = y_true != y_pred
    where = np.flatnonzero(wrong)
    index = {
        "why": "An index says where in the arrays a picture stands, so that it can be looked up.",
        "next": "Turn what you have into the places at which the comparison is true.",
    }
    return [
        Slip(np.flatnonzero(~wrong), "the ones that were recognised", "misclassified-inverted"),
        Slip(wrong, "a yes or no for each picture", **index),
        Slip(y_pred[wrong], "the predicted classes of the wrong ones", **index),
        Slip(y_true[wrong], "the true classes of the wrong ones", **index),
        Slip(np.array(len(where)), "how many are wrong", **index),
        Slip(where[:, None], "a table with one column", next="Give one flat row of indices."),
        Slip(where[::-1], "the indices, the last one first", next="Give them in rising order."),
    ]


def test_misclassified(student):
    """misclassified gives the indices of the wrong predictions, in order."""
    for truth, guess in [
        ([3, 8, 8, 1, 0, 5, 2], [3, 8, 3, 7, 0, 6, 2]),
        ([6, 6, 1], [0, 0, 0]),
        ([2, 7], [2, 7]),
    ]:
        y_true, y_pred = np.array(truth), np.array(guess)
        call = f"misclassified({truth}, {guess})"
        answer = indices(student.misclassified(y_true, y_pred))
        wanted = np.flatnonzero(y_true != y_pred)
        expect_answer(answer, wanted, call, slips_of_misclassified(y_true, y_pred))
