"""Trainings that are too heavy for a lab's budget: shorter epochs, as many of them, and no harm."""

from __future__ import annotations

from typing import Any

import pytest
from recorded import Told, run_cells

from grader.data import public_folder
from grader.inside import work
from grader.inside.work import Allowance

PREPARE = """
import hashlib
import numpy as np, tensorflow as tf, keras
from tensorflow.keras.preprocessing.image import ImageDataGenerator
L = keras.layers
(x, y), (xt, yt) = keras.datasets.mnist.load_data()
x, xt = [(a[:300] / 255.0).astype("float32")[..., None] for a in (x, xt)]
y, yt = y[:300], yt[:300]
slices = tf.data.Dataset.from_tensor_slices
built, unbuilt = [L.Input((28, 28, 1))], []
turn = L.RandomRotation(0.1, seed=3)
answer = {}
def make(first):
    keras.utils.set_random_seed(5)
    model = keras.Sequential([*first, L.Flatten(), L.Dense(8, activation="relu"),
                              L.Dropout(0.3), L.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
class Count(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.batches, self.ends = [], 0
    def on_epoch_begin(self, epoch, logs=None):
        self.batches.append(0)
    def on_train_batch_end(self, batch, logs=None):
        self.batches[-1] += 1
    def on_epoch_end(self, epoch, logs=None):
        self.ends += 1
class Numbered(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.seen, self.ends = [], 0
    def __len__(self):
        return 30
    def __getitem__(self, i):
        self.seen.append(i)
        return x[10 * i:10 * i + 10], y[10 * i:10 * i + 10]
    def on_epoch_end(self):
        self.ends += 1
def draw():
    own = np.random.default_rng(1)
    while True:
        picked = own.integers(0, 300, 10)
        yield x[picked], y[picked]
"""
RUN = """
for name, first in (("{way}, built", built), ("{way}, unbuilt", unbuilt)):
    model, count = make(first), Count()
    history = model.fit({arguments}, epochs=4, verbose=0, callbacks=[count]).history
    weights = b"".join(v.numpy().tobytes() for v in model.variables)
    answer[name] = {{"history": {{key: len(values) for key, values in history.items()}},
                    "batches": count.batches, "ends": count.ends,
                    "bits": hashlib.sha256(weights).hexdigest(),
                    "next": [float(tf.random.uniform(())), float(np.random.rand())]}}
"""
WAYS = {
    "arrays": "x, y, batch_size=10, validation_split=0.2",
    "held out": "x, y, batch_size=10, validation_data=(xt, yt)",
    "data set": "slices((x, y)).shuffle(300).batch(10), validation_data=slices((xt, yt)).batch(50)",
    "mapped": "slices((x, y)).shuffle(300).batch(10).map(lambda a, b: (turn(a, training=True), b))",
    "no length": "slices((x, y)).filter(lambda a, b: b < 9).batch(10)",
    "repeated": "slices((x, y)).repeat().batch(10), steps_per_epoch=30",
    "image generator": "ImageDataGenerator(rotation_range=9).flow(x, y, batch_size=10)",
    "generator": "draw(), steps_per_epoch=20",
}
BATCHES = {"arrays": 24, "held out": 30, "data set": 30, "mapped": 30, "no length": None}
BATCHES |= {"repeated": 30, "image generator": 30, "generator": 20}
NAMES = [f"{way}, {state}" for way in WAYS for state in ("built", "unbuilt")]
MORE = """
source = Numbered()
model = make(built)
model.fit(source, epochs=3, verbose=0, shuffle=False)
answer["numbered"] = {"seen": source.seen, "ends": source.ends}
short = make(built).fit(x[:20], y[:20], batch_size=10, epochs=3, verbose=0)
stopped = make(built).fit(x, y, batch_size=10, epochs=9, verbose=0, validation_split=0.2,
    callbacks=[keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=1)])
answer["stopped"] = len(stopped.history["loss"])
"""
COUNTED = """
class Workers(Numbered):
    def __init__(self):
        keras.utils.PyDataset.__init__(self, workers=2)
        self.seen, self.ends = [], 0
def count(name, model, *data, **options):
    counter = Count()
    model.fit(*data, epochs=4, verbose=0, callbacks=[counter], **options)
    answer[name] = counter.batches
count("workers", make(built), Workers())
four = make(unbuilt)
four.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=4)
count("four at once", four, x, y, batch_size=10)
answer["four at once"].append(int(four.optimizer.iterations.numpy()))
class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.flat, self.last = L.Flatten(), L.Dense(10, activation="softmax")
    def call(self, x):
        return self.last(self.flat(x))
    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = self.compute_loss(data[0], data[1], self(data[0], training=True))
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}
    def fit(self, *args, **options):
        return super().fit(*args, **options)
own = Own()
own.compile("adam", "sparse_categorical_crossentropy")
count("own class", own, x, y, batch_size=10)
"""
COSTS = """
from grader.inside.recorder.keras_cost import is_built, multiply_adds
shape = L.Input((28, 28, 1))
nets = [
    [shape, L.Flatten(), L.Dense(8), L.BatchNormalization(), L.Dropout(0.2), L.Dense(10)],
    [shape, L.Conv2D(16, 3), L.MaxPooling2D(), L.Conv2D(32, 3, strides=2), L.Flatten(),
     L.Dense(10)],
    [L.SeparableConv2D(8, 3), L.DepthwiseConv2D(3), L.GlobalMaxPooling2D(), L.Dense(10)],
    [L.Input((28, 28)), L.LSTM(8), L.Dense(10)],
    [shape, keras.Sequential([L.RandomRotation(0.1), L.RandomZoom(0.1)]), L.Flatten()],
]
answer["unbuilt"] = is_built(keras.Sequential(nets[2])) or is_built(Own())
found = [keras.Sequential(layers) for layers in nets]
found[2].build((None, 28, 28, 1))
answer["costs"] = [multiply_adds(model) for model in found] + [multiply_adds(own)]
answer["built"] = all(map(is_built, [*found, own]))
"""
PART = 1.2e8
"""For each fit: at 5.6 million a step, five steps for each of four epochs."""


MADE_ON_THE_WAY = ("mapped", "image generator", "generator")


def fits_of(part: float, *ways: str, more: str = "") -> Told:
    cells = [PREPARE, *(RUN.format(way=way, arguments=WAYS[way]) for way in ways), more]
    return run_cells(cells, str(public_folder("mnist")), allowed=1000 * part, trainings=999)


@pytest.fixture(scope="module")
def short() -> Told:
    return fits_of(PART, *WAYS, more=MORE + COUNTED + COSTS)


@pytest.fixture(scope="module")
def again() -> Told:
    return fits_of(PART, *MADE_ON_THE_WAY)


@pytest.fixture(scope="module")
def ample() -> Told:
    return fits_of(1e12, *WAYS)


def fit_of(told: Told, name: str) -> dict[str, Any]:
    return told.of_kind("fit")[NAMES.index(name)]


@pytest.mark.parametrize("name", NAMES)
def test_a_heavy_training_runs_fewer_steps_and_as_many_epochs(name: str, short: Told) -> None:
    assert short.faults == []
    assert short.of_kind("warning", category="grader") == []
    ran, fit, asked = short.answer[name], fit_of(short, name), BATCHES[name.split(",")[0]]
    assert fit["shortened"]["of"] == asked
    steps = fit["shortened"]["steps"]
    assert 1 <= steps < (asked or 26)
    assert ran["batches"] == [steps] * 4
    assert ran["ends"] == 4
    assert set(ran["history"].values()) == {4}
    held_out = name.startswith(("arrays", "held out", "data set"))
    assert ("val_loss" in ran["history"]) is held_out


@pytest.mark.parametrize("name", NAMES)
def test_what_was_asked_for_is_what_is_told(name: str, short: Told, ample: Told) -> None:
    told, whole = fit_of(short, name), fit_of(ample, name)
    asked = ("epochs", "epochs_ran", "batch_size", "steps", "shuffle", "validation_split")
    assert {key: told[key] for key in asked} == {key: whole[key] for key in asked}
    assert told["train"]["rows"] == whole["train"]["rows"]
    assert told["callbacks"] == whole["callbacks"] == ["Count"]


@pytest.mark.parametrize("name", NAMES)
def test_a_training_within_the_budget_is_whole(name: str, ample: Told) -> None:
    assert fit_of(ample, name)["shortened"] is None
    asked = BATCHES[name.split(",")[0]]
    if asked is not None:
        assert ample.answer[name]["batches"] == [asked] * 4


@pytest.mark.parametrize("way", MADE_ON_THE_WAY)
def test_pictures_made_on_the_way_are_the_same_in_every_shortened_run(
    way: str, short: Told, again: Told
) -> None:
    for name in (f"{way}, built", f"{way}, unbuilt"):
        assert short.answer[name] == again.answer[name]


def test_each_epoch_goes_on_with_the_batches_that_come_then(short: Told) -> None:
    seen, steps = (
        short.answer["numbered"]["seen"],
        short.of_kind("fit")[len(NAMES)]["shortened"]["steps"],
    )
    # Keras looks at the first batches once more, to see their shapes.
    assert seen[-3 * steps :] == [i % 30 for i in range(3 * steps)]
    assert short.answer["numbered"]["ends"] >= 3


def test_a_small_training_is_left_alone(short: Told) -> None:
    assert short.of_kind("fit")[len(NAMES) + 1]["shortened"] is None


def test_pictures_that_are_looked_at_after_each_epoch_count_too(short: Told) -> None:
    held_out, none = fit_of(short, "held out, built"), fit_of(short, "repeated, built")
    assert (held_out["shortened"]["steps"], none["shortened"]["steps"]) == (4, 5)


def test_a_training_after_a_heavy_one_gets_a_share_of_what_is_left() -> None:
    fits = "for _ in range(3):\n    make(built).fit(x, y, batch_size=10, epochs=4, verbose=0)\n"
    early = "make(built).fit(x[:40], y[:40], batch_size=10, epochs=2, verbose=0)\n"
    data = str(public_folder("mnist"))
    told = run_cells([PREPARE, early + fits], data, allowed=4 * PART, trainings=1)
    cut = [fit["shortened"] and fit["shortened"]["steps"] for fit in told.of_kind("fit")]
    # The first takes 0.045 thousand million of 0.48, the next all but the half kept for others.
    assert cut == [None, 8, 2, 2]


def test_early_stopping_still_stops(short: Told) -> None:
    assert short.answer["stopped"] == 2
    assert short.of_kind("fit")[len(NAMES) + 2]["epochs"] == 9


def test_workers_grouped_steps_and_own_training_steps_are_cut_alike(short: Told) -> None:
    workers, four, own = short.of_kind("fit")[-3:]
    assert short.answer["workers"] == [workers["shortened"]["steps"]] * 4
    assert short.answer["own class"] == [own["shortened"]["steps"]] * 4
    assert four["shortened"] == {"steps": 4, "of": 30}
    assert short.answer["four at once"] == [1, 1, 1, 1, 16]


def test_a_networks_multiply_adds_are_its_weights_times_the_places_that_use_them(
    short: Told,
) -> None:
    assert short.answer["costs"] == [
        784 * 8 + 8 * 10,
        26 * 26 * 9 * 16 + 6 * 6 * 9 * 16 * 32 + 6 * 6 * 32 * 10,
        26 * 26 * (9 + 8) + 24 * 24 * 9 * 8 + 8 * 10,
        28 * (28 + 8) * 4 * 8 + 8 * 10,
        2 * work.CHANGED_BY_A_LAYER,
        784 * 10,
    ]
    assert (short.answer["unbuilt"], short.answer["built"]) == (False, True)


def test_later_trainings_always_have_something_left() -> None:
    allowance = Allowance(work=12.0, trainings=2)
    given = []
    for _ in range(6):
        given.append(allowance.next)
        allowance.spend(given[-1])
    assert given[:2] == [4.0, 4.0]
    assert given[2:] == [1.0, 0.75, 0.5625, 0.421875]


def test_light_trainings_leave_whole_parts_to_those_after_them() -> None:
    allowance = Allowance(work=8.0, trainings=1)
    allowance.spend(0.5)
    assert allowance.next == 3.5
    allowance.spend(100.0)
    assert allowance.next == 0.0


def test_a_step_of_more_or_larger_pictures_is_more_work() -> None:
    assert work.of_a_step(64, 1000) > work.of_a_step(32, 1000)
    assert work.of_a_step(32, 2000) - work.of_a_step(32, 1000) == 32_000
    assert work.of_a_training(2, 640, 7) == 40 * work.of_a_step(32, 7)
