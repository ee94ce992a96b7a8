"""Public checks of lab03: a network is built, trained, tested and looked into.

What a network *is* (its data, outputs, layers and loss) is judged even when its training stopped
with an error, so that one mistake costs only what it spoils. What needs a trained network is left
"not checked yet" until there is one.
"""

import re
from itertools import pairwise

import numpy as np
import pytest

from grader import catalogue, data
from grader.checks import expect, fail
from grader.roles import attempted_model, choose_model

CLASSES = 10
TRAIN, VISIBLE = 60_000, 5_000
WITHOUT_MAPS = {"BatchNormalization", "LayerNormalization", "Normalization", "PReLU", "Embedding"}
TYPING_SLIPS = {"NameError", "SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError"}
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
        if fault.type in TYPING_SLIPS:
            if near and entry.stage in ("exception", "style", "scale"):
                return sighting
        elif entry.severity == "E" and entry.stage in ("exception", "labels", "pairing"):
            return sighting
    return None


def fail_with_fault(fault, diagnosis, *, expected):
    """Fail with an exception of the student's code, and with its cause where that is known."""
    cause = cause_of(fault, diagnosis)
    message = fault.message.strip().splitlines()
    where = "" if fault.cell is None else f"cell {fault.cell} "
    fail(
        observed=f"{where}stopped with {fault.type}: {message[0][:160] if message else ''}".strip(": "),
        expected=expected,
        misconception=cause.misconception if cause else None,
        why=None if cause else "What comes after an error works with things that were never made.",
        next=None if cause else "Read the last line of the error first; it names what went wrong.",
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
        "vanishing-sigmoid",
        "adadelta-default",
        "learning-rate-low",
    )
    losses = [fit.history.get("loss", ()) for fit in model.fits]
    losses = [value for history in losses for value in history]
    known = [value for value in losses if value is not None and np.isfinite(value)]
    start = next((fit.first_loss for fit in model.fits if fit.first_loss is not None), None)
    path = [value for value in (start, *known) if value is not None and np.isfinite(value)]
    cause = cause_of_no_learning(diagnosis)
    expect(
        len(known) == len(losses) and (len(path) < 2 or min(path[1:]) < path[0]),
        observed=f"the loss went {' → '.join(f'{value:.3g}' for value in shortened(path))}"
        + ("" if len(known) == len(losses) else " and then was no number any more (NaN)"),
        expected="a loss that is lower at the end than at the start",
        misconception=cause,
        why=None if cause else "A loss that does not fall means that nothing is learned.",
        next=None if cause else "Try a learning rate that is ten times smaller.",
    )


def cause_of_no_learning(diagnosis):
    """The first mistake seen that can keep a network from learning, or None."""
    for sighting in diagnosis.sightings:
        entry = catalogue.get(sighting.misconception)
        if entry.severity == "E" and entry.stage not in ("evaluation", "style"):
            return sighting.misconception
    return None


def shortened(path):
    """At most five numbers of a list: its first, its last and some between."""
    if len(path) <= 5:
        return path
    return [path[int(i)] for i in np.linspace(0, len(path) - 1, 5)]


# ---------------------------------------------------------------- testing


@pytest.mark.needs("network")
def test_test_accuracy(evidence, diagnosis, model, graded):
    """The accuracy on the test pictures is computed and reported."""
    if measured(evidence, model) or printed(evidence, diagnosis, model, graded):
        return
    diagnosis.expect_none(
        "evaluated-on-train",
        "typed-in-result",
        "broadcast-accuracy",
        "argmax-axis",
        "probabilities-to-metric",
        "wrong-metric",
        "never-fitted",
    )
    fail(
        observed="no accuracy on the test pictures was found",
        expected="the share of test pictures that the network recognises, computed and printed",
        why="Only pictures that the network did not learn from tell how well it reads new digits.",
        next="Ask your trained network about the test pictures and print the share it gets right.",
    )


def measured(evidence, model):
    """Whether evaluate, score or a metric gave an accuracy on the test pictures."""
    learned = {fit.train.x.fingerprint for fit in model.fits if fit.train and fit.train.x}
    for use in evidence.uses:
        gave = use.how == "score" or any("loss" not in key for key in use.results)
        if use.how in ("evaluate", "score") and use.fault is None and gave:
            if on_test(use.feed, learned):
                return True
    return any(
        metric.fault is None
        and ("accuracy" in metric.name.lower() or metric.name == "classification_report")
        and metric.rows_of != "train"
        and bool(metric.first_is_truth or metric.second_is_truth)
        for metric in evidence.metrics
    )


def on_test(feed, learned):
    """Whether test pictures were fed; pictures that cannot be traced get the benefit of doubt."""
    if feed is None or feed.x is None or feed.x.origin is None:
        return feed is not None and (feed.x is None or feed.x.fingerprint not in learned)
    origin = feed.x.origin
    return origin.test > 0 or (origin.train == 0 and feed.x.fingerprint not in learned)


def printed(evidence, diagnosis, model, graded):
    """Whether a printed number is the network's accuracy (or share of errors) on test pictures.

    A number near it will do where the program fed test pictures and no typed-in result was seen:
    it may have been measured on a part of them.
    """
    accuracy = accuracy_on_visible(model, graded)
    fed = any(use.fault is None and on_test(use.feed, set()) for use in evidence.uses)
    if accuracy is None or not fed:
        return False
    near = 0.0 if diagnosis.first("typed-in-result", "evaluated-on-train") else 0.05
    for text, percent in re.findall(r"(?<![\w.])(\d{1,3}\.\d{1,17})\s?(%?)", evidence.text):
        value = float(text)
        share = value / 100 if percent or value > 1 else value
        digits = len(text.split(".")[1]) + (2 if share != value else 0)
        rounding = 0.51 * 10.0 ** -min(digits, 6)
        if min(abs(share - accuracy), abs(1 - share - accuracy)) <= max(near, rounding):
            return True
    return False


def accuracy_on_visible(model, graded):
    """The network's accuracy on the test pictures that the submission has, asked of it now."""
    if graded.feeding is None:
        return None
    rows = np.arange(TRAIN, TRAIN + VISIBLE)
    answers = model.predict(graded.feeding.apply(data.public_rows("mnist", rows)))
    answers = answers.argmax(axis=-1) if answers.ndim > 1 else answers
    if answers.shape != rows.shape:
        return None
    return float((answers == data.public_labels("mnist", rows)).mean())


# ---------------------------------------------------------------- curves


@pytest.mark.needs("network")
def test_curves(evidence, diagnosis, model):
    """The course of the training is drawn, for training and for held-out pictures."""
    lines = [
        line
        for figure in evidence.figures
        for axes in figure.axes
        for line in axes.lines
        if line.points >= 2 and is_curve(line, model.fits)
    ]
    advice = (
        "Keep a part of the training pictures aside while you train, and draw both lines epoch "
        "by epoch, from what `fit` returns or from numbers that your own loop collects."
    )
    expect(
        len(lines) > 0,
        observed="no curve of the training was drawn",
        expected="one line for the training pictures and one for held-out pictures, over the epochs",
        why="A single number at the end hides whether the network still learns or has begun to "
        "learn its pictures by heart.",
        next=advice,
    )
    kinds = [curve_kind(line) for line in lines]
    if len(lines) >= 2 and ("training" in kinds) + ("held out" in kinds) + ("own" in kinds) >= 2:
        return
    if kinds.count("own") >= 2:
        return
    diagnosis.expect_none("curves-mislabelled", earned=0.5)
    shown = "training" if "held out" not in kinds else "held-out"
    expect(
        False,
        observed=f"only {shown} pictures have a curve",
        expected="a second line beside it, for "
        + ("held-out" if shown == "training" else "training")
        + " pictures",
        why="It is the gap between the two lines that shows over-fitting.",
        next=advice,
        earned=0.5,
    )


def is_curve(line, fits):
    """Whether a line is a history of a training, or numbers of one's own with a value an epoch."""
    if line.key is not None:
        return True
    values = [value for value in line.y if value is not None]
    if all(left == right for left, right in pairwise(values)):
        return False
    lengths = {fit.epochs_ran for fit in fits} | {fit.epochs for fit in fits}
    lengths |= {len(values) for fit in fits for values in fit.history.values()}
    own_loop = any(fit.how in ("tape", "train_on_batch") for fit in fits)
    return own_loop or len(fits) > 1 or line.points in lengths


def curve_kind(line):
    """`training`, `held out`, or `own` for numbers that are in no history as they stand."""
    if line.key is None:
        return "own"
    return "held out" if line.key.startswith("val_") else "training"


# ---------------------------------------------------------------- confusion matrix


@pytest.mark.needs("network")
def test_confusion_matrix(evidence, diagnosis):
    """A confusion matrix is shown, true digits in its rows."""
    turned = [*called_matrices(evidence), *found_matrices(evidence)]
    if "rows" in turned or (turned and "columns" not in turned):
        return
    if "columns" in turned:
        diagnosis.expect_none("confusion-transposed", earned=0.5)
        fail(
            observed="the columns of the matrix add up to the numbers of true digits",
            expected="rows that add up to them: true digits in rows, answers in columns",
            misconception="confusion-transposed",
            earned=0.5,
        )
    diagnosis.expect_none("probabilities-to-metric", "argmax-axis")
    fail(
        observed="no confusion matrix was found",
        expected="a 10 × 10 table of true digits (rows) against the network's answers (columns)",
        why="The accuracy says how many digits are wrong; the matrix says which, and for what "
        "they are taken.",
        next="Collect the network's answer for each test picture, count the pairs of true digit "
        "and answer, and print or draw the table.",
    )


def called_matrices(evidence):
    """How each matrix of a metric call is turned: `rows`, `columns` or `unknown`."""
    for metric in evidence.metrics:
        if "confusion" not in metric.name.lower() or metric.fault is not None:
            continue
        counted = orientation(metric.value, metric.shape)
        if counted is not None:
            yield counted
        elif metric.first_is_truth and not metric.second_is_truth:
            yield "rows"
        elif metric.second_is_truth and not metric.first_is_truth:
            yield "columns"
        else:
            yield "unknown"


def found_matrices(evidence):
    """How each table that was left in a variable, drawn or printed is turned."""
    tables = [
        (value.matrix, (CLASSES, CLASSES)) for value in evidence.values if value.matrix is not None
    ]
    tables += [
        (values, shape)
        for figure in evidence.figures
        for axes in figure.axes
        for shape, values in axes.matrices
    ]
    tables += [(table, (CLASSES, CLASSES)) for table in printed_tables(evidence.text)]
    turned = [orientation(values, shape) for values, shape in tables]
    return [turn for turn in turned if turn is not None]


def printed_tables(text):
    """Flat 10 × 10 tables of whole numbers among the printed lines; a leading label is left out."""
    rows = []
    for line in text.splitlines():
        numbers = re.findall(r"\d+", line[:400]) if re.fullmatch(r"[\s\d\[\](),|.]+", line) else []
        if len(numbers) not in (CLASSES, CLASSES + 1):
            rows.clear()
            continue
        rows.append([int(number[:9]) for number in numbers[-CLASSES:]])
        if len(rows) >= CLASSES:
            yield [number for row in rows[-CLASSES:] for number in row]


def orientation(values, shape):
    """`rows` or `columns`: along which axis a table of counts adds up to the true digits.

    None where it adds up to those of neither half, as for a part of the data or for shares.
    """
    if tuple(shape) != (CLASSES, CLASSES) or len(values) != CLASSES * CLASSES:
        return None
    if any(value is None for value in values):
        return None
    table = np.array(values, dtype=np.float64).reshape(CLASSES, CLASSES)
    labels = data.public_labels("mnist", np.arange(TRAIN + VISIBLE))
    train, visible = (np.bincount(half) for half in (labels[:TRAIN], labels[TRAIN:]))
    for truth in (2 * visible, visible, train):
        if np.array_equal(table.sum(axis=1), truth):
            return "rows"
        if np.array_equal(table.sum(axis=0), truth):
            return "columns"
    return None
