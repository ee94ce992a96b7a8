"""Small experiments on a live Keras model, each of which tells one thing that looking cannot.

    affine_gap        {"gap", "spread"}             how far the scores are from an affine map
    row_sums          {"mean", "worst", "minimum", "maximum", "rows"}
    initial_loss      {"loss", "classes"}           the loss of a copy with fresh weights
    one_batch_overfit {"accuracy", "loss", "first_loss", "steps", "fresh"}
    dropout_active    {"active", "difference", "quiet_difference"}
    classes_predicted {"classes", "largest_share", "rows"}
    untrained         {"untrained", "biases"}
    saved_file        {"difference", "agreement", "weights_only"}   of the file at option "path"

Options: "x", a batch as the submission feeds it, and "y", its class numbers (n,). Without them
random inputs of the model's own shape stand in. The model is left exactly as it was: experiments
run on a copy, or on the model with all its variables put back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .deadline import held
from .probe_files import saved_file
from .probe_learning import initial_loss, one_batch_overfit
from .probe_tools import Answer, CannotProbe, inputs, outputs, put_back

PAIRS = 32
SMALLEST_SHARE = 1e-30
"""Below it a float32 probability has lost the score that it came from."""


def run_probe(name: str, model: Any, options: dict[str, Any], recorder: Any) -> Answer:
    """One experiment. Raises CannotProbe, and whatever the student's own layers raise."""
    if name not in PROBES:
        raise CannotProbe(f"no probe is called {name!r}")
    if not hasattr(model, "trainable_variables"):
        raise CannotProbe("only Keras models can be probed")
    with _unrecorded(recorder):
        return PROBES[name](model, options)


@contextlib.contextmanager
def _unrecorded(recorder: Any) -> Iterator[None]:
    local = getattr(getattr(recorder, "_journal", None), "_local", None)
    if local is None:
        yield
        return
    depth = getattr(local, "depth", 0)
    local.depth = 1
    try:
        yield
    finally:
        local.depth = depth


# ---------------------------------------------------------------- affine or not


def _affine_gap(model: Any, options: dict[str, Any]) -> Answer:
    """Scores of mixtures against mixtures of scores, relative to how the scores vary.

    About 1e-6 for affine models in float32, above 1e-3 for those with a bend. The greater value
    of two sets counts: the inputs given, and noise in their range.
    """
    x = inputs(model, options, 2 * PAIRS)
    if len(x) < 4:
        x = inputs(model, {}, 2 * PAIRS)
    x = x.astype(np.float32)
    low, high = float(x.min()), float(x.max())
    noise = np.random.default_rng(1).uniform(low, high, x.shape).astype(np.float32)
    found = [pair for pair in (_gap(model, x), _gap(model, noise)) if pair is not None]
    if not found:
        raise CannotProbe("the outputs do not vary, so nothing can be compared")
    gap, spread = max(found)
    return {"gap": gap, "spread": spread}


def _gap(model: Any, x: np.ndarray) -> tuple[float, float] | None:
    half = len(x) // 2
    first, second = x[:half], x[half : 2 * half]
    mixed = (np.float32(0.3) * first + np.float32(0.7) * second).astype(np.float32)
    scores = _scores(model, np.concatenate([first, second, mixed]))
    if scores is None:
        return None
    a, b, c = scores[:half], scores[half : 2 * half], scores[2 * half :]
    usable = np.isfinite(a + b + c).all(axis=1)
    if usable.sum() < 2:
        return None
    both = np.concatenate([a[usable], b[usable]])
    spread = float(np.std(both - both.mean(axis=0)))
    largest = float(np.abs(both).max())
    if spread <= 1e-5 * max(largest, 1e-12):
        return None
    error = c[usable] - (0.3 * a[usable] + 0.7 * b[usable])
    return float(np.sqrt(np.mean(error**2))) / spread, spread


def _scores(model: Any, x: np.ndarray) -> np.ndarray | None:
    """What the model computes before its output activation, up to a constant of each row."""
    layer = _last_layer(model)
    activation = getattr(layer, "activation", None)
    if layer is not None and activation is not None:
        try:
            layer.activation = _identity
            return outputs(model, x)
        finally:
            with held():
                layer.activation = activation
    return _unsquashed(outputs(model, x))


def _identity(value: Any) -> Any:
    return value


def _last_layer(model: Any) -> Any:
    """The layer that gives the output, where the model's graph tells it."""
    while type(model).__name__ in ("Sequential", "Functional", "Model"):
        layers = list(getattr(model, "layers", ()))
        if not layers:
            return None
        ends = list(getattr(model, "outputs", None) or ())
        last = layers[-1]
        if ends and all(getattr(last, "output", None) is not end for end in ends):
            same = type(model).__name__ == "Sequential"
            return last if same and not hasattr(last, "layers") else None
        if not hasattr(last, "layers"):
            return last
        model = last
    return None


def _unsquashed(values: np.ndarray) -> np.ndarray | None:
    """Scores from probabilities (softmax up to a constant of the row, or sigmoid)."""
    if values.min() < 0 or values.max() > 1 + 1e-6:
        return values
    kept = np.where(values > SMALLEST_SHARE, values, np.nan)
    if np.abs(values.sum(axis=1) - 1).max() < 1e-3:
        logs = np.log(kept)
        return np.asarray(logs - logs.mean(axis=1, keepdims=True))
    kept = np.where(values < 1 - 1e-3, kept, np.nan)
    return np.asarray(np.log(kept) - np.log1p(-kept))


# ---------------------------------------------------------------- outputs


def _row_sums(model: Any, options: dict[str, Any]) -> Answer:
    """Sums of the rows of what the model puts out: 1 for shares."""
    values = outputs(model, inputs(model, options, 64))
    sums = values.sum(axis=1)
    return {
        "mean": float(sums.mean()),
        "worst": float(np.abs(sums - 1).max()),
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "rows": len(sums),
    }


def _classes_predicted(model: Any, options: dict[str, Any]) -> Answer:
    """How many classes occur among the predictions, and the share of the commonest."""
    predicted = outputs(model, inputs(model, options, 512)).argmax(axis=1)
    counts = np.bincount(predicted)
    return {
        "classes": int((counts > 0).sum()),
        "largest_share": float(counts.max() / len(predicted)),
        "rows": len(predicted),
    }


def _dropout_active(model: Any, options: dict[str, Any]) -> Answer:
    """Two passes in training mode differ where something is dropped at random."""
    x = inputs(model, options, 64)
    with put_back(model):
        loud = [outputs(model, x, training=True) for _ in range(2)]
        quiet = [outputs(model, x) for _ in range(2)]
    difference = float(np.abs(loud[0] - loud[1]).mean())
    quiet_difference = float(np.abs(quiet[0] - quiet[1]).mean())
    return {
        "active": bool(difference > 1e-6 and difference > 10 * quiet_difference),
        "difference": difference,
        "quiet_difference": quiet_difference,
    }


def _untrained(model: Any, options: dict[str, Any]) -> Answer:  # noqa: ARG001
    """Whether all biases are still the zeros that they start from."""
    biases = [v.numpy() for v in model.trainable_variables if str(v.name).endswith("bias")]
    if not biases:
        raise CannotProbe("the model has no biases to look at")
    return {"untrained": not any(bias.any() for bias in biases), "biases": len(biases)}


PROBES: dict[str, Callable[[Any, dict[str, Any]], Answer]] = {
    "affine_gap": _affine_gap,
    "row_sums": _row_sums,
    "initial_loss": initial_loss,
    "one_batch_overfit": one_batch_overfit,
    "dropout_active": _dropout_active,
    "classes_predicted": _classes_predicted,
    "untrained": _untrained,
    "saved_file": saved_file,
}
