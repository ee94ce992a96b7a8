"""scikit-learn's estimators and metrics, as the recorder tells them."""

from __future__ import annotations

import pytest
from recorded import Told, run_cells

from grader.data import public_folder

CELLS = [
    """
import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (ConfusionMatrixDisplay, accuracy_score, classification_report,
                             confusion_matrix, f1_score)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
X_train, X_test, y_train, y_test = train_test_split(
    X[:800] / 255.0, y[:800], test_size=0.25, random_state=3)
""",
    """
scaler = StandardScaler().fit(X_train)
model = LogisticRegression(max_iter=30).fit(scaler.transform(X_train), y_train)
guesses = model.predict(scaler.transform(X_test))
score = model.score(scaler.transform(X_test), y_test)
answer = [str(digit) for digit in guesses[:30]]
""",
    """
matrix = confusion_matrix(y_test, guesses)
turned = confusion_matrix(guesses, y_test)
report = classification_report(y_test, guesses)
share = accuracy_score(guesses, y_test)
try:
    f1_score(y_test, guesses)
except ValueError:
    pass
shown = ConfusionMatrixDisplay.from_predictions(y_test, guesses)
""",
    """
pipe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5))
pipe.fit(X_train, y_train)
pipe.predict_proba(X_test)
try:
    LogisticRegression().fit(X_train, y_train[:-1])
except ValueError:
    pass
""",
    """
from sklearn.model_selection import GridSearchCV, cross_val_score
cross_val_score(LogisticRegression(max_iter=2), X_train[:90], y_train[:90], cv=2)
grid = GridSearchCV(LogisticRegression(max_iter=2), {"C": [0.1, 1]}, cv=2)
grid.fit(X_train[:90], y_train[:90])
""",
    """
import warnings
import matplotlib.pyplot as plt
from sklearn.neural_network import MLPClassifier
warnings.simplefilter("ignore")
network = MLPClassifier((8,), max_iter=3, early_stopping=True, random_state=0)
network.fit(X_train, y_train)
plt.plot(network.loss_curve_)
plt.plot(network.validation_scores_)
""",
    """
bit_by_bit = MLPClassifier((8,), random_state=0)
for epoch in range(3):
    bit_by_bit.partial_fit(X_train, y_train, classes=np.unique(y))
""",
]


@pytest.fixture(scope="module")
def told() -> Told:
    found = run_cells(CELLS, str(public_folder("mnist")))
    assert found.faults == []
    assert found.of_kind("warning", category="grader") == []
    return found


def test_a_scaler_is_fitted_but_is_no_trained_model(told: Told) -> None:
    kinds = {tuple(model["names"]): model for model in told.models.values()}
    assert kinds[("scaler",)]["trained"] is False
    assert kinds[("model",)]["trained"] is True
    fit = told.of_kind("fit", model=kinds[("scaler",)]["id"])[0]
    assert fit["train"]["x"]["origin"]["train"] == 600


def test_the_curves_that_a_network_keeps_are_known_by_the_keys_of_keras(told: Told) -> None:
    (figure,) = [figure for figure in told.of_kind("figure") if figure["cell"] == 6]
    keys = [line["key"] for axes in figure["axes"] for line in axes["lines"]]
    assert keys == ["loss", "val_accuracy"]


def test_a_training_in_parts_is_a_training_each_time(told: Told) -> None:
    (model,) = [model for model in told.models.values() if model["names"] == ["bit_by_bit"]]
    assert model["trained"] is True
    fits = told.of_kind("fit", cell=7)
    assert [fit["train"]["x"]["origin"]["train"] for fit in fits] == [600, 600, 600]


def test_scaled_rows_of_text_labels_are_traced(told: Told) -> None:
    fit = told.of_kind("fit", cell=2)[1]
    assert fit["train"]["x"]["columns_centred"] is True
    assert fit["train"]["x"]["origin"]["train"] == 600
    assert (fit["train"]["y"]["form"], fit["train"]["y"]["agreement"]) == ("strings", 1.0)


def test_predict_and_score_are_told_once_each(told: Told) -> None:
    uses = [use for use in told.of_kind("use") if use["cell"] == 2]
    assert [use["how"] for use in uses] == ["predict", "score"]
    assert uses[1]["results"]["accuracy"] == uses[1]["results"]["score"] > 0.5


def test_a_prediction_is_told_by_its_share_of_right_rows_and_its_first_classes(told: Told) -> None:
    predict, score = [use for use in told.of_kind("use") if use["cell"] == 2]
    assert predict["results"] == {"right": pytest.approx(score["results"]["score"])}
    assert predict["output_sample"] == [float(digit) for digit in told.answer]


def test_truth_and_prediction_are_told_apart_in_either_order(told: Told) -> None:
    flags = [
        (
            metric["name"],
            metric["first_is_truth"],
            metric["second_is_truth"],
            metric["first_is_prediction"],
            metric["second_is_prediction"],
        )
        for metric in told.of_kind("metric")
    ]
    right, swapped = (True, False, False, True), (False, True, True, False)
    assert flags == [
        ("confusion_matrix", *right),
        ("confusion_matrix", *swapped),
        ("classification_report", *right),
        ("accuracy_score", *swapped),
        ("f1_score", *right),
        ("confusion_matrix", *right),
    ]


def test_a_metric_that_raised_is_told(told: Told) -> None:
    assert told.of_kind("metric", name="f1_score")[0]["fault"]["type"] == "ValueError"


def test_the_matrix_comes_with_its_values_and_is_known_by_its_rows(told: Told) -> None:
    metric = told.of_kind("metric")[0]
    assert metric["shape"] == [10, 10]
    assert sum(metric["value"]) == 200
    assert told.values["matrix"]["matrix"] == metric["value"]
    assert told.values["matrix"]["matrix_is_confusion"] == "train"
    assert told.values["turned"]["matrix_is_confusion"] is None


def test_a_pipeline_is_one_model_with_its_steps_as_layers(told: Told) -> None:
    pipe = next(model for model in told.models.values() if model["kind"] == "Pipeline")
    assert [layer["kind"] for layer in pipe["layers"]] == ["StandardScaler", "LogisticRegression"]
    assert len(told.of_kind("fit", model=pipe["id"])) == 1
    assert told.of_kind("use", model=pipe["id"])[0]["how"] == "predict"


def test_trainings_within_a_search_or_a_cross_validation_are_not_models_of_their_own(
    told: Told,
) -> None:
    fits = told.of_kind("fit", cell=5)
    assert [told.models[fit["model"]]["kind"] for fit in fits] == ["GridSearchCV"]


def test_a_fit_that_raised_is_told(told: Told) -> None:
    assert told.of_kind("fit", cell=4)[-1]["fault"]["type"] == "ValueError"


def test_the_shown_matrix_is_found_in_its_figure(told: Told) -> None:
    (figure,) = told.of_kind("figure", cell=3)
    shape, values = figure["axes"][0]["matrices"][0]
    assert (shape, values) == ([10, 10], told.values["matrix"]["matrix"])
    assert figure["axes"][0]["ylabel"] == "True label"


def test_warnings_are_told_once(told: Told) -> None:
    messages = [event["message"] for event in told.of_kind("warning")]
    assert len(messages) == len(set(messages)) > 0
    assert any("failed to converge" in message for message in messages)
