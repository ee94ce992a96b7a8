"""A course of one small lab, made in a test's own folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LAB = """\
title = "Loading and scaling"
summary = "Load the digits."
data = "mnist"
functions = ["normalize", "rescale"]
cheap = true

[limits]
run_seconds = 30

[settings]
threshold = 0.96
"""

RUBRIC = """\
total = 20

[[check]]
id = "scaled"
points = 12.5

[[check]]
id = "any_size"
points = 7.5
hidden = true
"""

PUBLIC = '''\
from grader.checks import expect


def test_scaled(student):
    """The pixels are scaled.

    More for the author.
    """
    expect(student.has("normalize"), observed="no", expected="yes")
'''

HIDDEN = '''\
import pytest

pytestmark = pytest.mark.hidden


def test_any_size(student):
    """Any number of images is scaled."""
'''


def notebook(*sources: str, **more: Any) -> dict[str, Any]:
    """A notebook of format 4 with these code cells."""
    cells = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": []} for source in sources
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **more}


def write_notebook(path: Path, *sources: str, **more: Any) -> Path:
    path.write_text(json.dumps(notebook(*sources, **more)), encoding="utf-8")
    return path


def write_course(folder: Path, lab: str = "lab01") -> Path:
    """Write the course; its parts can be overwritten by the test."""
    own = folder / "assignments" / lab
    (own / "checks").mkdir(parents=True)
    (folder / "rubrics").mkdir(exist_ok=True)
    (own / "lab.toml").write_text(LAB)
    (folder / "rubrics" / f"{lab}.toml").write_text(RUBRIC)
    (own / "checks" / f"test_{lab}.py").write_text(PUBLIC)
    (own / "checks" / f"test_{lab}_hidden.py").write_text(HIDDEN)
    write_notebook(own / "starter.ipynb", "def normalize(x):\n    ...")
    return folder
