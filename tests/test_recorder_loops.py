"""Trainings that the student writes out, and what goes into them."""

from __future__ import annotations

from typing import Any

import pytest
from recorded import Told, run_cells

from grader.data import public_folder

CELLS = [
    """
import numpy as np, tensorflow as tf, keras
from keras import layers
(x, y), (xt, yt) = keras.datasets.mnist.load_data()
x, xt = [(a[:320] / 255.0).astype("float32") for a in (x, xt)]
y, yt = y[:320], yt[:320]
def make():
    return keras.Sequential([layers.Flatten(), layers.Dense(10)])
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(320).batch(32)
test = tf.data.Dataset.from_tensor_slices((xt, yt)).batch(32)
""",
    """
eager, optimizer = make(), keras.optimizers.Adam()
for epoch in range(2):
    for xb, yb in train:
        with tf.GradientTape() as tape:
            loss = loss_of(yb, eager(xb, training=True))
        grads = tape.gradient(loss, eager.trainable_variables)
        optimizer.apply_gradients(zip(grads, eager.trainable_variables))
    for xb, yb in test:
        eager(xb, training=False)
""",
    """
traced, sgd = make(), keras.optimizers.SGD(0.1)
traced.build((None, 28, 28))
@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        loss = loss_of(yb, traced(xb))
    sgd.apply_gradients(zip(tape.gradient(loss, traced.trainable_variables),
                            traced.trainable_variables))
step(x[:64], y[:64])
""",
    "for i in range(5): step(x[i * 64:i * 64 + 64], y[i * 64:i * 64 + 64])",
    "quiet = traced.predict(xt, verbose=0)",
    """
plain = make()
plain(x[:1])
for i in range(3):
    with tf.GradientTape() as tape:
        loss = loss_of(y[:32], plain(x[:32] * 255))
    for variable, grad in zip(plain.trainable_variables,
                              tape.gradient(loss, plain.trainable_variables)):
        variable.assign_sub(0.001 * grad)
""",
    """
batched = make()
batched.compile("sgd", loss_of)
for i in range(10): batched.train_on_batch(x[i * 32:i * 32 + 32], y[i * 32:i * 32 + 32])
""",
    """
forgot = make()
with tf.GradientTape() as tape:
    loss = loss_of(y[:32], forgot(x[:32]))
grads = tape.gradient(loss, forgot.trainable_variables)
""",
    """
w = tf.Variable(2.0)
with tf.GradientTape() as tape:
    square = w * w
slope = tape.gradient(square, w)
w.assign_sub(slope)
""",
]


@pytest.fixture(scope="module")
def told() -> Told:
    found = run_cells(CELLS, str(public_folder("mnist")))
    assert found.faults == []
    assert found.of_kind("warning", category="grader") == []
    return found


def fits_of(told: Told, name: str) -> list[dict[str, Any]]:
    number = next(model["id"] for model in told.models.values() if name in model["names"])
    return told.of_kind("fit", model=number)


def test_an_eager_loop_over_a_data_set_is_one_training_of_all_its_rows(told: Told) -> None:
    (fit,) = fits_of(told, "eager")
    assert (fit["how"], fit["changed"], fit["cell"], fit["steps"]) == ("tape", True, 2, 20)
    assert (fit["train"]["kind"], fit["train"]["rows"]) == ("dataset", 320)
    assert fit["train"]["x"]["origin"]["train"] == 320
    assert fit["train"]["y"]["agreement"] == 1.0
    assert (fit["batch_size"], fit["shuffle"]) == (32, True)


def test_a_traced_step_is_told_in_every_cell_that_trains_with_it(told: Told) -> None:
    fits = fits_of(told, "traced")
    assert [fit["cell"] for fit in fits] == [3, 4]
    assert all(fit["changed"] for fit in fits)
    assert fits[1]["train"]["x"]["origin"]["train"] == 320
    assert fits[1]["train"]["y"]["agreement"] == 1.0


def test_weights_changed_by_hand_are_a_training_with_what_the_model_was_fed(told: Told) -> None:
    (fit,) = fits_of(told, "plain")
    assert (fit["how"], fit["changed"]) == ("tape", True)
    assert fit["train"]["x"]["maximum"] == 255.0


def test_train_on_batch_is_one_training_a_cell(told: Told) -> None:
    (fit,) = fits_of(told, "batched")
    assert (fit["how"], fit["steps"], fit["changed"]) == ("train_on_batch", 10, True)
    assert fit["train"]["rows"] == 320
    assert fit["train"]["x"]["origin"]["train"] == 320
    assert fit["compiled"]["from_logits"] is True


def test_gradients_that_are_never_applied_are_a_training_that_changed_nothing(told: Told) -> None:
    (fit,) = fits_of(told, "forgot")
    assert (fit["how"], fit["changed"]) == ("tape", False)


def test_a_variable_that_no_model_holds_is_no_training_of_a_model(told: Told) -> None:
    assert [fit["cell"] for fit in told.of_kind("fit")] == [2, 3, 4, 6, 7, 8]


def test_the_last_trained_model_has_the_highest_order(told: Told) -> None:
    trained = sorted(told.models.values(), key=lambda model: model["order"])
    assert [model["names"] for model in trained][-4:] == [
        ["eager"], ["traced"], ["plain"], ["batched"],
    ]  # fmt: skip


def test_only_a_few_calls_of_a_loop_are_kept(told: Told) -> None:
    assert len(told.of_kind("use", how="call", cell=2)) == 3
