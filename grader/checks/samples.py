"""Predictions shown one by one: beside pictures, or as printed digits."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from grader import data
from grader.checks.expectations import expect
from grader.checks.graded import GradedDigits
from grader.checks.pictures import pictures_of
from grader.checks.trained import TrainedModel
from grader.records.evidence import Evidence, FitEvent

FEWEST = 5
ROW = re.compile(r"(?<![\w.])(?:\d[\s,]+){4,}\d(?![\w.])")
SAID = re.compile(r"pred\w*\W{1,20}(?:\w+\W{1,4})?(\d)(?!\d|\.\d*[1-9])", re.I)


def expect_samples(
    evidence: Evidence, model: TrainedModel, graded: GradedDigits, fits: Sequence[FitEvent]
) -> None:
    """Expect some predictions that a person can look at."""
    expect(
        _drawn(evidence, fits) or _printed(evidence, model, graded),
        observed="no predictions of single pictures were found",
        expected="some test pictures with the network's answer at each, or a row of answers",
        why="Numbers over thousands of pictures do not show what the network sees. A few pictures "
        "with its answers do.",
        next="Draw a handful of test pictures and write the network's answer above each.",
    )


def _drawn(evidence: Evidence, fits: Sequence[FitEvent]) -> bool:
    """Whether a figure after the training shows pictures with digits written at them."""
    start = min((fit.number for fit in fits), default=0)
    return any(
        picture.digits
        for figure in evidence.figures
        if figure.number > start
        for picture in pictures_of(figure)
    )


def _printed(evidence: Evidence, model: TrainedModel, graded: GradedDigits) -> bool:
    """Whether a printed row of digits is a part of the network's answers to the test pictures."""
    text = evidence.text[-200_000:]
    if len(SAID.findall(text)) >= FEWEST:
        return True
    rows = [re.sub(r"\D", "", row) for row in ROW.findall(text)]
    if not rows or graded.feeding is None:
        return False
    described = data.describe(graded.name)
    places = np.arange(described.train, described.train + described.visible)
    answers = model.predict(graded.feeding.apply(data.public_rows(graded.name, places)))
    if answers.shape != (len(places), data.classes(graded.name)):
        return False
    told = "".join(str(digit) for digit in answers.argmax(axis=1))
    return any(row in told + told for row in rows)
