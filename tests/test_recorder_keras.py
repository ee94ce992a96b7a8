"""compile, fit, evaluate, predict, saving and the models themselves, as the recorder tells them."""

from __future__ import annotations

import pytest
from recorded import Told, run_cells

from grader.data import public_folder

CELLS = [
    """
import numpy as np, tensorflow as tf, keras, functools
from keras import layers
(x, y), (xt, yt) = tf.keras.datasets.mnist.load_data()
x, y, xt, yt = x[:400] / 255.0, y[:400], xt[:200] / 255.0, yt[:200]
""",
    """
model = keras.Sequential([
    layers.Input((28, 28)), layers.Flatten(), layers.Dense(16, activation=tf.nn.relu),
    layers.Dropout(0.25), layers.Dense(8, activation=layers.LeakyReLU(0.2)),
    layers.Dense(10, activation="softmax")])
model.compile(keras.optimizers.RMSprop(0.01), "sparse_categorical_crossentropy", ["accuracy"])
try:
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics="accuracy")
except ValueError:
    caught = True
model.compile(keras.optimizers.RMSprop(0.01), "sparse_categorical_crossentropy",
              metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(name="top")])
history = model.fit(x, y, batch_size=40, epochs=2, validation_data=(xt, yt), verbose=0,
                    callbacks=[keras.callbacks.EarlyStopping()])
scores = model.evaluate(xt, yt, verbose=0)
guesses = model.predict(xt, verbose=0)
""",
    """
try:
    model.fit(x, keras.utils.to_categorical(y), verbose=0)
except ValueError as error:
    text = str(error)
""",
    """
inputs = keras.Input((28, 28, 1))
inner = keras.Sequential([layers.Conv2D(4, 3, strides=2), layers.ReLU()], name="inner")
outputs = layers.Dense(10)(layers.GlobalAveragePooling2D()(inner(inputs)))
graph = keras.Model(inputs, outputs)
loss = functools.partial(keras.losses.sparse_categorical_crossentropy, from_logits=True)
graph.compile(keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 9, 0.9)), loss)
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.flat, self.last = layers.Flatten(), layers.Dense(10)
    def call(self, x):
        return self.last(self.flat(x))
net = Net()
net.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
net.fit(x, keras.utils.to_categorical(y), epochs=1, verbose=0)
frozen = keras.Sequential([layers.Flatten(), layers.Dense(10, trainable=False)])
frozen.compile("sgd", "mse")
frozen.fit(x, keras.utils.to_categorical(y), epochs=1, verbose=0)
""",
    """
model.save("kept.keras")
again = keras.models.load_model("kept.keras")
try:
    model.save("nowhere/kept.keras")
except OSError:
    pass
again.evaluate(x, y, verbose=0)
numbers = model(xt[:5].astype("float32"), training=False)
single = model.predict(xt[3:4], verbose=0)
""",
]


@pytest.fixture(scope="module")
def told() -> Told:
    found = run_cells(CELLS, str(public_folder("mnist")))
    assert found.faults == []
    return found


def test_nothing_of_ours_went_wrong(told: Told) -> None:
    assert told.of_kind("warning", category="grader") == []


def test_the_data_set_is_served_by_its_tensorflow_name(told: Told) -> None:
    assert [(e["source"], e["cell"], e["line"]) for e in told.of_kind("data")] == [("keras", 1, 4)]


def test_compile_is_told_with_loss_optimizer_rate_and_metrics(told: Told) -> None:
    compiled = told.of_kind("compile", model=1)[2]["compiled"]
    assert compiled == {
        "loss": "sparse_categorical_crossentropy",
        "from_logits": False,
        "optimizer": "RMSprop",
        "learning_rate": 0.01,
        "metrics": ["accuracy", "top"],
        "loss_weights": False,
    }


def test_a_metric_in_the_place_of_loss_weights_is_told(told: Told) -> None:
    assert told.of_kind("compile", model=1)[0]["compiled"]["loss_weights"] is True


def test_a_compile_that_raised_is_told_with_its_exception(told: Told) -> None:
    event = told.of_kind("compile", model=1)[1]
    assert event["fault"]["type"] == "ValueError"
    assert (event["cell"], event["line"], event["compiled"]["optimizer"]) == (2, 8, "Adam")


def test_a_fit_is_told_with_rows_labels_history_and_callbacks(told: Told) -> None:
    fit = told.of_kind("fit", model=1)[0]
    assert (fit["epochs"], fit["epochs_ran"], fit["batch_size"], fit["shuffle"]) == (2, 2, 40, True)
    assert fit["changed"] is True
    assert fit["callbacks"] == ["EarlyStopping"]
    assert sorted(fit["history"]) == [
        "accuracy", "loss", "top", "val_accuracy", "val_loss", "val_top",
    ]  # fmt: skip
    x, labels = fit["train"]["x"], fit["train"]["y"]
    assert (x["variable"], x["maximum"], x["dtype"]) == ("x", 1.0, "float64")
    assert x["origin"]["train"] == 400
    assert x["sample_shape"] == [128, 784]
    assert (labels["form"], labels["agreement"], labels["classes"]) == ("integers", 1.0, 10)
    assert fit["validation"]["x"]["origin"]["test"] == 200


def test_evaluate_and_predict_are_told_once_each_and_not_those_inside_fit(told: Told) -> None:
    uses = [use for use in told.of_kind("use", model=1) if use["cell"] == 2]
    assert [use["how"] for use in uses] == ["evaluate", "predict"]
    assert sorted(uses[0]["results"]) == ["accuracy", "loss", "top"]
    assert uses[1]["output"]["shape"] == [200, 10]


def test_a_fit_that_raised_is_told_and_raised_on(told: Told) -> None:
    fit = told.of_kind("fit", model=1)[1]
    assert fit["train"]["y"]["form"] == "one-hot"
    assert fit["fault"]["type"] == "ValueError"
    assert (
        fit["fault"]["message"] in told.values["text"]["text"] or "rank" in fit["fault"]["message"]
    )
    assert fit["changed"] is False


def test_activations_have_one_name_however_they_were_given(told: Told) -> None:
    layers = told.models[1]["layers"]
    assert [(layer["kind"], layer["activation"]) for layer in layers] == [
        ("Flatten", None),
        ("Dense", "relu"),
        ("Dropout", None),
        ("Dense", "leaky_relu"),
        ("Dense", "softmax"),
    ]
    assert layers[2]["options"]["rate"] == 0.25
    assert layers[3]["options"]["negative_slope"] == pytest.approx(0.2)
    assert layers[1]["input_shape"] == [None, 784]


def test_a_model_is_named_by_the_variables_that_hold_it(told: Told) -> None:
    names = {tuple(model["names"]): model for model in told.models.values()}
    assert names[("model",)]["trained"] is True
    assert names[("graph",)]["trained"] is False
    assert names[("again",)]["compiled"]["loss"] == "sparse_categorical_crossentropy"


def by_name(told: Told, name: str) -> dict[str, object]:
    return next(model for model in told.models.values() if name in model["names"])


def test_nested_models_are_opened_in_graph_order(told: Told) -> None:
    graph = by_name(told, "graph")
    assert [layer["kind"] for layer in graph["layers"]] == [  # type: ignore[attr-defined]
        "Conv2D", "ReLU", "GlobalAveragePooling2D", "Dense",
    ]  # fmt: skip
    assert graph["output_shape"] == [None, 10]
    assert graph["compiled"]["from_logits"] is True  # type: ignore[index]
    assert graph["compiled"]["learning_rate"] is None  # type: ignore[index]


def test_a_subclassed_model_shows_its_layers_and_shapes(told: Told) -> None:
    net = by_name(told, "net")
    assert net["kind"] == "Net"
    assert [layer["kind"] for layer in net["layers"]] == ["Flatten", "Dense"]  # type: ignore[attr-defined]
    assert net["output_shape"] == [None, 10]
    assert net["input_shape"] == [None, 28, 28]


def test_a_fit_that_changed_nothing_says_so(told: Told) -> None:
    frozen = by_name(told, "frozen")
    fit = told.of_kind("fit", model=frozen["id"])[0]
    assert (fit["changed"], fit["fault"]) == (False, None)


def test_saving_and_loading_are_told_with_path_and_fault(told: Told) -> None:
    saves = told.of_kind("save")
    assert [(save["how"], save["path"], save["fault"] is None) for save in saves] == [
        ("save", "kept.keras", True),
        ("load", "kept.keras", True),
        ("save", "nowhere/kept.keras", False),
    ]
    assert saves[0]["bytes"] > 1_000


def test_an_evaluation_on_training_rows_is_told_as_such(told: Told) -> None:
    again = by_name(told, "again")
    use = told.of_kind("use", model=again["id"])[0]
    assert use["feed"]["x"]["origin"]["train"] == 400


def test_a_direct_call_is_told_with_its_training_flag(told: Told) -> None:
    call = told.of_kind("use", how="call")[0]
    assert (call["training"], call["output"]["shape"]) == (False, [5, 10])


def test_one_row_given_to_predict_is_traced(told: Told) -> None:
    assert told.of_kind("use", how="predict")[-1]["feed"]["x"]["sample_rows"] == [60_003]


def test_variables_are_summarised(told: Told) -> None:
    assert told.values["caught"]["text"] == "True"
    assert told.values["guesses"]["array"]["shape"] == [200, 10]
    assert told.values["Net"]["callable"] is True
    assert told.values["scores"]["array"]["shape"] == [3]
