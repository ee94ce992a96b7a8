"""The course of a training as it was drawn: which lines of which figures show it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from grader.checks.diagnosis import Diagnosis
from grader.checks.expectations import expect, fail
from grader.records.evidence import Evidence, FitEvent, LineFacts

ADVICE = (
    "Keep a part of the training pictures aside while you train, and draw both lines epoch by "
    "epoch, from what `fit` returns or from numbers that your own loop collects."
)


def drawn_curves(evidence: Evidence, fits: Sequence[FitEvent]) -> list[LineFacts]:
    """The lines that show a history of one of `fits`, or numbers of one's own for its epochs."""
    return [
        line
        for figure in evidence.figures
        for axes in figure.axes
        for line in axes.lines
        if line.points >= 2 and _is_curve(line, fits)
    ]


def expect_curves(evidence: Evidence, diagnosis: Diagnosis, fits: Sequence[FitEvent]) -> None:
    """Expect a line for the training pictures and one for held-out pictures; half for one."""
    lines = drawn_curves(evidence, fits)
    expect(
        lines,
        observed="no curve of the training was drawn",
        expected="a line for the training pictures and one for held-out pictures, over the epochs",
        why="A single number at the end hides whether the network still learns or has begun to "
        "learn its pictures by heart.",
        next=ADVICE,
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
        next=ADVICE,
        earned=0.5,
    )


def curve_kind(line: LineFacts) -> Literal["training", "held out", "own"]:
    """What a line shows; `own` for numbers that are in no history as they stand."""
    if line.key is None:
        return "own"
    return "held out" if line.key.startswith("val_") else "training"


def _is_curve(line: LineFacts, fits: Sequence[FitEvent]) -> bool:
    if line.key is not None:
        return True
    values = [value for value in line.y if value is not None]
    if all(left == right for left, right in pairwise(values)):
        return False
    lengths = {fit.epochs_ran for fit in fits} | {fit.epochs for fit in fits}
    lengths |= {len(values) for fit in fits for values in fit.history.values()}
    own_loop = any(fit.how in ("tape", "train_on_batch") for fit in fits)
    return own_loop or len(fits) > 1 or line.points in lengths
