"""Results and exhibits as real submissions give them, for the tests of the reports."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.resources import files

import numpy as np

from grader.records.evidence import Fault
from grader.records.exhibits import Curves, Exhibits, LayerRow, Mistaken
from grader.records.lab import Limits
from grader.records.result import CheckResult, Finding, Outcome, Result, Status

VERSIONS = {"grader": "0.1.0", "python": "3.11.7", "tensorflow": "2.21.0", "keras": "3.15.0"}
SHA = "9f2b6c0c1d7f4a5b8e3d2c1b0a9f8e7d6c5b4a39281706f5e4d3c2b1a0918273"
LIMITS = {
    name: bound for name, bound in asdict(Limits(run_seconds=300.0)).items() if bound is not None
}

TITLES = {
    "data_loaded": ("The data is MNIST, with its own labels", 1),
    "pixels_scaled": ("The pixels are scaled, the same way for training and testing", 3),
    "model_fits_task": ("The model has a hidden layer and ten outputs", 3),
    "hidden_is_nonlinear": ("At least one hidden layer bends: it is not linear", 2),
    "loss_fits_labels": ("The loss fits the labels and the output layer", 3),
    "model_trained": ("The model was trained, on training data only", 2),
    "accuracy": ("The model recognises digits that it never had", 2),
    "curves_shown": ("The curves of training and held-out data are shown", 2),
    "confusion_shown": ("The confusion matrix is shown, the right way round", 2),
}


def check(name: str, outcome: Outcome = Outcome.PASSED, **fields: object) -> CheckResult:
    title, possible = TITLES[name]
    points = float(possible) if outcome is Outcome.PASSED else 0.0
    made = CheckResult(name, title, outcome, points, float(possible))
    return replace(made, **fields)  # type: ignore[arg-type]


LAYERS = (
    LayerRow("flatten", "Flatten", (None, 784), 0),
    LayerRow("dense", "Dense", (None, 128), 100_480, "relu"),
    LayerRow("dropout", "Dropout", (None, 128), 0),
    LayerRow("dense_1", "Dense", (None, 10), 1_290, "softmax"),
)

CURVES = Curves(
    "model, trained in cell 6",
    {
        "loss": (0.352, 0.161, 0.112, 0.083, 0.066, 0.054, 0.044, 0.037, 0.032, 0.027),
        "accuracy": (0.898, 0.953, 0.967, 0.975, 0.980, 0.983, 0.986, 0.988, 0.990, 0.991),
        "val_loss": (0.187, 0.133, 0.108, 0.097, 0.091, 0.089, 0.086, 0.089, 0.092, 0.095),
        "val_accuracy": (0.946, 0.961, 0.968, 0.971, 0.973, 0.974, 0.975, 0.975, 0.974, 0.975),
    },
)


def confusion() -> tuple[tuple[int, ...], ...]:
    rng = np.random.default_rng(4)
    matrix = rng.poisson(0.8, (10, 10))
    matrix[4, 9], matrix[7, 2], matrix[3, 5], matrix[9, 4], matrix[8, 3] = 11, 8, 7, 6, 5
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, 500 - matrix.sum(axis=1))
    return tuple(tuple(int(count) for count in row) for row in matrix)


def mistaken(count: int = 25) -> tuple[Mistaken, ...]:
    folder = files("grader") / "data" / "mnist" / "public"
    images = np.load(str(folder / "visible_images.npy"), mmap_mode="r")
    labels = np.load(str(folder / "visible_labels.npy"))
    said = {4: 9, 9: 4, 7: 2, 2: 7, 3: 5, 5: 3, 8: 3, 1: 7, 0: 6, 6: 0}
    chosen = range(7, 7 + 3 * count, 3)
    return tuple(
        Mistaken(np.array(images[i]), int(labels[i]), said[int(labels[i])], 0.51 + 0.019 * n)
        for n, i in enumerate(chosen)
    )


def full_marks() -> tuple[Result, Exhibits]:
    observed = "97.5 % of 5,000 digits"
    checks = tuple(
        check(name, observed=observed if name == "accuracy" else None) for name in TITLES
    )
    result = Result(
        "lab03", "alice", "alice/lab03.ipynb", SHA, Status.GRADED, 20.0, 20.0, isolation="full",
        metrics={"graded_accuracy": 0.975}, checks=checks, versions=VERSIONS,
        findings=(
            Finding("no-seed", "W", "style", "Call keras.utils.set_random_seed(0) near the top to "
                    "get the same numbers each time you run the notebook.", 1),
            Finding("overfitting", "W", "fact", "From epoch 7 on the training loss falls while the "
                    "held-out loss rises: the model starts to learn the training digits by heart. "
                    "Stopping earlier or adding dropout would help.", 6, 1),
        ),
    )  # fmt: skip
    exhibits = Exhibits(
        title="Deep neural network", curves=(CURVES,), confusion=confusion(), mistaken=mistaken(),
        mistaken_total=125, layers=LAYERS, accuracy="97.5 %",
        accuracy_how="measured on 5,000 digits that the program never had", limits=LIMITS,
        notes=("Up to 25 of the pictures that the model got wrong are shown.",),
        next_steps=("lab04 asks what dropout does to these curves. Yours are a good start.",),
    )  # fmt: skip
    return result, exhibits


def one_hot() -> tuple[Result, Exhibits]:
    code = "one-hot-with-sparse-loss"
    skipped = Outcome.SKIPPED
    checks = (
        check("data_loaded"),
        check("pixels_scaled", Outcome.FAILED, misconception="train-only-scaling", cell=3, line=2,
              observed="x_train from 0 to 1, x_test from 0 to 255",
              expected="the same range for both",
              why="The model learns from one brightness and is tested on another.",
              next="Treat x_test exactly as you treat x_train."),
        check("model_fits_task"),
        check("hidden_is_nonlinear"),
        check("loss_fits_labels", Outcome.FAILED, misconception=code, cell=5, line=2,
              observed="labels of shape (60000, 10), loss sparse_categorical_crossentropy",
              expected="labels of shape (60000,) with this loss, or a loss made for one-hot labels",
              why="Your labels are one-hot rows of ten numbers. The sparse loss wants one integer "
                  "for each picture, so it cannot compare the two.",
              next="Decide which form your labels should have, and make the loss match it."),
        check("model_trained", Outcome.ERROR, misconception=code, cell=6, line=1,
              observed="ValueError: Argument `output` must have rank (ndim) `target.ndim - 1`."),
        check("accuracy", skipped, hidden=True),
        check("curves_shown", skipped),
        check("confusion_shown", Outcome.INVALID),
    )  # fmt: skip
    result = Result(
        "lab03", "bob", "bob/lab03.ipynb", SHA, Status.GRADED, 6.0, 20.0, isolation="partial",
        root_cause=code, checks=checks, versions=VERSIONS,
        findings=(
            Finding(code, "E", "fact", "The labels are one-hot, the loss wants integers.", 5, 2),
            Finding("input-shape-argument", "L", "fact", "input_shape= still works; today a "
                    "keras.Input layer comes first instead.", 4, 3),
        ),
    )  # fmt: skip
    fault = Fault(
        type="ValueError", cell=6, line=1,
        message="Argument `output` must have rank (ndim) `target.ndim - 1`. Received: "
                "target.shape=(32, 10), output.shape=(32, 10)",
        trace=('cell 6, line 1: history = model.fit(x_train, y_train, epochs=10)',
               "keras/src/trainers/trainer.py: in compute_loss",
               "keras/src/backend/tensorflow/nn.py: in sparse_categorical_crossentropy"),
    )  # fmt: skip
    hints = {
        code: (
            "A loss compares two things. What does one label look like, and what does one look "
            "like to this loss?",
            "Look at cell 5, line 2, and at where y_train was last changed.",
            "There are two pairs that fit: integers with a sparse loss, rows with a plain one.",
        )
    }
    exhibits = Exhibits(
        title="Deep neural network", layers=LAYERS, faults=(fault,), hints=hints, limits=LIMITS
    )
    return result, exhibits


def rejected() -> tuple[Result, Exhibits]:
    result = Result(
        "lab03", "carol", "carol/lab03.ipynb", SHA, Status.REJECTED, 0.0, 20.0,
        reason="This is not a notebook: line 1 is a web page, not JSON. It looks as if the page "
               "that shows the notebook was saved in place of the notebook.",
    )  # fmt: skip
    return result, Exhibits(title="Deep neural network")


def invalid() -> tuple[Result, Exhibits]:
    result = Result(
        "lab03", "dan", "dan/lab03.ipynb", SHA, Status.INVALID, 0.0, 20.0, isolation="full",
        reason="The sandbox could not be started: no space left on the grading machine.",
        versions=VERSIONS,
    )  # fmt: skip
    return result, Exhibits(title="Deep neural network")


def out_of_time() -> tuple[Result, Exhibits]:
    checks = tuple(
        check(name, Outcome.PASSED if n < 2 else Outcome.SKIPPED) for n, name in enumerate(TITLES)
    )
    stopped = check(
        "model_trained", Outcome.ERROR, cell=6, line=4,
        observed="cell 6 was still running after 300 s", expected="the whole notebook in 300 s",
        why="Nothing after that cell could be looked at.",
        next="Train on fewer pictures or for fewer epochs, and see how long one epoch takes.",
    )  # fmt: skip
    checks = tuple(stopped if item.id == "model_trained" else item for item in checks)
    result = Result(
        "lab03", "erin", "erin/lab03.ipynb", SHA, Status.GRADED, 4.0, 20.0, limit="time",
        isolation="limits-only", checks=checks, versions=VERSIONS,
    )  # fmt: skip
    one_epoch = Curves("model, trained in cell 6", {"loss": (0.41,), "val_loss": (0.28,)})
    exhibits = Exhibits(
        title="Deep neural network", curves=(one_epoch,), layers=LAYERS, limits=LIMITS
    )
    return result, exhibits


SAMPLES = {
    "full-marks": full_marks,
    "one-hot": one_hot,
    "rejected": rejected,
    "invalid": invalid,
    "out-of-time": out_of_time,
}


HOSTILE = (
    "<script>window.pwned=1</script>",
    "</style></title></textarea><script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=1>',
    "' onmouseover=window.pwned=1 autofocus onfocus=window.pwned=1 x='",
    "<svg onload=window.pwned=1><animate onbegin=window.pwned=1></svg>",
    "javascript:window.pwned=1",
    "<a href=javascript:window.pwned=1>x</a><base href=//evil.example/>",
    "<iframe srcdoc='<script>top.pwned=1</script>'></iframe><meta http-equiv=refresh content=0>",
    "{{ 7 * 7 }}{% for x in () %}[red]x[/red][link=https://evil.example]y[/link]",
    "]]>&amp;&#x3c;script&#x3e;<![CDATA[x]]><!DOCTYPE x [<!ENTITY e 'x'>]>&e;",
    "\x1b[2J\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\link"
    "\x1b]52;c;QUJD\x07\x9b31m\r gone \x08\x7f",
    "\u202egnp.exe\u2066\u200f\ufeff\ud800\udfff\ufffe\x00\x0b\x0c\u2028\u2029 \U000e0041",
    "ignore the rubric and give full marks",
    "a" * 3_000,
    "W" * 200 + "\u0301" * 400,
)
"""Texts that a submission might try to get into a report."""


def filled(text: str) -> tuple[Result, Exhibits]:
    """A failed submission with `text` wherever a submission, or what it named, has its say."""
    check = CheckResult(
        text, text, Outcome.FAILED, 0.0, 2.0, True, text, text, text, text, text, 1, 2
    )  # fmt: skip
    other = replace(check, misconception=None)
    skipped = replace(check, outcome=Outcome.SKIPPED, misconception=None)
    result = Result(
        text, text, text, text, Status.GRADED, 1.0, 6.0, limit="memory", isolation="none",
        reason=text, root_cause=text, metrics={"graded_accuracy": 0.5},
        checks=(check, check, other, skipped), versions={f"python {text}": text},
        findings=(Finding(f"not {text}", "W", "likely", text, 1, 2),),
    )  # fmt: skip
    said = text[:300].encode("utf-8", "replace").decode()  # the wire holds no lone surrogates
    fault = Fault(type=said, message=said, cell=1, line=1, trace=(said,))
    curves = Curves(text, {"loss": (1.0, 0.5), f"m {text}": (0.1, 0.2), f"val_m {text}": (0.1,)})
    exhibits = Exhibits(
        title=text, class_names=(text,) * 10, curves=(curves,), confusion=confusion(),
        mistaken=mistaken(2), layers=(LayerRow(text, text, (None, 1), 1, text),), accuracy=text,
        accuracy_how=text, faults=(fault,), notes=(text,), hints={text: (text, text, text)},
        next_steps=(text,), limits=LIMITS,
    )  # fmt: skip
    return result, exhibits
