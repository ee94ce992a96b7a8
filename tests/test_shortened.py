"""A shortened training: what is stated by the lab, told to the student, and never held against."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tiny_course import LAB as TINY
from tiny_course import write_course

from grader.checks.shortened import EXCUSE, still_falling, told, training_share, was_learning
from grader.course import Course, find_course
from grader.diagnosis.case import Case
from grader.diagnosis.training import learning_rate, length
from grader.errors import LabError
from grader.grading import Graded, grade
from grader.inside import work
from grader.records.evidence import Compiled, Evidence, FitEvent, ModelFacts, Shortened
from grader.records.lab import Lab
from grader.records.submission import Cell, Submission
from grader.report.html import render_html
from grader.report.terminal import render_terminal
from tests.labs import ROOT, by_id, reference_of
from tests.sessions import sandbox

LAB = "lab03"
SENTENCE = "to let a whole class be marked; you lose nothing by it."
FALLING = (2.0, 1.5, 1.0, 0.8, 0.6, 0.5, 0.4, 0.35)
LEVEL = (0.9, 0.5, 0.3, 0.27, 0.261, 0.260, 0.259, 0.258)

# ---------------------------------------------------------------- what a lab states

COURSE = find_course(ROOT, ROOT)
ON_TWO_CORES = 4.5e9
"""Multiply–adds a second."""


def reference(name: str) -> str:
    path = reference_of(name)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def trains(name: str) -> bool:
    return ".fit(" in reference(name)


def load(folder: Path, table: str) -> Lab:
    course = write_course(folder)
    (course / "assignments/lab01/lab.toml").write_text(TINY + table)
    return Course(course).load("lab01")


def test_a_budget_is_counted_from_what_the_labs_own_training_takes(tmp_path: Path) -> None:
    table = (
        "[budget]\nepochs = 5\nimages = 6_400\nmultiply_adds = 1_000\ntrainings = 2\ntimes = 3\n"
    )
    lab = load(tmp_path, table)
    assert (lab.budget.epochs, lab.budget.images) == (5, 6_400)
    assert lab.limits.trainings == 2
    assert lab.limits.training_work == 3 * 2 * 5 * 200 * work.of_a_step(32, 1_000)


@pytest.mark.parametrize("table", ["", "[budget]\nimages = 60_000\n", "[budget]\nepochs = 3\n"])
def test_a_lab_that_does_not_say_how_heavy_its_network_is_bounds_nothing(
    table: str, tmp_path: Path
) -> None:
    assert load(tmp_path, table).limits.training_work is None


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("[budget]\nepochs = 0\n", 2, "greater than 0"),
        ("[budget]\nepochs = 3\nimages = 2.5\n", 3, "integer"),
        ("[budget]\nepochs = 3\nmultiply_adds = 9\n", 3, "only together with “epochs”"),
        ("[budget]\ntimes = 0.5\n", 2, "greater than or equal to 1"),
        ("[budget]\nepocs = 3\n", 2, "known here: epochs, images"),
    ],
)
def test_a_fault_in_a_budget_is_named_with_its_line(
    table: str, line: int, said: str, tmp_path: Path
) -> None:
    with pytest.raises(LabError) as caught:
        load(tmp_path, table)
    assert f"lab.toml:{TINY.count(chr(10)) + line}:" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", [n for n in COURSE.labs() if trains(n)])
def test_a_lab_that_trains_states_its_budget_and_leaves_room_in_its_time(name: str) -> None:
    lab = COURSE.load(name)
    assert lab.budget.images is not None
    allowed = lab.limits.training_work
    assert (allowed is None) is ("keras" not in reference(name))
    assert (allowed or 0.0) / ON_TWO_CORES < 0.65 * lab.limits.run_seconds


# ---------------------------------------------------------------- what is told


def fit(steps: int = 0, of: int | None = None, **more: object) -> FitEvent:
    cut = Shortened(steps=steps, of=of) if steps else None
    values = {"number": 1, "model": 1, "epochs": 10, "shortened": cut} | more
    return FitEvent.model_validate(values)


@pytest.mark.parametrize(
    ("fits", "said"),
    [
        ([fit()], ()),
        ([fit(41, 469)], ("Your training was shortened: 41 of 469 steps per epoch, ",)),
        ([fit(1)], ("Your training was shortened: 1 step per epoch, ",)),
        ([fit(), fit(2, 4)], ("1 of your 2 trainings was shortened, the shortest to 2 of 4",)),
        ([fit(1, 2), fit(2, 1_000)], ("2 of your 2 trainings were shortened, the shortest to 2",)),
    ],
)
def test_one_sentence_says_what_was_shortened(fits: list[FitEvent], said: tuple[str, ...]) -> None:
    found = told(Evidence(events=tuple(fits)))
    assert len(found) == len(said)
    for sentence, start in zip(found, said, strict=True):
        assert sentence.startswith(start)
        assert sentence.endswith(SENTENCE)


def test_the_share_is_that_of_all_steps_of_the_shortened_trainings() -> None:
    fits = (fit(1, 4), fit(3, 4, epochs=30), fit(), fit(9))
    assert training_share(Evidence(events=fits)) == (10 + 90) / (40 + 120)
    assert training_share(Evidence(events=(fit(), fit(9)))) is None
    assert training_share(Evidence(events=(fit(9, 3),))) == 1.0


# ---------------------------------------------------------------- what it excuses


@pytest.mark.parametrize(
    ("losses", "falls"),
    [
        (FALLING, True),
        (LEVEL, False),
        ((), True),
        ((0.4,), True),
        ((0.0, 0.0, 0.0, 0.0), True),
        ((0.4, 0.3), True),
        ((0.3, 0.4, 0.5), False),
        ((2.0, None, 1.0, 0.5), False),
        ((2.0, 1.0, float("inf"), 0.5), False),
    ],
)
def test_a_loss_that_levels_off_or_breaks_no_longer_falls(
    losses: tuple[float | None, ...], falls: bool
) -> None:
    assert still_falling(losses) is falls


def test_only_a_shortened_training_that_was_learning_is_excused() -> None:
    good = {"loss": FALLING}
    assert was_learning([fit(1, 9, history=good)], 0.8, 0.93, 0.1)
    assert not was_learning([fit(history=good)], 0.8, 0.93, 0.1)
    assert not was_learning([fit(1, 9, history=good)], 0.5, 0.93, 0.1)
    assert not was_learning([fit(1, 9, history={"loss": LEVEL})], 0.9, 0.93, 0.1)
    assert not was_learning([], 0.9, 0.93, 0.1)


def sightings(event: FitEvent) -> list[str]:
    models = (ModelFacts(id=1, kind="Sequential", trained=True),)
    evidence = Evidence(events=(event,), models=models)
    nothing = Submission("s", "s.py", "", "module", (Cell(1, ""),))
    case = Case(nothing, evidence, 1, {})
    return [seen.misconception for find in (learning_rate, length) for seen in find(case)]


@pytest.mark.parametrize(
    ("code", "history"),
    [
        ("learning-rate-high", {"loss": (2.3, 2.3), "accuracy": (0.1, 0.1)}),
        ("too-few-epochs", {"val_accuracy": (0.7, 0.8)}),
        ("overfitting", {"val_loss": (0.5, 0.4, 0.5, 0.6, 0.7), "loss": (0.5, 0.4, 0.3, 0.2, 0.1)}),
    ],
)
def test_what_a_cut_may_have_caused_is_not_seen_as_a_mistake(
    code: str, history: dict[str, tuple[float, ...]]
) -> None:
    compiled = Compiled(optimizer="Adam", learning_rate=0.1)
    assert sightings(fit(history=history, compiled=compiled)) == [code]
    assert sightings(fit(3, 100, history=history, compiled=compiled)) == []


def test_a_loss_that_is_no_number_is_a_mistake_however_short_the_training() -> None:
    history, compiled = {"loss": (None, None)}, Compiled(optimizer="SGD", learning_rate=50.0)
    broken = fit(3, 100, history=history, compiled=compiled)
    assert sightings(broken) == ["learning-rate-high"]


# ---------------------------------------------------------------- a whole submission

HEAVY = """\
import matplotlib.pyplot as plt
import tensorflow as tf
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
x_train = x_train.reshape(-1, 784).astype("float32") / 255
x_test = x_test.reshape(-1, 784).astype("float32") / 255
model = tf.keras.Sequential([
    tf.keras.layers.Dense(64, activation="relu"),
    tf.keras.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
EPOCHS = 8
history = model.fit(x_train, y_train, epochs=EPOCHS, batch_size=64, validation_split=0.1, verbose=0)
print("test accuracy:", model.evaluate(x_test, y_test, verbose=0)[1])
for key in ("loss", "val_loss"):
    plt.plot(range(1, EPOCHS + 1), history.history[key], label=key)
plt.legend()
plt.show()
y_pred = model.predict(x_test, verbose=0).argmax(axis=1)
ConfusionMatrixDisplay(confusion_matrix(y_test, y_pred)).plot()
plt.show()
"""


def grade_heavy(lab: Lab) -> Graded:
    tight = replace(lab, limits=replace(lab.limits, training_work=5e9))
    heavy = Submission("heavy", "heavy.py", "", "module", (Cell(1, HEAVY),))
    return grade(tight, heavy, sandbox(), hidden=True)


@pytest.fixture(scope="module")
def heavy(lab: Lab) -> Graded:
    return grade_heavy(lab)


def test_a_heavy_submission_earns_all_points_though_its_accuracy_is_low(heavy: Graded) -> None:
    result = heavy.result
    assert result.metrics["graded_accuracy"] < 0.9
    assert (result.score, result.max_score) == (20, 20)
    assert by_id(result)["recognises_digits"].why == EXCUSE
    assert [finding for finding in result.findings if finding.severity == "E"] == []


def test_the_result_says_how_much_of_the_training_ran(heavy: Graded) -> None:
    (seen,) = heavy.evidence.fits
    assert (seen.epochs, seen.epochs_ran, seen.batch_size) == (8, 8, 64)
    assert seen.shortened is not None
    assert seen.shortened.of == 844
    assert heavy.result.metrics["training_share"] == round(seen.shortened.steps / 844, 4)


def test_the_result_is_the_same_every_time(heavy: Graded, lab: Lab) -> None:
    one, other = heavy.result.to_json(), grade_heavy(lab).result.to_json()
    assert {**one, "seconds": None} == {**other, "seconds": None}


def test_both_reports_tell_it(heavy: Graded) -> None:
    console = Console(file=io.StringIO(), width=100)
    render_terminal(heavy.result, heavy.exhibits, console)
    assert isinstance(console.file, io.StringIO)
    for page in (console.file.getvalue(), render_html(heavy.result, heavy.exhibits)):
        text = " ".join(page.split())
        assert "Your training was shortened: " in text
        assert SENTENCE in text
        assert "after a training that was shortened" in text
