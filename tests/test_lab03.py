"""The lab on deep networks: its reference, starter, right answers and mistakes, graded for real."""

from __future__ import annotations

from pathlib import Path

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, passed, reference_of

LAB = "lab03"
FOLDER = folder_of(LAB)
REFERENCE = reference_of(LAB)


def test_the_reference_gets_full_marks(judge: Judge) -> None:
    result = judge(REFERENCE)
    assert_full_marks(result)
    assert result.metrics["graded_accuracy"] >= 0.97


def test_the_untouched_starter_gets_almost_nothing(judge: Judge, lab: Lab) -> None:
    result = judge(lab.starter)
    assert passed(result) == {"runs"}
    assert result.score <= 2


def test_the_demo_has_one_thing_to_mend_first_and_loses_little(judge: Judge) -> None:
    result = judge(FOLDER / "demo" / "lab03.ipynb")
    assert result.root_cause == "no-hidden-activation"
    seen = {finding.misconception for finding in result.findings}
    assert {"no-hidden-activation", "confusion-transposed", "test-as-validation"} <= seen
    assert 15 <= result.score < 20


def test_a_mistake_that_stops_the_training_leaves_the_points_of_what_is_right(
    judge: Judge,
) -> None:
    result = judge(FOLDER / "fixtures/wrong/one-hot-with-sparse-loss--to-categorical.py")
    right = {"training_images", "pixels_scaled", "labels_match", "ten_outputs", "hidden_layer"}
    assert passed(result) == right
    assert by_id(result)["curves"].outcome is Outcome.SKIPPED


LITTLE = """
import matplotlib.pyplot as plt
import numpy as np
from tensorflow import keras

(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, x_test = x[:5000].reshape(-1, 784) / 255, x_test.reshape(-1, 784) / 255
y = y[:5000]
"""


def test_what_is_missing_is_said_check_by_check(judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "lab03.py"
    path.write_text(
        LITTLE
        + """
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=3, batch_size=100, validation_split=0.2, verbose=0)
plt.plot(history.history["loss"])
plt.show()
"""
    )
    checks = by_id(judge(path))
    assert "only layer" in (checks["hidden_layer"].observed or "")
    assert "no accuracy" in (checks["test_accuracy"].observed or "")
    assert "no line for the held-out" in (checks["curves"].observed or "")
    assert checks["curves"].points == checks["curves"].max_points / 2
    assert "no confusion matrix" in (checks["confusion_matrix"].observed or "")
    assert checks["recognises_digits"].misconception == "too-few-epochs"


def test_own_counts_on_a_part_of_the_test_pictures_are_results_too(
    judge: Judge, tmp_path: Path
) -> None:
    path = tmp_path / "lab03.py"
    path.write_text(
        LITTLE
        + """
banana = keras.Sequential(
    [
        keras.Input((784,)),
        keras.layers.Dense(64),
        keras.layers.PReLU(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
banana.compile("adam", "kl_divergence")
hot = np.eye(10)[y]
first = banana.fit(x, hot, epochs=2, batch_size=50, validation_split=0.2, verbose=0).history
second = banana.fit(x, hot, epochs=2, batch_size=50, validation_split=0.2, verbose=0).history
for key in ("loss", "val_loss"):
    plt.figure()
    plt.plot(first[key] + second[key])
answers = banana.predict(x_test[:5000], verbose=0).argmax(axis=1)
wrong = sum(answer != digit for answer, digit in zip(answers, y_test))
print(f"{100 * wrong / 5000:.1f} % of the test digits are wrong")
counts = [[0] * 10 for _ in range(10)]
for digit, answer in zip(y_test, answers):
    counts[digit][answer] += 1
for row in counts:
    print(row)
"""
    )
    assert {"test_accuracy", "curves", "confusion_matrix", "loss_fits"} <= passed(judge(path))
