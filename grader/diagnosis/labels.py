"""Mistakes in the labels: their form, their numbers, and the loss that they go with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.diagnosis.case import Broken, Case, Detector
from grader.diagnosis.facts import figure, first, last, number, see, size
from grader.diagnosis.source import Place, called
from grader.records.evidence import LabelFacts
from grader.records.misconception import Sighting

SHAPES = re.compile(r"target\.shape=\(([\dNone, ]{1,60})\), output\.shape=\(([\dNone, ]{1,60})\)")
LOSS_SUBTRACTS = re.compile(r"node (?:gradient_tape/)?compile_loss/\w{1,60}/sub\b")
OUT_OF_BOUNDS = re.compile(r"index (\d{1,9}) is out of bounds for axis \d with size (\d{1,9})")
LOSS_FOR_CLASSES = "a loss for classes, or one-hot rows"
ENCODERS = {"to_categorical", "eye", "one_hot", "identity"}
CATEGORICAL = {"categorical_crossentropy", "categorical_focal_crossentropy"}
SPARSE = {"sparse_categorical_crossentropy"}
BINARY = {"binary_crossentropy", "binary_focal_crossentropy"}
REGRESSION = {
    "mean_squared_error",
    "mse",
    "mean_absolute_error",
    "mae",
    "mean_squared_logarithmic_error",
    "msle",
    "mean_absolute_percentage_error",
    "huber",
    "log_cosh",
}


def compared_shapes(message: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Shapes of labels and output, -1 for None, from Keras' message about a pair that fails."""
    match = SHAPES.search(message)
    if match is None:
        return None
    target, output = (re.findall(r"None|\d{1,9}", text) for text in match.groups())
    return _sizes(target), _sizes(output)


def _sizes(words: list[str]) -> tuple[int, ...]:
    return tuple(-1 if word == "None" else int(word) for word in words)


def form_and_loss(case: Case) -> Iterator[Sighting]:
    """One-hot rows, class numbers or doubly encoded labels with a loss that wants another form."""
    for broken in case.broken:
        shapes = compared_shapes(broken.fault.message)
        sighting = _from_shapes(case, broken, *shapes) if shapes else None
        if sighting is not None:
            yield sighting
            return
    y, loss, output = case.y, case.loss, case.model.output_shape if case.model else None
    if y is None or not _is_current(case) or len(output or ()) > 2:
        return
    told = f"labels {size(y.shape)}, loss {loss}"
    if y.form == "one-hot-twice":
        yield see("one-hot-twice", f"labels {size(y.shape)}", "one row per image", case.fit_place)
    elif loss in SPARSE and y.form == "one-hot" and (last(y.shape) or 0) > 1:
        yield see("one-hot-with-sparse-loss", told, *_wanted_sparse(case))
    elif loss in CATEGORICAL and y.form in ("integers", "column") and _many(case):
        yield see("integers-with-categorical-loss", told, *_wanted_one_hot(case))


def _wanted_sparse(case: Case) -> tuple[str, Place]:
    return "labels (n,), or the loss for one-hot labels", case.compile_place


def _wanted_one_hot(case: Case) -> tuple[str, Place]:
    return "labels (n, classes), or the sparse form of the loss", case.compile_place


def _is_current(case: Case) -> bool:
    """Whether the judged training is one that still stands as it is (not made good elsewhere)."""
    fault = case.fit.fault if case.fit else None
    return fault is None or any(broken.fault == fault for broken in case.broken)


def _many(case: Case) -> bool:
    return (case.output_units or 0) > 1


def _from_shapes(
    case: Case, broken: Broken, target: tuple[int, ...], output: tuple[int, ...]
) -> Sighting | None:
    told = f"labels of shape {_rest(target)} against outputs of shape {_rest(output)}"
    place = case.compiled_at(broken)
    if len(output) > 2 and len(target) <= 2:
        model = case.model_place if case.model_place[1] is not None else broken.place
        return see("missing-flatten", told, "one row of scores for each image", model)
    if len(target) > 2:
        expected = "labels encoded once, (n, classes)"
        return see("one-hot-twice", told, expected, broken.place)
    if len(target) == 2 and target == output and "target.ndim - 1" in broken.fault.message:
        return see("one-hot-with-sparse-loss", told, "labels (n,)", place)
    if len(target) == 2 and target[1] > 1 and "target.ndim - 1" in broken.fault.message:
        return see("one-hot-with-sparse-loss", told, "labels (n,)", place)
    if len(output) == 2 and output[1] > 1 and (len(target) == 1 or target[1:] == (1,)):
        return see("integers-with-categorical-loss", told, "labels (n, classes)", place)
    if len(output) == 2 and len(target) == 2:
        return _width(case, told, target[1], output[1], broken.place)
    return None


def _rest(shape: tuple[int, ...]) -> str:
    """A shape with n for the number of images, which says nothing here."""
    return f"({', '.join(['n', *map(str, shape[1:])])}{',' if len(shape) == 1 else ''})"


def _width(case: Case, told: str, labels: int, outputs: int, place: Place) -> Sighting:
    classes = case.classes
    if classes == labels or (classes is None and outputs < labels):
        code = "too-few-outputs" if outputs < labels else "too-many-outputs"
        return see(code, told, "one output per class", case.model_place)
    return see("wrong-class-count", told, "one column and one output per class", place)


def labels_scaled(case: Case) -> Iterator[Sighting]:
    """Class numbers divided into fractions."""
    y = case.y
    if y is not None and y.form in ("integers", "column", "other") and not y.integral:
        high, low = number(y.highest), number(y.lowest)
        if high is not None and low is not None and 0 <= low < high <= 1 and _flat(y):
            observed = f"labels from {figure(low)} to {figure(high)}"
            yield see("labels-scaled", observed, "whole class numbers", _division(case))
            return
    if case.evidence.fits:
        return
    for value in case.evidence.values:
        array = value.array
        if array is None or len(array.shape) != 1 or (first(array.shape) or 0) < 1000:
            continue
        if not value.name.lower().startswith(("y", "label")) or array.integral:
            continue
        high, low = number(array.maximum), number(array.minimum)
        if low == 0 and high is not None and 0 < high <= 1 and (array.distinct or 0) <= 20:
            observed = f"labels from 0 to {figure(high)}"
            place = value.cell, value.line
            yield see("labels-scaled", observed, "whole class numbers", place, "likely")
            return


def _flat(y: LabelFacts) -> bool:
    return len(y.shape) == 1 or (len(y.shape) == 2 and y.shape[1] == 1)


def _division(case: Case) -> Place:
    name = case.y.variable if case.y else None
    for item in case.source.statements:
        node = item.node
        value = getattr(node, "value", None)
        if isinstance(node, ast.AugAssign) or isinstance(value, ast.BinOp):
            op = node.op if isinstance(node, ast.AugAssign) else value.op  # type: ignore[union-attr]
            names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
            if name and name in names and isinstance(op, ast.Div):
                return item.cell, item.line
    return case.fit_place


def class_numbers(case: Case) -> Iterator[Sighting]:
    """Class numbers that point outside the outputs."""
    y, units = case.y, case.output_units
    if y is None or units is None or units < 2 or y.form not in ("integers", "column"):
        return
    high, low = number(y.highest), number(y.lowest)
    if case.loss not in SPARSE or not y.integral or high is None or low is None or high < units:
        return
    told = f"labels from {figure(low)} to {figure(high)}, {units} outputs"
    if low >= 1 and high == units:
        yield see("labels-from-one", told, "labels that start at 0", case.fit_place)
    elif _is_current(case):
        yield see("too-few-outputs", told, "one output per class", case.model_place)


def encoding_width(case: Case) -> Iterator[Sighting]:
    """An encoding that has too few or too many columns."""
    for broken in case.broken:
        match = OUT_OF_BOUNDS.search(broken.fault.message)
        if match is None or not _encodes(case, broken.place):
            continue
        observed = f"class {match[1]} has no place among {match[2]} columns"
        yield see("wrong-class-count", observed, "one column per class", broken.place)
        return
    y, classes = case.y, case.classes
    if y is None or classes is None or y.form != "one-hot" or y.classes != classes:
        return
    width = last(y.shape) or 0
    if width > classes and (first(y.shape) or 0) >= 500 and case.loss not in SPARSE:
        observed = f"labels have {width} columns for {classes} classes"
        yield see("wrong-class-count", observed, "one column per class", case.fit_place)


def _encodes(case: Case, place: Place) -> bool:
    statement = case.source.at(*place)
    if statement is None:
        return False
    return any(
        (isinstance(node, ast.Call) and called(node) in ENCODERS)
        or (isinstance(node, ast.Attribute) and node.attr in ENCODERS)
        for node in ast.walk(statement)
    )


def string_labels(case: Case) -> Iterator[Sighting]:
    """Class names as text where numbers are needed."""
    told, expected = "the labels are text", "integers"
    for broken in case.broken:
        message = broken.fault.message
        if "Mix of label input types (string and number)" in message:
            yield see("string-labels", told, expected, broken.place)
            return
    y = case.y
    if y is not None and y.form == "strings" and case.is_keras and _is_current(case):
        yield see("string-labels", told, expected, case.fit_place)


def targets_in_mse(case: Case) -> Iterator[Sighting]:
    """Class numbers subtracted from a row of outputs."""
    for broken in case.broken:
        message = broken.fault.message
        if LOSS_SUBTRACTS.search(message):
            observed = "class numbers were subtracted from a row of outputs"
            place = case.compiled_at(broken)
            yield see("integer-targets-in-mse", observed, LOSS_FOR_CLASSES, place)
            return
    y = case.y
    if y is None or case.loss not in REGRESSION or not _many(case) or not _is_current(case):
        return
    if y.form in ("integers", "column") and (y.classes or 0) > 2:
        observed = f"labels {size(y.shape)} with loss {case.loss} and {case.output_units} outputs"
        yield see("integer-targets-in-mse", observed, LOSS_FOR_CLASSES, case.compile_place)


DETECTORS: tuple[Detector, ...] = (
    form_and_loss,
    labels_scaled,
    class_numbers,
    encoding_width,
    string_labels,
    targets_in_mse,
)
