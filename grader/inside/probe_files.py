"""Whether a file that a model was saved to brings the same model back.

    saved_file {"difference", "agreement", "weights_only"}

`difference` is the largest one between what the live model and the file's give for the same inputs,
`agreement` the share of inputs to which both give the same answer. Option "path" names the file, as
the recorder saw it being written. Loading runs in the student's process: it may run their code.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .probe_tools import Answer, CannotProbe, inputs, outputs, put_back

ROWS = 64


def saved_file(model: Any, options: dict[str, Any]) -> Answer:
    """Load the file and compare. Raises CannotProbe, and whatever Keras raises for the file."""
    path = str(options.get("path", ""))
    if not os.path.exists(path):
        raise CannotProbe(f"there is no file {os.path.basename(path)[:80]!r} any more")
    x = inputs(model, options, ROWS)
    live = outputs(model, x)
    weights_only = path.endswith((".weights.h5", ".weights.json"))
    found = _with_weights(model, path, x) if weights_only else _loaded(model, path, x)
    if found.shape != live.shape:
        raise CannotProbe(f"the file's model gives shape {found.shape} in place of {live.shape}")
    return {
        "difference": float(np.nan_to_num(np.abs(found - live), nan=np.inf).max()),
        "agreement": float((found.argmax(axis=1) == live.argmax(axis=1)).mean()),
        "weights_only": weights_only,
    }


def _with_weights(model: Any, path: str, x: np.ndarray) -> np.ndarray:
    """The outputs with the file's weights in the live model, which then gets its own back."""
    with put_back(model):
        for variable in model.trainable_variables:
            variable.assign(np.zeros(variable.shape))
        model.load_weights(path)
        return outputs(model, x)


def _loaded(model: Any, path: str, x: np.ndarray) -> np.ndarray:
    if os.path.isdir(path):
        import tensorflow as tf

        served = tf.saved_model.load(path)
        serve = getattr(served, "serve", None) or served.signatures["serving_default"]
        result = serve(tf.constant(x, tf.float32))
        result = next(iter(result.values())) if isinstance(result, dict) else result
        return np.asarray(result, dtype=np.float64).reshape(len(x), -1)
    from keras.models import load_model

    own = {type(part).__name__: type(part) for part in _parts(model)}
    found = load_model(path, custom_objects=own, compile=False, safe_mode=False)
    return outputs(found, x)


def _parts(model: Any) -> list[Any]:
    """The model and its layers that are no part of Keras, which a file knows by name only."""
    parts = [model, *(layer for layer in model._flatten_layers())]
    return [part for part in parts if not type(part).__module__.startswith("keras.")]
