"""Old spellings of Keras and scikit-learn run as what took their place, and are noted."""

from __future__ import annotations

import pytest

from grader.diagnosis.legacy import INSTEAD
from tests.recorded import Told, run_cells

BEGIN = """
import numpy as np
from tensorflow import keras
x = np.random.default_rng(0).random((64, 4)).astype("float32")
y = (x.sum(axis=1) > 2).astype(int)
def batches():
    while True:
        yield x, y
model = keras.Sequential(
    [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2, activation="softmax")]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=2, verbose=0, validation_split=0.25)
"""
OLD = {
    "removed-module": [
        "from keras.utils import np_utils\nassert np_utils.to_categorical([1], 2).shape == (1, 2)",
        "from tensorflow.keras.utils import np_utils",
        "from keras.utils.generic_utils import to_categorical",
        "from keras.layers.core import Dense, Dropout, Flatten",
        "from keras.layers.convolutional import Conv2D, MaxPooling2D",
        "from keras.layers.advanced_activations import LeakyReLU",
        "from tensorflow.keras.layers.experimental import preprocessing\npreprocessing.Rescaling",
        "from keras.layers.experimental.preprocessing import Rescaling",
    ],
    "removed-method": [
        "model.fit_generator(batches(), 2, 3, verbose=0)\nassert len(model.history.epoch) == 3",
        "model.fit_generator(batches(), steps_per_epoch=2, epochs=1, workers=2, verbose=0)",
        "assert len(model.evaluate_generator(batches(), 2)) == 2",
        "assert model.predict_generator(batches(), steps=1).shape == (64, 2)",
        "assert model.predict_classes(x, verbose=0).shape == (64,)",
        "assert model.predict_proba(x).shape == (64, 2)",
    ],
    "removed-argument": [
        "model.fit(x, y, nb_epoch=2, verbose=0)\nassert len(model.history.epoch) == 2",
        "model.fit(x, y, verbose=0, use_multiprocessing=False)",
        "keras.callbacks.ModelCheckpoint('a.keras', period=1)",
    ],
    "old-optimizer-argument": ["assert float(keras.optimizers.Adam(lr=0.5).learning_rate) == 0.5"],
    "integer-learning-rate": [
        "assert float(keras.optimizers.SGD(learning_rate=1).learning_rate) == 1.0",
        "keras.optimizers.RMSprop(1)",
    ],
    "old-history-key": ["assert history.history['val_acc'] == history.history['val_accuracy']"],
    "old-generator-import": [
        "from keras.preprocessing.image import ImageDataGenerator\n"
        "next(ImageDataGenerator(rotation_range=10).flow(np.zeros((4, 28, 28, 1)), y[:4]))",
    ],
    "removed-layer-attribute": [
        "assert model.layers[0].output_shape[-1] == 8",
        "assert model.layers[1].input_shape == (None, 8)",
    ],
    "removed-optimizer-attribute": [
        "assert 0 < float(model.optimizer.lr) < 1\nmodel.optimizer.lr = 0.25\n"
        "assert float(model.optimizer.learning_rate) == 0.25",
    ],
    "save-without-extension": [
        "model.save('digits')\nkeras.models.load_model('digits').predict(x, verbose=0)",
        "model.save_weights('w.h5')\nmodel.load_weights('w.h5')",
        "model.save('old', save_format='tf')",
        "keras.callbacks.ModelCheckpoint('best.hdf5', save_best_only=True)",
    ],
    "removed-sklearn-argument": [
        "from sklearn.linear_model import LogisticRegression\n"
        "LogisticRegression(multi_class='multinomial', max_iter=50).fit(x, y)",
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.base import clone\n"
        "clone(LogisticRegression(penalty='none')).fit(x, y)",
    ],
}
NEW = [
    "import keras.backend as K\nassert float(K.mean(K.constant([1.0, 3.0]))) == 2",
    "keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))",
    "import pandas as pd\nassert list(pd.DataFrame(history.history).columns) == "
    "['accuracy', 'loss', 'val_accuracy', 'val_loss']",
    "import copy, pickle\nassert pickle.loads(pickle.dumps(history.history)) == history.history",
    "assert 'acc' not in history.history and history.history.get('acc') is None",
    "try:\n    history.history['f1']\nexcept KeyError:\n    pass\nelse:\n    raise AssertionError",
    "class Own(keras.layers.Layer):\n"
    "    def build(self, input_shape):\n        self.input_shape = input_shape\n"
    "    def call(self, z):\n        return z\n"
    "layer = Own()\nlayer(x)\nassert tuple(layer.input_shape) == (64, 4)",
    "assert not hasattr(keras.layers.Dense(3), 'output_shape')",
    "model.save('good.keras')\nkeras.models.load_model('good.keras')",
    "try:\n    import keras.layers.nowhere\nexcept ImportError:\n    pass\n"
    "else:\n    raise AssertionError",
    "from sklearn.linear_model import LogisticRegression\n"
    "assert 'C' in LogisticRegression().get_params() and LogisticRegression(C=2.0).C == 2.0",
]
CASES = [(code, source) for code, sources in OLD.items() for source in sources]


@pytest.fixture(scope="module")
def told() -> Told:
    return run_cells([BEGIN, *(source for _, source in CASES), *NEW], None)


def test_every_old_spelling_runs_and_new_ones_stay_as_they_are(told: Told) -> None:
    cells = ["", BEGIN, *(source for _, source in CASES), *NEW]
    broken = [(fault, cells[int(fault.split(":")[0])]) for fault in told.faults]
    assert broken == []


@pytest.mark.parametrize("number", range(len(CASES)), ids=[source for _, source in CASES])
def test_an_old_spelling_is_noted_where_it_stands(told: Told, number: int) -> None:
    code, _ = CASES[number]
    cell = number + 2
    found = told.of_kind("legacy", cell=cell)
    assert code in {event["code"] for event in found}, found


def test_new_spellings_are_not_noted(told: Told) -> None:
    first = len(CASES) + 2
    noted = {event["cell"]: event["used"] for event in told.of_kind("legacy")}
    assert [NEW[cell - first] for cell in noted if cell >= first] == []


def test_old_trainings_are_recorded_as_trainings(told: Told) -> None:
    cell = [source for _, source in CASES].index(OLD["removed-method"][0]) + 2
    (fit,) = told.of_kind("fit", cell=cell)
    assert fit["epochs_ran"] == 3
    assert fit["fault"] is None


def test_every_noted_code_has_its_replacement_in_words() -> None:
    assert OLD.keys() == INSTEAD.keys()
