"""Mistakes in compile and fit: loss, metrics, optimizer, and how the training went."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.data import rows_of, scale_of
from grader.diagnosis.facts import last, number, see, short
from grader.diagnosis.labels import BINARY, CATEGORICAL, REGRESSION, SPARSE
from grader.diagnosis.source import Place
from grader.records.evidence import CompileEvent, FitEvent, Number
from grader.records.misconception import Sighting

ADAPTIVE = {"adam", "adamw", "adamax", "nadam", "rmsprop", "lion", "adafactor"}
BAD_LOSS = re.compile(r"Could not interpret loss identifier: (.{1,60})")
METRIC_COMPARES = re.compile(r"node Equal(?:_\d{1,3})?\b")
BAD_OPTIMIZER = "Could not interpret optimizer identifier: <class"


# ---------------------------------------------------------------- loss and output


def logits(case: Case) -> Iterator[Sighting]:
    """Scores and probabilities confused between the output and the loss."""
    flag = case.compiled.from_logits if case.compiled else None
    if case.loss not in SPARSE | CATEGORICAL or (case.output_units or 0) < 2:
        return
    gives = _output_gives(case)
    told = f"the output gives {gives}, the loss expects "
    if gives == "raw scores" and flag is False:
        expected = "softmax, or a loss with from_logits=True"
        spot = case.compile_place
        yield see("logits-without-flag", f"{told}probabilities", expected, spot)
    elif gives == "probabilities" and flag is True and case.last_activation in (None, "softmax"):
        expected = "one of the two"
        yield see("softmax-and-from-logits", f"{told}raw scores", expected, case.compile_place)


def _output_gives(case: Case) -> str:
    name = case.last_activation
    if name is not None:
        return {"linear": "raw scores", "softmax": "probabilities"}.get(name, "something else")
    low, high = case.probe("row_sums", "minimum"), case.probe("row_sums", "maximum")
    off = case.probe("row_sums", "worst")
    if low is None or high is None or off is None:
        return "unknown numbers"
    if low >= -1e-6 and high <= 1 + 1e-6:
        return "probabilities" if off < 1e-3 else "something else"
    return "raw scores" if low < -0.01 else "something else"


def loss_for_classes(case: Case) -> Iterator[Sighting]:
    """A loss that works, but was made for something else."""
    y, units = case.y, case.output_units or 0
    if y is None or y.form != "one-hot" or units < 3 or case.fit is None or case.fit.fault:
        return
    told = f"loss {short(case.loss)} on {units} classes"
    if case.loss in REGRESSION:
        yield see("regression-loss", told, "a cross-entropy", case.compile_place)
    elif case.loss in BINARY and (last(y.shape) or 0) > 2:
        expected = "the cross-entropy for one class out of many"
        yield see("binary-loss-for-many", told, expected, case.compile_place)


def accuracy_as_loss(case: Case) -> Iterator[Sighting]:
    """Accuracy in the place of the loss."""
    for broken in case.broken:
        message = broken.fault.message
        match = BAD_LOSS.search(message)
        named = match is not None and "acc" in match[1].lower()
        blind = "No gradients provided for any variable" in message and "accuracy" in case.loss
        if named or blind:
            observed = f"loss is {short(match[1] if match else case.loss, 40)}"
            place = case.compiled_at(broken)
            yield see("accuracy-as-loss", observed, "a loss with a gradient", place)
            return


# ---------------------------------------------------------------- the arguments of compile


def metrics(case: Case) -> Iterator[Sighting]:
    """Metrics that are missing, not a list, undefined, or of the wrong kind."""
    for broken in case.broken:
        message, place = broken.fault.message, broken.place
        if "Expected `metrics` argument to be a list" in message:
            expected = "a list, with square brackets"
            yield see("metrics-not-a-list", "metrics is a single word", expected, place)
            return
        if (
            broken.fault.type == "NameError"
            and "'accuracy'" in message
            and _in_compile(case, place)
        ):
            expected = "the word in quotes"
            yield see("wrong-metric", "a variable `accuracy` that does not exist", expected, place)
            return
        if METRIC_COMPARES.search(message):
            names = ", ".join(case.compiled.metrics[:3]) if case.compiled else "?"
            observed = f"the metric {short(names, 60)} cannot compare labels and outputs"
            yield see("wrong-metric", observed, "a metric for this form of labels", place)
            return
    yield from _metric_names(case)


def _in_compile(case: Case, place: Place) -> bool:
    statement = case.source.at(*place)
    return statement is not None and any(
        isinstance(node, ast.Attribute) and node.attr == "compile" for node in ast.walk(statement)
    )


def _metric_names(case: Case) -> Iterator[Sighting]:
    fit, y, compiled = case.fit, case.y, case.compiled
    if fit is None or fit.fault or fit.how != "fit" or compiled is None or y is None:
        return
    numbers = y.form in ("integers", "column") and (case.output_units or 0) > 1
    if "categorical_accuracy" in compiled.metrics and numbers:
        observed = "categorical_accuracy with class numbers as labels"
        expected = "'accuracy', or its sparse form"
        yield see("wrong-metric", observed, expected, case.compile_place)
    keys = {key.removeprefix("val_") for key in fit.history}
    if keys == {"loss"} and not compiled.metrics:
        observed = "the history holds the loss only"
        yield see("metrics-missing", observed, "an accuracy as well", case.compile_place)


def compile_arguments(case: Case) -> Iterator[Sighting]:
    """Arguments of compile of the wrong type or in the wrong place."""
    for broken in case.broken:
        message = broken.fault.message
        if BAD_OPTIMIZER in message:
            expected = "an optimizer that was made by calling the class"
            yield see("optimizer-class", "the optimizer is a class", expected, broken.place)
            return
        if "dtype='string' is not a valid dtype" in message and _weights_are_text(case):
            observed = "a list of texts in the third place of compile"
            yield see("metrics-as-loss-weights", observed, "metrics=[…]", case.compile_place)
            return


def _weights_are_text(case: Case) -> bool:
    if case.compiled is not None and case.compiled.loss_weights:
        return True
    return any(len(call.args) >= 3 for _, call in case.source.calls("compile"))


# ---------------------------------------------------------------- how it went


def _losses(case: Case, key: str = "loss") -> tuple[Number, ...]:
    return case.fit.history.get(key, ()) if case.fit else ()


def _accuracies(case: Case, held_out: bool = False) -> tuple[float, ...]:
    lead = "val_" if held_out else ""
    for name in ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy"):
        values = [number(value) for value in _losses(case, lead + name)]
        if values:
            return tuple(value for value in values if value is not None)
    return ()


def _learned(case: Case) -> bool | None:
    """Whether the training got anywhere; None where that is not known."""
    accuracies, losses = _accuracies(case), _losses(case)
    if any(number(value) is None for value in losses):
        return False
    if case.fit is not None and case.fit.shortened is not None:
        return None
    if accuracies:
        return accuracies[-1] >= 0.5
    memorised = case.probe("one_batch_overfit", "accuracy")
    return None if memorised is None else memorised >= 0.9


def learning_rate(case: Case) -> Iterator[Sighting]:
    """A learning rate of which the training died, or stood still."""
    compiled, fit = case.compiled, case.fit
    rate = number(compiled.learning_rate) if compiled else None
    if compiled is None or rate is None or fit is None or fit.fault:
        return
    name, place = compiled.optimizer or "", case.compile_place
    told = f"{short(name, 20)} with learning rate {rate:g}"
    adaptive = name.lower() in ADAPTIVE
    failed = _learned(case) is False
    if rate < 0:
        yield see("learning-rate-negative", told, "a positive number", place)
    elif failed and rate >= (0.03 if adaptive else 2.0) and scale_of(case.x) != "raw":
        yield see("learning-rate-high", told, "a rate at which the loss falls", place)
    elif failed and rate <= (1e-5 if adaptive else 1e-4) and name.lower() != "adadelta":
        yield see("learning-rate-low", told, "a rate at which the loss falls", place)
    if name.lower() == "adadelta" and abs(rate - 0.001) < 1e-9:
        yield see("adadelta-default", told, "a larger rate", place)


def batch_size(case: Case) -> Iterator[Sighting]:
    """Batches of one, or of nearly everything."""
    fit = case.fit
    held_out = number(fit.validation_split) or 0.0 if fit else 0.0
    rows = round(rows_of(fit.train) * (1 - held_out)) if fit and 0 <= held_out < 1 else 0
    if fit is None or fit.batch_size is None or rows < 1000 or fit.fault:
        return
    if fit.batch_size == 1 or fit.batch_size > rows / 5:
        observed = f"batch_size {fit.batch_size:,} for {rows:,} images"
        yield see("batch-extreme", observed, "32 to 512", case.fit_place)


def not_recompiled(case: Case) -> Iterator[Sighting]:
    """Layers frozen, freed, added or taken away between two trainings, without a new compile."""
    for fit in case.fits:
        if fit.restructured:
            observed = "other weights are trainable now than when fit first ran after compile"
            place = fit.cell, fit.line
            yield see("not-recompiled", observed, "compile after such a change", place)
            return


def length(case: Case) -> Iterator[Sighting]:
    """Training that ended too soon, or went on too long."""
    held_out, fit = _accuracies(case, held_out=True), case.fit
    if fit is None or fit.fault or fit.how != "fit" or fit.shortened is not None:
        return
    if len(held_out) in (2, 3) and held_out[-1] - held_out[-2] > 0.01:
        observed = f"held-out accuracy rose from {held_out[-2]:.3f} to {held_out[-1]:.3f}"
        observed += " in the last epoch"
        yield see("too-few-epochs", observed, "a curve that levels off", case.fit_place, "likely")
    plain = [number(value) for value in _losses(case, "val_loss")[:2_000]]
    losses = [value for value in plain if value is not None]
    trained = [number(value) or 0.0 for value in _losses(case)[:2_000]]
    if len(losses) < 5 or len(losses) != len(plain) or len(trained) != len(losses):
        return
    low = losses.index(min(losses))
    tail = losses[low:]
    falls = trained[-1] < trained[low]
    if len(tail) >= 4 and falls and tail[-1] > 1.1 * tail[0] and tail[-3:] == sorted(tail[-3:]):
        observed = f"validation loss rose from {tail[0]:.3f} to {tail[-1]:.3f}"
        observed += f" after epoch {low + 1}"
        yield see("overfitting", observed, "stop near the lowest point", case.fit_place, "likely")


def never_fitted(case: Case) -> Iterator[Sighting]:
    """A model that is used without ever having been trained."""
    keras = [model for model in case.evidence.models if model.family == "keras"]
    trained = {model.id for model in case.evidence.models if model.trained}
    trained |= {fit.model for fit in case.evidence.fits}
    events = case.evidence.events
    if any(isinstance(event, (FitEvent, CompileEvent)) and event.fault for event in events):
        return
    compiled = {event.model for event in events if isinstance(event, CompileEvent)}
    untrained = {model.id: model for model in keras if model.id not in trained}
    if not trained:
        for number_, model in untrained.items():
            if number_ in compiled and not case.broken and case.evidence.finished:
                name = short(next(iter(model.names), "the model"), 40)
                observed = f"`{name}` was compiled but never trained"
                place = model.cell, model.line
                yield see("never-fitted", observed, "a call of fit", place)
                return
        return
    checked = [use for use in case.evidence.uses if use.how != "call" and use.fault is None]
    strange = [use for use in checked if use.model in untrained and rows_of(use.feed) >= 500]
    if strange and not any(use.model in trained for use in checked):
        observed = f"{strange[-1].how} was called on a model that was never trained"
        place = strange[-1].cell, strange[-1].line
        yield see("never-fitted", observed, "the model that was trained", place)


DETECTORS: tuple[Detector, ...] = (
    accuracy_as_loss,
    metrics,
    compile_arguments,
    logits,
    loss_for_classes,
    learning_rate,
    batch_size,
    not_recompiled,
    length,
    never_fitted,
)
