"""Every layout in which a class's work arrives, and what stands in the way in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.batch.entries import glance
from grader.batch.finding import Findings, find_class, must_be_for
from grader.batch.layouts import Beside
from grader.batch.together import together
from grader.errors import NothingToGrade, UsageError
from grader.records.lab import Kind
from grader.submissions import read

LABS = ("lab1", "lab2", "lab20")
ENDS = ("", "-1", "-2")
"""What Canvas puts behind a file's name, each time that it is handed in."""


def made(folder: Path, *names: str) -> Path:
    """A folder with these files; a name that ends in a slash is an empty folder."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x = 1\n")
    return folder


def found(folder: Path, *, kind: Kind = "code", **options: object) -> dict[str, str]:
    """The paths by id."""
    findings = find_class(folder, "lab2", kind, **options)  # type: ignore[arg-type]
    return {item.id: item.path for item in findings.handed}


def test_folders_and_files_may_stand_side_by_side(tmp_path: Path) -> None:
    made(tmp_path, "alice/lab2.ipynb", "bob.ipynb", "carol.py", "dan.zip", "erin/", "Ö b.PY")
    assert found(tmp_path) == {
        "alice": "alice",
        "bob": "bob.ipynb",
        "carol": "carol.py",
        "dan": "dan.zip",
        "erin": "erin",
        "Ö b": "Ö b.PY",
    }


def test_what_tools_leave_and_files_of_nobody_are_left_out(tmp_path: Path) -> None:
    made(tmp_path, "a.py", ".DS_Store", "__MACOSX/a.py", ".git/x.py", "roster.xlsx", "notes")
    findings = find_class(tmp_path, "lab2", "code")
    assert [item.id for item in findings.handed] == ["a"]
    assert findings.strays == ("notes", "roster.xlsx")


def test_a_second_submission_of_one_id_goes_on_under_a_number(tmp_path: Path) -> None:
    made(tmp_path, "bob/x.py", "bob.py", "bob.ipynb", "bob~2.py")
    findings = find_class(tmp_path, "lab2", "code")
    assert {item.id: item.path for item in findings.handed} == {
        "bob": "bob",
        "bob~2": "bob~2.py",
        "bob~3": "bob.ipynb",
        "bob~4": "bob.py",
    }
    assert findings.twins == ("bob~3", "bob~4")


def test_links_and_special_files_are_submissions_to_be_refused(tmp_path: Path) -> None:
    made(tmp_path / "in", "a.py")
    (tmp_path / "in/link.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "in/folder").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "in/pipe")
    assert set(found(tmp_path / "in")) == {"a", "link", "folder", "pipe"}


def test_the_output_folder_is_no_student(tmp_path: Path) -> None:
    made(tmp_path, "alice/lab2.py", "out/results/x.json")
    assert set(found(tmp_path, out=tmp_path / "out")) == {"alice"}


def test_canvas_names_give_the_student_and_the_newest_file(tmp_path: Path) -> None:
    made(
        tmp_path,
        "lovelaceada_101_5001_lab2.ipynb",
        "lovelaceada_101_5002_helper.py",
        "hopper_LATE_102_6001_lab2-1.ipynb",
        "müller_103_7001_report.pdf",
        "li_104_8001_work.ipynb",
        "li_104_8002_work.ipynb",
        "bob.ipynb",
    )
    findings = find_class(tmp_path, "lab2", "code")
    assert findings.layout == "canvas"
    assert {item.id: item.path for item in findings.handed} == {
        "lovelaceada_101": "lovelaceada_101_5001_lab2.ipynb",
        "hopper_102": "hopper_LATE_102_6001_lab2-1.ipynb",
        "müller_103": "müller_103_7001_report.pdf",
        "li_104": "li_104_8002_work.ipynb",
        "bob": "bob.ipynb",
    }
    by_id = {item.id: item for item in findings.handed}
    assert [item.rivals for item in by_id.values()] == [()] * 5
    assert by_id["lovelaceada_101"].name == "lab2.ipynb"
    assert by_id["lovelaceada_101"].beside == (
        Beside("lovelaceada_101_5002_helper.py", "helper.py"),
    )


@pytest.mark.parametrize("name", ["lab2", "work", "My Lab2_final"])
def test_of_what_was_handed_in_to_canvas_again_the_newest_counts(tmp_path: Path, name: str) -> None:
    first, *again = (f"li_104_{8000 + 999 * n}_{name}{end}.ipynb" for n, end in enumerate(ENDS))
    made(tmp_path, first, *again, "li_104_99999_other.ipynb" if name == "lab2" else "b_1_2_c.py")
    item = {item.id: item for item in find_class(tmp_path, "lab2", "code").handed}["li_104"]
    assert item.path == again[-1]
    assert {first, again[0]} < {item.path, *item.rivals}


def test_an_older_file_whose_name_looks_like_a_later_version_is_none(tmp_path: Path) -> None:
    made(tmp_path, "li_104_8002_lab2.ipynb", "li_104_8001_lab2-1.ipynb")
    (item,) = find_class(tmp_path, "lab2", "code").handed
    assert (item.path, item.rivals) == ("li_104_8002_lab2.ipynb", ("li_104_8001_lab2-1.ipynb",))
    made(tmp_path / "m", *(f"A B_1_assignsubmission_file_lab2{end}.ipynb" for end in ENDS))
    (item,) = find_class(tmp_path / "m", "lab2", "code").handed
    assert item.path == "A B_1_assignsubmission_file_lab2.ipynb"


def test_two_notebooks_of_one_student_are_a_doubt(tmp_path: Path) -> None:
    made(tmp_path, "li_104_8001_work1.ipynb", "li_104_8002_work2.ipynb")
    (item,) = find_class(tmp_path, "lab2", "code").handed
    assert (item.path, item.rivals) == ("li_104_8002_work2.ipynb", ("li_104_8001_work1.ipynb",))
    assert item.beside == ()


def test_what_came_with_a_notebook_comes_along_by_its_old_name(tmp_path: Path) -> None:
    made(tmp_path / "a", "li_1_2_w.py", "li_1_3_helper-1.py", "li_1_4_data-1.csv", "li_1_5_.py")
    (tmp_path / "a/li_1_6_link.csv").symlink_to("/etc/passwd")
    (item,) = find_class(tmp_path / "a", "w", "code").handed
    alone = read(tmp_path / "a" / item.path)
    whole = together(alone, item.name, tmp_path / "a", item.beside)
    assert [file.path for file in whole.files] == ["data-1.csv", "helper.py"]
    assert "li_1_3_helper-1.py came along as helper.py." in whole.notes
    assert any("link.csv was left out" in note for note in whole.notes)
    made(tmp_path / "b", "w.py", "helper.py", "data-1.csv")
    assert whole.sha256 == read(tmp_path / "b", lab_id="w").sha256
    assert together(alone, item.name, tmp_path / "a", ()) == alone


def test_moodle_names_are_read_as_folders_and_as_files(tmp_path: Path) -> None:
    made(
        tmp_path,
        "Ada Lovelace_11_assignsubmission_file_/lab2.ipynb",
        "Ada Lovelace_11_assignsubmission_onlinetext_/onlinetext.html",
        "Jean-Luc d'Été_12_assignsubmission_file_lab2.ipynb",
        "Grace Hopper_13_assignsubmission_file/",
    )
    findings = find_class(tmp_path, "lab2", "code")
    assert findings.layout == "moodle"
    assert {item.id: item.path for item in findings.handed} == {
        "Ada Lovelace_11": "Ada Lovelace_11_assignsubmission_file_",
        "Jean-Luc d'Été_12": "Jean-Luc d'Été_12_assignsubmission_file_lab2.ipynb",
        "Grace Hopper_13": "Grace Hopper_13_assignsubmission_file",
    }


def test_what_was_typed_into_moodle_is_no_second_submission_and_not_nobodys(
    tmp_path: Path,
) -> None:
    made(
        tmp_path,
        "Ada Lovelace_11_assignsubmission_onlinetext_onlinetext.html",
        "Ada Lovelace_11_assignsubmission_file_lab2.ipynb",
        "Grace Hopper_13_assignsubmission_onlinetext_onlinetext.html",
        "Jean d'Été_12_assignsubmission_onlinetext_/onlinetext.html",
    )
    findings = find_class(tmp_path, "lab2", "code")
    assert {item.id: item.path for item in findings.handed} == {
        "Ada Lovelace_11": "Ada Lovelace_11_assignsubmission_file_lab2.ipynb",
        "Grace Hopper_13": "Grace Hopper_13_assignsubmission_onlinetext_onlinetext.html",
        "Jean d'Été_12": "Jean d'Été_12_assignsubmission_onlinetext_",
    }
    assert (findings.twins, findings.strays) == ((), ())


@pytest.mark.parametrize(
    ("names", "system"),
    [
        (("li_104_8001_a.ipynb", "bo_LATE_105_8002_a.ipynb", "x.csv"), "Canvas"),
        (("A B_1_assignsubmission_file_/a.py", "C_2_assignsubmission_file_/a.py"), "Moodle"),
    ],
)
def test_a_download_in_a_folder_of_its_own_is_not_one_student(
    tmp_path: Path, names: tuple[str, ...], system: str
) -> None:
    made(tmp_path / "submissions", *names)
    made(tmp_path, "__MACOSX/._submissions")
    with pytest.raises(UsageError, match=f"holds what {system} gives") as refused:
        find_class(tmp_path, "lab2", "code")
    assert str(tmp_path / "submissions") in (refused.value.hint or "")
    assert len(found(tmp_path / "submissions")) == 2
    assert set(found(tmp_path, layout="plain")) == {"submissions"}


def test_a_single_student_may_have_a_folder_with_numbers_in_the_names(tmp_path: Path) -> None:
    made(tmp_path, "alice/a_1_2_x.csv", "alice/a_1_3_x.csv", "alice/lab2.ipynb")
    assert set(found(tmp_path)) == {"alice"}


@pytest.mark.parametrize("below", [".", "submitted"])
def test_nbgraders_folders_are_known_from_above_and_from_within(tmp_path: Path, below: str) -> None:
    made(
        tmp_path / "course",
        "submitted/alice/lab2/lab2.ipynb",
        "submitted/alice/lab2/timestamp.txt",
        "submitted/alice/lab1/lab1.ipynb",
        "submitted/bob/lab1/lab1.ipynb",
    )
    findings = find_class(tmp_path / "course" / below, "lab2", "code")
    start = "submitted/" if below == "." else ""
    assert findings.layout == "nbgrader"
    assert {item.id: item.path for item in findings.handed} == {
        "alice": f"{start}alice/lab2",
        "bob": f"{start}bob/lab2",
    }


def test_nbgraders_only_assignment_may_have_another_name(tmp_path: Path) -> None:
    made(tmp_path, "submitted/alice/Week 2/w.ipynb", "submitted/bob/Week 2/w.ipynb")
    assert found(tmp_path)["bob"] == "submitted/bob/Week 2"


def test_two_assignments_that_could_be_meant_are_a_question(tmp_path: Path) -> None:
    made(tmp_path, "submitted/alice/w1/w.ipynb", "submitted/alice/w2/w.ipynb")
    with pytest.raises(UsageError, match="w1, w2"):
        find_class(tmp_path, "lab2", "code")


def test_a_layout_that_is_named_settles_it(tmp_path: Path) -> None:
    made(tmp_path, "a_1_2_b.py")
    assert found(tmp_path) == {"a_1": "a_1_2_b.py"}
    assert found(tmp_path, layout="plain") == {"a_1_2_b": "a_1_2_b.py"}
    with pytest.raises(UsageError, match="submitted/STUDENT/ASSIGNMENT"):
        find_class(tmp_path, "lab2", "code", layout="nbgrader")


def test_a_look_into_a_students_folder_follows_no_link(tmp_path: Path) -> None:
    made(tmp_path, "away/lab2/lab2.py")
    (tmp_path / "link").symlink_to("away")
    assert [entry.name for entry in glance(tmp_path / "away")] == ["lab2"]
    assert glance(tmp_path / "link") == []
    assert glance(tmp_path / "away/lab2/lab2.py") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_students_folder_that_cannot_be_read_keeps_no_other_from_being_found(
    tmp_path: Path,
) -> None:
    made(tmp_path, "submitted/a/lab2/x.py", "submitted/b/lab2/x.py")
    (tmp_path / "submitted/a").chmod(0)
    assert set(found(tmp_path)) == {"a", "b"}
    (tmp_path / "submitted/a").chmod(0o700)


def test_names_that_no_text_can_hold_are_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n.py")
    (tmp_path / name).write_text("x = 1\n")
    assert found(tmp_path) == {"caf\\xe9\\u000a": name}


def test_answers_are_found_by_their_own_ending(tmp_path: Path) -> None:
    made(tmp_path, "alice/answers.toml", "bob.toml", "carol.ipynb")
    assert set(found(tmp_path, kind="answers")) == {"alice", "bob"}


@pytest.mark.parametrize("names", [(), ("readme.txt",), (".hidden.py",)])
def test_an_empty_folder_is_nothing_to_grade(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(NothingToGrade, match="no submission"):
        find_class(made(tmp_path, *names), "lab2", "code")


def test_no_folder_and_a_file_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(NothingToGrade, match="no folder"):
        find_class(tmp_path / "absent", "lab2", "code")
    with pytest.raises(UsageError, match="not a folder"):
        find_class(made(tmp_path, "a.zip") / "a.zip", "lab2", "code")


def checked(folder: Path) -> Findings:
    findings = find_class(folder, "lab2", "code")
    must_be_for(folder, findings, "lab2", LABS)
    return findings


@pytest.mark.parametrize(
    "names",
    [
        ("a/lab1.ipynb", "b/lab1.ipynb"),
        ("a/lab1.ipynb", "b/mine.py"),
        ("a_1_2_lab20.ipynb", "b_2_3_lab20-1.ipynb"),
        ("submitted/a/lab1/lab1.ipynb",),
    ],
)
def test_a_folder_of_another_lab_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="not lab2"):
        checked(made(tmp_path, *names))


@pytest.mark.parametrize(
    "names",
    [
        ("a/lab2.ipynb", "b/lab1.ipynb"),
        ("a/work.py",),
        ("a/lab1.ipynb", "b/lab20.ipynb"),
        ("lab1.py",),
        ("a/lab200.py",),
    ],
)
def test_a_folder_that_may_be_of_this_lab_is_taken(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert checked(made(tmp_path, *names)).handed
