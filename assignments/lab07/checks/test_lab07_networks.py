"""Public checks of lab07: a linear network and one with ReLU, on the same pictures.

A network is linear if mixing two pictures mixes its scores in the same way, whatever its layers.
"""

import pytest

from grader.checks import expect, fail
from grader.checks.compared import asked, plausible
from grader.checks.reported import told_of
from grader.checks.running import NOT_TRAINED, expect_trained
from grader.roles import trained_models

LINEAR_KINDS = ("LogisticRegression", "SGDClassifier", "Perceptron", "Ridge", "LinearSVC", "Linear")
FAULTS = (
    "metrics-as-loss-weights",
    "accuracy-as-loss",
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
    "integer-targets-in-mse",
    "relu-output",
    "softmax-hidden",
    "softmax-twice",
    "logits-without-flag",
)


class Half:
    """One of the models that are compared; scikit-learn's are known by their kind."""

    def __init__(self, facts, evidence, network=None):
        self.facts = facts
        self.network = network
        self.fits = [fit for fit in evidence.fits if fit.model == facts.id and fit.fault is None]
        self.layers = len([one for one in facts.layers if one.parameters])
        if network is None:
            self.linear = not facts.kind.startswith("MLP") or facts.kind in LINEAR_KINDS
            self.bends = set() if self.linear else {"relu"}
            return
        self.bends = {
            (one.activation or one.kind).lower()
            for one in facts.layers
            if one.activation not in (None, "linear", "softmax") or "ReLU" in one.kind
        }
        self.linear = network.is_linear if network.is_linear is not None else not self.bends


class ByHand:
    """A linear classifier trained without Keras: all that is seen of it are its weights."""

    linear, network, layers, fits, bends = True, None, 1, (), frozenset()

    def __init__(self, value):
        self.facts = value


def weights_by_hand(evidence):
    """Variables that hold a weight for each pixel and digit, other than 0 everywhere."""
    return [
        ByHand(value)
        for value in evidence.values
        if value.array is not None
        and value.array.shape in ((784, 10), (785, 10))
        and value.array.finite
        and value.array.minimum != value.array.maximum
    ]


@pytest.fixture
def halves(evidence, networks):
    """Every trained model that can be told to be linear or not."""
    by_id = {network.model.facts.id: network for network in networks}
    known = ("MLP", *LINEAR_KINDS)
    found = [
        Half(facts, evidence, by_id.get(facts.id))
        for facts in trained_models(evidence)
        if facts.id in by_id or (facts.family == "sklearn" and facts.kind.startswith(known))
    ]
    return found if any(half.linear for half in found) else found + weights_by_hand(evidence)


def expect_any(halves, evidence, diagnosis):
    """Expect that a network was trained at all; functions not yet written are not the reason."""
    faults = [cell.fault for cell in evidence.cells if cell.fault is not None]
    tried = evidence.fits or any(fault.type != "NotImplementedError" for fault in faults)
    if not halves and tried:
        expect_trained(evidence, diagnosis)
    expect(
        halves,
        observed="no network was trained",
        expected="two networks, a linear one and one with ReLU",
        why="What a bend is good for shows only beside a model that has none.",
        next="Begin with the linear network: an output layer, straight on the pixels.",
    )


def test_linear_model(halves, evidence, diagnosis):
    """A linear network is trained."""
    expect_any(halves, evidence, diagnosis)
    if any(half.linear for half in halves):
        return
    last = halves[0]
    fail(
        observed=f"the scores of all {len(halves)} trained network(s) bend: "
        + (", ".join(sorted(last.bends)) or "they are not linear"),
        expected="one network whose scores are a linear function of the pixels",
        misconception="unwanted-nonlinearity" if len(halves) > 1 else None,
        why=None if len(halves) > 1 else "The other half of the comparison is missing.",
        next=None if len(halves) > 1 else "Train a second network without any activation inside.",
        **place_of(last, halves),
    )


def place_of(half, halves):
    """Where a model was made; nothing where all were made by one function."""
    places = {(one.facts.cell, one.facts.line) for one in halves}
    alone = len(places) == len(halves)
    return {"cell": half.facts.cell, "line": half.facts.line} if alone else {}


def test_relu_model(halves, evidence, diagnosis):
    """A network with ReLU in a hidden layer is trained."""
    expect_any(halves, evidence, diagnosis)
    bent = [half for half in halves if not half.linear]
    if not bent:
        deepest = max(halves, key=lambda half: half.layers)
        deep = deepest.layers >= 2 and len(halves) > 1
        steep = deepest.network.diagnosis.first("leaky-slope") if deepest.network else None
        fail(
            observed=f"the scores of all {len(halves)} trained network(s) are linear in the pixels",
            expected="one network with a hidden layer that has ReLU behind it",
            misconception="leaky-slope" if steep else "no-hidden-activation" if deep else None,
            why=None if deep or steep else "The other half of the comparison is missing.",
            next=None if deep or steep else "Train a second network with a hidden layer and ReLU.",
            **place_of(deepest, halves),
        )
    with_relu = [half for half in bent if not half.bends or "relu" in " ".join(half.bends)]
    expect(
        with_relu,
        observed="the hidden layers have " + ", ".join(sorted(bent[-1].bends)),
        expected="ReLU",
        why="Other activations bend as well, so the comparison holds; the task asks for ReLU.",
        next="Change the activation of the hidden layer.",
        earned=0.5,
        **place_of(bent[-1], halves),
    )


@pytest.mark.needs("linear_model", "relu_model")
def test_fair(halves, settings):
    """Both learn from the same training pictures, scaled, with a loss that fits."""
    for half in halves:
        if half.network is not None:
            half.network.diagnosis.expect_none(*FAULTS)
    linear = {rows_of(half) for half in halves if half.linear}
    bent = {rows_of(half) for half in halves if not half.linear}
    expect(
        linear & bent or 0 in linear | bent,
        observed=f"the linear network learned from {min(linear):,} pictures, the one with ReLU "
        f"from {min(bent):,}",
        expected="the same pictures for both",
        why="With different pictures nobody can tell whether the network made the difference.",
        next="Pass the same arrays to both trainings.",
        earned=0.5,
    )
    for kind in (True, False):
        expect_learned([half for half in halves if bool(half.linear) == kind], settings)


def expect_learned(halves, settings):
    """Expect that of these at least one recognises digits; one that cannot be asked may have."""
    if not all(half.network is not None and half.network.graded.count for half in halves):
        return
    best, least = max(half.network.graded.accuracy for half in halves), settings["least_accuracy"]
    expect(
        best >= least or any(half.network.graded.excuse(least) for half in halves),
        observed=f"the {'linear network' if halves[0].linear else 'network with ReLU'} recognises "
        f"{best:.0%} of new digits",
        expected=f"at least {least:.0%}, which one round of training is enough for",
        why="Where a network has hardly learned anything, a comparison says nothing of its layers.",
        next="Does its loss fall from epoch to epoch? Let it learn longer, and from all pictures.",
        earned=0.5,
        **place_of(halves[-1], halves),
    )


def rows_of(half):
    """How many pictures a model learned from; 0 where nobody counted them."""
    feeds = [fit.train for fit in half.fits if fit.how in ("fit", "sklearn") and fit.train]
    shapes = [feed.x.shape for feed in feeds if feed.x and feed.kind in ("array", "tensor")]
    return shapes[-1][0] if shapes and shapes[-1] else 0


@pytest.mark.needs("linear_model", "relu_model")
def test_compared(halves, evidence):
    """Both are measured on pictures that they did not learn from."""
    if not halves:
        pytest.skip(NOT_TRAINED)
    for linear, name in [(True, "linear network"), (False, "network with ReLU")]:
        kind = [half for half in halves if bool(half.linear) == linear]
        expect(
            any(measured(half, evidence) for half in kind),
            observed=f"the {name} was never asked about pictures that it did not learn from",
            expected="the accuracy of both on held-out pictures",
            why="What a model has learned by heart tells nothing about new pictures.",
            next="Evaluate both on the same held-out pictures and print the two numbers.",
        )


def measured(half, evidence):
    """Whether a model was asked about held-out pictures; of one by hand only numbers are seen."""
    if isinstance(half, ByHand):
        return plausible(evidence) >= 2
    if half.network is not None:
        network = half.network
        return asked(network, "held out") or told_of(evidence, network.model, network.graded)
    learned = {fit.train.x.fingerprint for fit in half.fits if fit.train and fit.train.x}
    return any(
        use.model == half.facts.id
        and use.fault is None
        and (use.feed is None or use.feed.x is None or use.feed.x.fingerprint not in learned)
        for use in evidence.uses
    )
