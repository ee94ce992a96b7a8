"""A course of one small lab that marks by accuracy, and answers that train on a few digits."""

from __future__ import annotations

from pathlib import Path

from grader.authoring import write_lab
from grader.course import find_course
from grader.grading import Graded, grade
from grader.records.lab import Lab
from grader.submissions import read
from tests.sessions import sandbox

TOML = """\
title = "Neighbours"
summary = "Classify."
data = "mnist"

[limits]
run_seconds = 60

[accuracy]
{accuracy}
"""
CHECKS = '''\
"""Checks of the accuracy."""
import pytest

pytestmark = pytest.mark.hidden


def test_recognises_digits(accuracy):
    """New digits are recognised."""
    accuracy.expect()
'''
PUBLIC = '''\
"""Public checks."""


def test_trained(model):
    """A classifier is trained."""
    assert model is not None
'''
RUBRIC = """\
total = 20

[[check]]
id = "trained"
points = 10

[[check]]
id = "recognises_digits"
points = 10
hidden = true
"""
ANSWER = """\
import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.neighbors import KNeighborsClassifier
x, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
SEED = {seed}
part = np.random.default_rng(SEED).permutation(60000)[:{rows}]
model = KNeighborsClassifier(1).fit(x[part] / 255, y[part])
print(model.score(x[60000:60500] / 255, y[60000:60500]))
"""


def neighbours(*, seed: int = 0, rows: int = 60) -> str:
    """The source of an answer that looks up the nearest of a few digits, drawn by `seed`."""
    return ANSWER.format(seed=seed, rows=rows)


def make_course(folder: Path, accuracy: str) -> Path:
    """Write the course, with these lines below `[accuracy]` of its lab.toml."""
    write_lab(folder, "digits", "Neighbours")
    lab = folder / "assignments" / "digits"
    (lab / "lab.toml").write_text(TOML.format(accuracy=accuracy))
    (lab / "checks/test_digits.py").write_text(PUBLIC)
    (lab / "checks/test_digits_hidden.py").write_text(CHECKS)
    (folder / "rubrics/digits.toml").write_text(RUBRIC)
    (folder / "reference/digits.ipynb").unlink()
    for fixture in lab.glob("fixtures/*/*.py"):
        fixture.unlink()
    return folder


def load(course: Path) -> Lab:
    """The course's one lab."""
    return find_course(course, course).load("digits")


def grade_source(course: Path, source: str) -> Graded:
    """Grade a module with this source with all checks."""
    file = course / "digits.py"
    file.write_text(source)
    return grade(load(course), read(file), sandbox(), hidden=True)
