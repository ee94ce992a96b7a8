"""A new lab is complete from its first minute: it loads, grades and names its mistake."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.authoring import write_lab
from grader.cli import run
from grader.course import find_course
from grader.errors import UsageError
from grader.grading import grade
from grader.records.lab import Lab
from grader.records.result import Result
from grader.submissions import read
from tests.sessions import sandbox


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder = tmp_path_factory.mktemp("course")
    write_lab(folder, "lab-12", "Standard scores")
    return find_course(folder, folder).load("lab-12")


def graded(lab: Lab, path: Path) -> Result:
    return grade(lab, read(path), sandbox(), hidden=True).result


def test_its_reference_and_its_other_right_answer_earn_full_marks(lab: Lab) -> None:
    assert lab.reference is not None
    for path in (lab.reference, *(lab.folder / "fixtures" / "right").iterdir()):
        result = graded(lab, path)
        assert (result.score, result.max_score) == (20, 20), path
        assert result.root_cause is None


def test_its_starter_earns_nothing(lab: Lab) -> None:
    assert graded(lab, lab.starter).score == 0


def test_its_wrong_answer_is_named(lab: Lab) -> None:
    for path in (lab.folder / "fixtures" / "wrong").iterdir():
        result = graded(lab, path)
        assert result.root_cause == path.stem
        assert result.score < 10


def test_it_passes_validation_and_only_a_mutant_with_a_reason_survives(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    course = lab.folder.parent.parent
    assert run(["--course", str(course), "validate", "lab-12"]) == 0
    said = capsys.readouterr().out
    assert "explained: " in said
    assert "survived" not in said


def test_its_notebooks_are_valid_and_say_which_lab_they_are(lab: Lab) -> None:
    assert lab.reference is not None
    for path in (lab.starter, lab.reference):
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        assert book.cells[0].source.startswith("# Standard scores")
    assert "grade check lab-12" in lab.starter.read_text()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_empty_folder_becomes_a_course(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "lab01", "--title", 'Scores "and" more\n']) == 0
    said = capsys.readouterr().out
    assert "Wrote assignments/lab01/lab.toml" in said
    assert "pytest assignments/lab01" in said
    assert find_course(None, here).load("lab01").title == "Scores and more"


def test_a_lab_that_is_there_is_left_as_it_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", "lab01"]) == 0
    settings = here / "assignments" / "lab01" / "lab.toml"
    settings.write_text("mine")
    assert run(["new", "lab01"]) == 2
    assert settings.read_text() == "mine"
    assert "there already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "Lab", "../lab", "1lab", "a/b", "x" * 50, "lab 1", "é"])
def test_a_name_that_is_none_is_refused(here: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a lab's name"):
        write_lab(here, name, "")
    assert list(here.iterdir()) == []


@given(st.text())
def test_any_title_gives_a_lab_that_loads(title: str) -> None:
    with TemporaryDirectory() as folder:
        write_lab(Path(folder), "lab01", "x" + title)
        assert find_course(Path(folder), Path()).load("lab01").title.startswith("x")
