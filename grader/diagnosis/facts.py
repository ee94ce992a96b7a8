"""Small readers of evidence, each safe with any value, and words for what they find."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator

from grader.diagnosis.source import Place
from grader.records.evidence import Feed, LayerFacts
from grader.records.misconception import Sighting
from grader.records.result import Certainty

ENOUGH_ROWS = 200
"""Fewer labels than this may by chance lack a class."""
KNOWN_ROWS = 20
"""Fewer rows than this say nothing about where an array comes from."""
WEIGHT_KINDS = {
    "Dense",
    "EinsumDense",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "SeparableConv2D",
    "DepthwiseConv2D",
    "Conv2DTranspose",
    "LSTM",
    "GRU",
    "SimpleRNN",
    "LocallyConnected2D",
}
ACTIVATION_KINDS = {"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"}
NEUTRAL_KINDS = {
    "InputLayer",
    "Input",
    "Flatten",
    "Reshape",
    "Permute",
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "ZeroPadding2D",
    "Cropping2D",
    "MaxPooling2D",
    "AveragePooling2D",
    "GlobalMaxPooling2D",
    "GlobalAveragePooling2D",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "RandomContrast",
    "Resizing",
    "CenterCrop",
    "BatchNormalization",
    "LayerNormalization",
    "Normalization",
    "Rescaling",
    "UnitNormalization",
    "ActivityRegularization",
}
SCALING_KINDS = {
    "BatchNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "Normalization",
    "Rescaling",
    "UnitNormalization",
}
OPEN_KINDS = {"Sequential", "Functional", "Model"}
"""Models whose graph is the whole truth; a class of the student's may do more in `call`."""


def see(
    code: str, observed: str, expected: str, place: Place, certainty: Certainty = "fact"
) -> Sighting:
    """A sighting at a place."""
    return Sighting(code, certainty, observed, expected, *place)


def feeds(event: object) -> Iterator[Feed]:
    """What went into a training or a use."""
    parts = (getattr(event, name, None) for name in ("train", "validation", "feed"))
    return (part for part in parts if isinstance(part, Feed))


def activation_of(layer: LayerFacts) -> str | None:
    """The activation that a layer applies, also where the layer is nothing but one."""
    named = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "ELU": "elu"}
    named["Softmax"] = "softmax"
    return layer.activation or named.get(layer.kind)


def number(value: object) -> float | None:
    """A finite plain number as a float; None for all else."""
    if type(value) is bool or not isinstance(value, (int, float)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def option(layer: LayerFacts, name: str) -> float | None:
    """A number of a layer's configuration (the first, where there are several alike)."""
    value = layer.options.get(name)
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    return number(value)


def first(shape: tuple[int, ...] | tuple[int | None, ...] | None) -> int | None:
    """The size of the first axis."""
    return shape[0] if shape else None


def last(shape: tuple[int, ...] | tuple[int | None, ...] | None) -> int | None:
    """The size of the last axis."""
    return shape[-1] if shape else None


def share(part: int, whole: int) -> float:
    """part / whole, 0 where there is no whole."""
    return part / whole if whole > 0 else 0.0


def short(text: object, most: int = 80) -> str:
    """A text of the submission's, in one line, printable and bounded."""
    plain = "".join(
        " " if unicodedata.category(sign)[0] in "CZ" else sign for sign in str(text)[: most * 2]
    )
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def figure(value: float | None) -> str:
    """A number as people write it: at most four significant digits."""
    if value is None:
        return "?"
    return f"{value:,.0f}" if value == int_or_none(value) and abs(value) < 1e9 else f"{value:.4g}"


def int_or_none(value: float) -> int | None:
    """The whole number that a float is, if it is one."""
    return int(value) if math.isfinite(value) and value == math.floor(value) else None


def size(shape: tuple[int, ...] | tuple[int | None, ...] | None) -> str:
    """A shape as NumPy writes it."""
    return short(shape if shape is not None else "?", 60)
