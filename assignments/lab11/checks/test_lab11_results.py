"""Public checks of lab11: what the trained classifier says of rows that it did not learn from."""

import re

import pytest

from grader.checks import expect, fail
from grader.checks.estimators import asked_anew, trained_estimator
from grader.checks.pictures import largest_grid
from grader.checks.reported import typed_in

KIND = "LogisticRegression"
SPOILS = ("string-labels", "evaluated-on-train", "typed-in-result", "broadcast-accuracy")
SPOILS += ("argmax-axis", "probabilities-to-metric")
ENOUGH = 100
FIRST = 5
FEWEST = 3
ALONE = re.compile(r"(?<![\d.])\d(?:\.0+)?(?!\d|\.\d)")
"""A digit that is no part of a longer number, also as 7. or 7.0."""
DECIMAL = re.compile(r"(?<![\w.])(\d{1,3}\.\d{1,17})\s?(%?)")


def is_of(metric, rows):
    """Whether a metric gave an accuracy of predictions, of as many rows as were held out."""
    sides = (metric.first, metric.second)
    named = "accuracy" in metric.name.lower() or metric.name == "classification_report"
    return (
        named
        and metric.fault is None
        and bool(metric.first_is_prediction or metric.second_is_prediction)
        and any(side is not None and side.shape[:1] in rows for side in sides)
    )


def is_printed(share, text):
    """Whether a share from 0 to 1 stands in a text, as it is or in percent, rounded or not."""
    for number, percent in DECIMAL.findall(text):
        value = float(number)
        as_share = value / 100 if percent or value > 1 else value
        digits = len(number.split(".")[1]) + (2 if as_share != value else 0)
        if min(abs(as_share - share), abs(1 - as_share - share)) <= 0.51 * 10.0 ** -min(digits, 6):
            return True
    return False


@pytest.mark.needs("logistic_regression")
def test_held_out_accuracy(evidence, submission, diagnosis):
    """The accuracy on the held-out part is computed and shown."""
    facts, fit = trained_estimator(evidence, submission, KIND)
    uses = [u for u in asked_anew(evidence, facts, fit) if (u.feed.rows or 0) >= ENOUGH]
    rows = {use.feed.x.shape[:1] for use in uses}
    seen = diagnosis.first("evaluated-on-train") is None
    shares = [use.results.get("right") for use in uses if use.how == "predict"]
    if seen and (
        any(use.how == "score" for use in uses)
        or any(is_of(metric, rows) for metric in evidence.metrics)
        or any(share is not None and is_printed(share, evidence.text) for share in shares)
    ):
        return
    text, cell, line = typed_in(submission)
    expect(
        text is None,
        observed=f"the program prints a text with the result in it: {text}",
        expected="a number that your code computes from the held-out rows",
        misconception="typed-in-result",
        cell=cell,
        line=line,
    )
    diagnosis.expect_none(*SPOILS)
    fail(
        observed="no accuracy on the held-out rows was found",
        expected="the share of held-out rows that is recognised, computed and printed",
        why="Rows that were learned from say little: even a list of them would know them all.",
        next="Ask the trained classifier about the held-out rows and compare with their labels.",
    )


def stand_in(found, wanted):
    """Whether digits follow each other in a text, also where others stand regularly between."""
    for step in range(1, 5):
        for start in range(step):
            row = found[start::step]
            for at in range(len(row) - len(wanted) + 1):
                if row[at : at + len(wanted)] == wanted:
                    return True
    return False


def first_classes(use):
    """The first predicted classes of a use, as text; none where they are no single digits."""
    sample = use.output.sample if use.output is not None else None
    if sample is None or sample.dtype.kind not in "iuf":
        return []
    numbers = sample.reshape(-1)[:FIRST].tolist()
    return [f"{number:.0f}" for number in numbers if number in range(10)]


@pytest.mark.needs("logistic_regression")
def test_first_predictions(evidence, submission):
    """The first predictions are shown."""
    _, pictures = largest_grid(evidence)
    if sum(bool(picture.digits) for picture in pictures) >= FEWEST:
        return
    digits = [number[0] for number in ALONE.findall(evidence.text)]
    facts, _ = trained_estimator(evidence, submission, KIND)
    asked = [use for use in evidence.uses if use.model == facts.id and use.how == "predict"]
    told = [first_classes(use) for use in asked]
    expect(
        any(len(wanted) >= FEWEST and stand_in(digits, wanted) for wanted in told),
        observed="the predictions are nowhere to be seen" if told else "nothing was predicted",
        expected="the first few predictions, printed or written at their pictures",
        why="A look at single answers shows at once whether they are digits at all, and in the "
        "order of the labels.",
        next="Predict the held-out rows, and print the first ones beside their true digits.",
    )
