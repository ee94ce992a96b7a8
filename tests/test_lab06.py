"""The lab on augmentation and RMSprop: reference, starter, right answers and mistakes, graded."""

from __future__ import annotations

from pathlib import Path

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, passed

LAB = "lab06"
FOLDER = folder_of(LAB)


# The reference trains for minutes on all of MNIST: `grade validate` grades it.
def test_a_right_answer_gets_full_marks(judge: Judge) -> None:
    assert_full_marks(judge(FOLDER / "fixtures" / "right" / "convolution_by_batches.py"))


def test_the_untouched_starter_gets_almost_nothing(judge: Judge, lab: Lab) -> None:
    result = judge(lab.starter)
    assert passed(result) == {"runs"}
    assert result.score <= 2


def test_what_is_missing_is_said_check_by_check(judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "lab06.py"
    path.write_text(
        """
import matplotlib.pyplot as plt
from tensorflow import keras

(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, x_test = x[:1000].reshape(-1, 784) / 255, x_test.reshape(-1, 784) / 255
model = keras.Sequential(
    [
        keras.Input((784,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y[:1000], epochs=2, verbose=0)
answers = model.predict(x_test, verbose=0).argmax(axis=1)
plt.imshow(x_test[0].reshape(28, 28))
plt.title(answers[0])
plt.show()
"""
    )
    checks = by_id(judge(path))
    assert checks["hidden_layers"].points == checks["hidden_layers"].max_points / 2
    assert "their activations are: relu" in (checks["leaky_relu"].observed or "")
    assert checks["rmsprop"].misconception == "too-few-epochs"
    assert checks["adam"].outcome is Outcome.SKIPPED
    assert checks["augmentation"].misconception is None
    assert "as they are in the data" in (checks["augmentation"].observed or "")
    assert checks["changes"].outcome is Outcome.SKIPPED
    assert checks["pictures"].points == checks["pictures"].max_points / 2
    assert checks["test_untouched"].outcome is Outcome.PASSED
