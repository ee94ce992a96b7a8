"""Pictures changed on their way into training: what the recorder sees and what is made of it."""

from __future__ import annotations

import pytest
from recorded import Told, run_cells

from grader.checks.augmented import altered, altered_tests, changes_of, random_layers, reached
from grader.data import public_folder
from grader.diagnosis.source import Source
from grader.records.evidence import Evidence, Feed, FitEvent, LayerFacts, ModelFacts, UseEvent
from grader.records.submission import Cell, Submission

START = """
import keras
import tensorflow as tf
from keras import layers
from tensorflow.keras.preprocessing.image import ImageDataGenerator
(x, y), (t, u) = keras.datasets.mnist.load_data()
x, y, t, u = x[:96, ..., None] / 255, y[:96], t[:600, ..., None] / 255, u[:600]
def build():
    stack = [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)]
    made = keras.Sequential(stack)
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made
"""
GENERATOR = """
model = build()
datagen = ImageDataGenerator(rotation_range=9, zoom_range=0.1, shear_range=0.0)
model.fit(datagen.flow(x, y), validation_data=datagen.flow(t, u), verbose=0)
"""
MAPPED = """
turn = layers.RandomRotation(0.02)
data = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
other = build()
other.fit(data.map(lambda a, b: (turn(a, training=True), b)), verbose=0)
other.evaluate(t, u, verbose=0)
"""


@pytest.fixture(scope="module")
def told() -> Told:
    return run_cells([START, GENERATOR, MAPPED], str(public_folder("mnist")))


def fits(told: Told) -> list[FitEvent]:
    assert told.faults == []
    found = []
    for event in told.of_kind("fit"):
        for side in ("train", "validation"):
            for name in ("sample_shape", "sample_dtype", "sample_rows"):
                ((event[side] or {}).get("x") or {}).pop(name, None)
        found.append(FitEvent.model_validate(event))
    return found


def test_a_generator_says_which_changes_it_makes_and_what_is_behind_it(told: Told) -> None:
    train, validation = fits(told)[0].train, fits(told)[0].validation
    assert train is not None
    assert validation is not None
    assert train.changes == ("rotation_range", "zoom_range")
    assert train.behind is not None
    assert train.behind.train == 96
    assert validation.behind is not None
    assert validation.behind.test == 600
    assert altered(train)
    assert altered(validation)


def test_a_mapped_data_set_says_what_is_behind_it(told: Told) -> None:
    train = fits(told)[1].train
    assert train is not None
    assert train.behind is not None
    assert train.behind.train == 96
    assert altered(train)


def test_watching_the_training_on_changed_test_pictures_is_seen(told: Told) -> None:
    evidence = Evidence(events=tuple(fits(told)))
    assert altered_tests(ModelFacts(id=9, kind="Sequential"), evidence) == [fits(told)[0]]


def submission(source: str) -> Source:
    return Source(Submission("s", "s.py", "0", "module", (Cell(1, source),)))


def layer(kind: str, **options: object) -> LayerFacts:
    return LayerFacts(name=kind, kind=kind, options=options)


def feed(**counts: int) -> Feed:
    origin = {"train": 0, "test": 0, "unknown": 0, **counts}
    x = {"shape": (sum(counts.values()), 784), "dtype": "float32", "origin": origin}
    return Feed.model_validate({"kind": "array", "x": x})


def fit(train: Feed) -> FitEvent:
    return FitEvent(number=0, model=1, train=train)


OWN = ModelFacts(
    id=1,
    kind="Sequential",
    layers=(layer("RandomRotation", factor=(-0.1, 0.1)), layer("RandomZoom", height_factor=0.0)),
)
BARE = ModelFacts(id=1, kind="Sequential", layers=(layer("Flatten"), layer("Dense", units=10)))


def test_a_random_layer_with_an_amount_of_nothing_changes_nothing() -> None:
    assert [found.kind for found in random_layers(OWN)] == ["RandomRotation"]
    found = changes_of([fit(feed(train=9))], OWN, Evidence(models=(OWN,)), submission("zoom(3)"))
    assert found == {"rotation"}


def test_plain_rows_reach_a_network_without_random_layers() -> None:
    plain = fit(feed(train=50))
    assert reached([plain], BARE, Evidence(events=(plain,))) is False


def test_pictures_that_nobody_can_trace_are_no_proof() -> None:
    strange = fit(feed(unknown=50))
    assert reached([strange], BARE, Evidence(events=(strange,))) is None
    assert reached([fit(feed(train=9))], ModelFacts(id=1, kind="Mine"), Evidence()) is None
    assert reached([], BARE, Evidence()) is None


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("ndimage.rotate(x, 9); ndimage.shift(x, 2); zoom(x, 1.1)", {"rotation", "shift", "zoom"}),
        ("layers.RandomRotation(0.0); layers.Rescaling(2)", set()),
        ("Conv2D(3, 3, padding='same'); StandardScaler(4)", set()),
        ("cv2.warpAffine(x, m, (28, 28))", {"rotation", "shift", "zoom"}),
        ("np.roll(x, 2, axis=1)", {"shift"}),
    ],
)
def test_changes_by_hand_are_read_from_what_is_called(source: str, changes: set[str]) -> None:
    changed = fit(feed(unknown=9, train=1))
    assert changes_of([changed], BARE, Evidence(), submission(source)) == changes


def test_a_test_of_changed_pictures_beside_a_plain_one_is_more_than_was_asked() -> None:
    changed = UseEvent(number=1, how="evaluate", model=1, feed=feed(unknown=600))
    changed = changed.model_copy(
        update={"feed": changed.feed.model_copy(update={"rows": 600}) if changed.feed else None}
    )
    learned = fit(feed(train=50))
    alone = Evidence(events=(learned, changed))
    assert altered_tests(BARE, alone) == [changed]
    plain = UseEvent(number=2, how="evaluate", model=1, feed=feed(test=600))
    assert altered_tests(BARE, Evidence(events=(learned, changed, plain))) == []
