"""The readers of what people hand in and of what authors write, fed with files that are broken."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fuzzing import Outcomes, changed, changed_toml, damaged, many
from hypothesis import example, given
from hypothesis import strategies as st
from tiny_course import write_course

from grader.answers.questions import read_questions
from grader.course import Course
from grader.course.calibrated import read as read_calibration
from grader.course.schema import LabFile, RubricFile, read_toml
from grader.errors import LabError, SubmissionError
from grader.inside import wire
from grader.submissions import bounds
from grader.submissions.answers import read_answers
from grader.submissions.archive import read_archive
from grader.submissions.module import read_module
from grader.submissions.notebook import Source, read_notebook
from grader.validation.survivors import read_explanations
from tests.labs import ROOT

CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
NOTEBOOK: dict[str, Any] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {
        "language_info": {"name": "python"},
        "kernelspec": {"name": "python3", "language": "python"},
    },
    "cells": [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "execution_count": 1,
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]},
                {
                    "output_type": "execute_result",
                    "data": {"text/plain": "3", "image/png": "iVBORw0KGgo="},
                    "metadata": {},
                    "execution_count": 1,
                },
                {"output_type": "error", "ename": "E", "evalue": "x", "traceback": ["t"]},
            ],
            "source": ["import numpy as np\n", "x = 1"],
        },
        {"cell_type": "markdown", "id": "b", "metadata": {}, "source": "# A title"},
        {"cell_type": "raw", "id": "c", "metadata": {}, "source": "raw"},
    ],
}
OLD: dict[str, Any] = {
    "nbformat": 3,
    "nbformat_minor": 0,
    "metadata": {"name": ""},
    "worksheets": [
        {
            "metadata": {},
            "cells": [
                {
                    "cell_type": "code",
                    "language": "python",
                    "collapsed": False,
                    "prompt_number": 1,
                    "input": ["x = 1"],
                    "outputs": [{"output_type": "pyout", "text": ["3"], "prompt_number": 1}],
                },
                {"cell_type": "heading", "level": 1, "source": ["Old"]},
            ],
        }
    ],
}


def must_be_sound(source: Source) -> None:
    """What was read can be sent to the process that runs it."""
    assert [cell.number for cell in source.cells] == list(range(1, len(source.cells) + 1))
    assert 1 <= len(source.cells) <= bounds.CELLS
    told = [vars(cell) for cell in source.cells]
    wire.encode({"cells": told, "markdown": source.markdown, "notes": source.notes})
    for text in (*source.markdown, *source.notes, *(cell.stored for cell in source.cells)):
        text.encode()


@many(300)
@given(changed(NOTEBOOK) | changed(OLD), CODECS, st.none() | damaged(json.dumps(OLD).encode()))
def test_a_broken_notebook_is_read_or_refused(
    fuzzed: Outcomes, notebook: Any, codec: str, bytes_of_old: bytes | None
) -> None:
    content = json.dumps(notebook).encode(codec) if bytes_of_old is None else bytes_of_old
    read = fuzzed.attempt("notebooks", lambda: read_notebook(content, "x.ipynb"), SubmissionError)
    if read is not None:
        must_be_sound(read)


MODULE = b'# -*- coding: utf-8 -*-\n"""A\n# %%\n"""\n# %% [markdown]\n# text\n# %%\nx = "\\""\n'


@many(200)
@given(damaged(MODULE * 2))
def test_a_broken_module_is_read_or_refused(fuzzed: Outcomes, content: bytes) -> None:
    read = fuzzed.attempt("modules", lambda: read_module(content, "x.py"), SubmissionError)
    if read is not None:
        must_be_sound(read)


ANSWERS = (ROOT / "assignments/quiz01/starter.toml").read_text(encoding="utf-8")


@many(200)
@given(changed_toml(ANSWERS))
def test_a_broken_file_of_answers_is_read_or_refused(fuzzed: Outcomes, content: bytes) -> None:
    fuzzed.attempt("files of answers", lambda: read_answers(content, "x.toml", "quiz01"))


NAMES = st.sampled_from([
    "work.ipynb", "lab03/work.ipynb", "./a.py", "../a.py", "/a.py", "C:\\a.py", "a\\..\\b.py",
    "A.PY", "a.py", "é.py", "e\u0301.py", "a\nb.py", "\u202egnp.py", "x" * 300, "d/" * 40 + "a.py",
    "", "/", "a//b", "a/", "__MACOSX/a.py", ".git/a", "nul\0.py", "a/b", "a/b/c",
])  # fmt: skip
ENTRIES = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from([b"", b"x = 1\n", b"\0" * 5_000, json.dumps(NOTEBOOK).encode()]),
        st.sampled_from([0, stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, 0xF000]),
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]),
    ),
    max_size=4,
)
FIELDS = {b"PK\x01\x02": 46, b"PK\x03\x04": 30, b"PK\x05\x06": 22}
"""The records of an archive, and how many bytes of each are numbers that can lie."""


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """Archives of odd entries, in which some numbers of their records lie."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content, kind, method in draw(ENTRIES):
            entry = zipfile.ZipInfo(name or "x")
            entry.external_attr = (kind | 0o644) << 16
            entry.compress_type = method
            archive.writestr(entry, content)
    packed = bytearray(stream.getvalue())
    for _ in range(draw(st.integers(0, 3))):
        signature = draw(st.sampled_from(sorted(FIELDS)))
        found = [at for at in range(len(packed)) if packed.startswith(signature, at)]
        if found:
            at = draw(st.sampled_from(found)) + draw(st.integers(4, FIELDS[signature] - 2))
            width = draw(st.sampled_from([1, 2, 4]))
            odd = draw(st.sampled_from([0, 1, 2**31 - 1, 2**32 - 1]) | st.integers(0, 255))
            packed[at : at + width] = odd.to_bytes(4, "little")[:width]
    return draw(damaged(bytes(packed))) if draw(st.integers(0, 3)) == 0 else bytes(packed)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@many(300)
@given(archives())
def test_a_broken_archive_is_unpacked_within_the_rules_or_refused(
    fuzzed: Outcomes, packed: bytes
) -> None:
    tree = fuzzed.attempt("archives", lambda: read_archive(packed, "x.zip"), SubmissionError)
    if tree is not None:
        assert sum(map(len, tree.files.values())) == tree.size <= bounds.FILES_BYTES
        for path in tree.files:
            assert not path.startswith("/")
            assert not {"", ".", ".."} & set(path.split("/"))
            path.encode()


LAB = """\
title = "A lab"
summary = "What it is about."
data = "mnist"
functions = ["f", "g"]
model_names = ["model"]
seed = 3
cheap = true
kind = "code"
[limits]
run_seconds = 300
memory = 1000000
[budget]
epochs = 10
images = 60_000
multiply_adds = 110_000
times = 4
[accuracy]
marks = 0.9
shown = 0.92
catches = ["a", "b"]
[settings]
least_share = 0.6
[validation]
mutants = 20
accuracy = 0.97
"""
RUBRIC = """\
total = 4
[[check]]
id = "scaled"
points = 1
[[check]]
id = "any_size"
points = 3
hidden = true
[late]
due = 2026-11-20T23:59:00+01:00
grace_minutes = 10
percent_per_day = 20
at_most_percent = 60
times = "timestamps"
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_course(tmp_path_factory.mktemp("course"))


@pytest.mark.parametrize(("text", "model"), [(LAB, LabFile), (RUBRIC, RubricFile)])
def test_the_files_that_are_broken_below_are_sound(tmp_path: Path, text: str, model: Any) -> None:
    (tmp_path / "x.toml").write_text(text)
    read_toml(tmp_path / "x.toml", model)


@many(300)
@given(changed_toml(LAB))
@example(b"seed = " + b"9" * 5_000)
def test_a_broken_lab_toml_is_loaded_or_its_author_is_told(
    fuzzed: Outcomes, course: Path, content: bytes
) -> None:
    (course / "assignments/lab01/lab.toml").write_bytes(content)
    fuzzed.attempt("lab.toml", lambda: Course(course).load("lab01"), LabError)


@many(300)
@given(changed_toml(RUBRIC))
@example(b"total = " + b"9" * 5_000)
def test_a_broken_rubric_is_loaded_or_its_author_is_told(
    fuzzed: Outcomes, course: Path, content: bytes
) -> None:
    (course / "assignments/lab01/lab.toml").write_text('title = "A lab"\n')
    (course / "rubrics/lab01.toml").write_bytes(content)
    fuzzed.attempt("rubrics", lambda: Course(course).load("lab01"), LabError)


CALIBRATION = (ROOT / "assignments/lab03/calibration.toml").read_text(encoding="utf-8")[:3_000]


@many(150)
@given(changed_toml(CALIBRATION))
@example(b"threshold = {marks = 1" + b"0" * 5_000 + b"}")
@example(b"x = " + b"[" * 5_000)
def test_a_broken_calibration_is_read_or_its_author_is_told(
    fuzzed: Outcomes, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "calibration.toml"
    path.write_bytes(content)
    fuzzed.attempt("calibrations", lambda: read_calibration(path), LabError)


@many(150)
@given(changed_toml(ANSWERS))
def test_broken_questions_are_read_or_their_author_is_told(
    fuzzed: Outcomes, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "starter.toml"
    path.write_bytes(content)
    fuzzed.attempt("questions", lambda: read_questions(path), LabError)


SURVIVORS = """\
[[survivor]]
mutant = "cell6/epochs-removed/*"
reason = "One epoch is enough here."
"""


@many(100)
@given(changed_toml(SURVIVORS))
def test_broken_survivors_are_read_or_their_author_is_told(
    fuzzed: Outcomes, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "survivors.toml").write_bytes(content)
    fuzzed.attempt("survivors.toml", lambda: read_explanations(tmp_path), LabError)
