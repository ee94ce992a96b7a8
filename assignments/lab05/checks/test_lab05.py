"""Public checks of lab05: a convolutional network is built and trained.

What a network *is* (its data, outputs, layers and loss) is judged even when its training stopped
with an error, so that one mistake costs only what it spoils.
"""

from grader.checks import expect
from grader.checks.convolutions import (
    CONVOLUTION,
    channel_first,
    convolutions,
    may_be_bare,
    pools,
)
from grader.checks.running import expect_finished, expect_trained, tried_network

NAMES = ("model",)
CLASSES = 10


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


def test_convolution(evidence, submission, diagnosis):
    """Convolutions slide over the picture, and pooling makes it smaller."""
    diagnosis.expect_none("missing-channel", "channels-first")
    facts = tried_network(evidence, NAMES, CLASSES)
    places = convolutions(facts)
    expect(
        not channel_first(facts),
        observed="a convolution takes pictures of shape "
        f"{tuple(facts.layers[places[0]].input_shape or ())[1:] if places else ()}",
        expected="height, width and channels, in this order",
        misconception="channels-first",
        earned=0.5,
        cell=facts.cell,
        line=facts.line,
    )
    if may_be_bare(facts, submission):
        return
    others = [layer for layer in facts.layers if CONVOLUTION.search(layer.kind)]
    expect(
        places,
        observed="the filters of every convolution cover a single pixel or the whole picture"
        if others
        else "the network has no convolution",
        expected="at least one convolution with a filter of a few pixels, and pooling after it",
        misconception="convolution-missing",
        cell=facts.cell,
        line=facts.line,
    )
    expect(
        pools(facts, places[0]),
        observed="nothing makes the picture smaller after the convolution",
        expected="pooling, or strides of more than 1",
        misconception="convolution-missing",
        earned=0.5,
        cell=facts.cell,
        line=facts.line,
    )
    diagnosis.expect_none("no-hidden-activation", "leaky-slope", "softmax-hidden", earned=0.5)


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
