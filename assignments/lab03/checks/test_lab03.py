"""Public checks of lab03: a network is built and trained.

What a network *is* (its data, outputs, layers and loss) is judged even when its training stopped
with an error, so that one mistake costs only what it spoils. What needs a trained network is left
"not checked yet" until there is one.
"""

import numpy as np
import pytest

from grader import catalogue
from grader.checks import expect, fail
from grader.roles import attempted_model, choose_model

CLASSES = 10
WITHOUT_MAPS = {"BatchNormalization", "LayerNormalization", "Normalization", "PReLU", "Embedding"}
SLIPS = {"NameError", "SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError"}
LIMITS = {
    "time": "it took longer than this lab allows",
    "memory": "it used more memory than this lab allows",
    "output": "it printed more than this lab allows",
}


# ---------------------------------------------------------------- what the checks share


def judged_network(evidence):
    """The facts of the trained network, or of the one whose training was tried last, or None."""
    trained = choose_model(evidence, ("model",), CLASSES)
    if trained is not None:
        return trained
    tried = attempted_model(evidence)
    return next((facts for facts in evidence.models if facts.id == tried), None)


def tried_network(evidence):
    """The same, or skip the check where no training was tried."""
    facts = judged_network(evidence)
    if facts is None or not (facts.trained or evidence.fits):
        pytest.skip("not checked yet: it needs “A network is built and trained to the end.”")
    return facts


def cause_of(fault, diagnosis):
    """The mistake that explains an exception, or None."""
    for sighting in diagnosis.sightings:
        entry = catalogue.get(sighting.misconception)
        near = sighting.cell == fault.cell and sighting.line == fault.line
        if fault.type in SLIPS:
            if near and entry.stage in ("exception", "style", "scale"):
                return sighting
        elif entry.severity == "E" and entry.stage in ("exception", "labels", "pairing"):
            return sighting
    return None


def fail_with_fault(fault, diagnosis, *, expected):
    """Fail with an exception of the student's code, or with its cause where that is known."""
    where = "the program" if fault.cell is None else f"cell {fault.cell}"
    stopped = f"{where} stopped with {fault.type}"
    cause = cause_of(fault, diagnosis)
    if cause is not None:
        fail(
            observed=f"{stopped}: {cause.observed}",
            expected=cause.expected,
            misconception=cause.misconception,
            cell=cause.cell,
            line=cause.line,
        )
    message = (fault.message.strip().splitlines() or [""])[0][:160]
    fail(
        observed=f"{stopped}: {message}".strip(": "),
        expected=expected,
        why="What comes after an error works with things that were never made.",
        next="Read the last line of the error first; it names what went wrong.",
        cell=fault.cell,
        line=fault.line,
    )


# ---------------------------------------------------------------- running and training


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect(
        evidence.finished and evidence.limit is None,
        observed="your program was stopped: "
        + LIMITS.get(evidence.limit, "it ended before its last cell"),
        expected="a program that runs to its last cell",
        why="What comes after that point was never run.",
        next="Train on fewer pictures or for fewer epochs, and print less, until it fits.",
    )
    broken = next((cell for cell in evidence.cells if not cell.ok), None)
    if broken is not None and broken.fault is not None:
        fail_with_fault(broken.fault, diagnosis, expected="every cell runs without an error")


def test_network(evidence, diagnosis):
    """A network is built and trained to the end."""
    if choose_model(evidence, ("model",), CLASSES) is not None:
        diagnosis.expect_none("frozen-model")
        return
    tried = [fit.fault for fit in evidence.fits if fit.fault is not None]
    broken = [cell.fault for cell in evidence.cells if cell.fault is not None]
    if tried or broken:
        fail_with_fault((tried or broken)[0], diagnosis, expected="a training that runs to its end")
    diagnosis.expect_none("never-fitted")
    fail(
        observed="no network was trained",
        expected="a network that learns from the training pictures",
        misconception="never-fitted" if evidence.models else None,
        why=None if evidence.models else "All that follows in this lab looks at a trained network.",
        next=None if evidence.models else "Begin with Task 1 and work your way down to Task 4.",
    )


# ---------------------------------------------------------------- the data


def test_training_images(evidence, diagnosis):
    """The network learns from training pictures only."""
    tried_network(evidence)
    diagnosis.expect_none("trained-on-test")


def test_pixels_scaled(evidence, diagnosis):
    """The pixels are scaled, training and test pictures alike."""
    tried_network(evidence)
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
    tried_network(evidence)
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
    facts = tried_network(evidence)
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
    facts = tried_network(evidence)
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
        why="Without a hidden layer each digit is a single template of weights, and a picture is "
        "scored by laying it over the ten templates. A hidden layer can combine strokes.",
        next="Put a Dense layer with an activation between the pixels and the output layer.",
    )
    diagnosis.expect_none("no-hidden-activation", "leaky-slope", "softmax-hidden")


def test_loss_fits(evidence, diagnosis):
    """The loss fits the labels and the output layer."""
    tried_network(evidence)
    diagnosis.expect_none(
        "metrics-as-loss-weights",
        "accuracy-as-loss",
        "one-hot-with-sparse-loss",
        "integers-with-categorical-loss",
        "integer-targets-in-mse",
        "dropout-after-output",
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
    cause = cause_of_no_learning(diagnosis)
    expect(
        finite and (len(path) < 2 or min(path[1:]) < path[0]),
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
