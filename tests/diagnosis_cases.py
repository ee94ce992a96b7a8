"""Small builders of evidence with the values that Keras 3.15 and the recorder really give."""

from __future__ import annotations

from typing import Any

from grader.diagnosis import diagnose
from grader.records.evidence import (
    ArrayFacts,
    CellRun,
    Compiled,
    CompileEvent,
    Evidence,
    Fault,
    Feed,
    FitEvent,
    LabelFacts,
    LayerFacts,
    MetricEvent,
    ModelFacts,
    RowOrigin,
    UseEvent,
    WarningEvent,
)
from grader.records.misconception import Sighting
from grader.records.submission import Cell, Submission

N = 60_000
SPARSE = "sparse_categorical_crossentropy"
CATEGORICAL = "categorical_crossentropy"
GOOD_HISTORY = {
    "loss": (0.41, 0.20, 0.15),
    "accuracy": (0.88, 0.94, 0.955),
    "val_loss": (0.23, 0.18, 0.16),
    "val_accuracy": (0.93, 0.95, 0.953),
}


def images(scale: str = "unit", rows: int = N, half: str = "train", **more: Any) -> ArrayFacts:
    """Facts of MNIST images in one of the usual scalings."""
    ranges = {
        "unit": (0.0, 1.0, 0.1307),
        "raw": (0.0, 255.0, 33.3),
        "tiny": (0.0, 0.0039216, 0.0005),
        "signed": (-1.0, 1.0, -0.739),
        "standard": (-0.4242, 2.8215, 0.0),
        "pixelwise": (-1.27, 244.9, 0.0),
        "rows": (0.0, 0.31, 0.015),
        "binary": (0.0, 1.0, 0.006),
    }
    low, high, mean = ranges[scale]
    known = {"train": rows, "test": 0} if half == "train" else {"train": 0, "test": rows}
    values: dict[str, Any] = {
        "shape": (rows, 784),
        "dtype": "uint8" if scale == "raw" else "float32",
        "minimum": low,
        "maximum": high,
        "mean": mean,
        "integral": scale in ("raw", "binary"),
        "distinct": 2 if scale == "binary" else 256,
        "fingerprint": f"{half}-{scale}-{rows}",
        "variable": f"x_{half}",
        "origin": RowOrigin(**known, unknown=0, in_order=True),
    }
    return ArrayFacts(**(values | more))


def labels(form: str = "integers", rows: int = N, **more: Any) -> LabelFacts:
    """Facts of MNIST labels in one of the usual forms."""
    shapes = {
        "integers": (rows,),
        "strings": (rows,),
        "column": (rows, 1),
        "one-hot": (rows, 10),
        "one-hot-twice": (rows, 10, 2),
        "other": (rows,),
    }
    values: dict[str, Any] = {
        "shape": shapes[form],
        "dtype": "uint8" if form in ("integers", "column") else "float32",
        "form": form,
        "lowest": 0.0,
        "highest": 1.0 if form.startswith("one-hot") else 9.0,
        "classes": 10,
        "tail_classes": 10,
        "agreement": 1.0,
        "variable": "y_train",
    }
    return LabelFacts(**(values | more))


def feed(
    scale: str = "unit", form: str = "integers", rows: int = N, half: str = "train", **more: Any
) -> Feed:
    """Images and labels of one half."""
    values: dict[str, Any] = {
        "kind": "array",
        "rows": rows,
        "x": images(scale, rows, half),
        "y": labels(form, rows),
    }
    return Feed(**(values | more))


def layer(kind: str, activation: str | None = None, **options: Any) -> LayerFacts:
    """One layer; `shape` and `into` among the options are its output and input shapes."""
    shape, into = options.pop("shape", None), options.pop("into", None)
    return LayerFacts(
        name=f"{kind.lower()}_x",
        kind=kind,
        activation=activation,
        output_shape=shape,
        input_shape=into,
        options=options,
    )


def dense(units: int, activation: str = "linear", **more: Any) -> LayerFacts:
    """A Dense layer on vectors."""
    return layer("Dense", activation, units=units, shape=(None, units), **more)


def network(*layers: LayerFacts, units: int = 10, **more: Any) -> ModelFacts:
    """A trained Sequential model; without layers, the usual 784-128-10 one."""
    stack = layers or (dense(128, "relu"), dense(units, "softmax"))
    values: dict[str, Any] = {
        "id": 1,
        "kind": "Sequential",
        "names": ("model",),
        "trained": True,
        "how": ("fit",),
        "order": 1,
        "cell": 3,
        "line": 1,
        "input_shape": (None, 784),
        "output_shape": (None, units),
        "layers": stack,
        "parameters": 101_770,
        "trainable_parameters": 101_770,
    }
    return ModelFacts(**(values | more))


def compiled(loss: str | None = SPARSE, **more: Any) -> Compiled:
    """Adam with its default rate, and the accuracy as metric."""
    logits = False if "crossentropy" in (loss or "") else None
    values: dict[str, Any] = {
        "loss": loss,
        "from_logits": logits,
        "optimizer": "Adam",
        "learning_rate": 0.001,
        "metrics": ("accuracy",),
    }
    return Compiled(**(values | more))


def fit(train: Feed | None = None, loss: str = SPARSE, **more: Any) -> FitEvent:
    """A training over three epochs that went well."""
    values: dict[str, Any] = {
        "number": 10,
        "cell": 4,
        "line": 2,
        "model": 1,
        "train": train or feed(),
        "validation_split": 0.1,
        "epochs": 3,
        "epochs_ran": 3,
        "batch_size": 128,
        "shuffle": True,
        "history": GOOD_HISTORY,
        "changed": True,
        "compiled": compiled(loss),
    }
    return FitEvent(**(values | more))


def use(how: str = "evaluate", scale: str = "unit", half: str = "test", **more: Any) -> UseEvent:
    """An evaluation of the model on 10,000 test images, or on the training images."""
    rows = 10_000 if half == "test" else N
    values: dict[str, Any] = {
        "number": 20,
        "cell": 5,
        "line": 1,
        "how": how,
        "model": 1,
        "feed": feed(scale, rows=rows, half=half),
    }
    return UseEvent(**(values | more))


def metric(name: str = "confusion_matrix", swapped: bool = False, **more: Any) -> MetricEvent:
    """A metric of scikit-learn on the test labels."""
    values: dict[str, Any] = {
        "number": 30,
        "cell": 6,
        "line": 3,
        "name": name,
        "first": labels(rows=10_000),
        "second": labels(rows=10_000),
        "first_is_truth": not swapped,
        "second_is_truth": swapped,
        "first_is_prediction": swapped,
        "second_is_prediction": not swapped,
        "rows_of": "test",
    }
    return MetricEvent(**(values | more))


def compile_event(**more: Any) -> CompileEvent:
    """The compile before the training."""
    values: dict[str, Any] = {"number": 5, "cell": 3, "line": 6, "model": 1, "compiled": compiled()}
    return CompileEvent(**(values | more))


def warning(message: str) -> WarningEvent:
    """A UserWarning of Keras."""
    return WarningEvent(number=2, cell=2, line=1, category="UserWarning", message=message)


def fault(message: str, type_: str = "ValueError", cell: int = 4, line: int = 2) -> Fault:
    """An exception in a cell."""
    return Fault(type=type_, message=message, cell=cell, line=line)


def evidence(*events: Any, model: ModelFacts | None = None, **more: Any) -> Evidence:
    """A run with these events; without any, a right program."""
    happened = events or (compile_event(), fit(), use(), metric())
    values: dict[str, Any] = {"events": happened, "models": (model or network(),)}
    return Evidence(**(values | more))


def crashed(message: str, type_: str = "ValueError", **more: Any) -> Evidence:
    """A run whose fit raised."""
    error = fault(message, type_)
    event = fit(fault=error, history={}, changed=False, epochs_ran=0, **more)
    return evidence(compile_event(), event, cells=(CellRun(number=4, ok=False, fault=error),))


def notebook(*cells: str) -> Submission:
    """A notebook of these cells; without any, one that sets a seed."""
    sources = cells or ("import keras\nkeras.utils.set_random_seed(0)",)
    return Submission(
        id="s",
        path="s.ipynb",
        sha256="0" * 64,
        kind="notebook",
        cells=tuple(Cell(number, source) for number, source in enumerate(sources, 1)),
    )


def seen(
    case: Evidence, *cells: str, model_id: int | None = 1, probes: Any = None
) -> dict[str, Sighting]:
    """What the diagnosis finds, by code."""
    sightings = diagnose(notebook(*cells), case, model_id, probes or {})
    return {sighting.misconception: sighting for sighting in sightings}
