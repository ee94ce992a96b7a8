"""Figures, warnings, the bounds, and the recorder's silence once it has finished."""

from __future__ import annotations

import warnings

import pytest
from recorded import Told, run_cells

from grader.data import public_folder
from grader.inside.recorder.figures import Figures
from grader.inside.recorder.journal import MAX_EVENTS_OF_A_LINE, Journal

CELLS = [
    """
import warnings
import numpy as np
import matplotlib.pyplot as plt
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    plt.plot([1, 2], [0.5, 0.75], label="validation")
    plt.plot([0.25, 0.5])
    plt.title("Accuracy"), plt.xlabel("epoch"), plt.ylabel("share"), plt.legend()
    plt.show()
answer = [str(w.message) for w in caught]
plt.close()
""",
    """
figure, axes = plt.subplots(2, 2)
figure.suptitle("Digits")
for i, ax in enumerate(axes.flat):
    ax.imshow(np.random.rand(28, 28), cmap="gray")
    ax.set_title(f"{i}")
figure.savefig("digits.png")
""",
    """
import seaborn as sns
matrix = np.array([[5, 1], [2, 7]])
sns.heatmap(matrix, annot=True, fmt="d")
plt.figure()
plt.bar(["a", "b"], [1, 2])
plt.figure()
""",
    """
plt.plot([1, 2]), plt.savefig("one.png"), plt.plot([3, 4]), plt.show()
plt.plot([5, 6]), plt.show()
plt.plot([7, 8]), plt.close()
plt.plot([9, 9]), plt.savefig("nine.png"), plt.close()
""",
    "for i in range(200): warnings.warn(f'number {i % 3}')",
]


@pytest.fixture(scope="module")
def told() -> Told:
    found = run_cells(CELLS, None)
    assert found.faults == []
    assert found.of_kind("warning", category="grader") == []
    return found


def test_show_draws_nothing_and_warns_of_nothing(told: Told) -> None:
    assert told.answer == []


def test_lines_and_words_of_a_figure_are_told_at_show(told: Told) -> None:
    (figure,) = told.of_kind("figure", cell=1)
    (axes,) = figure["axes"]
    assert (axes["title"], axes["xlabel"], axes["ylabel"]) == ("Accuracy", "epoch", "share")
    assert axes["legend"] == ["validation"]
    assert [(line["label"], line["y"]) for line in axes["lines"]] == [
        ("validation", [0.5, 0.75]),
        ("", [0.25, 0.5]),
    ]


def test_a_grid_of_pictures_is_one_figure_though_it_is_saved_and_left_open(told: Told) -> None:
    (figure,) = told.of_kind("figure", cell=2)
    assert figure["title"] == "Digits"
    assert [axes["images"] for axes in figure["axes"]] == [1, 1, 1, 1]
    assert [axes["title"] for axes in figure["axes"]] == ["0", "1", "2", "3"]
    assert all(axes["matrices"] == [] for axes in figure["axes"])


def test_a_heatmap_gives_its_matrix_and_an_empty_figure_is_none(told: Told) -> None:
    heatmap, bars = told.of_kind("figure", cell=3)
    assert heatmap["axes"][0]["matrices"] == [[[2, 2], [5.0, 1.0, 2.0, 7.0]]]
    assert heatmap["axes"][0]["texts"] == ["5", "1", "2", "7"]
    assert bars["axes"][0]["bars"] == 2


PICTURES = """
import numpy as np
import matplotlib.pyplot as plt
x = np.load({folder!r} + "/train_images.npy", mmap_mode="r")
figure, (left, middle, right, last) = plt.subplots(1, 4)
left.imshow(x[7], cmap="gray"), left.set_title("3 (3)", color="tab:blue")
middle.imshow(1 - x[8] / 255), middle.set_xlabel("7 (1)", color=(1, 0, 0)), middle.set_title("b")
right.imshow(np.eye(28)), right.set_title("right", loc="left", color="w", backgroundcolor="navy")
right.spines["left"].set_color("red")
last.imshow([[0.25, 0.75], [1, 0]])
plt.show()
"""


def test_a_picture_is_known_as_a_digit_and_what_is_written_in_a_colour_is_told() -> None:
    folder = str(public_folder("mnist"))
    told = run_cells([PICTURES.format(folder=folder)], folder)
    assert told.faults == []
    (figure,) = told.of_kind("figure")
    assert [axes["picture"] for axes in figure["axes"]] == [7, 8, None, None]
    assert [axes["coloured"] for axes in figure["axes"]] == [
        [["3 (3)", "#1f77b4"]],
        [["7 (1)", "#ff0000"]],
        [["right", "#000080"], ["", "#ff0000"]],
        [],
    ]
    assert figure["axes"][3]["matrices"] == [[[2, 2], [0.25, 0.75, 1.0, 0.0]]]
    assert told.of_kind("warning", category="grader") == []


def test_what_is_drawn_after_show_is_another_figure_and_what_is_thrown_away_is_none(
    told: Told,
) -> None:
    figures = told.of_kind("figure", cell=4)
    assert [[line["y"] for line in figure["axes"][0]["lines"]] for figure in figures] == [
        [[1.0, 2.0], [3.0, 4.0]],
        [[5.0, 6.0]],
        [[9.0, 9.0]],
    ]


WARM = "tensorflow keras sklearn.linear_model sklearn.metrics matplotlib.pyplot"
WARM_CELLS = [
    """
import keras, numpy as np, tensorflow as tf
from keras.datasets import mnist
from keras.models import load_model
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
import matplotlib.pyplot as plt
(x, y), _ = mnist.load_data()
x = x[:200].reshape(200, -1) / 255.0
guesses = LogisticRegression(max_iter=3).fit(x, y[:200]).predict(x)
confusion_matrix(y[:200], guesses), tf.math.confusion_matrix(y[:200], guesses)
model = keras.Sequential([keras.layers.Dense(10)])
model.compile("sgd", "mse")
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(model(x.astype("float32")))
slopes = tape.gradient(loss, model.trainable_variables)
model.optimizer.apply_gradients(zip(slopes, model.trainable_variables))
model.save("warm.keras"), load_model("warm.keras")
plt.plot([1]), plt.show()
"""
]


def test_what_was_imported_before_the_recorder_is_watched_all_the_same() -> None:
    told = run_cells(WARM_CELLS, str(public_folder("mnist")), warm=WARM)
    assert told.faults == []
    seen = [(event["kind"], event.get("how") or event.get("name")) for event in told.events]
    assert [event for event in seen if event[0] != "warning"] == [
        ("data", "mnist"),
        ("fit", "sklearn"),
        ("use", "predict"),
        ("metric", "confusion_matrix"),
        ("metric", "confusion_matrix"),
        ("compile", None),
        ("use", "call"),
        ("save", "save"),
        ("save", "load"),
        ("figure", None),
        ("fit", "tape"),
    ]


def test_a_warning_is_told_once(told: Told) -> None:
    messages = [event["message"] for event in told.of_kind("warning")]
    assert messages == ["number 0", "number 1", "number 2"]


def test_a_line_is_known_by_the_history_whose_values_it_has() -> None:
    history: list[dict[str, list[float | None]]] = [
        {"accuracy": [0.5, 0.6], "val_accuracy": [0.4, 0.45]}
    ]
    figures = Figures(Journal(lambda *_: None, lambda: (1, 1)), history)
    assert figures._key([0.4, 0.45]) == "val_accuracy"
    assert figures._key([50.0, 60.0]) == "accuracy"
    assert figures._key([0.4]) is None


def test_a_loop_that_repeats_one_event_cannot_flood_the_evidence() -> None:
    said: list[str] = []
    journal = Journal(lambda what, _: said.append(what), lambda: (1, 7))
    for _ in range(10 * MAX_EVENTS_OF_A_LINE):
        journal.event("use", how="predict")
    assert len(said) == MAX_EVENTS_OF_A_LINE


def test_a_failure_of_ours_is_noted_and_never_reaches_the_student() -> None:
    said: list[dict[str, object]] = []
    journal = Journal(lambda _, fields: said.append(fields), lambda: (1, 7))

    def broken(*_: object) -> None:
        raise RuntimeError("ours")

    assert journal.around(max, broken, broken)(3, 4) == 4
    assert [event["category"] for event in said] == ["grader"]


def test_an_exception_of_the_student_goes_on_unchanged_past_ours() -> None:
    journal = Journal(lambda *_: None, lambda: (1, 7))
    wrapped = journal.around(int, lambda *_: "ticket", lambda *_: 1 / 0)
    with pytest.raises(ValueError, match="invalid literal"):
        wrapped("x")


def test_after_the_end_nothing_is_recorded() -> None:
    said: list[str] = []
    journal = Journal(lambda what, _: said.append(what), lambda: (1, 7))
    seen: list[object] = []
    wrapped = journal.around(len, lambda *given: seen.append(given), lambda *_: None)
    journal.closed = True
    assert wrapped("abc") == 3
    assert seen == said == []


def test_the_tests_own_warnings_are_left_alone() -> None:
    with pytest.warns(UserWarning, match="plain"):
        warnings.warn("plain", stacklevel=1)
