"""Public checks of lab08: one network trained from scores, one from probabilities.

Which is which is told by what comes out of a network, however it is written: rows that add up to 1
are probabilities, rows with negative numbers are scores.
"""

import pytest

from grader.checks import expect, fail
from grader.checks.reported import told_of
from grader.checks.running import NOT_TRAINED, expect_trained, fail_with_fault

PAIRING = (
    "metrics-as-loss-weights",
    "accuracy-as-loss",
    "one-hot-with-sparse-loss",
    "integers-with-categorical-loss",
    "integer-targets-in-mse",
    "too-few-outputs",
    "labels-from-one",
    "dropout-after-output",
    "single-unit-softmax",
    "regression-output",
    "too-many-outputs",
    "relu-output",
    "sigmoid-output",
    "softmax-twice",
    "logits-without-flag",
    "softmax-and-from-logits",
)
STOP_A_TRAINING = PAIRING[:6]
WORKS_TOO = ("regression-loss", "binary-loss-for-many")
PICTURES = (
    "trained-on-test",
    "uint8-overflow",
    "in-place-divide",
    "integer-division",
    "double-scaling",
    "scaled-copy-unused",
    "train-only-scaling",
    "scaler-fit-on-test",
    "no-scaling",
    "labels-misaligned",
    "scrambled-reshape",
    "overwritten-split",
    "class-sorted-training",
    "labels-scaled",
)
ANSWERS = {
    "raw scores": "one that ends in raw scores, any numbers at all",
    "probabilities": "one whose ten outputs add up to 1",
}
TASKS = {
    "raw scores": "Build a network whose last layer has no activation, and tell its loss so.",
    "probabilities": "Build a network whose output is probabilities, with a loss to match.",
}


def expect_any(networks, evidence, diagnosis):
    """Expect that a network was trained at all; functions not yet written are not the reason."""
    faults = [cell.fault for cell in evidence.cells if cell.fault is not None]
    tried = evidence.fits or any(fault.type != "NotImplementedError" for fault in faults)
    if not networks and tried:
        expect_trained(evidence, diagnosis)
    expect(
        networks,
        observed="no network was trained",
        expected="two networks, one that gives raw scores and one that gives probabilities",
        why="The functions show how the losses are computed, the networks what that is good for.",
        next="Begin with the network that gives raw scores: Task 5.",
    )


def expect_pair(gives, networks, evidence, diagnosis):
    """Expect a network with such outputs, and one of them without a mistake in its loss."""
    expect_any(networks, evidence, diagnosis)
    fitting = [network for network in networks if network.gives == gives]
    # The error of another network's training is no mistake of one that was trained to its end.
    stopped = any(fit.fault is not None for fit in evidence.fits)
    pairing = [code for code in PAIRING if not (stopped and code in STOP_A_TRAINING)]
    for codes, earned in [(pairing, 0.0), (WORKS_TOO, 0.5)]:
        if fitting and all(network.diagnosis.first(*codes) for network in fitting):
            fitting[-1].diagnosis.expect_none(*codes, earned=earned)
    if fitting:
        return
    others = [network for network in networks if network.gives == "something else"]
    for network in [*others, *networks]:
        network.diagnosis.expect_none(*PAIRING)
    expect_not_used_again(networks)
    broken = [fit.fault for fit in evidence.fits if fit.fault is not None]
    broken += [cell.fault for cell in evidence.cells if cell.fault is not None]
    broken = [fault for fault in broken if fault.type != "NotImplementedError"]
    if broken:
        fail_with_fault(broken[0], diagnosis, expected="two trainings that run to their end")
    known = ", ".join(sorted({network.gives for network in networks}))
    fail(
        observed=f"{len(networks)} network(s) were trained, with outputs of this kind: {known}",
        expected=f"two: one of each kind, so also {ANSWERS[gives]}",
        why="Softmax can be a part of the network or of the loss. This lab trains both ways and "
        "compares them.",
        next=TASKS[gives],
    )


def expect_not_used_again(networks):
    """Expect that no network was trained with one loss and then, changed, with another."""
    for network in networks:
        fits = [fit for fit in network.model.fits if fit.fault is None and fit.compiled]
        if len({(fit.compiled.loss, fit.compiled.from_logits) for fit in fits}) > 1:
            fail(
                observed="one network was trained twice, first with one loss, then with another",
                expected="a network of its own for each of the two",
                misconception="model-reused",
                cell=fits[-1].cell,
                line=fits[-1].line,
            )


def test_from_logits(networks, evidence, diagnosis):
    """A network that gives raw scores is trained, and its loss knows it."""
    expect_pair("raw scores", networks, evidence, diagnosis)


def test_from_probabilities(networks, evidence, diagnosis):
    """A network that gives probabilities is trained, and its loss knows it."""
    expect_pair("probabilities", networks, evidence, diagnosis)


def test_pictures(networks, evidence, diagnosis):
    """Both networks learn from training pictures, scaled, each with its own label."""
    if not networks:
        pytest.skip(NOT_TRAINED)
    for network in networks:
        network.diagnosis.expect_none(*PICTURES)


@pytest.mark.needs("from_logits", "from_probabilities")
def test_both_tested(networks, evidence, diagnosis):
    """The accuracy of both networks on the test pictures is computed and shown."""
    silent = [one for one in networks if not told_of(evidence, one.model, one.graded)]
    for gives in ANSWERS:
        if any(one.gives == gives and one not in silent for one in networks):
            continue
        diagnosis.expect_none(
            "evaluated-on-train",
            "typed-in-result",
            "broadcast-accuracy",
            "argmax-axis",
            "probabilities-to-metric",
            "wrong-metric",
        )
        fail(
            observed=f"no test accuracy was found for the network that gives {gives}",
            expected="the share of test pictures that each of the two networks recognises",
            why="Only numbers from the same test pictures can be compared.",
            next="Ask both networks about the test pictures and print the two shares.",
        )
