"""Mistakes in shapes, told by the exceptions that they raise and by the model's own shapes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import see, short, size
from grader.diagnosis.source import called, constant, keyword, last_name, owner
from grader.records.misconception import Sighting

EXPECTED = re.compile(
    r"Expected shape (\([^()]{1,60}\)), but input has incompatible shape (\([^()]{0,60}\))"
)
AXIS = re.compile(r"expected axis -1 of input shape to have value (\d{1,9})")
FACTORS = re.compile(r"In\[0\]: \[(\d{1,9}),(\d{1,9})\], In\[1\]: \[(\d{1,9}),(\d{1,9})\]")
EMPTY_OUTPUT = "Computed output size would be zero or negative"
BATCH_SHAPE = re.compile(r"shape=[(\[]None,? (\d{1,6}),? (\d{1,6}),? (\d{1,6})[)\]]")
DIFFERENT_COUNTS = re.compile(r"inconsistent numbers of samples: \[([\d, ]{1,60})\]")


def input_shape(case: Case) -> Iterator[Sighting]:
    """Data of another shape than the model was built for."""
    for broken in case.broken:
        message = broken.fault.message
        match = EXPECTED.search(message)
        if match:
            yield see(
                "input-shape-mismatch",
                f"the model got a batch of shape {short(match[2], 40)}",
                f"{short(match[1], 40)}, as the model was built",
                broken.place,
            )
            return
        axis = AXIS.search(message)
        if axis or ("Found array with dim" in message and "<= 2" in message):
            expected = f"{axis[1]} values for each image" if axis else "one vector for each image"
            observed = "the images have another shape than the model takes"
            yield see("input-shape-mismatch", observed, expected, broken.place)
            return


def channels(case: Case) -> Iterator[Sighting]:
    """A channel axis that is missing, or in the first place."""
    for broken in case.broken:
        message = broken.fault.message
        if "expected min_ndim=4, found ndim=3" in message and "conv" in message.lower():
            observed = "a convolution got images without a channel axis"
            yield see("missing-channel", observed, "height, width and channels", broken.place)
            return
        match = BATCH_SHAPE.search(message) if EMPTY_OUTPUT in message else None
        if match and match[1] == "1" and int(match[2]) > 4:
            observed = f"images {match[1]} high and {match[2]} wide"
            yield see("channels-first", observed, "the channel on the last axis", broken.place)
            return


def rank_of_output(case: Case) -> Iterator[Sighting]:
    """More than one row of scores for an image."""
    if case.model is None or case.y is None or case.fit is None or not case.is_open:
        return
    output = case.model.output_shape or ()
    if len(output) < 3 or len(case.y.shape) > 2 or case.y.form not in ("integers", "one-hot"):
        return
    if case.fit.fault is None or any(b.fault == case.fit.fault for b in case.broken):
        expected = "one row of scores for each image"
        yield see("missing-flatten", f"outputs {size(output)}", expected, case.model_place)


def matmul_order(case: Case) -> Iterator[Sighting]:
    """Weights times images in place of images times weights."""
    for broken in case.broken:
        match = FACTORS.search(broken.fault.message)
        if match and match[1] == match[4]:
            told = f"[{match[1]}, {match[2]}] times [{match[3]}, {match[4]}]"
            yield see("swapped-matmul", told, "equal inner sizes", broken.place)
            return
        if "matmul: Input operand 1 has a mismatch" in broken.fault.message:
            statement = case.source.at(*broken.place)
            if statement is not None and _weights_first(statement):
                told = "the weights stand on the left of the product"
                yield see("swapped-matmul", told, "images times weights", broken.place, "likely")
                return


def _weights_first(statement: ast.AST) -> bool:
    for node in ast.walk(statement):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            left, right = node.left, node.right
        elif isinstance(node, ast.Call) and called(node) in ("matmul", "dot") and node.args:
            left, right = node.args[0], node.args[-1]
        else:
            continue
        first, second = last_name(left).lower(), last_name(right).lower()
        if first.startswith("w") and second.startswith(("x", "im")):
            return True
    return False


def argmax_axis(case: Case) -> Iterator[Sighting]:
    """argmax over the images, or over everything."""
    for broken in case.broken:
        message = broken.fault.message
        counts = DIFFERENT_COUNTS.search(message)
        one_number = "must be an array-like" in message and "np.int64(" in message
        if not counts and not one_number:
            continue
        axis = _argmax_axes(case)
        if (one_number and None in axis) or (counts and 0 in axis):
            found = "one number in all" if one_number else "one number for each class"
            expected = "one class for each image"
            yield see("argmax-axis", f"argmax gave {found}", expected, broken.place)
            return
    for item, call in case.source.calls("argmax"):
        inner = call.args[0] if call.args else None
        if isinstance(inner, ast.Call) and called(inner) == "predict" and _axis(call) == 0:
            expected = "the axis of the classes"
            yield see("argmax-axis", "argmax over axis 0", expected, item.place, "likely")
            return


def _argmax_axes(case: Case) -> set[float | None]:
    return {_axis(call) for _, call in case.source.calls("argmax")}


def _axis(call: ast.Call) -> float | None:
    given = keyword(call, "axis")
    if given is None:
        on_array = isinstance(call.func, ast.Attribute) and len(call.args) == 1
        plain = constant(call.args[0]) if on_array else None
        second = constant(call.args[1]) if len(call.args) > 1 else None
        found = second if second is not None else plain
        return 0.0 if found is None and owner(call) == "tf" else found
    return constant(given)


DETECTORS: tuple[Detector, ...] = (
    input_shape,
    channels,
    rank_of_output,
    matmul_order,
    argmax_axis,
)
