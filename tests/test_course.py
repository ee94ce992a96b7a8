"""Courses are found as the contract says; a lab's author reads file and line of each fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_course import HIDDEN, LAB, PUBLIC, RUBRIC, write_course

from grader.course import Course, find_course
from grader.course import course as course_module
from grader.course.lines import line_of
from grader.errors import LabError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_course(tmp_path / "course")


def lab_file(folder: Path) -> Path:
    return folder / "assignments/lab01/lab.toml"


def rubric_file(folder: Path) -> Path:
    return folder / "rubrics/lab01.toml"


def check_file(folder: Path, hidden: str = "") -> Path:
    return folder / f"assignments/lab01/checks/test_lab01{hidden}.py"


def fault(folder: Path) -> LabError:
    with pytest.raises(LabError) as caught:
        Course(folder).load("lab01")
    assert caught.value.exit_code == 4
    return caught.value


def test_a_lab_is_loaded_with_all_that_its_files_say(folder: Path) -> None:
    lab = Course(folder).load("lab01")
    assert (lab.id, lab.title, lab.data, lab.cheap) == (
        "lab01",
        "Loading and scaling",
        "mnist",
        True,
    )
    assert lab.functions == ("normalize", "rescale")
    assert lab.model_names == ("model",)
    assert (lab.limits.run_seconds, lab.limits.call_seconds) == (30, 10)
    assert lab.settings == {"threshold": 0.96}
    assert lab.rubric.points == {"scaled": 12.5, "any_size": 7.5}
    assert lab.rubric.titles["scaled"] == "The pixels are scaled."
    assert lab.rubric.hidden == {"any_size"}
    assert lab.public_checks == (check_file(folder),)
    assert lab.hidden_checks == (check_file(folder, "_hidden"),)
    assert lab.reference is None


def test_a_reference_is_known_where_there_is_one(folder: Path) -> None:
    (folder / "reference").mkdir()
    (folder / "reference/lab01.ipynb").write_text("{}")
    assert Course(folder).load("lab01").reference == folder / "reference/lab01.ipynb"


def test_the_course_named_comes_first(folder: Path, tmp_path: Path) -> None:
    other = write_course(tmp_path / "other")
    assert find_course(other, folder).folder == other


def test_else_the_nearest_course_at_or_above_the_current_folder(folder: Path) -> None:
    below = folder / "assignments/lab01"
    assert find_course(None, folder).folder == folder
    assert find_course(None, below).folder == folder


def test_a_folder_that_only_has_assignments_is_passed_by(folder: Path) -> None:
    (folder / "work/assignments").mkdir(parents=True)
    assert find_course(None, folder / "work").folder == folder


def test_else_the_course_that_ships_with_the_grader(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course_module, "SHIPPED", (tmp_path / "absent", folder))
    (tmp_path / "elsewhere").mkdir()
    assert find_course(None, tmp_path / "elsewhere").folder == folder


def test_without_any_course_the_option_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course_module, "SHIPPED", ())
    with pytest.raises(LabError) as caught:
        find_course(None, tmp_path)
    assert "--course DIR" in caught.value.hint


def test_a_folder_that_is_no_course_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_course(tmp_path, tmp_path)
    assert caught.value.exit_code == 2


def test_the_labs_are_sorted_with_numbers_as_numbers(tmp_path: Path) -> None:
    for name in ("lab10", "quiz01", "lab2", "lab01"):
        write_course(tmp_path, name)
    (tmp_path / "assignments/draft").mkdir()
    assert Course(tmp_path).labs() == ["lab01", "lab2", "lab10", "quiz01"]


@pytest.mark.parametrize("wrong", ["lab1", "Lab01", "lab-01"])
def test_a_wrong_lab_id_gets_the_nearest_one(folder: Path, wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        Course(folder).load(wrong)
    assert "lab01" in caught.value.hint


def test_where_several_are_as_near_all_labs_are_listed(folder: Path) -> None:
    write_course(folder, "lab02")
    with pytest.raises(UsageError) as caught:
        Course(folder).load("lab05")
    assert caught.value.hint == "The labs are lab01, lab02."
    with pytest.raises(UsageError) as caught:
        Course(folder).load("LAB2")
    assert "Did you mean lab02?" in caught.value.hint


@pytest.mark.parametrize("wrong", ["../assignments/lab01", "", "/", ".", "lab01/checks"])
def test_a_path_is_no_lab_id(folder: Path, wrong: str) -> None:
    with pytest.raises(UsageError):
        Course(folder).load(wrong)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (LAB + "x = = 1\n", 12, "not valid TOML"),
        (LAB + "x = [1,\n", 12, "not valid TOML"),
        (LAB.replace("cheap", "chaep"), 5, "unknown key “chaep”"),
        (LAB.replace("cheap = true", "cheap = 1"), 5, "“cheap”"),
        (LAB.replace("run_seconds = 30", "run_second = 30"), 8, "call_seconds"),
        (LAB.replace("run_seconds = 30", "run_seconds = -1"), 8, "greater than 0"),
        (LAB.replace("run_seconds = 30", "run_seconds = inf"), 8, "limits.run_seconds"),
        (LAB.replace('"rescale"', '"re scale"'), 4, "functions.2"),
        (LAB.replace("title", "# title"), 1, "“title” is missing"),
    ],
)
def test_a_fault_in_lab_toml_is_named_with_its_line(
    folder: Path, text: str, line: int, said: str
) -> None:
    lab_file(folder).write_text(text)
    error = fault(folder)
    assert error.message.startswith(f"{lab_file(folder)}:{line}: ")
    assert said in error.message


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (RUBRIC.replace("total = 20", "total = 21"), 1, "add up to 20, not to 21"),
        (RUBRIC.replace('"scaled"', '"scalled"'), 4, "no check “scalled”"),
        (RUBRIC.replace('"any_size"', '"scaled"'), 8, "listed twice"),
        (RUBRIC.replace("points = 7.5", 'points = "7.5"'), 9, "check.2.points"),
        (RUBRIC.replace("points = 7.5", "points = true"), 9, "check.2.points"),
        (RUBRIC.replace("points = 7.5\n", ""), 7, "“check.2.points” is missing"),
        (RUBRIC.replace("points = 7.5", "point = 7.5"), 9, "unknown key"),
        (RUBRIC.replace("hidden = true", ""), 8, "is hidden in"),
        (RUBRIC.replace("12.5", "12.5\nhidden = true"), 4, "is public in"),
        ("total = 20\n", 1, "“check” is missing"),
    ],
)
def test_a_fault_in_a_rubric_is_named_with_its_line(
    folder: Path, text: str, line: int, said: str
) -> None:
    rubric_file(folder).write_text(text)
    error = fault(folder)
    assert f"{rubric_file(folder)}:{line}: " in error.message
    assert said in error.message


def test_a_misspelt_check_id_gets_the_nearest_one(folder: Path) -> None:
    rubric_file(folder).write_text(RUBRIC.replace('"scaled"', '"scalled"'))
    assert fault(folder).hint == "Did you mean “scaled”?"


def test_a_check_that_needs_one_that_is_not_there_is_the_authors_fault(folder: Path) -> None:
    source = check_file(folder).read_text()
    needing = '@pytest.mark.needs("scalled")\ndef test_'
    check_file(folder).write_text(source.replace("def test_", needing, 1))
    error = fault(folder)
    assert "needs “scalled”" in error.message
    assert error.hint == "Did you mean “scaled”?"


def test_a_check_without_points_is_named_with_its_line(folder: Path) -> None:
    with check_file(folder).open("a") as stream:
        stream.write('\n\ndef test_more():\n    """More."""\n')
    assert fault(folder).message.startswith(f"{check_file(folder)}:12: ")


def test_a_check_without_a_docstring_is_the_authors_fault(folder: Path) -> None:
    check_file(folder).write_text("def test_scaled(student):\n    pass\n")
    error = fault(folder)
    assert error.message.startswith(f"{check_file(folder)}:1: ")
    assert "docstring" in error.message


def test_two_checks_of_one_id_are_named_both(folder: Path) -> None:
    check_file(folder, "_hidden").write_text(HIDDEN.replace("any_size", "scaled"))
    message = fault(folder).message
    assert f"{check_file(folder)}:4" in message
    assert f"{check_file(folder, '_hidden')}:6" in message


def test_a_check_file_that_is_no_python_is_named_with_its_line(folder: Path) -> None:
    check_file(folder).write_text("import pytest\ndef broken(:\n")
    assert fault(folder).message.startswith(f"{check_file(folder)}:2: ")


def test_check_files_are_read_and_never_imported(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "imported"
    check_file(folder).write_text(f"open({str(mark)!r}, 'w')\n{PUBLIC}")
    Course(folder).load("lab01")
    assert not mark.exists()


@pytest.mark.parametrize(
    "marked",
    [
        "@pytest.mark.hidden\n",
        "@pytest.mark.needs('scaled')\n@pytest.mark.hidden\n",
        "@mark.hidden()\n",
    ],
)
def test_one_function_can_be_hidden_by_its_mark(folder: Path, marked: str) -> None:
    check_file(folder, "_hidden").unlink()
    with check_file(folder).open("a") as stream:
        stream.write(f'\n\n{marked}def test_any_size():\n    """Any size."""\n')
    lab = Course(folder).load("lab01")
    assert lab.hidden_checks == lab.public_checks == (check_file(folder),)


def test_a_list_of_module_marks_can_hold_hidden(folder: Path) -> None:
    check_file(folder, "_hidden").write_text(
        HIDDEN.replace(
            "= pytest.mark.hidden", "= [pytest.mark.needs('scaled'), pytest.mark.hidden]"
        )
    )
    assert Course(folder).load("lab01").hidden_checks == (check_file(folder, "_hidden"),)


def test_a_release_lacks_the_hidden_checks_and_is_sound(folder: Path) -> None:
    check_file(folder, "_hidden").unlink()
    lab = Course(folder).load("lab01")
    assert lab.hidden_checks == ()
    assert lab.rubric.hidden == {"any_size"}
    assert sum(lab.rubric.points.values()) == lab.rubric.total


@pytest.mark.parametrize("name", ["rubrics/lab01.toml", "assignments/lab01/starter.ipynb"])
def test_a_file_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert str(folder / name) in fault(folder).message


def test_a_lab_file_that_is_not_utf8_is_named(folder: Path) -> None:
    lab_file(folder).write_bytes(b'title = "\xff"')
    assert str(lab_file(folder)) in fault(folder).message


def test_the_line_of_a_nested_key_is_found_or_that_of_its_table() -> None:
    text = 'a = 1\n[b.c]  # note\n"d e" = 2\n[[f]]\ng = 1\n[[f]]\nh.i = 2\n'
    assert line_of(text, ("b", "c", "d e")) == 3
    assert line_of(text, ("b", "c", "absent")) == 2
    assert line_of(text, ("f", 1, "h", "i")) == 7
    assert line_of(text, ("f", 0, "h")) == 4
    assert line_of(text, ("absent",)) == 1
