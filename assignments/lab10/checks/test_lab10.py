"""Public checks of lab10: the runs, and what was varied in them.

What a run was set to is read from the networks that were trained, not from what they are called.
"""

import pytest

from grader.checks import expect
from grader.checks.running import expect_finished, expect_trained, tried_network
from grader.checks.runs import reused, runs_of, series

CLASSES = 10
TOPICS = {
    "activation": "the activation of the hidden layers",
    "optimizer": "the optimizer",
    "learning rate": "the learning rate of SGD",
}


@pytest.fixture
def runs(evidence):
    """Every training that ended well."""
    return runs_of(evidence)


# ---------------------------------------------------------------- running and data


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect_finished(evidence, diagnosis)


def test_network(evidence, diagnosis):
    """Networks are built and trained to the end."""
    expect_trained(evidence, diagnosis, (), CLASSES)


def test_training_images(evidence, diagnosis):
    """The networks learn from training pictures only."""
    tried_network(evidence, (), CLASSES)
    diagnosis.expect_none("trained-on-test")


def test_pixels_scaled(evidence, diagnosis):
    """The pixels are scaled, training and held-out pictures alike."""
    tried_network(evidence, (), CLASSES)
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
    tried_network(evidence, (), CLASSES)
    diagnosis.expect_none(
        "labels-misaligned",
        "scrambled-reshape",
        "overwritten-split",
        "class-sorted-training",
        "labels-scaled",
        "labels-from-one",
        "one-hot-twice",
        "wrong-class-count",
        "metrics-as-loss-weights",
        "accuracy-as-loss",
        "one-hot-with-sparse-loss",
        "integers-with-categorical-loss",
        "integer-targets-in-mse",
        "missing-flatten",
        "too-few-outputs",
        "too-many-outputs",
        "relu-output",
        "logits-without-flag",
        "softmax-twice",
    )
    diagnosis.expect_none("regression-loss", earned=0.5)


# ---------------------------------------------------------------- the comparisons


@pytest.mark.needs("network")
def test_fresh_models(runs):
    """Every run begins with a fresh network."""
    again = reused(runs)
    before = [run for run in runs if again and run.fit.number < again.fit.number]
    expect(
        again is None,
        observed=f"run {len(before) + 1} ({in_words(again)}) began with the weights that an "
        "earlier run had ended with"
        if again
        else "",
        expected="a network that is built anew for every run",
        misconception="model-reused",
        cell=again.fit.cell if again else None,
        line=again.fit.line if again else None,
    )
    expect(
        len(runs) >= 2,
        observed=f"{len(runs)} training",
        expected="a training for every setting",
        why="To compare settings, each needs a run of its own.",
        next="Write a function that builds, trains and evaluates one network, and call it for each "
        "setting.",
    )


@pytest.mark.needs("network")
def test_activations(runs, settings, submission):
    """Four activations are compared: relu, tanh, sigmoid and LeakyReLU."""
    expect_series(runs, "activation", settings["activations"], submission)
    straight = [run for run in runs for slope in run.slopes if slope >= 0.99]
    expect(
        not straight,
        observed="a LeakyReLU with a slope of 1 or more",
        expected="a slope well below 1",
        misconception="leaky-slope",
        earned=0.5,
    )


@pytest.mark.needs("network")
def test_optimizers(runs, settings, submission):
    """Three optimizers are compared: Adam, SGD and RMSprop."""
    expect_series(runs, "optimizer", settings["optimizers"], submission)


@pytest.mark.needs("network")
def test_learning_rates(runs, settings, submission):
    """Three learning rates of SGD are compared: 0.01, 0.1 and 1.0."""
    with_sgd = tuple(run for run in runs if run.optimizer == "SGD")
    expect_series(with_sgd, "learning rate", settings["rates"], submission)


def expect_series(runs, topic, wanted, submission):
    """Expect a run for each of the settings, alike in everything else."""
    found = {run.setting(topic) for run in runs}
    if topic == "activation" and "custom" in found and "leaky" in submission.source.lower():
        found.add("leaky_relu")
    missing = [setting for setting in wanted if setting not in found]
    expect(
        not missing,
        observed=f"no run was found with {TOPICS[topic]} set to "
        + ", ".join(shown(setting) for setting in missing),
        expected="a run for each of " + ", ".join(shown(setting) for setting in wanted),
        misconception="optimizer-missing-from-comparison",
        earned=round((len(wanted) - len(missing)) / len(wanted) / 2, 2),
    )
    alike = series(runs, topic, [*wanted, "custom"])
    together = {run.setting(topic) for run in alike}
    expect(
        len(together & {*wanted, "custom"}) >= len(wanted),
        observed="alike in all but "
        + TOPICS[topic]
        + " are only the runs with "
        + ", ".join(sorted(map(shown, together & set(wanted)))),
        expected=f"runs that differ in {TOPICS[topic]} and in nothing else",
        why="Where two things change at once, nobody can tell which of them made the difference.",
        next="Keep the layers, the epochs, the batch size and all other settings the same in these "
        "runs.",
        earned=0.5,
    )


def shown(setting):
    return f"{setting:g}" if isinstance(setting, float) else str(setting)


def in_words(run):
    """What a run was set to."""
    rate = "" if run.rate is None else f" with learning rate {run.rate:g}"
    return ", ".join([*run.activations, f"{run.optimizer}{rate}"])
