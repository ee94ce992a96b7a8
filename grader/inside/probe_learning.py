"""Probes that train: the loss at the start, and whether one batch can be learned by heart."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .probe_tools import Answer, inputs, outputs, put_back

BATCH = 32
STEPS = 60
SECONDS = 8.0


def initial_loss(model: Any, options: dict[str, Any]) -> Answer:
    """The loss before any training; the logarithm of the number of classes is usual."""
    x, y = _examples(model, options, 256)
    fresh = _fresh_copy(model, x)
    if fresh is not None:
        return _loss_now(fresh, model, x, y)
    with put_back(model):
        _start_anew(model)
        return _loss_now(model, model, x, y)


def _loss_now(learner: Any, model: Any, x: np.ndarray, y: np.ndarray) -> Answer:
    result = learner(x, training=False)
    loss = float(_loss_of(model, result)(y, result))
    return {"loss": loss, "classes": int(result.shape[-1])}


def _start_anew(model: Any) -> None:
    """Weights as Keras would draw them: Glorot's for kernels, 0 for biases, 1 for scales."""
    rng = np.random.default_rng(2)
    for variable in model.trainable_variables:
        shape, name = tuple(variable.shape), str(variable.name)
        if len(shape) < 2:
            variable.assign(np.ones(shape) if name == "gamma" else np.zeros(shape))
            continue
        field = int(np.prod(shape[:-2]))
        bound = np.sqrt(6 / (field * (shape[-2] + shape[-1])))
        variable.assign(rng.uniform(-bound, bound, shape).astype(np.float32))


def one_batch_overfit(model: Any, options: dict[str, Any]) -> Answer:
    """Learn 32 examples by heart, with the loss and the optimizer that the model has."""
    x, y = _examples(model, options, BATCH)
    fresh = _fresh_copy(model, x)
    if fresh is not None:
        return {**_memorise(fresh, model, x, y), "fresh": True}
    with put_back(model):
        return {**_memorise(model, model, x, y), "fresh": False}


def _memorise(learner: Any, model: Any, x: np.ndarray, y: np.ndarray) -> Answer:
    loss_of = _loss_of(model, learner(x[:1], training=False))
    step = _step(learner, _optimizer_like(model), loss_of, x, y)
    first, steps, ends = float(step()), 1, time.monotonic() + SECONDS
    while steps < STEPS and time.monotonic() < ends:
        step()
        steps += 1
    result = learner(x, training=False)
    scores = np.asarray(result).reshape(len(x), -1)
    one_unit = scores.shape[1] == 1
    predicted = (scores[:, 0] > 0.5) if one_unit else scores.argmax(axis=1)
    return {
        "accuracy": float(np.mean(predicted == y)),
        "loss": float(loss_of(y, result)),
        "first_loss": first,
        "steps": steps,
    }


def _step(
    learner: Any, optimizer: Any, loss_of: Callable[..., Any], x: np.ndarray, y: np.ndarray
) -> Callable[[], Any]:
    """One update on the batch, returning the loss before it; as a graph where that works."""
    import tensorflow as tf

    variables = learner.trainable_variables
    optimizer.build(variables)

    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(y, learner(x, training=True))
        pairs = zip(tape.gradient(loss, variables), variables, strict=True)
        known = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        if known:
            optimizer.apply_gradients(known)
        return loss

    graph = tf.function(step)
    try:
        graph.get_concrete_function()
    except Exception:
        return step
    return graph  # type: ignore[no-any-return]


def _examples(model: Any, options: dict[str, Any], rows: int) -> tuple[np.ndarray, np.ndarray]:
    x = inputs(model, options, rows)
    y = options.get("y")
    if isinstance(y, np.ndarray) and y.ndim == 1 and len(y) >= len(x):
        return x, y[: len(x)].astype(np.int64)
    classes = max(outputs(model, x[:1]).shape[-1], 2)
    return x, np.arange(len(x), dtype=np.int64) % classes


def _loss_of(model: Any, result: Any) -> Callable[[np.ndarray, Any], Any]:
    """The mean of the model's own loss, for class numbers in whatever form it wants."""
    import keras

    given = getattr(model, "loss", None)
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        given = given[0] if given else None
    if given is None:
        shares = np.abs(np.asarray(result).sum(axis=-1) - 1).max() < 1e-3
        given = keras.losses.SparseCategoricalCrossentropy(from_logits=not shares)
    function = keras.losses.get(given)
    name = str(getattr(function, "name", None) or getattr(function, "__name__", "")).lower()
    wide = "sparse" not in name and int(result.shape[-1]) > 1

    def mean(y: np.ndarray, predicted: Any) -> Any:
        width = int(predicted.shape[-1])
        target = np.eye(max(width, 1), dtype=np.float32)[y % width] if wide else y
        if not wide and width == 1:
            target = y.reshape(-1, 1).astype(np.float32)
        return keras.ops.mean(function(target, predicted))

    return mean


def _optimizer_like(model: Any) -> Any:
    import keras

    optimizer = getattr(model, "optimizer", None)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if inner is None:
        return keras.optimizers.Adam()
    return type(inner).from_config(inner.get_config())


def _fresh_copy(model: Any, x: np.ndarray) -> Any:
    """The same model with new weights, or None where it cannot be rebuilt."""
    import keras

    try:
        if type(model).__name__ in ("Sequential", "Functional", "Model"):
            copy = keras.models.clone_model(model)
        else:
            copy = type(model).from_config(model.get_config())
        copy(x[:1], training=False)
        old = [tuple(variable.shape) for variable in model.trainable_variables]
        new = [tuple(variable.shape) for variable in copy.trainable_variables]
    except Exception:
        return None
    if old != new or copy is model:
        return None
    for before, after in zip(
        model.non_trainable_variables, copy.non_trainable_variables, strict=False
    ):
        if type(before) is type(after) and "normalization" in str(before.path):
            after.assign(before)
    return copy
