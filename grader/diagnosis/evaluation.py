"""Mistakes in what is measured and reported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.data import known, rows_of
from grader.diagnosis.facts import see, share, short
from grader.diagnosis.source import Place, called, constant, names_in, targets
from grader.records.evidence import FigureEvent, FitEvent, MetricEvent, UseEvent
from grader.records.misconception import Sighting

ORDERED = {"classification_report", "precision_score", "recall_score", "f1_score"}
ORDERED |= {"precision_recall_fscore_support", "fbeta_score"}
SAID = re.compile(r"(accuracy|\bacc\b|loss)\D{0,20}(\d{1,3}\.\d{1,6}|\d{2,3}\s?%)", re.IGNORECASE)
WISHED = re.compile(
    r"target|goal|at least|above|below|over|under|should|expect|baseline|minimum|threshold|chance"
    r"|[<>≥≤]",
    re.IGNORECASE,
)
RESULT_NAME = re.compile(r"^(test|val|final|model|my)?_?(acc|accuracy)$", re.IGNORECASE)
MIXED_TARGETS = (
    "multiclass and continuous-multioutput",
    "multilabel-indicator and multiclass",
    "multiclass and multilabel-indicator",
    "multilabel-indicator and continuous-multioutput",
    "multilabel-indicator is not supported",
)


def evaluated_on_train(case: Case) -> Iterator[Sighting]:
    """Nothing but the very images of fit was ever evaluated."""
    fit = case.fit
    if fit is None or fit.train is None or fit.train.x is None or _watched_test(fit):
        return
    checks: list[UseEvent | MetricEvent] = []
    for use in case.uses:
        if use.fault is None and use.training is not True and rows_of(use.feed) >= 50:
            if use.how == "call" and fit.how == "tape":
                continue
            if not _is_trained_on(fit, use):
                return
            checks.append(use)
    if any(event.rows_of != "train" for event in case.evidence.metrics if event.fault is None):
        return
    if any(_is_test_use(use) for use in case.evidence.uses) or not checks:
        return
    observed = "every evaluation used the images that were trained on"
    place = checks[-1].cell, checks[-1].line
    yield see("evaluated-on-train", observed, "images that were not trained on", place)


def _watched_test(fit: FitEvent) -> bool:
    validation = fit.validation
    if validation is None or fit.validation_split:
        return False
    same = fit.train is not None and fit.train.x is not None and validation.x is not None
    if not same or fit.train is None or fit.train.x is None or validation.x is None:
        return True
    return validation.x.fingerprint != fit.train.x.fingerprint or not validation.x.fingerprint


def _is_trained_on(fit: FitEvent, use: UseEvent) -> bool:
    trained = fit.train.x if fit.train else None
    used = use.feed.x if use.feed else None
    if trained is None or used is None or trained.origin is None or used.origin is None:
        return False
    if used.origin.test > 0 or known(used.origin) == 0:
        return False
    if used.fingerprint and used.fingerprint == trained.fingerprint:
        return True
    both = trained.origin.in_order and used.origin.in_order and not fit.validation_split
    return both and rows_of(use.feed) <= rows_of(fit.train)


def _is_test_use(use: UseEvent) -> bool:
    origin = use.feed.x.origin if use.feed and use.feed.x else None
    return origin is not None and share(origin.test, known(origin)) > 0.5


def swapped_arguments(case: Case) -> Iterator[Sighting]:
    """Predictions first and the truth second."""
    seen: set[str] = set()
    for event in reversed(case.evidence.metrics):
        name = event.name.rsplit(".", 1)[-1]
        if event.fault is not None or name in seen:
            continue
        truth_second = event.second_is_truth is True and event.first_is_truth is not True
        if event.first_is_truth is True:
            seen.add(name)
        if not truth_second or event.second_is_prediction is True:
            continue
        told = f"{short(name, 40)} got the predictions first and the true labels second"
        expected, place = "the true labels first", (event.cell, event.line)
        if name == "confusion_matrix" and not _axes_say_so(case, event):
            seen.add(name)
            yield see("confusion-transposed", told, expected, place)
        elif name in ORDERED:
            seen.add(name)
            yield see("report-arguments-swapped", told, expected, place)


def _axes_say_so(case: Case, event: MetricEvent) -> bool:
    """Whether a figure after the metric says that its rows are the predictions."""
    for figure in case.evidence.figures:
        if figure.number < event.number:
            continue
        for axes in figure.axes:
            across, down = axes.xlabel.lower(), axes.ylabel.lower()
            if "pred" in down and any(word in across for word in ("true", "actual", "label")):
                return True
    return False


def metric_arguments(case: Case) -> Iterator[Sighting]:
    """Scores or one-hot rows given to a metric of class numbers, or no average chosen."""
    for broken in case.broken:
        message = broken.fault.message
        if any(text in message for text in MIXED_TARGETS):
            observed = "rows of numbers met class numbers in a metric"
            expected = "one class number for each image on both sides"
            yield see("probabilities-to-metric", observed, expected, broken.place)
            return
        if "Target is multiclass but average='binary'" in message:
            observed = "the metric was made for two classes unless told how to average"
            yield see("f1-without-average", observed, "average=…", broken.place)
            return


def wrong_axis(case: Case) -> Iterator[Sighting]:
    """Class accuracy as diagonal over column sums."""
    for item in case.source.statements:
        node = item.node
        names = " ".join(targets(node)).lower()
        if not isinstance(node, ast.Assign) or not re.search(r"acc|recall", names):
            continue
        division = node.value
        if not isinstance(division, ast.BinOp) or not isinstance(division.op, ast.Div):
            continue
        top, bottom = division.left, division.right
        diagonal = isinstance(top, ast.Call) and called(top) in ("diag", "diagonal", "diag_part")
        if diagonal and isinstance(bottom, ast.Call) and called(bottom) == "sum":
            axis = next((k.value for k in bottom.keywords if k.arg == "axis"), None)
            if constant(axis) == 0:
                place = (item.cell, item.line)
                observed = "the diagonal was divided by the column sums"
                yield see("class-accuracy-wrong-axis", observed, "row sums", place, "likely")
                return


def curves(case: Case) -> Iterator[Sighting]:
    """A curve whose label names the other half of the history."""
    keys = {key for fit in case.evidence.fits for key in fit.history}
    if not any(key.startswith("val_") for key in keys):
        return
    for event in case.evidence.figures:
        for label, key in _labelled(event):
            held_out = any(word in label for word in ("val", "test", "held"))
            trained = "train" in label
            if held_out == trained:
                continue
            if held_out != key.startswith("val_"):
                observed = (
                    f"the line labelled '{short(label, 40)}' shows history['{short(key, 40)}']"
                )
                place = (event.cell, event.line)
                yield see("curves-mislabelled", observed, "label and values of one half", place)
                return


def _labelled(event: FigureEvent) -> Iterator[tuple[str, str]]:
    for axes in event.axes:
        for line in axes.lines:
            label = line.label.lower()
            if line.key and label and not label.startswith("_"):
                yield label, line.key


def typed_in(case: Case) -> Iterator[Sighting]:
    """A result printed as a literal where nothing was measured."""
    if any(use.how in ("evaluate", "predict", "score", "call") for use in case.evidence.uses):
        return
    if case.evidence.metrics or case.evidence.limit or not case.evidence.finished:
        return
    told, expected = "a result is printed that nothing in the run computed", "a computed value"
    for item, call in case.source.calls("print"):
        texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
        text = " ".join(str(part)[:500] for part in texts)
        plain = len(texts) == len(call.args)
        if plain and SAID.search(text) and not WISHED.search(text):
            yield see("typed-in-result", told, expected, item.place, "likely")
            return
    yield from _typed_variable(case, told, expected)


def _typed_variable(case: Case, told: str, expected: str) -> Iterator[Sighting]:
    typed: dict[str, Place] = {}
    for item in case.source.statements:
        value = constant(getattr(item.node, "value", None))
        for name in targets(item.node):
            typed.pop(name, None)
            if value is not None and 0.3 < value < 1 and RESULT_NAME.match(name):
                typed[name] = (item.cell, item.line)
    for _, call in case.source.calls("print"):
        for name in names_in(call) & set(typed):
            yield see("typed-in-result", told, expected, typed[name], "likely")
            return


def training_mode(case: Case) -> Iterator[Sighting]:
    """Predictions with training=True from a model that then behaves differently."""
    if not any(layer.kind in ("Dropout", "BatchNormalization") for layer in case.layers):
        return
    for use in case.uses:
        if use.how == "call" and use.training is True and _is_test_use(use):
            place = (use.cell, use.line)
            yield see("predict-in-training-mode", "training=True on test images", "none", place)
            return


DETECTORS: tuple[Detector, ...] = (
    metric_arguments,
    evaluated_on_train,
    swapped_arguments,
    wrong_axis,
    curves,
    typed_in,
    training_mode,
)
