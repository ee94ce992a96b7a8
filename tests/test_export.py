"""Marks for other programs, made of verdicts on real lab02 submissions: nobody is dropped."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grader import cli
from grader.batch.files import write_json
from grader.batch.tables import COLUMNS
from grader.export.gradescope import results_json
from grader.export.marks import Mark
from grader.records.result import Outcome, Result, Status

ROOT = Path(__file__).resolve().parent.parent
CLASS = {
    "mullerzoe_101_9001_lab02.ipynb": "reference/lab02.ipynb",
    "doebob_LATE_102_9002_lab02.py": "assignments/lab02/fixtures/wrong/bias-shape--column.py",
    "wang_103_9003_lab02.ipynb": "assignments/lab02/starter.ipynb",
}
CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Lab 02 (777),Lab 03 (778),Final Score\r\n"
    ",,,,,Manual Posting,,(read only)\r\n"
    "    Points Possible,,,,,40.0,20.0,(read only)\r\n"
    '"Müller, Zoë",101,s1,zoe@x.edu,A,,5,=SUM(1)\r\n'
    '"Doe, Bob",102,s2,bob,"A, B",3,,\r\n'
    '"Wang, Test",999,,,,,,\r\n'
)
WORKSHEET = (
    'Identifier,"Full name","Email address",Status,Grade,"Maximum Grade",'
    '"Grade can be changed","Feedback comments"\n'
    '"Participant 101","Zoë Müller",zoe@x.edu,"Submitted for grading",,10.00,Yes,\n'
    '"Participant 102","Bob Doe",bob@x.edu,"Submitted for grading",,10.00,Yes,"Come and see me"\n'
    '"Participant 103","小明 王",wang@x.edu,"Submitted for grading",,10.00,No,\n'
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OUT of three real submissions, handed in through Canvas, and one that is no notebook."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "class").mkdir()
    for name, source in CLASS.items():
        shutil.copy(ROOT / source, folder / "class" / name)
    (folder / "class" / "eve_104_9004_lab02.ipynb").write_text("<html>")
    words = ["batch", "lab02", str(folder / "class"), "-o", str(folder / "out"), "--jobs", "1"]
    assert cli.run(["--course", str(ROOT), *words]) == 0
    return folder / "out"


def graded(out: Path) -> Result:
    """The real verdict that loses points."""
    path = out / "results" / "doebob_102.json"
    return Result.from_json(json.loads(path.read_text()))


def called(out: Path, folder: Path, *ids: str, status: Status = Status.GRADED) -> Path:
    """An OUT with that verdict, under other ids."""
    (folder / "results").mkdir(parents=True, exist_ok=True)
    count = len(list((folder / "results").iterdir()))
    for number, student in enumerate(ids):
        result = replace(graded(out), submission_id=student, status=status)
        write_json(folder / "results" / f"s{count + number}.json", result.to_json())
    return folder


def export(
    capfd: pytest.CaptureFixture[str], folder: Path, to: str, template: str = "", *more: str
) -> tuple[int, str, str]:
    """Exit code, what was written, and what was said."""
    words = ["export", str(folder), "--to", to, *more]
    if template:
        file = folder.parent / "template.csv"
        file.write_bytes(template.encode())
        words += ["--template", str(file)]
    capfd.readouterr()
    code = cli.run(words)
    said = capfd.readouterr()
    return code, said.out, said.err


def changed(before: str, after: str) -> list[str]:
    lines = zip(before.splitlines(), after.splitlines(), strict=True)
    return [new for old, new in lines if old != new]


def test_only_the_lab_s_column_of_a_canvas_gradebook_changes(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "filled.csv"
    code, _, said = export(capfd, out, "canvas", CANVAS, "-o", str(target))
    text = target.read_bytes().decode()
    assert code == 0
    assert text.startswith("\ufeff")
    assert text.count("\r\n") == CANVAS.count("\r\n") == text.count("\n")
    assert changed(CANVAS, text) == [
        '"Müller, Zoë",101,s1,zoe@x.edu,A,40,5,=SUM(1)',
        '"Doe, Bob",102,s2,bob,"A, B",36,,',
    ]
    assert "scaled from 20 points to the column's 40" in said
    assert "Another mark was there: doebob_102 (3 → 36)" in said


def test_nobody_without_a_row_or_a_result_is_dropped_silently(
    out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, said = export(capfd, out, "canvas", CANVAS)
    assert code == 0
    assert "2 of 4 marks entered in “Lab 02 (777)”" in said
    assert "Results without a row: eve_104 (no row" in said
    assert "wang_103 (no row" in said
    assert "Rows without a result: Wang, Test (999)" in said


def test_a_score_of_an_excused_student_and_one_of_the_grader_s_failures_stay_out(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out", "bob")
    called(out, folder, "s1", status=Status.INVALID)
    template = CANVAS.replace('"A, B",3', '"A, B",EX')
    _, text, said = export(capfd, folder, "canvas", template)
    assert text == template
    assert "Left as they were: bob (excused)" in said
    assert "the grader failed on them: s1" in said


@pytest.mark.parametrize("student", ["bob", "s2", "102", "Bob Doe", "doe,  bob", "doebob_102"])
def test_a_student_is_found_by_number_login_or_full_name(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path, student: str
) -> None:
    _, text, _ = export(capfd, called(out, tmp_path / "out", student), "canvas", CANVAS)
    assert changed(CANVAS, text) == ['"Doe, Bob",102,s2,bob,"A, B",36,,']


@pytest.mark.parametrize("student", ["bo", "doe", "Bob", "bob~2", "evil_102", "Bob Do"])
def test_nothing_is_guessed(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path, student: str
) -> None:
    folder = called(out, tmp_path / "out", student)
    template = CANVAS.replace("s2,bob", "s2,robert")
    _, text, said = export(capfd, folder, "canvas", template)
    assert text == template
    assert f"Results without a row: {student} (" in said


def test_two_rows_of_one_name_and_two_results_of_one_row_are_left_to_a_person(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out", "Bob Doe", "s1", "zoe@x.edu")
    template = CANVAS + '"Doe, Bob",105,s5,bob2,A,,,\r\n'
    _, text, said = export(capfd, folder, "canvas", template)
    assert text == template
    assert "Bob Doe (2 rows fit: Doe, Bob (102), Doe, Bob (105))" in said
    assert "s1 (one row fits s1 and zoe@x.edu)" in said


def test_a_column_in_doubt_is_asked_for_with_the_candidates(
    out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    two = CANVAS.replace("Lab 03 (778)", "Lab-2 again (778)")
    code, text, said = export(capfd, out, "canvas", two)
    assert (code, text) == (2, "")
    assert "“Lab 02 (777)”, “Lab-2 again (778)”" in said
    assert "--column" in said
    for name in ("lab-2 again", "778", "Lab-2 again (778)"):
        code, text, _ = export(capfd, out, "canvas", two, "--column", name)
        assert code == 0
        assert changed(two, text)[0] == '"Müller, Zoë",101,s1,zoe@x.edu,A,,20,=SUM(1)'
    other = CANVAS.replace("Lab 02 (777)", "Lab 021 (777)")
    code, _, said = export(capfd, out, "canvas", other)
    assert code == 2
    assert "No column" in said


def test_a_gradebook_with_semicolons_gets_decimal_commas(
    out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    template = "Student;ID;Lab 02 (7)\n    Points Possible;;25,00\nBob Doe;102;\nZoë Müller;101;\n"
    _, text, _ = export(capfd, out, "canvas", template)
    assert changed(template, text) == ["Bob Doe;102;22,5", "Zoë Müller;101;25"]


def test_points_in_doubt_are_asked_for(out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    template = CANVAS.replace("40.0", '"1,000"')
    code, _, said = export(capfd, out, "canvas", template)
    assert code == 2
    assert "--points" in said
    _, text, _ = export(capfd, out, "canvas", template, "--points", "1000")
    assert '"A, B",900,,' in text


def test_a_moodle_worksheet_gets_marks_and_comments_where_there_were_none(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ids = ("Zoë Müller_101", "Bob Doe_102_assignsubmission_file_", "小明 王_103", "Bob Doe_101")
    code, text, said = export(capfd, called(out, tmp_path / "out", *ids), "moodle", WORKSHEET)
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Grade"] for row in rows] == ["9", "9", ""]
    assert rows[0]["Feedback comments"].startswith("18 of 20 points. To mend first: ")
    assert rows[1]["Feedback comments"] == "Come and see me"
    assert "小明 王_103 (Moodle says that the grade cannot be changed)" in said
    assert "Bob Doe_101 (its number is that of Zoë Müller (101))" in said
    assert "A comment was there and is kept: Bob Doe_102" in said


@pytest.mark.parametrize(
    "student", ["Group 1-Zoë Müller_101", "WS-26-A-Zoë Müller_101", "Participant_101"]
)
def test_a_name_with_its_group_or_kept_secret_goes_with_its_number(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path, student: str
) -> None:
    folder = called(out, tmp_path / "out", student, "Group 1-Evil Müller_102", "Eve-_103")
    _, text, said = export(capfd, folder, "moodle", WORKSHEET)
    assert [row["Grade"] for row in csv.DictReader(io.StringIO(text))] == ["9", "", ""]
    assert "Group 1-Evil Müller_102 (its number is that of Bob Doe (102))" in said
    assert "Eve-_103 (its number is that of 小明 王 (103))" in said


def test_a_second_export_takes_the_place_of_the_first(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out", "zoe")
    old = "<p>17 of 20 points. To mend first: x.</p>"
    template = WORKSHEET.replace(",,10.00,Yes,\n", f",9.00,10.00,Yes,{old}\n", 1)
    assert old in template
    _, text, said = export(capfd, folder, "moodle", template)
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["Feedback comments"].startswith("18 of 20 points.")
    assert "Another mark" not in said
    assert "A comment was there" not in said


@pytest.mark.parametrize("listed", ["Ána de la Cruz", '"de la Cruz, Ána"'])
def test_a_number_counts_only_with_the_name_that_the_file_s_has(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path, listed: str
) -> None:
    template = f"Student,ID,Lab 02 (7)\n    Points Possible,,20\n{listed},7,\n"
    folder = called(out, tmp_path / "out", "delacruzana_7", "delacruzana_7~2")
    _, text, said = export(capfd, folder, "canvas", template)
    assert changed(template, text) == [f"{listed},7,18"]
    assert "delacruzana_7~2 (a second submission; " in said


def test_names_of_other_alphabets_are_told_apart(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    template = "Student,ID,Lab 02 (7)\n    Points Possible,,20\n李雷,7,\n"
    _, text, _ = export(capfd, called(out, tmp_path / "out", "王小明_7"), "canvas", template)
    assert text == template
    folder = called(out, tmp_path / "other", "李雷_7")
    assert changed(template, export(capfd, folder, "canvas", template)[1]) == ["李雷,7,18"]


def test_a_worksheet_without_names_goes_by_participant(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    template = 'Identifier,Status,Grade,"Maximum Grade"\n"Participant 12",,,10.00\n'
    folder = called(out, tmp_path / "out", "Participant 12_12")
    _, text, _ = export(capfd, folder, "moodle", template)
    assert changed(template, text) == ['"Participant 12",,9,10.00']


def test_a_comment_holds_no_markup_of_a_student(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out")
    bad = replace(
        graded(out),
        submission_id="zoe",
        status=Status.REJECTED,
        score=0.0,
        checks=(),
        reason="<script>alert(1)</script>",
    )
    write_json(folder / "results/zoe.json", bad.to_json())
    _, text, _ = export(capfd, folder, "moodle", WORKSHEET)
    assert "&lt;script&gt;" in text
    assert "<script>" not in text


def test_a_moodle_gradebook_is_filled_by_e_mail_or_name(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    template = (
        'First name,Surname,"ID number","Email address","Assignment: Lab 02 (Real)",'
        '"Assignment: Lab 02 (Feedback)","Assignment: Lab 02 (Percentage)"\n'
        "Zoë,Müller,,zoe@x.edu,-,,-\nBob,Doe,,bd@x.edu,-,,-\n"
    )
    folder = called(out, tmp_path / "out", "zoe", "Bob Doe")
    _, text, said = export(capfd, folder, "moodle", template)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Assignment: Lab 02 (Real)"] for row in rows] == ["18", "18"]
    assert [row["Assignment: Lab 02 (Percentage)"] for row in rows] == ["-", "-"]
    assert rows[0]["Assignment: Lab 02 (Feedback)"].startswith("18 of 20 points.")
    assert "names no points" in said


def test_a_moodle_gradebook_which_has_no_numbers_goes_by_the_names_of_a_download(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = ["Zoë,O'Neil", "Sam,Smith", "Sam,Smith", "Li,Na", "Ann,Lee"]
    template = 'First name,Surname,"Assignment: Lab 02 (Real)"\n'
    template += "".join(f"{row},-\n" for row in rows)
    ids = ("Zoë ONeil_7", "Sam Smith_8", "Na Li_9", "Lee_10", "Ann Lee_11", "Ann Lee_11~2")
    _, text, said = export(capfd, called(out, tmp_path / "out", *ids), "moodle", template)
    assert changed(template, text) == [f"{row},18" for row in (rows[0], *rows[3:])]
    assert "Sam Smith_8 (2 rows fit" in said
    assert "Lee_10 (no row has" in said
    assert "Ann Lee_11~2 (a second submission" in said


def test_gradescope_gets_a_results_json_for_each_that_has_a_score(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, said = export(capfd, out, "gradescope", "", "-o", str(tmp_path / "gs"))
    assert code == 0
    assert "4 files" in said
    data = json.loads((tmp_path / "gs/doebob_102/results.json").read_text())
    assert data["score"] == 18 == sum(test["score"] for test in data["tests"])
    assert sum(test["max_score"] for test in data["tests"]) == 20
    broken = [test for test in data["tests"] if test["status"] == "failed"]
    assert "Observed: " in broken[0]["output"]
    assert {test["visibility"] for test in data["tests"]} == {"visible", "after_published"}
    folder = called(out, tmp_path / "ours", "zoe", status=Status.INVALID)
    _, _, said = export(capfd, folder, "gradescope", "", "-o", str(tmp_path / "none"))
    assert "0 files" in said
    assert "Without a mark, for the grader failed on them: zoe" in said


def test_gradescope_is_told_of_a_check_that_needs_another_and_not_of_an_open_answer(
    out: Path,
) -> None:
    words = "a check that this one needs did not pass"
    said = []
    for observed in ("not checked yet: it needs “relu”", "not answered yet"):
        check = replace(
            graded(out).checks[0], outcome=Outcome.SKIPPED, points=0.0, observed=observed
        )
        result = replace(graded(out), checks=(check,), score=0.0)
        said.append(results_json(Mark("ann", result))["tests"][0]["output"])
    assert (words in said[0], words in said[1]) == (True, False)
    assert "Observed: not answered yet" in said[1]


def test_nbgrader_s_columns_and_an_empty_score_for_our_own_fault(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out", "=cmd()|x")
    called(out, folder, "zoe", status=Status.INVALID)
    _, text, said = export(capfd, folder, "nbgrader")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert text.startswith("assignment,duedate,timestamp,student_id,last_name,first_name,email,raw")
    assert [(row["student_id"], row["score"]) for row in rows] == [("'=cmd()|x", "18"), ("zoe", "")]
    assert "zoe" in said


def test_answers_that_nobody_has_marked_yet_get_no_zero(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, source in (("ann", "reference/viva.toml"), ("bob", "assignments/viva/starter.toml")):
        (tmp_path / "class" / name).mkdir(parents=True)
        shutil.copy(ROOT / source, tmp_path / "class" / name / "answers.toml")
    folder = tmp_path / "out"
    words = ["batch", "viva", str(tmp_path / "class"), "-o", str(folder), "--jobs", "1"]
    assert cli.run(["--course", str(ROOT), *words]) == 0
    template = "Student,ID,SIS Login ID,Section,viva (1)\nPoints Possible,,,,20\n"
    template += "Ann,1,ann,s,\nBob,2,bob,s,3\n"
    _, text, said = export(capfd, folder, "canvas", template)
    assert changed(template, text) == ["Ann,1,ann,s,20"]
    assert "Left as they were, for nobody has marked their answers yet: bob" in said
    _, text, said = export(capfd, folder, "nbgrader")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["student_id"], row["score"]) for row in rows] == [("ann", "20"), ("bob", "")]
    assert "Nobody has marked these answers yet: bob" in said


def test_nbgrader_s_table_takes_the_penalties_of_late_csv_off_as_nbgrader_does(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out", "=ann")
    for name, status in (("bob", Status.GRADED), ("eve", Status.GRADED), ("zoe", Status.INVALID)):
        called(out, folder, name, status=status)
    late = "id,penalty\r\n'=ann,3.6\r\nbob,20\r\nzoe,\r\nnobody,1\r\n"
    (folder / "late.csv").write_text(late, encoding="utf-8", newline="")
    _, text, said = export(capfd, folder, "nbgrader")
    columns = ("student_id", "raw_score", "late_submission_penalty", "score")
    found = [tuple(row[name] for name in columns) for row in csv.DictReader(io.StringIO(text))]
    assert found == [
        ("'=ann", "18", "3.6", "14.4"), ("bob", "18", "20", "0"), ("eve", "18", "0", "18"),
        ("zoe", "", "", ""),
    ]  # fmt: skip
    assert "off the score" in said
    assert "nowhere here" in export(capfd, folder, "csv")[2]


def test_the_plain_table_says_what_grades_csv_says(
    out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, text, _ = export(capfd, out, "csv")
    with (out / "grades.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(io.StringIO(text))) == list(csv.reader(file))


def test_the_plain_table_has_the_columns_in_the_order_of_grades_csv(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out", "ann")
    columns = export(capfd, folder, "csv")[1].splitlines()[0].split(",")
    fixed, checks = columns[: len(COLUMNS)], columns[len(COLUMNS) :]
    table = folder / "grades.csv"
    table.write_text(",".join([*fixed, "unknown", *reversed(checks[1:])]), encoding="utf-8")
    found = export(capfd, folder, "csv")[1].splitlines()[0].split(",")
    assert found == [*fixed, *reversed(checks[1:]), checks[0]]
    for broken in (b"", b"\xff", b'"'):
        table.write_bytes(broken)
        assert export(capfd, folder, "csv")[1].splitlines()[0].split(",") == columns


def test_junit_has_a_suite_for_each_submission_and_a_fault_of_ours_is_an_error(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out", "ann")
    called(out, folder, 'zoe <&"', status=Status.INVALID)
    code, text, said = export(capfd, folder, "junit")
    assert code == 0
    assert "zoe" in said
    suites = ElementTree.fromstring(text.encode()).findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["lab02/ann", 'lab02/zoe <&"']
    assert [suite.get("errors") for suite in suites] == ["0", "1"]
    assert suites[0].findtext("testcase/failure")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "canvas"], "--template"),
        (["--to", "csv", "--column", "x"], "Leave them out"),
        (["--to", "gradescope"], "Name a folder with -o"),
        (["--to", "canvas", "--points", "nan", "--template", "{canvas}"], "no nan points"),
        (["--to", "moodle", "--points", "1e308", "--template", "{canvas}"], "no 1e+308 points"),
        (["--to", "canvas", "--template", "missing.csv"], "No such file"),
        (["--to", "canvas", "--template", str(ROOT / "docs/report.png")], "not a CSV"),
        (["--to", "canvas", "--template", str(ROOT / "README.md")], "not a gradebook"),
        (["--to", "moodle", "--template", str(ROOT / "README.md")], "grading worksheet"),
    ],
)
def test_what_cannot_be_exported_is_explained(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], said: str
) -> None:
    (canvas := tmp_path / "canvas.csv").write_text(CANVAS)
    words = [word.format(canvas=canvas) for word in words]
    assert cli.run(["export", str(out), *words]) == 2
    assert said in capfd.readouterr().err


def test_a_folder_that_is_no_out_is_named(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.run(["export", str(tmp_path), "--to", "csv"]) == 2
    assert "holds no results" in capfd.readouterr().err
    (tmp_path / "results").mkdir()
    assert cli.run(["export", str(tmp_path), "--to", "csv"]) == 5


def test_a_result_that_is_damaged_is_named(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = called(out, tmp_path / "out", "zoe")
    (folder / "results/half.json").write_text('{"schema"')
    _, _, said = export(capfd, folder, "csv")
    assert "cannot be read: half.json" in said


def test_a_link_and_a_pipe_that_are_named_stay_what_they_are(
    out: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wanted = export(capfd, out, "csv")[1].encode()
    (tmp_path / "link.csv").symlink_to("marks.csv")
    for _ in range(2):  # what it points to is made, then replaced
        assert export(capfd, out, "csv", "", "-o", str(tmp_path / "link.csv"))[0] == 0
        assert (tmp_path / "link.csv").is_symlink()
        assert (tmp_path / "marks.csv").read_bytes() == wanted
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert export(capfd, out, "csv", "", "-o", str(pipe))[0] == 0
        assert pipe.is_fifo()
        assert os.read(reader, 2**16) == wanted
    finally:
        os.close(reader)


def test_names_that_the_locale_cannot_write_are_found(out: Path, tmp_path: Path) -> None:
    template = tmp_path / "canvas.csv"
    template.write_text(CANVAS, encoding="utf-8")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = ["export", str(out), "--to", "canvas", "--template", str(template)]
    ended = subprocess.run(
        [sys.executable, "-m", "grader", *words],
        env={**os.environ, **plain}, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode()
    assert '"Müller, Zoë",101,s1,zoe@x.edu,A,40,5' in ended.stdout.decode()


def test_results_that_may_not_be_read_are_said_so(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_path: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("grader.batch.files.os.scandir", refuse)
    assert cli.run(["export", str(out), "--to", "csv"]) == 2
    assert "cannot be read: Permission denied" in capsys.readouterr().err
