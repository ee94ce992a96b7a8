"""Watching must not change what is watched: the same seed gives the same bits, recorded or not.

Nor must a budget that is large enough.
"""

from __future__ import annotations

from typing import Any

import pytest
from recorded import Told, run_cells

from grader.data import public_folder

PREPARE = """
import hashlib
import numpy as np, tensorflow as tf, keras
from tensorflow.keras.preprocessing.image import ImageDataGenerator
L = keras.layers
(x, y), (xt, yt) = keras.datasets.mnist.load_data()
x, xt = [(a[:300] / 255.0).astype("float32")[..., None] for a in (x, xt)]
y, yt = y[:300], yt[:300]
slices = tf.data.Dataset.from_tensor_slices
answer = {}
def make():
    keras.utils.set_random_seed(5)
    model = keras.Sequential([L.Input((28, 28, 1)), L.Flatten(), L.Dense(8, activation="relu"),
                              L.Dropout(0.3), L.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
def keep(name, model, *more):
    weights = b"".join(v.numpy().tobytes() for v in model.variables)
    answer[name] = [hashlib.sha256(weights).hexdigest(), *map(float, more)]
"""
WAYS = {
    "arrays": """
model = make()
history = model.fit(x, y, epochs=2, verbose=0, validation_split=0.2)
keep("arrays", model, *history.history["val_loss"], np.random.rand(), tf.random.uniform(()))
""",
    "network that is built by fit": """
keras.utils.set_random_seed(6)
model = keras.Sequential([L.Flatten(), L.Dense(8, activation="relu"), L.Dense(10)])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
history = model.fit(x, y, epochs=3, verbose=0, validation_data=(xt, yt))
keep("network that is built by fit", model, *history.history["val_loss"], np.random.rand())
""",
    "data set of unknown length": """
model = make()
model.fit(slices((x, y)).filter(lambda a, b: b < 9).batch(50), epochs=3, verbose=0)
keep("data set of unknown length", model, tf.random.uniform(()))
""",
    "shuffled data set": """
model = make()
model.fit(slices((x, y)).shuffle(300).batch(50), epochs=2, verbose=0, validation_data=(xt, yt))
keep("shuffled data set", model, np.random.rand(), tf.random.uniform(()))
""",
    "random layers in a data set": """
model = make()
turn = keras.Sequential([L.RandomRotation(0.1), L.RandomZoom(0.1)])
turned = slices((x, y)).shuffle(300).batch(50).map(lambda a, b: (turn(a, training=True), b))
model.fit(turned, epochs=2, verbose=0)
keep("random layers in a data set", model, tf.random.uniform(()))
""",
    "random numbers in a data set": """
model = make()
bright = slices((x, y)).map(lambda a, b: (tf.image.random_brightness(a, 0.2), b)).batch(50)
model.fit(bright, epochs=2, verbose=0, validation_data=bright)
model.evaluate(bright, verbose=0)
keep("random numbers in a data set", model, tf.random.uniform(()))
""",
    "Python generator": """
model = make()
def draw():
    while True:
        picked = np.random.randint(0, 300, 30)
        yield x[picked], y[picked]
model.fit(draw(), steps_per_epoch=4, epochs=2, verbose=0)
keep("Python generator", model)
""",
    "image generator": """
model = make()
model.fit(ImageDataGenerator(rotation_range=9).flow(x, y, batch_size=50), epochs=2, verbose=0)
keep("image generator", model)
""",
    "own loop": """
model = make()
optimizer, loss_of = keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy()
@tf.function
def step(a, b):
    with tf.GradientTape() as tape:
        loss = loss_of(b, model(a, training=True))
    optimizer.apply_gradients(
        zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
for a, b in slices((x, y)).shuffle(300).batch(50):
    step(a, b)
for a, b in slices((x, y)).shuffle(300).batch(50):
    model.train_on_batch(a, b)
keep("own loop", model, np.random.rand(), tf.random.uniform(()))
""",
}


@pytest.fixture(scope="module")
def both() -> tuple[Told, Told]:
    cells, data = [PREPARE, *WAYS.values()], str(public_folder("mnist"))
    return run_cells(cells, data, record=False), run_cells(cells, data, allowed=1e13)


@pytest.mark.parametrize("way", WAYS)
def test_training_gives_the_same_bits_with_and_without_the_recorder(
    way: str, both: tuple[Told, Told]
) -> None:
    plain, recorded = both
    assert plain.faults == recorded.faults == []
    assert recorded.answer[way] == plain.answer[way]


def test_every_one_of_these_trainings_was_seen_with_its_rows(both: tuple[Told, Told]) -> None:
    _, recorded = both
    fits = recorded.of_kind("fit")
    assert [fit["how"] for fit in fits] == ["fit"] * 8 + ["tape", "train_on_batch"]
    assert all(fit["changed"] for fit in fits)
    assert recorded.of_kind("warning", category="grader") == []
    seen: list[dict[str, Any]] = [fit["train"]["x"]["origin"] for fit in fits]
    assert [origin["unknown"] > 0 for origin in seen] == [
        False, False, False, False, True, False, False, True, False, False,
    ]  # fmt: skip
