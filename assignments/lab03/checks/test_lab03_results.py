"""Public checks of lab03: the trained network is tested and looked into.

What is drawn, printed and computed may be made in any way; it is recognised by its numbers.
"""

import re
from itertools import pairwise

import numpy as np
import pytest

from grader import data
from grader.checks import expect, fail

CLASSES = 10
TRAIN, VISIBLE = 60_000, 5_000
TYPED = re.compile(
    r"""print\(\s*(["'][^"'{}\n]*acc[^"'{}\n]*\d[.,]\d{2,}[^"'{}\n]*["'])\s*\)""", re.I
)


# ---------------------------------------------------------------- testing


@pytest.mark.needs("network")
def test_test_accuracy(evidence, submission, diagnosis, model, graded):
    """The accuracy on the test pictures is computed and reported."""
    typed, cell, line = typed_in(submission)
    certain = typed or diagnosis.first("evaluated-on-train", "typed-in-result")
    if measured(evidence, model) or printed(evidence, model, graded, near=0 if certain else 0.05):
        return
    expect(
        typed is None,
        observed=f"the program prints a text with the result in it: {typed}",
        expected="a number that your code computes from the test pictures",
        misconception="typed-in-result",
        cell=cell,
        line=line,
    )
    diagnosis.expect_none(
        "evaluated-on-train",
        "typed-in-result",
        "broadcast-accuracy",
        "argmax-axis",
        "probabilities-to-metric",
        "wrong-metric",
        "never-fitted",
    )
    fail(
        observed="no accuracy on the test pictures was found",
        expected="the share of test pictures that the network recognises, computed and printed",
        why="Only pictures that the network did not learn from tell how well it reads new digits.",
        next="Ask your trained network about the test pictures and print the share it gets right.",
    )


def measured(evidence, model):
    """Whether evaluate, score or a metric gave an accuracy on the test pictures."""
    learned = {fit.train.x.fingerprint for fit in model.fits if fit.train and fit.train.x}
    for use in evidence.uses:
        gave = use.how == "score" or any("loss" not in key for key in use.results)
        if use.how in ("evaluate", "score") and use.fault is None and gave:
            if on_test(use.feed, learned):
                return True
    return any(
        metric.fault is None
        and ("accuracy" in metric.name.lower() or metric.name == "classification_report")
        and metric.rows_of != "train"
        and bool(metric.first_is_truth or metric.second_is_truth)
        for metric in evidence.metrics
    )


def on_test(feed, learned):
    """Whether test pictures were fed; pictures that cannot be traced get the benefit of doubt."""
    if feed is None or feed.x is None or feed.x.origin is None:
        return feed is not None and (feed.x is None or feed.x.fingerprint not in learned)
    origin = feed.x.origin
    return origin.test > 0 or (origin.train == 0 and feed.x.fingerprint not in learned)


def typed_in(submission):
    """(text, cell, line) of a print with an accuracy in it, as it stands in the source."""
    for cell in submission.cells:
        found = TYPED.search(cell.source)
        if found:
            whole = submission.kind == "module" and len(submission.cells) == 1
            line = cell.first_line + cell.source[: found.start()].count("\n")
            return found[1][:80], None if whole else cell.number, line
    return None, None, None


def printed(evidence, model, graded, *, near):
    """Whether a printed number is the network's accuracy (or share of errors) on test pictures.

    A number that is off by at most `near` will do where the program fed test pictures: it may have
    been measured on a part of them.
    """
    accuracy = accuracy_on_visible(model, graded)
    fed = any(use.fault is None and on_test(use.feed, set()) for use in evidence.uses)
    if accuracy is None or not fed:
        return False
    for text, percent in re.findall(r"(?<![\w.])(\d{1,3}\.\d{1,17})\s?(%?)", evidence.text):
        value = float(text)
        share = value / 100 if percent or value > 1 else value
        digits = len(text.split(".")[1]) + (2 if share != value else 0)
        rounding = 0.51 * 10.0 ** -min(digits, 6)
        if min(abs(share - accuracy), abs(1 - share - accuracy)) <= max(near, rounding):
            return True
    return False


def accuracy_on_visible(model, graded):
    """The network's accuracy on the test pictures that the submission has, asked of it now."""
    if graded.feeding is None:
        return None
    rows = np.arange(TRAIN, TRAIN + VISIBLE)
    answers = model.predict(graded.feeding.apply(data.public_rows("mnist", rows)))
    answers = answers.argmax(axis=-1) if answers.ndim > 1 else answers
    if answers.shape != rows.shape:
        return None
    return float((answers == data.public_labels("mnist", rows)).mean())


# ---------------------------------------------------------------- curves


@pytest.mark.needs("network")
def test_curves(evidence, diagnosis, model):
    """The course of the training is drawn, for training and for held-out pictures."""
    lines = [
        line
        for figure in evidence.figures
        for axes in figure.axes
        for line in axes.lines
        if line.points >= 2 and is_curve(line, model.fits)
    ]
    advice = (
        "Keep a part of the training pictures aside while you train, and draw both lines epoch "
        "by epoch, from what `fit` returns or from numbers that your own loop collects."
    )
    expect(
        lines,
        observed="no curve of the training was drawn",
        expected="a line for the training pictures and one for held-out pictures, over the epochs",
        why="A single number at the end hides whether the network still learns or has begun to "
        "learn its pictures by heart.",
        next=advice,
    )
    kinds = [curve_kind(line) for line in lines]
    if len(set(kinds)) >= 2 or kinds.count("own") >= 2:
        return
    diagnosis.expect_none("curves-mislabelled", earned=0.5)
    missing = "training" if kinds[0] == "held out" else "held-out"
    fail(
        observed=f"no line for the {missing} pictures",
        expected="two lines: one for the training pictures, one for held-out pictures",
        why="It is the gap between the two lines that shows over-fitting.",
        next=advice,
        earned=0.5,
    )


def is_curve(line, fits):
    """Whether a line is a history of a training, or numbers of one's own with a value an epoch."""
    if line.key is not None:
        return True
    values = [value for value in line.y if value is not None]
    if all(left == right for left, right in pairwise(values)):
        return False
    lengths = {fit.epochs_ran for fit in fits} | {fit.epochs for fit in fits}
    lengths |= {len(values) for fit in fits for values in fit.history.values()}
    own_loop = any(fit.how in ("tape", "train_on_batch") for fit in fits)
    return own_loop or len(fits) > 1 or line.points in lengths


def curve_kind(line):
    """`training`, `held out`, or `own` for numbers that are in no history as they stand."""
    if line.key is None:
        return "own"
    return "held out" if line.key.startswith("val_") else "training"


# ---------------------------------------------------------------- confusion matrix


@pytest.mark.needs("network")
def test_confusion_matrix(evidence, diagnosis):
    """A confusion matrix is shown, true digits in its rows."""
    found = [*called_matrices(evidence), *found_matrices(evidence)]
    turned = {turn for turn, _, _ in found}
    if "rows" in turned or "unknown" in turned:
        return
    if found:
        if axes_tell_it(evidence):
            return
        diagnosis.expect_none("confusion-transposed", earned=0.5)
        _, cell, line = next((one for one in found if one[1] is not None), found[0])
        fail(
            observed="the columns of the matrix add up to the numbers of true digits",
            expected="rows that add up to them: true digits in rows, answers in columns",
            misconception="confusion-transposed",
            earned=0.5,
            cell=cell,
            line=line,
        )
    diagnosis.expect_none("probabilities-to-metric", "argmax-axis")
    fail(
        observed="no confusion matrix was found",
        expected="a 10 × 10 table of true digits (rows) against the network's answers (columns)",
        why="The accuracy says how many digits are wrong; the matrix says which, and for what "
        "they are taken.",
        next="Collect the network's answer for each test picture, count the pairs of true digit "
        "and answer, and print or draw the table.",
    )


def axes_tell_it(evidence):
    """Whether a figure names its rows as answers and its columns as true digits, so all is told."""
    axes = [axes for figure in evidence.figures for axes in figure.axes]
    return any(
        re.search("pred|answer|guess", one.ylabel.lower())
        and re.search("true|truth|actual|real|label", one.xlabel.lower())
        for one in axes
    )


def called_matrices(evidence):
    """(how it is turned: `rows`, `columns` or `unknown`, cell, line) of each metric's matrix."""
    for metric in evidence.metrics:
        if "confusion" not in metric.name.lower() or metric.fault is not None:
            continue
        turn = orientation(metric.value, metric.shape)
        if turn is None and metric.first_is_truth and not metric.second_is_truth:
            turn = "rows"
        elif turn is None and metric.second_is_truth and not metric.first_is_truth:
            turn = "columns"
        yield turn or "unknown", metric.cell, metric.line


def found_matrices(evidence):
    """The same of each table that was left in a variable, drawn or printed."""
    square = (CLASSES, CLASSES)
    tables = [
        (value.matrix, square, value.cell, value.line)
        for value in evidence.values
        if value.matrix is not None
    ]
    tables += [
        (values, shape, figure.cell, figure.line)
        for figure in evidence.figures
        for axes in figure.axes
        for shape, values in axes.matrices
    ]
    tables += [
        (table, square, cell.number, None)
        for cell in evidence.cells
        for table in printed_tables(cell.text)
    ]
    turned = [(orientation(values, shape), cell, line) for values, shape, cell, line in tables]
    return [found for found in turned if found[0] is not None]


def printed_tables(text):
    """Flat 10 × 10 tables of whole numbers among the printed lines; a leading label is left out."""
    rows = []
    for line in text.splitlines():
        numbers = re.findall(r"\d+", line[:400]) if re.fullmatch(r"[\s\d\[\](),|.]+", line) else []
        if len(numbers) not in (CLASSES, CLASSES + 1):
            rows.clear()
            continue
        rows.append([int(number[:9]) for number in numbers[-CLASSES:]])
        if len(rows) >= CLASSES:
            yield [number for row in rows[-CLASSES:] for number in row]


def orientation(values, shape):
    """`rows` or `columns`: along which axis a table of counts adds up to the true digits.

    None where it adds up to those of neither half, as for a part of the data or for shares.
    """
    if tuple(shape) != (CLASSES, CLASSES) or len(values) != CLASSES * CLASSES:
        return None
    if any(value is None for value in values):
        return None
    table = np.array(values, dtype=np.float64).reshape(CLASSES, CLASSES)
    labels = data.public_labels("mnist", np.arange(TRAIN + VISIBLE))
    train, visible = (np.bincount(half) for half in (labels[:TRAIN], labels[TRAIN:]))
    for truth in (2 * visible, visible, train):
        if np.array_equal(table.sum(axis=1), truth):
            return "rows"
        if np.array_equal(table.sum(axis=0), truth):
            return "columns"
    return None
