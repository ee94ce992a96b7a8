"""Mistakes in the model: what its layers do, and what comes out of the last."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import activation_of, option, see, short
from grader.diagnosis.labels import BINARY, CATEGORICAL, REGRESSION, SPARSE
from grader.diagnosis.source import Place, constant
from grader.records.evidence import LayerFacts
from grader.records.misconception import Sighting
from grader.records.result import Certainty

BAD_RATE = re.compile(r"Expected a (?:float )?value between 0 and 1\. Received: rate=([^\s]{1,20})")
CONVOLUTIONS = {"Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D"}
DROPOUTS = {"Dropout", "SpatialDropout2D"}
LINEAR_GAP = 1e-4
"""A network's gap to an affine map is below 1e-5 when it is one, and above 1e-3 when not."""


def layer_place(case: Case, kind: str, argument: float | None = None) -> Place:
    """Where a layer is made: its last call with that first argument, else the model's place."""
    place = case.model_place
    for item, call in case.source.calls(kind):
        given = constant(call.args[0]) if call.args else None
        values = [given, *(constant(pair.value) for pair in call.keywords)]
        if argument is None or argument in values:
            place = item.place
    return place


def no_hidden_activation(case: Case) -> Iterator[Sighting]:
    """Hidden layers, and nothing non-linear in or between them."""
    hidden = case.weighted[:-1]
    gap = case.probe("affine_gap", "gap")
    if case.model is None or not case.is_keras:
        return
    told = "the hidden layers have no activation"
    expected = "a non-linear activation in the hidden layers"
    if not case.is_open:
        dense = sum(1 for layer in case.layers if layer.kind == "Dense")
        if gap is not None and gap < LINEAR_GAP and dense >= 2:
            yield see("no-hidden-activation", told, expected, case.model_place)
        return
    if not hidden or any(case.activations_after(position) for position in hidden):
        return
    if any(_slope_is_odd(layer) for layer in case.layers):
        return
    bends = any("Max" in layer.kind for layer in case.layers)
    if gap is not None and gap >= LINEAR_GAP and not bends:
        return
    certainty: Certainty = "fact" if gap is not None and not bends else "likely"
    yield see("no-hidden-activation", told, expected, case.model_place, certainty)


def _slope_is_odd(layer: LayerFacts) -> bool:
    slope = option(layer, "negative_slope")
    return layer.kind == "LeakyReLU" and slope is not None and slope >= 0.99


def leaky_slope(case: Case) -> Iterator[Sighting]:
    """LeakyReLU with a slope of 1 or more."""
    for layer in case.layers:
        slope = option(layer, "negative_slope")
        if _slope_is_odd(layer) and slope is not None:
            place = layer_place(case, "LeakyReLU", slope)
            yield see("leaky-slope", f"LeakyReLU with slope {slope:g}", "a slope below 1", place)
            return


def relu_before_leaky(case: Case) -> Iterator[Sighting]:
    """LeakyReLU right after ReLU."""
    for before, layer in zip(case.layers, case.layers[1:], strict=False):
        if layer.kind == "LeakyReLU" and activation_of(before) == "relu":
            place = layer_place(case, "LeakyReLU")
            yield see("relu-before-leaky", "relu, then LeakyReLU", "one of the two", place)
            return


def output_activation(case: Case) -> Iterator[Sighting]:
    """An output activation that cannot rank classes, or not as shares of 1."""
    name, units = case.last_activation, case.output_units or 0
    if name is None or not case.is_open:
        return
    classifies = case.loss in SPARSE | CATEGORICAL
    if name == "relu" and units > 1:
        expected = "softmax, or no activation with from_logits=True"
        yield see("relu-output", "the output layer ends in relu", expected, case.model_place)
    elif name == "softmax" and units == 1:
        observed = "softmax over one unit"
        yield see("single-unit-softmax", observed, "one unit per class", case.model_place)
    elif name == "sigmoid" and units > 1 and classifies:
        observed = f"sigmoid on {units} outputs with {short(case.loss)}"
        yield see("sigmoid-output", observed, "softmax", case.model_place)


def output_size(case: Case) -> Iterator[Sighting]:
    """More or fewer outputs than classes, or a single number for a class."""
    units, classes, y = case.output_units, case.classes, case.y
    if not case.is_keras or units is None or classes is None or y is None:
        return
    if len(case.model.output_shape or () if case.model else ()) != 2:
        return
    told = f"{units} output{'s' if units != 1 else ''} for {classes} classes"
    one_each = "one output per class"
    whole = y.form in ("integers", "column", "one-hot") and y.integral
    if units == 1 and classes > 2 and (y.classes or 0) > 2 and y.form in ("integers", "column"):
        if case.last_activation == "softmax":
            return
        code = "regression-output" if case.loss in REGRESSION else "too-few-outputs"
        if code == "regression-output" or case.loss in BINARY | SPARSE:
            yield see(code, told, one_each, case.model_place)
    elif units > classes and whole and y.classes == classes and case.loss in SPARSE:
        yield see("too-many-outputs", told, one_each, case.model_place)


def softmax_places(case: Case) -> Iterator[Sighting]:
    """Softmax inside the network, or twice at its end."""
    if not case.is_open or not case.weighted:
        return
    end = case.weighted[-1]
    final = [name for name, _ in case.activations_after(end)]
    if final.count("softmax") > 1:
        expected = "softmax once"
        yield see("softmax-twice", "softmax is applied twice", expected, case.model_place)
    for layer in case.layers[end:]:
        if layer.kind == "Softmax" and option(layer, "axis") == 0:
            observed = "the Softmax layer works along axis 0, over the images of a batch"
            yield see("softmax-axis", observed, "the axis of the classes", case.model_place)
    for position in case.weighted[:-1]:
        if any(name == "softmax" for name, _ in case.activations_after(position)):
            observed = f"softmax in hidden layer {short(case.layers[position].name, 40)}"
            yield see("softmax-hidden", observed, "softmax at the end only", case.model_place)
            return


def dropout(case: Case) -> Iterator[Sighting]:
    """Dropout with an impossible or odd rate, or behind the output."""
    for broken in case.broken:
        match = BAD_RATE.search(broken.fault.message)
        if match:
            observed = f"rate={short(match[1], 20)}"
            yield see("dropout-percent", observed, "a number from 0 to 1", broken.place)
            return
    for position, layer in enumerate(case.layers):
        rate = option(layer, "rate")
        if layer.kind not in DROPOUTS or rate is None or rate <= 0:
            continue
        place = layer_place(case, layer.kind, rate)
        if rate >= 0.95:
            yield see("dropout-drops-all", f"Dropout with rate {rate:g}", "0.1 to 0.5", place)
        elif rate > 0.6:
            yield see("dropout-keep-probability", f"rate {rate:g}", "0.1 to 0.5", place)
        if case.is_open and case.weighted and position > case.weighted[-1]:
            observed = "a Dropout layer after the output layer"
            yield see("dropout-after-output", observed, "dropout between hidden layers", place)


def flatten_too_late(case: Case) -> Iterator[Sighting]:
    """A Dense layer on pictures, before they are flattened."""
    kinds = [layer.kind for layer in case.layers]
    if not case.is_open or not case.weighted or set(kinds) & CONVOLUTIONS:
        return
    lead = case.layers[case.weighted[0]]
    shrinks = "Flatten" in kinds[case.weighted[0] :]
    if lead.kind == "Dense" and len(lead.input_shape or ()) > 2 and shrinks:
        observed = "the first Dense layer comes before Flatten"
        yield see("flatten-too-late", observed, "Flatten first", case.model_place)


def batchnorm_misused(case: Case) -> Iterator[Sighting]:
    """Batch normalisation behind the output."""
    if not case.is_open or not case.weighted:
        return
    after = case.layers[case.weighted[-1] + 1 :]
    if any(layer.kind == "BatchNormalization" for layer in after):
        observed = "BatchNormalization after the output layer"
        place = layer_place(case, "BatchNormalization")
        yield see("batchnorm-misused", observed, "before the output layer", place)


def equal_weights(case: Case) -> Iterator[Sighting]:
    """Hidden layers whose weights all start alike."""
    for position in case.weighted[:-1]:
        layer = case.layers[position]
        start = str(layer.options.get("kernel_initializer", "")).lower()
        if start in ("zeros", "ones", "constant", "zero", "one"):
            observed = f"the weights of {short(layer.name, 40)} start as {start}"
            yield see("zero-init", observed, "random starting weights", case.model_place)
            return


def frozen(case: Case) -> Iterator[Sighting]:
    """A model without trainable weights."""
    model = case.model
    if model is None or model.family != "keras" or not case.fits:
        return
    if model.parameters > 0 and model.trainable_parameters == 0:
        unchanged = all(fit.changed is not True for fit in case.fits)
        if unchanged:
            place = case.source.first(_freezes)
            spot = place if place[1] is not None else case.fit_place
            yield see("frozen-model", "fit left every weight as it was", "trainable layers", spot)


def _freezes(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        off = isinstance(node.value, ast.Constant) and node.value.value is False
        return off and any(getattr(t, "attr", "") == "trainable" for t in node.targets)
    return (
        isinstance(node, ast.keyword)
        and node.arg == "trainable"
        and isinstance(node.value, ast.Constant)
        and node.value.value is False
    )


def vanishing(case: Case) -> Iterator[Sighting]:
    """Many sigmoid layers trained with plain SGD."""
    sigmoid = [
        position
        for position in case.weighted[:-1]
        if [name for name, _ in case.activations_after(position)] == ["sigmoid"]
    ]
    optimizer = case.compiled.optimizer if case.compiled else None
    if case.is_open and len(sigmoid) >= 4 and (optimizer or "").upper() == "SGD":
        observed = f"{len(sigmoid)} sigmoid layers with SGD"
        yield see("vanishing-sigmoid", observed, "relu inside", case.model_place)


DETECTORS: tuple[Detector, ...] = (
    dropout,
    output_activation,
    output_size,
    softmax_places,
    no_hidden_activation,
    leaky_slope,
    relu_before_leaky,
    flatten_too_late,
    batchnorm_misused,
    equal_weights,
    frozen,
    vanishing,
)
