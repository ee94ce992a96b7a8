"""Keras models, flattened to the fields of ModelFacts; losses and activations by their names."""

from __future__ import annotations

import functools
import math
import re
import sys
from typing import Any

MAX_LAYERS = 500
OPTIONS = (
    "units",
    "rate",
    "filters",
    "kernel_size",
    "strides",
    "pool_size",
    "padding",
    "negative_slope",
    "scale",
    "offset",
    "factor",
    "mode",
    "axis",
    "height_factor",
    "width_factor",
    "stddev",
    "target_shape",
)
CANONICAL_LOSSES = {
    "kullback_leibler_divergence": "kl_divergence",
    "kld": "kl_divergence",
    "kldivergence": "kl_divergence",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "bce": "binary_crossentropy",
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}
SHORT_NAMES = {"re_lu": "relu", "p_re_lu": "prelu", "leaky_re_lu": "leaky_relu", "ste_lu": "selu"}


def snake(name: str) -> str:
    """CamelCase to snake_case, as Keras names its own classes."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name))
    return SHORT_NAMES.get(name.lower(), name.lower())


def activation_name(value: Any) -> str | None:
    """Canonical name of an activation: a string, function, layer or partial."""
    if value is None:
        return None
    if isinstance(value, str):
        return snake(value)
    if isinstance(value, functools.partial):
        return activation_name(value.func)
    if _is_layer(value):
        inner = getattr(value, "activation", None)
        if type(value).__name__ == "Activation" and inner is not None:
            return activation_name(inner)
        return snake(type(value).__name__)
    name = getattr(value, "__name__", None) or snake(type(value).__name__)
    if name == "<lambda>":
        return "custom"
    return re.sub(r"_v\d$", "", snake(str(name)))


def loss_name(value: Any) -> str | None:
    """Canonical snake_case name of a loss: a string, function, class or object."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    if value is None:
        return None
    if isinstance(value, functools.partial):
        return loss_name(value.func)
    if not isinstance(value, str):
        inner = getattr(value, "fn", None)
        holder = value if isinstance(value, type) else inner or value
        value = getattr(holder, "__name__", None) or type(holder).__name__
    name = snake(value)
    return CANONICAL_LOSSES.get(name, name)


def from_logits_of(loss: Any) -> bool | None:
    """The loss's `from_logits`; False for names and plain functions; None where it has no such."""
    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, (list, tuple)):
        loss = loss[0] if loss else None
    name = loss_name(loss) or ""
    if hasattr(loss, "from_logits"):
        return bool(loss.from_logits)
    for given in (getattr(loss, "keywords", None), getattr(loss, "_fn_kwargs", None)):
        if isinstance(given, dict) and "from_logits" in given:
            return bool(given["from_logits"])
    return False if "crossentropy" in name else None


def compiled_facts(arguments: dict[str, Any], model: Any) -> dict[str, Any]:
    """The fields of Compiled, from the arguments of `compile` and the model afterwards."""
    loss = arguments.get("loss")
    optimizer = getattr(model, "optimizer", None)
    given = arguments.get("optimizer", "rmsprop")
    if optimizer is None or (not isinstance(given, str) and given is not optimizer):
        optimizer = given
    return {
        "loss": (loss_name(loss) or "")[:300] or None,
        "from_logits": from_logits_of(loss),
        "optimizer": _optimizer_name(optimizer),
        "learning_rate": _learning_rate(optimizer),
        "metrics": _metric_names(arguments.get("metrics")),
        "loss_weights": arguments.get("loss_weights") is not None,
    }


def _optimizer_name(optimizer: Any) -> str | None:
    if isinstance(optimizer, str):
        known = getattr(sys.modules.get("keras.src.optimizers"), "ALL_OBJECTS_DICT", {})
        return getattr(known.get(optimizer.lower()), "__name__", optimizer[:300])
    if optimizer is None:
        return None
    if isinstance(optimizer, type):
        return optimizer.__name__
    inner = getattr(optimizer, "inner_optimizer", None)
    return type(inner if inner is not None else optimizer).__name__


def _learning_rate(optimizer: Any) -> float | None:
    rate = getattr(optimizer, "_learning_rate", None)
    if rate is None or isinstance(rate, (str, type)) or "Schedule" in _parents(rate):
        return None
    try:
        value = float(rate.numpy() if hasattr(rate, "numpy") else rate)
    except (TypeError, ValueError):
        return None
    # A float32 variable shows 0.001 as 0.0010000000474974513.
    return float(f"{value:.7g}")


def _parents(value: Any) -> str:
    return " ".join(parent.__name__ for parent in type(value).__mro__)


def _metric_names(metrics: Any) -> list[str]:
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    if metrics is None:
        return []
    if not isinstance(metrics, (list, tuple)):
        metrics = [metrics]
    names: list[str] = []
    for metric in metrics:
        if isinstance(metric, (list, tuple)):
            names += _metric_names(metric)
        elif isinstance(metric, str):
            names.append(metric[:300])
        else:
            name = getattr(metric, "name", None) or getattr(metric, "__name__", "")
            names.append(str(name or type(metric).__name__)[:300])
    return names[:50]


def is_model(value: Any) -> bool:
    """A Keras 3 model; False while Keras is not imported."""
    keras = sys.modules.get("keras.src.models.model")
    return keras is not None and isinstance(value, keras.Model)


def _is_layer(value: Any) -> bool:
    keras = sys.modules.get("keras.src.layers.layer")
    return keras is not None and isinstance(value, keras.Layer)


def model_facts(model: Any, seen: dict[str, Any] | None = None) -> dict[str, Any]:
    """The architecture fields of ModelFacts. `seen` holds shapes known from calls."""
    seen = seen or {}
    layers = [layer_facts(layer) for layer in flattened(model)[:MAX_LAYERS]]
    _connect(layers)
    input_shape = _shape_of(model, "input_shape") or seen.get("input_shape")
    output_shape = _shape_of(model, "output_shape") or seen.get("output_shape")
    if output_shape is None and layers:
        output_shape = layers[-1]["output_shape"]
    return {
        "family": "keras",
        "kind": _model_kind(model),
        "built": bool(getattr(model, "built", False)),
        "input_shape": input_shape,
        "output_shape": output_shape,
        "layers": layers,
        "parameters": _count(model.weights) if model.built else 0,
        "trainable_parameters": _count(model.trainable_variables) if model.built else 0,
    }


def _model_kind(model: Any) -> str:
    name = type(model).__name__
    return name if name in ("Sequential", "Functional", "Model") else name[:300]


def flattened(model: Any) -> list[Any]:
    """Layers of a model in graph order, nested models and own composite layers opened."""
    found: list[Any] = []
    for layer in _children(model):
        if type(layer).__name__ == "InputLayer":
            continue
        if is_model(layer) or (_is_own(layer) and _children(layer)):
            found += flattened(layer)
        else:
            found.append(layer)
    return found


def _children(layer: Any) -> list[Any]:
    """Direct sublayers; of a functional graph also its bare operations, such as ops.relu."""
    if type(layer).__name__ != "Sequential" and hasattr(layer, "_nodes_by_depth"):
        return list(layer.operations)
    if is_model(layer):
        return list(layer.layers)
    return list(getattr(layer, "_layers", ()))


def _is_own(layer: Any) -> bool:
    return not type(layer).__module__.startswith("keras.")


def layer_facts(layer: Any) -> dict[str, Any]:
    """The fields of LayerFacts of one layer or operation."""
    weights = getattr(layer, "weights", None) or ()
    return {
        "name": str(getattr(layer, "name", type(layer).__name__))[:300],
        "kind": type(layer).__name__[:300],
        "activation": _own_activation(layer),
        "input_shape": _tensor_shape(layer, "input"),
        "output_shape": _tensor_shape(layer, "output"),
        "parameters": _count(weights) if getattr(layer, "built", True) else 0,
        "trainable": bool(getattr(layer, "trainable", False)),
        "options": _options(layer),
    }


def _own_activation(layer: Any) -> str | None:
    inner = getattr(layer, "activation", None)
    if inner is not None:
        return activation_name(inner)
    name = snake(type(layer).__name__)
    known = "relu leaky_relu prelu elu selu softmax sigmoid tanh gelu silu swish softplus softsign"
    return name if name in known.split() else None


def _options(layer: Any) -> dict[str, Any]:
    options = {name: _plain(getattr(layer, name, None)) for name in OPTIONS}
    initializer = getattr(layer, "kernel_initializer", None)
    if initializer is not None:
        options["kernel_initializer"] = type(initializer).__name__
        constant = getattr(initializer, "value", None)
        if isinstance(constant, (int, float)):
            options["kernel_initializer_value"] = constant
    activation = getattr(layer, "activation", None)
    if _is_layer(activation):
        options["negative_slope"] = _plain(getattr(activation, "negative_slope", None))
    return {name: value for name, value in options.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value[:300] if isinstance(value, str) else value
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)) and len(value) <= 8:
        items = [_plain(item) for item in value]
        return None if any(item is None for item in items) else items
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _count(variables: Any) -> int:
    return sum(math.prod(int(size) for size in variable.shape) for variable in variables)


def plain_shape(shape: Any) -> list[int | None] | None:
    """A shape as a list with None for what varies; None where it is not one shape."""
    try:
        sizes = [None if size is None else int(size) for size in tuple(shape)]
    except (TypeError, ValueError):
        return None
    return sizes if len(sizes) <= 8 else None


def batch_shape(shape: Any) -> list[int | None] | None:
    """A shape with None for the batch: a model built by a call keeps that call's."""
    sizes = plain_shape(shape)
    return [None, *sizes[1:]] if sizes else sizes


def _shape_of(model: Any, name: str) -> list[int | None] | None:
    try:
        shape = getattr(model, name)
    except Exception:
        return None
    if isinstance(shape, dict):
        shape = next(iter(shape.values()), None)
    if isinstance(shape, list) and shape and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    return batch_shape(shape)


def _tensor_shape(layer: Any, name: str) -> list[int | None] | None:
    try:
        tensor = getattr(layer, name)
    except Exception:
        tensor = None
    if isinstance(tensor, (list, tuple)):
        tensor = tensor[0] if tensor else None
    if tensor is not None:
        return batch_shape(getattr(tensor, "shape", None))
    build = getattr(layer, "_build_shapes_dict", None) if name == "input" else None
    if isinstance(build, dict) and len(build) == 1:
        return batch_shape(next(iter(build.values())))
    return None


def _connect(layers: list[dict[str, Any]]) -> None:
    """Fill output shapes of layers without a graph from the units that they have."""
    for layer in layers:
        units, shape = layer["options"].get("units"), layer["input_shape"]
        if layer["output_shape"] is None and shape and layer["kind"] == "Dense":
            layer["output_shape"] = [*shape[:-1], int(units)]
