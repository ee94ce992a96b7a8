"""How many multiply–adds a Keras model needs for one picture, told by its layers' shapes."""

from __future__ import annotations

import math
from typing import Any

from ..work import CHANGED_BY_A_LAYER
from .keras_models import flattened, plain_shape

RECURRENT = ("SimpleRNN", "GRU", "LSTM", "RNN", "ConvLSTM2D", "Bidirectional")
PLACES_OF_A_PICTURE = 784
"""Over how many places a convolution slides whose shapes nothing tells."""


def is_built(model: Any) -> bool:
    """Whether all weights are there, so that they can be counted."""
    return bool(model.built) and all(getattr(layer, "built", True) for layer in flattened(model))


def multiply_adds(model: Any) -> int:
    """For one picture on its way through a built model; layers without weights cost nothing.

    Each weight is used once at every place of its layer's output. Random layers count for what
    they take, which is no multiplication.
    """
    return sum(_of_layer(layer) for layer in flattened(model))


def _of_layer(layer: Any) -> int:
    kind = type(layer).__name__
    if kind.startswith("Random"):
        return CHANGED_BY_A_LAYER
    weights = getattr(layer, "trainable_weights", ()) or getattr(layer, "weights", ())
    # Vectors are biases and scales, of which each place uses one.
    count = sum(math.prod(weight.shape) for weight in weights if len(weight.shape) >= 2)
    return count * _places(layer, kind) if count else 0


def _places(layer: Any, kind: str) -> int:
    if kind in RECURRENT:
        return (_input_shape(layer) or [None, 1])[1] or 1
    if kind == "Embedding":
        return 0
    shape = _output_shape(layer)
    if shape is None:
        return PLACES_OF_A_PICTURE if "Conv" in kind else 1
    first = getattr(layer, "data_format", None) == "channels_first"
    inner = shape[2:] if first else shape[1:-1]
    return math.prod(size or 1 for size in inner)


def _output_shape(layer: Any) -> list[int | None] | None:
    output = getattr(layer, "output", None) if getattr(layer, "_inbound_nodes", None) else None
    if output is not None and hasattr(output, "shape"):
        return plain_shape(output.shape)
    shape = _input_shape(layer)
    try:
        return None if shape is None else plain_shape(layer.compute_output_shape(tuple(shape)))
    except Exception:
        return None


def _input_shape(layer: Any) -> list[int | None] | None:
    built = getattr(layer, "_build_shapes_dict", None)
    if isinstance(built, dict) and len(built) == 1:
        return plain_shape(next(iter(built.values())))
    return None
