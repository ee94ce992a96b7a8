"""A course of three labs to attack, full of canaries: texts that must never be seen elsewhere."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from grader.course import find_course
from grader.records.lab import Lab
from tests.tiny_course import write_notebook

CANARY = re.compile("canary-[0-9a-f]{32}")
PLAIN = """
title = "Numbers"
functions = ["scale", "total"]
cheap = true

[limits]
run_seconds = 2.5
call_seconds = 1
memory = 268435456
processes = 32
work_folder = 33554432
tmp_folder = 33554432
text_kept = 65536
text_ends_run = 1048576
"""
HEAVY = """
title = "Numbers, with TensorFlow"
functions = ["scale", "total"]
data = "mnist"

[limits]
run_seconds = 40
call_seconds = 10
"""
DIGITS = """
title = "Digits"
data = "mnist"

[limits]
run_seconds = 40

[accuracy]
marks = 0.60
shown = 0.61
"""
PUBLIC = '''
"""Public checks."""
import numpy as np
from grader.checks import expect, expect_array


def test_scales(student):
    """scale(x) maps grey levels to 0 … 1."""
    expect_array(student.scale(np.array([0, 51, 255])), np.array([0, 0.2, 1]), call="scale(x)")


def test_totals(student):
    """total(x) adds up a list."""
    found = student.total([1, 2, 3])
    expect(type(found) is int and found == 6, observed=f"total gave {found!r}", expected="6")
'''
HIDDEN = '''
"""Hidden checks: CANARY"""
import pytest
from grader.checks import expect_array

pytestmark = pytest.mark.hidden
SECRET = "CANARY"


def test_scales_anything(student, rng):
    """scale(x) works for any picture."""
    expected_answer = SECRET
    for size in (3, 4, 5, 28):
        x = rng.integers(0, 256, (2, size, size)).astype("float64")
        expect_array(student.scale(x), x / 255, call="scale(x)")
    assert expected_answer
'''
RUBRIC = """
# CANARY
total = 10

[[check]]
id = "scales"
points = 2

[[check]]
id = "totals"
points = 3

[[check]]
id = "scales_anything"
points = 5
hidden = true
"""
TRAINED = '''
"""Public checks."""


def test_trained(model):
    """A classifier is trained."""
    assert model is not None
'''
RECOGNISES = '''
"""Hidden checks: CANARY"""
import pytest

pytestmark = pytest.mark.hidden


def test_recognises_digits(accuracy):
    """New digits are recognised."""
    accuracy.expect()
'''
OF_DIGITS = """
# CANARY
total = 10

[[check]]
id = "trained"
points = 4

[[check]]
id = "recognises_digits"
points = 6
hidden = true
"""


def new_canary() -> str:
    """A text that occurs nowhere else."""
    return f"canary-{secrets.token_hex(16)}"


def write_labs(course: Path) -> Path:
    """The labs `plain`, `heavy` (the same with TensorFlow and data) and `digits` (an accuracy)."""
    for name, toml, public, hidden, rubric in (
        ("plain", PLAIN, PUBLIC, HIDDEN, RUBRIC),
        ("heavy", HEAVY, PUBLIC, HIDDEN, RUBRIC),
        ("digits", DIGITS, TRAINED, RECOGNISES, OF_DIGITS),
    ):
        checks = course / "assignments" / name / "checks"
        checks.mkdir(parents=True)
        for folder in ("rubrics", "reference"):
            (course / folder).mkdir(exist_ok=True)
        (checks.parent / "lab.toml").write_text(toml)
        write_notebook(checks.parent / "starter.ipynb", "pass")
        write_notebook(course / "reference" / f"{name}.ipynb", f"x = 1  # {new_canary()}")
        (checks / f"test_{name}.py").write_text(public)
        (checks / f"test_{name}_hidden.py").write_text(hidden.replace("CANARY", new_canary()))
        (course / "rubrics" / f"{name}.toml").write_text(rubric.replace("CANARY", new_canary()))
    return course


def load(course: Path, lab: str) -> Lab:
    """One of the labs."""
    return find_course(course, course).load(lab)
