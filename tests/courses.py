"""A course of one lab without data, whose submissions need no TensorFlow, for whole-flow tests."""

from __future__ import annotations

import json
from pathlib import Path

from grader.course import find_course
from grader.grading import Graded, grade
from grader.records.lab import Lab
from grader.submissions import read
from tests.sessions import sandbox

TOML = """
title = "Numbers"
summary = "Two functions."
functions = ["double", "half"]
cheap = true

[limits]
run_seconds = 5
call_seconds = 2
"""
RUBRIC = """
total = 10

[[check]]
id = "double_doubles"
points = 4

[[check]]
id = "half_halves"
points = 3

[[check]]
id = "half_of_many"
points = 1

[[check]]
id = "hidden_double"
points = 2
hidden = true
"""
PUBLIC = '''
"""Public checks."""
import numpy as np
import pytest
from grader.checks import expect, expect_array


def test_double_doubles(student):
    """double(x) is twice x."""
    expect_array(student.double(np.array([1.0, 2.0])), np.array([2.0, 4.0]), call="double(x)",
                 mistakes={"no-scaling": np.array([1.0, 2.0])})


def test_half_halves(student):
    """half(x) is half of x."""
    expect(student.half(8) == 4, observed="half(8) is wrong", expected="4", earned=0.5)


@pytest.mark.needs("half_halves")
def test_half_of_many(student):
    """half(x) works for many numbers."""
    expect_array(student.half(np.arange(4.0)), np.arange(4.0) / 2, call="half(x)")
'''
HIDDEN = '''
"""Hidden checks."""
import numpy as np
import pytest
from grader.checks import expect_array

pytestmark = pytest.mark.hidden


def test_hidden_double(student, rng):
    """double(x) works for any numbers."""
    x = rng.normal(size=5)
    expect_array(student.double(x), 2 * x, call="double(x)")
'''
RIGHT = "def double(x):\n    return 2 * x\n\ndef half(x):\n    return x / 2\n"


def make_course(folder: Path, *, public: str = PUBLIC, hidden: str = HIDDEN) -> Path:
    """Write the course into `folder` and return it."""
    checks = folder / "assignments" / "numbers" / "checks"
    checks.mkdir(parents=True)
    (folder / "rubrics").mkdir()
    (folder / "reference").mkdir()
    (checks.parent / "lab.toml").write_text(TOML)
    (checks.parent / "starter.ipynb").write_text(json.dumps(notebook("pass")))
    (checks / "test_numbers.py").write_text(public)
    (checks / "test_numbers_hidden.py").write_text(hidden)
    (folder / "rubrics" / "numbers.toml").write_text(RUBRIC)
    (folder / "reference" / "numbers.ipynb").write_text(json.dumps(notebook(RIGHT)))
    return folder


def notebook(*cells: str) -> dict[str, object]:
    """A notebook of format 4.5 with these code cells."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"language_info": {"name": "python"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": cell,
            }
            for number, cell in enumerate(cells)
        ],
    }


def load(course: Path) -> Lab:
    """The course's one lab."""
    return find_course(course, course).load("numbers")


def grade_source(course: Path, source: str, *, hidden: bool = True) -> Graded:
    """Grade a module with this source by the course's lab."""
    file = course / "numbers.py"
    file.write_text(source)
    return grade(load(course), read(file), sandbox(), hidden=hidden)
