"""The guide for authors is true: the lab on its page is built from it, and graded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.authoring import notebook, write_lab
from grader.course import find_course
from grader.grading import grade
from grader.records.lab import Lab
from grader.records.result import Result
from grader.submissions import read
from tests.sessions import sandbox

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "writing-a-lab.md"
FILE = re.compile(r"^`([\w./-]+)`[^\n]*:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    course = tmp_path_factory.mktemp("course")
    for path in write_lab(course, "wine", "Three growers of wine"):
        if "fixtures" in path.parts:
            path.unlink()
    for name, text in FILE.findall(GUIDE.read_text(encoding="utf-8")):
        path = course / name
        path.write_text(notebook(text) if path.suffix == ".ipynb" else text, encoding="utf-8")
    return find_course(course, course).load("wine")


def graded(lab: Lab, path: Path) -> Result:
    return grade(lab, read(path), sandbox(), hidden=True).result


def test_the_page_holds_every_file_of_the_lab(lab: Lab) -> None:
    made = {name for name, _ in FILE.findall(GUIDE.read_text(encoding="utf-8"))}
    course = lab.folder.parent.parent
    found = {path.relative_to(course).as_posix() for path in course.rglob("*.*") if path.is_file()}
    assert made == found


def test_its_right_answers_earn_full_marks(lab: Lab) -> None:
    assert lab.reference is not None
    for path in (lab.reference, *(lab.folder / "fixtures" / "right").iterdir()):
        result = graded(lab, path)
        assert result.score == result.max_score == 10, (path, result.checks)
        assert [finding for finding in result.findings if finding.severity == "E"] == []


def test_its_starter_earns_nothing(lab: Lab) -> None:
    assert graded(lab, lab.starter).score == 0


def test_its_wrong_answers_lose_marks_and_are_named(lab: Lab) -> None:
    for path in (lab.folder / "fixtures" / "wrong").iterdir():
        result = graded(lab, path)
        assert result.root_cause == path.stem
        assert 2 <= result.score < 10
