"""The lab on linear models: its reference, starter, right answers and mistakes, graded for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, passed, reference_of

LAB = "lab07"
FOLDER = folder_of(LAB)
REFERENCE = reference_of(LAB)
FUNCTIONS = """
import numpy as np

def polyfit_errors(x, y, degrees, x_val, y_val):
    fits = {degree: np.polyfit(x, y, degree) for degree in degrees}
    return {
        degree: tuple(np.mean((np.polyval(c, a) - b) ** 2) for a, b in ((x, y), (x_val, y_val)))
        for degree, c in fits.items()
    }

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def gradients(X, Y, W, b):
    off = (softmax(X @ W + b) - Y) / len(X)
    return X.T @ off, off.sum(axis=0)
"""


def written(tmp_path: Path, source: str) -> Path:
    path = tmp_path / "lab07.py"
    path.write_text(source, encoding="utf-8")
    return path


def test_the_reference_gets_full_marks(judge: Judge) -> None:
    result = judge(REFERENCE)
    assert_full_marks(result)


def test_the_untouched_starter_earns_nothing(judge: Judge, lab: Lab) -> None:
    assert judge(lab.starter).score == 0


def test_the_functions_count_without_the_networks(judge: Judge, tmp_path: Path) -> None:
    result = judge(written(tmp_path, FUNCTIONS))
    assert passed(result) == {
        "runs",
        "polyfit_errors",
        "gradients",
        "polyfit_many_degrees",
        "gradients_many_sizes",
    }
    assert result.root_cause is None
    assert by_id(result)["linear_model"].observed == "no network was trained"


NETWORKS = """
from tensorflow import keras
(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, x_test = x[:3000].reshape(-1, 784) / 255, x_test.reshape(-1, 784) / 255
def trained(n, *hidden):
    model = keras.Sequential([keras.Input((784,)), *hidden, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(x[:n], y[:n], epochs=2, batch_size=50, verbose=0)
    return model
"""


def test_the_networks_count_without_the_functions(judge: Judge, tmp_path: Path) -> None:
    source = f"""{NETWORKS}bent = trained(3000, keras.layers.Dense(30, activation="tanh"))
line = trained(1000, keras.layers.Dense(30), keras.layers.Dropout(0.2))
print(bent.evaluate(x_test, y_test, verbose=0)[1])
"""
    checks = by_id(judge(written(tmp_path, source)))
    assert checks["linear_model"].outcome is Outcome.PASSED
    assert checks["relu_model"].points == 1
    assert "tanh" in (checks["relu_model"].observed or "")
    # These two wait for a network with ReLU.
    assert checks["fair"].outcome is checks["compared"].outcome is Outcome.SKIPPED


def test_networks_that_have_hardly_learned_are_no_comparison(judge: Judge, tmp_path: Path) -> None:
    source = f"""{NETWORKS}
for hidden in [], [keras.layers.Dense(30, activation="relu")]:
    print(trained(20, *hidden).evaluate(x_test, y_test, verbose=0)[1])
"""
    checks = by_id(judge(written(tmp_path, source)))
    assert "linear network recognises" in (checks["fair"].observed or "")
    assert checks["fair"].points == checks["fair"].max_points / 2
    assert checks["compared"].outcome is Outcome.PASSED


def test_a_comparison_on_other_pictures_or_without_a_number_is_told(
    judge: Judge, tmp_path: Path
) -> None:
    source = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from tensorflow.keras.datasets import mnist
(x, y), (x_test, y_test) = mnist.load_data()
x, x_test = x[:1000].reshape(-1, 784) / 255, x_test.reshape(-1, 784) / 255
line = LogisticRegression(max_iter=50).fit(x[:500], y[:500])
bent = MLPClassifier((20,), max_iter=5).fit(x, y[:1000])
print("relu", bent.score(x_test, y_test))
"""
    checks = by_id(judge(written(tmp_path, source)))
    assert "500 pictures" in (checks["fair"].observed or "")
    assert checks["fair"].points == 1
    assert "linear network was never asked" in (checks["compared"].observed or "")


POLY = "def polyfit_errors(x, y, degrees, x_val, y_val):\n    "
PAIRS = "{d: (np.mean((np.polyval(np.polyfit(x, y, d), x) - y) ** 2), 1.0) for d in degrees}"
HALVES = "right = polyfit_errors\n"
GRAD = "old = gradients\ndef gradients(X, Y, W, b):\n    dW, db = old(X, Y, W, b)\n    "


@pytest.mark.parametrize(
    ("poly", "told_poly", "grad", "told_grad"),
    [
        ("return None", "nothing (None)", "print(dW)", "nothing (None)"),
        ("return [(1, 2)]", "returned an array", "return dW", "an array of shape (4, 4)"),
        ("return {}", "nothing for degree 1", "return -dW, -db", "wrong sign"),
        ("return {str(d): (1, 2) for d in degrees}", "keys are ['1'", "return db, dW", "db first"),
        ("return {d: 'small' for d in degrees}", "for degree 1", "return dW, 'b'", "'b'"),
        ("return {d: (1, 2, 3) for d in degrees}", "for degree 1", "return dW, None", "None"),
        (f"return {PAIRS}", "and 1;", "return dW / W.shape[1], db / len(b)", "classes as well"),
        (
            "return {d: pair[::-1] for d, pair in right(x, y, degrees, x_val, y_val).items()}",
            "other order",
            "return old(X, Y, W, 0 * b)",
            "leaves out the bias",
        ),
        (
            "return {d: np.sqrt(pair) for d, pair in right(x, y, degrees, x_val, y_val).items()}",
            "the roots",
            "off = X @ W + b - Y\n    return X.T @ off / len(X), off.mean(axis=0)",
            "without softmax",
        ),
        (
            "return {d: right(x, y, [d + 1], x_val, y_val)[d + 1] for d in degrees}",
            "one degree more",
            "return dW[:2], db",
            "has shape (2, 4)",
        ),
    ],
)
def test_a_mistake_without_a_name_is_put_into_words(
    judge: Judge, tmp_path: Path, poly: str, told_poly: str, grad: str, told_grad: str
) -> None:
    source = f"{FUNCTIONS}\n{HALVES}\n{POLY}{poly}\n\n{GRAD}{grad}\n"
    checks = by_id(judge(written(tmp_path, source)))
    for check, words in (("polyfit_errors", told_poly), ("gradients", told_grad)):
        assert checks[check].outcome is Outcome.FAILED
        assert words in (checks[check].observed or "")
        assert checks[check].next


def test_missing_functions_and_exceptions_are_told(judge: Judge, tmp_path: Path) -> None:
    source = f"{FUNCTIONS}\ndel gradients\n{POLY}return 1 / 0\n"
    checks = by_id(judge(written(tmp_path, source)))
    assert "no function `gradients`" in (checks["gradients"].observed or "")
    assert checks["polyfit_errors"].outcome is Outcome.ERROR
    assert checks["polyfit_errors"].line is not None


def test_a_gradient_of_the_tapes_gets_half(judge: Judge, tmp_path: Path) -> None:
    source = """
import tensorflow as tf
def gradients(X, Y, W, b):
    W, b = tf.Variable(W), tf.Variable(b)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(Y, X @ W + b))
    return tape.gradient(loss, [W, b])
"""
    told = by_id(judge(written(tmp_path, source)))["gradients"]
    assert told.points == 2
    assert "automatic differentiation" in (told.observed or "")


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("stated = {'under': 0, 'best': 4, 'over': 11}", Outcome.PASSED),
        ("too_simple, just_right, too_wild = 1, 5, 12", Outcome.PASSED),
        ("print('Degree 1 underfits, degree 4 is good, degree 12 overfits.')", Outcome.PASSED),
        ("# Degré 1 : sous-apprentissage ; 4 : bien ; 12 : surapprentissage.", Outcome.PASSED),
        ("# डिग्री 1 कम फिट होती है, 4 ठीक है, 12 ज़्यादा फिट होती है।", Outcome.PASSED),
        ("# Degree 1 underfits and the highest one overfits.", Outcome.FAILED),
        ("print(1, 4, 12)", Outcome.FAILED),
        ("underfit_degree = good_degree = overfit_degree = None", Outcome.FAILED),
    ],
)
def test_a_choice_may_be_stated_in_any_way(
    judge: Judge, tmp_path: Path, source: str, outcome: Outcome
) -> None:
    assert by_id(judge(written(tmp_path, f"x = 0\n{source}\n")))["choice"].outcome is outcome
