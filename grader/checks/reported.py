"""The accuracy that a submission reports: computed on test images, by any means."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from grader import data
from grader.checks.diagnosis import Diagnosis
from grader.checks.expectations import expect, fail
from grader.checks.graded import GradedDigits
from grader.checks.trained import TrainedModel
from grader.records.evidence import Evidence, Feed
from grader.records.submission import Submission

TYPED = re.compile(
    r"""print\(\s*(["'][^"'{}\n]*acc[^"'{}\n]*\d[.,]\d{2,}[^"'{}\n]*["'])\s*\)""", re.I
)
NUMBER = re.compile(r"(?<![\w.])(\d{1,3}\.\d{1,17})(?![\d.])(?!\s?(?:[KMG]?B|m?s)\b)\s?(%?)")
"""A number with decimals, and its percent sign; no size and no time, as summaries have them."""
FINE = 0.001
"""Two decimals are too few to tell one result from another."""
A_PART = 0.05
"""How far a printed accuracy may be off where it may stem from a part of the test images."""


def expect_test_accuracy(
    evidence: Evidence,
    submission: Submission,
    diagnosis: Diagnosis,
    model: TrainedModel,
    graded: GradedDigits,
) -> None:
    """Expect that the accuracy on test images was computed, and not typed in."""
    typed, cell, line = typed_in(submission)
    certain = typed or diagnosis.first(
        "evaluated-on-train", "typed-in-result", "broadcast-accuracy", "argmax-axis"
    )
    if measured(evidence, model):
        return
    if _printed(evidence, model, graded, near=0 if certain else A_PART):
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
    _expect_not_of_training(evidence, model)
    fail(
        observed="no accuracy on the test pictures was found",
        expected="the share of test pictures that the network recognises, computed and printed",
        why="Only pictures that the network did not learn from tell how well it reads new digits.",
        next="Ask your trained network about the test pictures and print the share it gets right.",
    )


def _expect_not_of_training(evidence: Evidence, model: TrainedModel) -> None:
    """Fail where the only accuracy that was measured is that of the images learned from."""
    learned = {fit.train.x.fingerprint for fit in model.fits if fit.train and fit.train.x}
    for use in evidence.uses:
        if use.how in ("evaluate", "score") and use.fault is None and use.feed is not None:
            expect(
                on_test(use.feed, learned),
                observed="the accuracy was measured on pictures that the network learned from",
                expected="pictures that it did not learn from",
                misconception="evaluated-on-train",
                cell=use.cell,
                line=use.line,
            )


def measured(evidence: Evidence, model: TrainedModel) -> bool:
    """Whether evaluate, score or a metric gave an accuracy on the test images."""
    learned = {fit.train.x.fingerprint for fit in model.fits if fit.train and fit.train.x}
    for use in evidence.uses:
        gave = use.how == "score" or any("loss" not in key for key in use.results)
        done = use.how in ("evaluate", "score") and use.fault is None
        if done and gave and on_test(use.feed, learned):
            return True
    return any(
        metric.fault is None
        and ("accuracy" in metric.name.lower() or metric.name == "classification_report")
        and metric.rows_of != "train"
        and bool(metric.first_is_truth or metric.second_is_truth)
        for metric in evidence.metrics
    )


def told_of(evidence: Evidence, model: TrainedModel, graded: GradedDigits) -> bool:
    """Whether this very network was asked about test images and its accuracy computed or printed.

    For labs that train several networks, where the accuracy of one says nothing of another.
    """
    learned = {fit.train.x.fingerprint for fit in model.fits if fit.train and fit.train.x}
    asked = [use for use in model.uses if use.fault is None and on_test(use.feed, learned)]
    if any(use.how == "score" or len(use.results) > 1 for use in asked):
        return True
    named = any(
        "accuracy" in metric.name.lower() and metric.fault is None and metric.rows_of != "train"
        for metric in evidence.metrics
    )
    return bool(asked) and (named or _printed(evidence, model, graded, near=A_PART))


def on_test(feed: Feed | None, learned: set[str]) -> bool:
    """Whether test images were fed; images that cannot be traced get the benefit of the doubt."""
    if feed is None or feed.x is None or feed.x.origin is None:
        return feed is not None and (feed.x is None or feed.x.fingerprint not in learned)
    origin = feed.x.origin
    return origin.test > 0 or (origin.train == 0 and feed.x.fingerprint not in learned)


def typed_in(submission: Submission) -> tuple[str | None, int | None, int | None]:
    """(text, cell, line) of a print with an accuracy in it, as it stands in the source."""
    for cell in submission.cells:
        found = TYPED.search(cell.source)
        if found:
            whole = submission.kind == "module" and len(submission.cells) == 1
            line = cell.first_line + cell.source[: found.start()].count("\n")
            return found[1][:80], None if whole else cell.number, line
    return None, None, None


def _printed(evidence: Evidence, model: TrainedModel, graded: GradedDigits, *, near: float) -> bool:
    """Whether a printed number is the network's accuracy (or share of errors) on test images.

    A number that is off by at most `near` will do where the program fed test images: it may have
    been measured on a part of them.
    """
    accuracy = _accuracy_on_visible(model, graded)
    fed = any(use.fault is None and on_test(use.feed, set()) for use in evidence.uses)
    if accuracy is None or not fed:
        return False
    of_training = _training_results(evidence)
    for share, rounding, logged in shares(evidence.text):
        off = min(abs(share - accuracy), abs(1 - share - accuracy))
        if off <= rounding:
            return True
        # A number from the training is no part of the test images, however near it comes.
        known = rounding < FINE and any(abs(share - told) <= rounding for told in of_training)
        own = not logged and not known
        if own and off <= near:
            return True
    return False


def shares(text: str) -> Iterator[tuple[float, float, bool]]:
    """(share, rounding, whether Keras wrote it while it trained) of each number printed."""
    for line in re.split(r"[\n\r]", text):
        for digits, percent in NUMBER.findall(line):
            value = float(digits)
            share = value / 100 if percent or value > 1 else value
            places = len(digits.split(".")[1]) + (2 if share != value else 0)
            yield share, 0.51 * 10.0 ** -min(places, 6), "/step" in line


def _training_results(evidence: Evidence) -> list[float]:
    """What the training and evaluations on its images gave: every number of them."""
    learned = {fit.train.x.fingerprint for fit in evidence.fits if fit.train and fit.train.x}
    told = [number for fit in evidence.fits for path in fit.history.values() for number in path]
    for use in evidence.uses:
        if use.results and not on_test(use.feed, learned):
            told += use.results.values()
    return [number for number in told if number is not None]


def _accuracy_on_visible(model: TrainedModel, graded: GradedDigits) -> float | None:
    """The network's accuracy on the test images that the submission has, asked of it now."""
    if graded.feeding is None:
        return None
    described = data.describe(graded.name)
    rows = np.arange(described.train, described.train + described.visible)
    answers = model.predict(graded.feeding.apply(data.public_rows(graded.name, rows)))
    answers = answers.argmax(axis=-1) if answers.ndim > 1 else answers
    if answers.shape != rows.shape:
        return None
    return float((answers == data.public_labels(graded.name, rows)).mean())
