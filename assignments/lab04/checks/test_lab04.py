"""Public checks of lab04: networks are built and trained, with dropout and without.

Of all the networks that a submission trains, two are judged: one that drops units while it trains,
and one that does not. What they *are* is judged even when a training stopped with an error.
"""

import pytest

from grader.checks import expect
from grader.checks.diagnosis import Diagnosis
from grader.checks.dropout import judged_pair
from grader.checks.running import expect_finished, expect_trained, tried_network

CLASSES = 10
WITHOUT_MAPS = {"BatchNormalization", "LayerNormalization", "Normalization", "PReLU", "Embedding"}


@pytest.fixture
def mistakes(evidence, diagnosis, networks):
    """The mistakes made with each judged network; skips the check where no training was tried."""
    tried_network(evidence, (), CLASSES)
    pair = judged_pair(networks, "mnist")
    return [network.diagnosis for network in pair] or [diagnosis]


def expect_none(mistakes: list[Diagnosis], *codes, earned=0.0):
    """Expect none of these mistakes with any judged network."""
    for found in mistakes:
        found.expect_none(*codes, earned=earned)


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect_finished(evidence, diagnosis)


def test_network(evidence, diagnosis):
    """A network is built and trained to the end."""
    expect_trained(evidence, diagnosis, (), CLASSES)


def test_training_images(mistakes):
    """The networks learn from training pictures only."""
    expect_none(mistakes, "trained-on-test")


def test_pixels_scaled(mistakes):
    """The pixels are scaled, training and held-out pictures alike."""
    expect_none(
        mistakes,
        "uint8-overflow",
        "in-place-divide",
        "integer-division",
        "double-scaling",
        "scaled-copy-unused",
        "train-only-scaling",
        "scaler-fit-on-test",
        "no-scaling",
    )


def test_labels_match(mistakes):
    """Each picture goes with its own label."""
    expect_none(
        mistakes,
        "labels-misaligned",
        "scrambled-reshape",
        "overwritten-split",
        "class-sorted-training",
        "labels-scaled",
        "labels-from-one",
        "one-hot-twice",
        "wrong-class-count",
        "string-labels",
    )


def test_ten_outputs(mistakes):
    """The networks give ten outputs for each picture."""
    expect_none(
        mistakes,
        "missing-flatten",
        "single-unit-softmax",
        "regression-output",
        "too-few-outputs",
        "too-many-outputs",
    )


def test_hidden_layer(evidence, mistakes, networks):
    """There is a hidden layer, and it is not linear."""
    expect_none(mistakes, "no-hidden-activation", "leaky-slope", "softmax-hidden")
    pair = [network.model.facts for network in judged_pair(networks, "mnist")]
    for facts in pair or [tried_network(evidence, (), CLASSES)]:
        maps = [
            layer
            for layer in facts.layers
            if layer.parameters and not any(kind in layer.kind for kind in WITHOUT_MAPS)
        ]
        expect(
            len(maps) != 1,
            observed=f"{maps[0].kind if maps else facts.kind} is the only layer that learns",
            expected="at least one hidden layer before the output layer",
            misconception="no-hidden-layer",
            why="Dropout switches off hidden units, so there must be some. A network without a "
            "hidden layer is also too simple to learn pictures by heart.",
        )


def test_loss_fits(mistakes):
    """The loss fits the labels and the output layer."""
    expect_none(
        mistakes,
        "metrics-as-loss-weights",
        "accuracy-as-loss",
        "one-hot-with-sparse-loss",
        "integers-with-categorical-loss",
        "integer-targets-in-mse",
        "relu-output",
        "logits-without-flag",
        "softmax-twice",
    )
    expect_none(mistakes, "regression-loss", earned=0.5)
