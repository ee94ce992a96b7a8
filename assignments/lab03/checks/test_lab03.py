"""Public checks of lab03: a network is built and trained.

What a network *is* (its data, outputs, layers and loss) is judged even when its training stopped
with an error, so that one mistake costs only what it spoils. What needs a trained network is left
"not checked yet" until there is one.
"""

import numpy as np
import pytest

from grader import catalogue
from grader.checks import expect
from grader.checks.running import expect_finished, expect_trained, tried_network

NAMES = ("model",)
CLASSES = 10
WITHOUT_MAPS = {"BatchNormalization", "LayerNormalization", "Normalization", "PReLU", "Embedding"}


# ---------------------------------------------------------------- running and training


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect_finished(evidence, diagnosis)


def test_network(evidence, diagnosis):
    """A network is built and trained to the end."""
    expect_trained(evidence, diagnosis, NAMES, CLASSES)


# ---------------------------------------------------------------- the data


def test_training_images(evidence, diagnosis):
    """The network learns from training pictures only."""
    tried_network(evidence, NAMES, CLASSES)
    diagnosis.expect_none("trained-on-test")


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


def test_labels_match(evidence, diagnosis):
    """Each picture goes with its own label."""
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
    )


# ---------------------------------------------------------------- the network


def test_ten_outputs(evidence, diagnosis):
    """The network gives ten outputs for each picture."""
    facts = tried_network(evidence, NAMES, CLASSES)
    diagnosis.expect_none(
        "missing-flatten",
        "single-unit-softmax",
        "regression-output",
        "too-few-outputs",
        "too-many-outputs",
    )
    shape = facts.output_shape
    expect(
        facts.family == "sklearn" or not shape or (len(shape) == 2 and shape[-1] == CLASSES),
        observed=f"the network's output has shape {shape}",
        expected=f"shape (None, {CLASSES}): one row of ten numbers for each picture",
        why="Each of the ten outputs stands for one digit; the largest is the network's answer.",
        next="Look at the last lines of `model.summary()` and find where the shape goes wrong.",
    )


def test_hidden_layer(evidence, diagnosis):
    """There is a hidden layer, and it is not linear."""
    facts = tried_network(evidence, NAMES, CLASSES)
    maps = [
        layer
        for layer in facts.layers
        if layer.parameters and not any(kind in layer.kind for kind in WITHOUT_MAPS)
    ]
    # A model that builds its layers where nobody can list them shows none: the probe judges it.
    expect(
        "MLP" in facts.kind if facts.family == "sklearn" else len(maps) != 1,
        observed=f"{maps[0].kind if maps else facts.kind} is the only layer that learns",
        expected="at least one hidden layer before the output layer",
        misconception="no-hidden-layer",
    )
    diagnosis.expect_none("no-hidden-activation", "leaky-slope", "softmax-hidden")


def test_loss_fits(evidence, diagnosis):
    """The loss fits the labels and the output layer."""
    tried_network(evidence, NAMES, CLASSES)
    diagnosis.expect_none(
        "metrics-as-loss-weights",
        "accuracy-as-loss",
        "one-hot-with-sparse-loss",
        "integers-with-categorical-loss",
        "integer-targets-in-mse",
        "dropout-after-output",
        "softmax-axis",
        "relu-output",
        "logits-without-flag",
        "softmax-twice",
    )
    diagnosis.expect_none("regression-loss", earned=0.5)


@pytest.mark.needs("network")
def test_learns(evidence, diagnosis, model):
    """The loss falls while the network trains."""
    diagnosis.expect_none(
        "learning-rate-negative",
        "learning-rate-high",
        "zero-init",
        "dropout-drops-all",
    )
    losses = [loss for fit in model.fits for loss in fit.history.get("loss", ())]
    path = [loss for loss in losses if loss is not None and np.isfinite(loss)]
    finite = len(path) == len(losses)
    # A few batches an epoch, where the budget leaves no more, say little of the whole.
    told = not any(fit.shortened for fit in model.fits) and len(path) >= 2
    cause = cause_of_no_learning(diagnosis)
    expect(
        finite and (not told or min(path[1:]) < path[0]),
        observed=f"the loss went {' → '.join(f'{loss:.3g}' for loss in shortened(path))}"
        if finite
        else "the loss became NaN, which is no number any more",
        expected="a loss that is lower at the end than at the start",
        misconception=cause,
        why=None if cause else "A loss that does not fall means that nothing is learned.",
        next=None if cause else "Try a learning rate that is ten times smaller.",
    )


def cause_of_no_learning(diagnosis):
    """The first mistake seen that can keep a network from learning, or None."""
    for sighting in diagnosis.sightings:
        entry = catalogue.get(sighting.misconception)
        if entry.severity in "EW" and entry.stage not in ("evaluation", "style"):
            return sighting.misconception
    return None


def shortened(path):
    """At most five numbers of a list: its first, its last and some between."""
    if len(path) <= 5:
        return path
    return [path[int(i)] for i in np.linspace(0, len(path) - 1, 5)]
