"""Public checks of lab06: the data and the network.

The network that is judged is the one that was trained with RMSprop; where there is none, the one
that any lab would judge. What a network *is* is judged even when its training stopped with an
error.
"""

import re

import pytest

from grader.checks import expect
from grader.checks.running import (
    NOT_TRAINED,
    expect_finished,
    expect_trained,
    judged_network,
    tried_network,
)
from grader.diagnosis.facts import ACTIVATION_KINDS, OPEN_KINDS, WEIGHT_KINDS

NAMES = ("model",)
CLASSES = 10
LEAKY = re.compile(r"leaky_?relu|negative_slope|maximum", re.I)


@pytest.fixture
def facts(evidence, networks):
    """The network that was trained with RMSprop, or the one that was to be trained."""
    with_rmsprop = {
        fit.model for fit in evidence.fits if fit.compiled and fit.compiled.optimizer == "RMSprop"
    }
    found = [one.model.facts for one in networks if one.model.facts.id in with_rmsprop]
    facts = found[-1] if found else judged_network(evidence, NAMES, CLASSES)
    if facts is None or not facts.layers:
        pytest.skip(NOT_TRAINED)
    return facts


# ---------------------------------------------------------------- running and data


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect_finished(evidence, diagnosis)


def test_network(evidence, diagnosis):
    """A network is built and trained to the end."""
    expect_trained(evidence, diagnosis, NAMES, CLASSES)


def test_training_images(evidence, diagnosis):
    """The networks learn from training pictures only."""
    tried_network(evidence, NAMES, CLASSES)
    diagnosis.expect_none("trained-on-test")
    for fit in evidence.fits:
        behind = fit.train.behind if fit.train else None
        expect(
            behind is None or behind.test <= 0.01 * (behind.train + behind.test + behind.unknown),
            observed="pictures of the test set are behind those that went into training",
            expected="training pictures only",
            misconception="trained-on-test",
            cell=fit.cell,
            line=fit.line,
        )


def test_pixels_scaled(evidence, diagnosis):
    """The pixels are scaled, training and test pictures alike."""
    tried_network(evidence, NAMES, CLASSES)
    diagnosis.expect_none(
        "uint8-overflow",
        "in-place-divide",
        "integer-division",
        "double-scaling",
        "scaled-copy-unused",
        "train-only-scaling",
        "scaler-fit-on-test",
        "no-scaling",
    )


def test_labels_and_loss(evidence, diagnosis):
    """Each picture has its own label, and the loss fits labels and outputs."""
    tried_network(evidence, NAMES, CLASSES)
    diagnosis.expect_none(
        "labels-misaligned",
        "scrambled-reshape",
        "overwritten-split",
        "class-sorted-training",
        "labels-scaled",
        "labels-from-one",
        "one-hot-twice",
        "wrong-class-count",
        "string-labels",
        "metrics-as-loss-weights",
        "accuracy-as-loss",
        "one-hot-with-sparse-loss",
        "integers-with-categorical-loss",
        "integer-targets-in-mse",
        "missing-flatten",
        "single-unit-softmax",
        "regression-output",
        "too-few-outputs",
        "too-many-outputs",
        "relu-output",
        "logits-without-flag",
        "softmax-twice",
    )
    diagnosis.expect_none("regression-loss", earned=0.5)


# ---------------------------------------------------------------- the network


def test_hidden_layers(facts, diagnosis):
    """There are two hidden layers or more, and they are not linear."""
    maps = [layer for layer in facts.layers if layer.kind in WEIGHT_KINDS]
    # A model that builds its layers where nobody can list them shows none: the probe judges it.
    expect(
        not maps or len(maps) >= 3 or facts.kind not in OPEN_KINDS,
        observed=f"{max(len(maps) - 1, 0)} hidden layer(s) before the output layer",
        expected="at least two hidden layers",
        why="Each layer works with what the layer before it has found; this lab asks for a network "
        "that is a little deeper than that of lab03.",
        next="Add one more layer with an activation before the output layer.",
        earned=0.5 if len(maps) == 2 else 0.0,
    )
    diagnosis.expect_none("no-hidden-activation", "softmax-hidden", "zero-init")


def test_leaky_relu(facts, diagnosis, submission):
    """LeakyReLU is the activation of at least one hidden layer."""
    slopes = [layer.options.get("negative_slope") for layer in leaky_layers(facts)]
    expect(
        not slopes or any(not is_straight(slope) for slope in slopes),
        observed=f"LeakyReLU with slope {slopes[0]}" if slopes else "",
        expected="a slope well below 1",
        misconception="leaky-slope",
        cell=facts.cell,
        line=facts.line,
    )
    expect(
        not slopes or any(slope != 0 for slope in slopes),
        observed="LeakyReLU with slope 0, which is plain ReLU",
        expected="a small slope above 0",
        why="The slope is what leaks through for negative values; with 0 nothing does.",
        next="Choose a small positive slope.",
    )
    effective = [layer for layer in leaky_layers(facts) if not follows_relu(facts, layer)]
    if slopes and not effective:
        diagnosis.expect_none("relu-before-leaky", earned=0.5)
    hidden_from_view = facts.kind not in OPEN_KINDS or any(
        layer.activation == "custom" or layer.kind == "Lambda" for layer in facts.layers
    )
    expect(
        slopes or (hidden_from_view and LEAKY.search(submission.source)),
        observed="no LeakyReLU was found in the hidden layers; their activations are: "
        + (", ".join(activations(facts)) or "none"),
        expected="LeakyReLU in at least one hidden layer",
        why="ReLU is flat for negative values, so a unit that only gets those stops learning. "
        "LeakyReLU keeps a small slope there.",
        next="Give one of the hidden layers LeakyReLU, as a layer of its own after it or as its "
        "activation.",
    )


def leaky_layers(facts):
    """The layers, before the last one with weights, that are or hold a LeakyReLU."""
    weights = [i for i, layer in enumerate(facts.layers) if layer.kind in WEIGHT_KINDS]
    end = weights[-1] if weights and facts.kind in OPEN_KINDS else len(facts.layers)
    return [layer for layer in facts.layers[:end] if layer.activation == "leaky_relu"]


def follows_relu(facts, layer):
    """Whether a layer of its own comes right after a ReLU."""
    at = facts.layers.index(layer)
    alone = layer.kind not in WEIGHT_KINDS
    return alone and at > 0 and facts.layers[at - 1].activation == "relu"


def is_straight(slope):
    return slope is not None and slope >= 0.99


def activations(facts):
    """The names of the hidden activations, each once."""
    layers = [layer for layer in facts.layers if layer.kind in WEIGHT_KINDS | ACTIVATION_KINDS]
    return dict.fromkeys(layer.activation for layer in layers[:-1] if layer.activation)
