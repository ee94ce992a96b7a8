"""What a student says of the results is found wherever it stands."""

from __future__ import annotations

import pytest

from grader.checks.expectations import CheckFailed
from grader.checks.remarks import expect_remark, remarks, speaks_of
from grader.records.evidence import CellRun, Evidence
from grader.records.submission import Cell, Submission

DROPOUT = (r"drop.?out",)
SAID = "With dropout the gap between training and held-out accuracy is smaller than without."


def handed_in(source: str = "", *markdown: str) -> Submission:
    return Submission("s", "s.py", "0", "module", (Cell(1, source),), markdown)


def printed(text: str) -> Evidence:
    return Evidence(cells=(CellRun(number=1, ok=True, text=text),))


@pytest.mark.parametrize(
    ("submission", "evidence"),
    [
        (handed_in("x = 1", SAID), Evidence()),
        (handed_in(f"x = 1\n# {SAID[:40]}\n# {SAID[40:]}\n"), Evidence()),
        (handed_in(f"note = '''{SAID}'''"), Evidence()),
        (handed_in(), printed(f"Epoch 1/5\n5/5 - 1s - loss: 0.1\n{SAID}\n")),
    ],
    ids=["markdown", "comment", "string", "print"],
)
def test_a_remark_counts_wherever_it_stands(submission: Submission, evidence: Evidence) -> None:
    expect_remark(remarks(submission, evidence), DROPOUT, about="dropout")


@pytest.mark.parametrize(
    "said",
    [
        "Mit Dropout ist der Abstand zwischen Trainings- und Testgenauigkeit kleiner als ohne.",
        "Avec dropout, l'exactitude d'entraînement baisse mais le surapprentissage diminue aussi.",
        "Con dropout la precisión de entrenamiento baja, pero la de validación es casi igual.",
        "使用随机失活后，训练集与验证集之间的准确率差距变小了，过拟合减轻。",
    ],
)
def test_a_remark_counts_in_any_language(said: str) -> None:
    assert speaks_of(said, DROPOUT)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Lab 04: Dropout and overfitting",
        "accuracy with dropout",
        "Here we build the model and put a dropout layer of our own between both layers",
        "The training accuracy is higher than the test accuracy, as one would expect it to be.",
    ],
)
def test_a_title_or_a_description_is_no_remark(said: str) -> None:
    assert not speaks_of(said, DROPOUT)
    with pytest.raises(CheckFailed):
        expect_remark([said], DROPOUT, about="dropout")


def test_what_the_starter_says_is_not_the_students() -> None:
    starter = handed_in("# Task 5: your words", f"## Task 5\n\n{SAID}")
    assert remarks(starter, Evidence(), starter) == ()
    own = handed_in("# Task 5: your words\n# mine", f"## Task 5\n\n{SAID}")
    assert remarks(own, Evidence(), starter) == ("mine",)


def test_logs_of_a_training_and_code_that_is_not_python_are_no_remarks() -> None:
    log = printed("Epoch 1/2\n75/75 - 1s - accuracy: 0.91 - loss: 0.31\n")
    assert remarks(handed_in("!pip install\nx = ("), log) == ()
