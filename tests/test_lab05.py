"""The lab on convolutions: its reference, starter, right answers and mistakes, graded for real."""

from __future__ import annotations

from pathlib import Path

from grader.records.lab import Lab
from grader.records.result import Outcome
from tests.labs import Judge, assert_full_marks, by_id, folder_of, passed

LAB = "lab05"
FOLDER = folder_of(LAB)


# The reference trains for minutes on all of MNIST: `grade validate` grades it.
def test_a_right_answer_gets_full_marks(judge: Judge) -> None:
    assert_full_marks(judge(FOLDER / "fixtures" / "right" / "functional_strides.py"))


def test_the_untouched_starter_gets_almost_nothing(judge: Judge, lab: Lab) -> None:
    result = judge(lab.starter)
    assert passed(result) == {"runs"}
    assert result.score <= 2


SMALL = """
from tensorflow import keras

(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, y, x_test = x[:1500, :, :, None] / 255, y[:1500], x_test[..., None] / 255
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(4, 3, strides=3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=1, verbose=0)
"""


def test_what_is_missing_is_said_check_by_check(judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "lab05.py"
    path.write_text(
        SMALL
        + """
from sklearn.metrics import precision_score

print(precision_score(y_test, model.predict(x_test, verbose=0).argmax(1), average="macro"))
keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save("other.keras")
"""
    )
    checks = by_id(judge(path))
    assert checks["convolution"].outcome is Outcome.PASSED
    assert "no curve" in (checks["curves"].observed or "")
    assert "not all three" in (checks["per_class"].observed or "")
    assert checks["per_class"].points == checks["per_class"].max_points / 2
    assert "single pictures" in (checks["samples"].observed or "")
    assert "another model was saved" in (checks["saved"].observed or "")


def test_an_exported_folder_and_an_old_file_name_are_files_too(
    judge: Judge, tmp_path: Path
) -> None:
    for number, line in enumerate(("model.export('folder')", "model.save('digits')")):
        path = tmp_path / f"lab05_{number}.py"
        path.write_text(f"{SMALL}\n{line}\n")
        assert "saved" in passed(judge(path))


def test_names_that_hold_something_else_are_told_as_no_network(
    judge: Judge, tmp_path: Path
) -> None:
    path = tmp_path / "lab05.py"
    path.write_text("model = 'model.keras'\nhistory = None\nraise KeyError('digits')\n")
    result = judge(path)
    assert result.score == 0
    assert "KeyError" in (by_id(result)["runs"].observed or "")
