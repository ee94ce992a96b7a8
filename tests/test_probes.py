"""The probes tell right models from broken ones, and leave every model as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from grader import data
from grader.inside.probe_tools import CannotProbe
from grader.inside.probes import run_probe

keras = pytest.importorskip("keras")
layers = keras.layers

SPARSE = "sparse_categorical_crossentropy"
X = data.public_rows("mnist", np.arange(256)).reshape(-1, 784).astype(np.float32) / 255
Y = data.public_labels("mnist", np.arange(256)).astype(np.int64)
OPTIONS = {"x": X, "y": Y}
LINEAR = 1e-5
BENT = 5e-4


@pytest.fixture(scope="module", autouse=True)
def _seeded() -> Iterator[None]:
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()


def stack(*parts: Any, loss: Any = SPARSE, optimizer: Any = "adam") -> Any:
    model = keras.Sequential([keras.Input((784,)), *parts])
    model.compile(optimizer, loss)
    return model


def dense(units: int, activation: str | None = None) -> Any:
    return layers.Dense(units, activation=activation)


class Own(keras.Model):  # type: ignore[misc]
    """A subclassed model, whose graph nobody can read."""

    def __init__(self, activation: str | None, scale: float = 1.0) -> None:
        super().__init__()
        self.factor = scale
        self.hidden = dense(32, activation)
        self.drop = layers.Dropout(0.3)
        self.out = dense(10, "softmax")

    def call(self, x: Any, training: bool = False) -> Any:
        return self.out(self.drop(self.hidden(x * self.factor), training=training))


def own(activation: str | None, scale: float = 1.0) -> Any:
    model = Own(activation, scale)
    model.compile("adam", SPARSE)
    return model


def functional(bend: bool) -> Any:
    start = keras.Input((784,))
    hidden = dense(32)(start)
    hidden = keras.ops.relu(hidden) if bend else hidden
    model = keras.Model(start, dense(10, "softmax")(hidden))
    model.compile("adam", SPARSE)
    return model


AFFINE = {
    "two linear layers": lambda: stack(dense(32), dense(10, "softmax")),
    "batch norm and dropout": lambda: stack(
        dense(32), layers.BatchNormalization(), layers.Dropout(0.3), dense(10, "softmax")
    ),
    "slope 1": lambda: stack(dense(32), layers.LeakyReLU(negative_slope=1.0), dense(10)),
    "softmax layer": lambda: stack(dense(32), dense(10), layers.Softmax()),
    "linear convolution": lambda: stack(
        layers.Reshape((28, 28, 1)), layers.Conv2D(4, 3), layers.Flatten(), dense(10, "softmax")
    ),
    "functional": lambda: functional(bend=False),
    "subclassed": lambda: own(None),
    "nested": lambda: stack(
        keras.Sequential([keras.Input((784,)), dense(8), dense(10, "softmax")])
    ),
}
NOT_AFFINE = {
    "relu": lambda: stack(dense(32, "relu"), dense(10, "softmax")),
    "tanh": lambda: stack(dense(32, "tanh"), dense(10, "softmax")),
    "leaky": lambda: stack(dense(32), layers.LeakyReLU(negative_slope=0.3), dense(10, "softmax")),
    "relu on logits": lambda: stack(dense(32, "relu"), dense(10)),
    "sigmoid output": lambda: stack(dense(32, "relu"), dense(10, "sigmoid")),
    "operation": lambda: functional(bend=True),
    "subclassed": lambda: own("relu"),
}


@pytest.mark.parametrize("build", AFFINE.values(), ids=AFFINE)
def test_a_model_without_a_bend_has_no_affine_gap(build: Any) -> None:
    assert run_probe("affine_gap", build(), OPTIONS, None)["gap"] < LINEAR


@pytest.mark.parametrize("build", NOT_AFFINE.values(), ids=NOT_AFFINE)
def test_a_model_with_a_bend_has_an_affine_gap(build: Any) -> None:
    assert run_probe("affine_gap", build(), OPTIONS, None)["gap"] > BENT


def test_the_gap_needs_no_given_inputs() -> None:
    assert run_probe("affine_gap", AFFINE["functional"](), {}, None)["gap"] < LINEAR


def test_rows_of_softmax_add_up_to_one_and_those_of_sigmoid_do_not() -> None:
    shares = run_probe("row_sums", NOT_AFFINE["relu"](), OPTIONS, None)
    apart = run_probe("row_sums", NOT_AFFINE["sigmoid output"](), OPTIONS, None)
    scores = run_probe("row_sums", NOT_AFFINE["relu on logits"](), OPTIONS, None)
    assert shares["worst"] < 1e-5
    assert apart["worst"] > 1
    assert apart["minimum"] >= 0
    assert scores["minimum"] < 0


def test_the_first_loss_of_scaled_inputs_is_small_and_of_raw_ones_is_large() -> None:
    for model in (NOT_AFFINE["relu"](), own("relu"), own("relu", 1 / 255)):
        scaled = X * 255 if getattr(model, "factor", 1) < 1 else X
        good = run_probe("initial_loss", model, {"x": scaled, "y": Y}, None)
        bad = run_probe("initial_loss", model, {"x": scaled * 255, "y": Y}, None)
        assert 1.8 < good["loss"] < 3.5
        assert bad["loss"] > 15


LEARNS = {
    "softmax": lambda: stack(dense(64, "relu"), dense(10, "softmax")),
    "logits with the flag": lambda: stack(
        dense(64, "relu"),
        dense(10),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ),
    "one-hot": lambda: stack(
        dense(64, "relu"), dense(10, "softmax"), loss="categorical_crossentropy"
    ),
    "divergence": lambda: stack(dense(64, "relu"), dense(10, "softmax"), loss="kl_divergence"),
    "hinge": lambda: stack(dense(64, "relu"), dense(10), loss="categorical_hinge"),
    "ten sigmoids": lambda: stack(
        dense(64, "relu"), dense(10, "sigmoid"), loss="binary_crossentropy"
    ),
    "squared error": lambda: stack(dense(64, "relu"), dense(10, "softmax"), loss="mse"),
    "not compiled": lambda: keras.Sequential(
        [keras.Input((784,)), dense(64, "relu"), dense(10, "softmax")]
    ),
}
BROKEN = {
    "logits without the flag": lambda: stack(dense(64, "relu"), dense(10)),
    "relu output": lambda: stack(dense(64, "relu"), dense(10, "relu")),
    "drops all": lambda: stack(dense(64, "relu"), layers.Dropout(1.0), dense(10, "softmax")),
    "tiny steps": lambda: stack(
        dense(64, "relu"), dense(10, "softmax"), optimizer=keras.optimizers.Adam(1e-6)
    ),
    "huge steps": lambda: stack(
        dense(64, "relu"), dense(10, "softmax"), optimizer=keras.optimizers.SGD(100.0)
    ),
}


@pytest.mark.parametrize("build", LEARNS.values(), ids=LEARNS)
def test_a_right_model_learns_a_batch_by_heart(build: Any) -> None:
    assert run_probe("one_batch_overfit", build(), OPTIONS, None)["accuracy"] >= 0.9


@pytest.mark.parametrize("build", BROKEN.values(), ids=BROKEN)
def test_a_broken_model_does_not_learn_a_batch_by_heart(build: Any) -> None:
    assert run_probe("one_batch_overfit", build(), OPTIONS, None)["accuracy"] < 0.9


def test_softmax_twice_learns_but_its_loss_stays_above_the_floor() -> None:
    model = stack(dense(64, "relu"), dense(10, "softmax"), layers.Softmax())
    answer = run_probe("one_batch_overfit", model, OPTIONS, None)
    assert answer["loss"] > np.log(1 + 9 / np.e) - 1e-3


def test_dropout_is_told_from_a_rate_of_zero() -> None:
    on = stack(dense(32, "relu"), layers.Dropout(0.5), dense(10, "softmax"))
    off = stack(dense(32, "relu"), layers.Dropout(0.0), dense(10, "softmax"))
    assert run_probe("dropout_active", on, OPTIONS, None)["active"] is True
    assert run_probe("dropout_active", off, OPTIONS, None)["active"] is False
    assert run_probe("dropout_active", own("relu"), OPTIONS, None)["active"] is True


def test_training_is_seen_in_the_biases() -> None:
    model = stack(dense(32, "relu"), dense(10, "softmax"))
    assert run_probe("untrained", model, {}, None)["untrained"] is True
    model.fit(X, Y, epochs=1, verbose=0)
    assert run_probe("untrained", model, {}, None)["untrained"] is False


def test_a_model_that_answers_the_same_for_all_is_seen() -> None:
    model = stack(dense(10, "softmax"))
    model.layers[-1].bias.assign(np.eye(10)[3] * 50)
    answer = run_probe("classes_predicted", model, OPTIONS, None)
    assert answer["classes"] == 1
    assert answer["largest_share"] == 1.0


NAMES = (
    "affine_gap",
    "row_sums",
    "initial_loss",
    "one_batch_overfit",
    "dropout_active",
    "classes_predicted",
    "untrained",
)


@pytest.mark.parametrize("name", NAMES)
def test_no_probe_changes_the_model(name: str) -> None:
    mixed = stack(dense(8, "relu"), layers.BatchNormalization(), layers.Dropout(0.2), dense(10))
    for model in (mixed, own("relu")):
        model.fit(X, Y, epochs=1, verbose=0)
        before = [variable.numpy().copy() for variable in model.variables]
        steps = int(model.optimizer.iterations)
        activations = [getattr(layer, "activation", None) for layer in model.layers]
        run_probe(name, model, OPTIONS, None)
        after = [variable.numpy() for variable in model.variables]
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        assert activations == [getattr(layer, "activation", None) for layer in model.layers]
        assert int(model.optimizer.iterations) == steps


def test_an_unknown_probe_or_a_stranger_is_refused_with_a_reason() -> None:
    with pytest.raises(CannotProbe, match="no probe"):
        run_probe("nothing", NOT_AFFINE["relu"](), {}, None)
    with pytest.raises(CannotProbe, match="Keras"):
        run_probe("row_sums", object(), {}, None)
    flat = stack(layers.Dense(10, kernel_initializer="zeros"))
    with pytest.raises(CannotProbe, match="do not vary"):
        run_probe("affine_gap", flat, OPTIONS, None)
