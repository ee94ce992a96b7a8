"""What every probe needs: inputs for a live model, its outputs, and its variables put back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from .deadline import held

Answer = dict[str, float | int | bool | str]


class CannotProbe(Exception):
    """The model does not lend itself to this experiment; the message says why."""


def inputs(model: Any, options: dict[str, Any], rows: int) -> np.ndarray:
    """At most `rows` inputs as the submission feeds them, else random ones of the model's shape."""
    x = options.get("x")
    if isinstance(x, np.ndarray) and x.ndim >= 2 and len(x):
        return x[:rows]
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or not shape:
        raise CannotProbe("the shape of the model's input is not known")
    sizes = [1 if size is None else int(size) for size in shape[1:]]
    return np.random.default_rng(0).random((rows, *sizes), dtype=np.float32)


def outputs(model: Any, x: np.ndarray, training: bool = False) -> np.ndarray:
    """Outputs (n, k) as float64, by calling the model itself."""
    try:
        result = model(x, training=training)
    except TypeError:
        result = model(x)
    if isinstance(result, dict):
        result = next(iter(result.values()))
    if isinstance(result, (list, tuple)):
        result = result[0]
    values = np.asarray(result, dtype=np.float64)
    if values.ndim < 2 or not values.size:
        raise CannotProbe(f"the model's output has shape {values.shape}")
    return values.reshape(len(values), -1)


@contextlib.contextmanager
def put_back(model: Any) -> Iterator[None]:
    """Put all variables of a model back, come what may."""
    before = [(variable, variable.numpy()) for variable in model.variables]
    try:
        yield
    finally:
        with held():
            for variable, value in before:
                variable.assign(value)
