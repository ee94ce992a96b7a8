"""Public checks of lab11: the data, the split and the classifier, however they were made."""

import ast
import re

import numpy as np
import pytest

from grader.checks import expect, fail
from grader.checks.estimators import asked_anew, trained_estimator
from grader.checks.running import expect_finished, fail_with_fault
from grader.diagnosis.data import scale_of
from grader.diagnosis.source import Source, called

PIXELS = 784
KIND = "LogisticRegression"
SCALES = re.compile(r"Scal|Norm|Transform|Pipeline|Union|Quantile|Binariz")
NEAR = 0.005
NOT_YET = "not checked yet: it needs a logistic regression that was trained"


def training(evidence, submission):
    """The logistic regression and its last training; the check is skipped where there is none."""
    found = trained_estimator(evidence, submission, KIND)
    if found is None:
        pytest.skip(NOT_YET)
    return found


def rows_of(feed):
    """How many rows a feed has."""
    return (feed.rows or (feed.x.shape[0] if feed.x and feed.x.shape else 0)) if feed else 0


# ---------------------------------------------------------------- running and training


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect_finished(evidence, diagnosis)


def test_logistic_regression(evidence, submission, diagnosis):
    """A logistic regression is trained."""
    if trained_estimator(evidence, submission, KIND) is not None:
        return
    kinds = {facts.id: facts.kind for facts in evidence.models}
    tried = [fit.fault for fit in evidence.fits if fit.fault and KIND in kinds.get(fit.model, "")]
    broken = [cell.fault for cell in evidence.cells if cell.fault is not None]
    for fault in broken:
        expect(
            fault.type != "NotFittedError",
            observed="a classifier was asked before it had learned anything",
            expected="a training first",
            misconception="never-fitted",
            cell=fault.cell,
            line=fault.line,
        )
    if tried or broken:
        fail_with_fault((tried or broken)[-1 if tried else 0], diagnosis, expected="a training")
    other = [facts.kind for facts in evidence.models if facts.trained]
    made = any(kind.startswith(KIND) for kind in kinds.values()) or f"{KIND}(" in submission.source
    expect(
        other or not made,
        observed=f"a {KIND} was made but never fitted",
        expected="a classifier that learned from the training rows",
        misconception="never-fitted",
    )
    fail(
        observed=f"what was trained is a {other[-1]}" if other else "no classifier was trained",
        expected=f"a {KIND} of scikit-learn that learned from the training rows",
        why="It is the simplest classifier that this course knows: one template of weights for "
        "each digit. Everything larger is measured against it.",
        next="Import it from sklearn.linear_model, make one, and fit it.",
    )


# ---------------------------------------------------------------- the data


def test_features(evidence, submission):
    """Each picture is one row of 784 features."""
    _, fit = training(evidence, submission)
    shape = fit.train.x.shape
    expect(
        int(np.prod(shape[1:])) == PIXELS,
        observed=f"the classifier learned from rows of {int(np.prod(shape[1:]))} features",
        expected=f"{PIXELS} features: every pixel of a picture of 28 × 28",
        why="A pixel that is left out is information that is left out.",
        next="Print the shape of the array that goes into `fit`.",
    )


def test_pixels_scaled(evidence, submission, diagnosis):
    """The features are scaled, and the scaling was learned from the training part alone."""
    facts, fit = training(evidence, submission)
    diagnosis.expect_none(
        "uint8-overflow",
        "in-place-divide",
        "integer-division",
        "double-scaling",
        "scaled-copy-unused",
        "train-only-scaling",
        "no-scaling",
    )
    steps = " ".join(step.kind for step in facts.layers)
    inside = SCALES.search(steps if facts.layers else submission.source)
    expect(
        scale_of(fit.train.x) != "raw" or (inside and not facts.kind.startswith(KIND)),
        observed=f"the classifier learned from pixels from 0 to {fit.train.x.maximum:.0f}",
        expected="features in a small range",
        misconception="no-scaling",
        cell=fit.cell,
        line=fit.line,
    )
    diagnosis.expect_none("scaler-fit-on-test")
    expect_scaler_of_training_rows(evidence, facts, fit)


def expect_scaler_of_training_rows(evidence, facts, fit):
    """Expect that no scaler was fitted on more than the training part; half where one was."""
    scalers = {one.id for one in evidence.models if re.search("Scaler|Transformer", one.kind)}
    learned = rows_of(fit.train)
    for other in evidence.fits:
        if other.model not in scalers or other.number > fit.number or other.fault is not None:
            continue
        expect(
            rows_of(other.train) <= learned,
            observed=f"the scaler learned from {rows_of(other.train):,} rows, the classifier "
            f"from {learned:,} of them",
            expected=f"a scaler that learned from the {learned:,} training rows alone",
            misconception="scaler-fit-on-test",
            earned=0.5,
            cell=other.cell,
            line=other.line,
        )


def test_labels_match(evidence, submission, diagnosis):
    """Each row goes with its own label."""
    training(evidence, submission)
    diagnosis.expect_none(
        "overwritten-split",
        "labels-misaligned",
        "scrambled-reshape",
        "class-sorted-training",
        "labels-scaled",
        "string-labels",
    )


# ---------------------------------------------------------------- the split


def sizes_held_out(evidence, facts, fit):
    """Numbers of rows that may be the held-out part, those that the classifier was asked first."""
    asked = [rows_of(use.feed) for use in asked_anew(evidence, facts, fit)]
    kept = [
        value.array.shape[0]
        for value in evidence.values
        if value.array is not None
        and len(value.array.shape) > 1
        and int(np.prod(value.array.shape[1:])) == PIXELS
    ]
    learned = rows_of(fit.train)
    return sorted((n for n in asked if n != learned), reverse=True), kept


def test_split(evidence, submission, diagnosis, settings):
    """80 % of at least 5,000 rows are for training, 20 % are held out."""
    facts, fit = training(evidence, submission)
    learned = rows_of(fit.train)
    asked, kept = sizes_held_out(evidence, facts, fit)
    wanted, least = settings["training_share"], settings["least_rows"]
    at = {"cell": fit.cell, "line": fit.line}
    fitting = [n for n in [*asked, *kept] if abs(learned / (learned + n) - wanted) <= NEAR]
    if fitting:
        expect(
            learned + fitting[0] >= least,
            observed=f"training and held-out part have {learned + fitting[0]:,} rows together",
            expected=f"at least {least:,}",
            why="On few rows chance decides: another seed gives another accuracy.",
            next="Take more rows before you split.",
            **at,
        )
        return
    if any(learned == one + other and other in asked for one in kept for other in kept):
        fail(
            observed=f"the classifier learned from all {learned:,} rows, the held-out ones too",
            expected="a training on the training part alone",
            misconception="trained-on-test",
            **at,
        )
    fail_with_share(learned, asked or [n for n in kept if n < learned], at)


def fail_with_share(learned, held, at):
    """Tell a split into other shares, or none."""
    expect(
        held,
        observed=f"the classifier learned from {learned:,} rows, and none were held out",
        expected="80 % of the rows for training and 20 % held out",
        why="Only rows that were not learned from show how well new ones are recognised.",
        next="Split the rows, and the labels with them, before you train.",
        **at,
    )
    share = learned / (learned + held[0])
    default = abs(share - 0.75) <= NEAR
    fail(
        observed=f"{share:.0%} of the rows are for training: {learned:,} of {learned + held[0]:,}",
        expected="80 % for training, 20 % held out",
        misconception="split-default-75" if default else None,
        why=None if default else "Results can be compared only if all split alike.",
        next=None if default else "State the size of the held-out part.",
        **at,
    )


SPLITTERS = ("train_test_split", "ShuffleSplit", "StratifiedShuffleSplit")
MIXERS = ("permutation", "shuffle", "sample", "choice")
SEEDERS = ("seed", "set_random_seed", "set_seed")
GENERATORS = ("default_rng", "RandomState", "PCG64", "Random")
SHARED = ("np.random", "numpy.random", "random", "tf.random")
"""What draws from one source of random numbers for the whole program."""


def is_seeded(call):
    """Whether a call says itself how its random numbers begin, or that it does not mix at all."""
    for keyword in call.keywords:
        value = keyword.value
        if keyword.arg in ("random_state", "seed", None):
            return not (isinstance(value, ast.Constant) and value.value is None)
        if keyword.arg == "shuffle" and isinstance(value, ast.Constant) and value.value is False:
            return True
    return False


def test_seed(evidence, submission):
    """The split is the same in every run."""
    training(evidence, submission)
    source = Source(submission)
    if any(call.args or call.keywords for _, call in source.calls(*SEEDERS)):
        return
    mixing = list(source.calls(*SPLITTERS)) or list(source.calls(*MIXERS))
    own = any(call.args or call.keywords for _, call in source.calls(*GENERATORS))
    for item, call in mixing:
        owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else None
        expect(
            is_seeded(call) or (own and owner is not None and owner not in SHARED),
            observed=f"`{called(call)}` draws its random numbers without a seed",
            expected="a fixed seed",
            misconception="no-seed",
            cell=item.cell,
            line=item.line,
        )
