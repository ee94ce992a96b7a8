"""Lateness: what the rubric takes off, beside the score and never in it."""

from __future__ import annotations

import csv
import json
import os
import shutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import cli
from grader.batch.times import Times, read_stamp
from grader.errors import LabError
from grader.gradebook.late import lateness
from grader.records.lab import LateRule
from tests.classes import content, gradebook, run
from tests.courses import RIGHT, load, make_course

DUE = datetime(2026, 11, 20, 23, 59, tzinfo=timezone(timedelta(hours=1)))
RULE = LateRule(DUE, grace_minutes=15, percent_per_day=10, at_most_percent=50)
POLICY = """
[late]
due = 2026-11-20T23:59:00+01:00
grace_minutes = 15
percent_per_day = 10
at_most_percent = 50
"""


def late(seconds: float, score: float | None = 10.0) -> tuple[int | None, float | None]:
    times = Times(stamped=(DUE + timedelta(seconds=seconds)).astimezone(UTC).isoformat())
    found = lateness(RULE, "ann", times, score, 20.0)
    return found.days, found.penalty


@pytest.mark.parametrize(
    ("seconds", "days", "penalty"),
    [
        (-86_400, 0, 0),
        (0, 0, 0),
        (900, 0, 0),
        (901, 1, 2),
        (86_400, 1, 2),
        (86_401, 2, 4),
        (5 * 86_400, 5, 10),
        (30 * 86_400, 30, 10),
    ],
)
def test_each_begun_day_after_the_grace_costs_up_to_the_cap(
    seconds: float, days: int, penalty: float
) -> None:
    assert late(seconds) == (days, penalty)


def test_no_penalty_is_larger_than_the_score_and_what_has_none_loses_none() -> None:
    assert late(5 * 86_400, 3.0) == (5, 3.0)
    assert late(5 * 86_400, None) == (5, None)
    assert lateness(RULE, "ann", Times(), 10.0, 20.0).penalty is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-20 22:58:23.948203 UTC\n", "2026-11-20T22:58:23+00:00"),
        ("2026-11-20 22:58:23", "2026-11-20T22:58:23+00:00"),
        ("2026-11-20 23:58:23 Europe/Berlin", "2026-11-20T22:58:23+00:00"),
        ("2026-11-20T23:58:23 +0100", "2026-11-20T22:58:23+00:00"),
        ("2026-11-20 23:58:23 Nowhere/Else", None),
        ("2026-11-20 23:58:23 ../../etc/passwd", None),
        ("2026-13-20 23:58", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_nbgraders_time_is_read_with_its_zone(text: str, wanted: str | None) -> None:
    found = read_stamp(text)
    assert (None if found is None else found.isoformat()) == wanted


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S*", fullmatch=True))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = read_stamp(text)
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("due = 2026-11-20T23:59:00", "names no time zone"),
        ("due = 2026-11-20", "late.due"),
        ('due = "tomorrow"', "late.due"),
        ("due = 2026-11-20T23:59:00Z\nper_day = 5", "unknown key “late.per_day”"),
        ("due = 2026-11-20T23:59:00Z\npercent_per_day = 110", "late.percent_per_day"),
        ('due = 2026-11-20T23:59:00Z\ntimes = "guess"', "late.times"),
    ],
)
def test_a_faulty_policy_is_an_authors_error_with_its_line(
    tmp_path: Path, line: str, words: str
) -> None:
    rubric = make_course(tmp_path) / "rubrics/numbers.toml"
    more = "" if "percent_per_day" in line else "\npercent_per_day = 10"
    rubric.write_text(f"{rubric.read_text()}\n[late]\n{line}{more}\n")
    with pytest.raises(LabError) as raised:
        load(tmp_path)
    assert words in raised.value.message
    assert "numbers.toml:2" in raised.value.message


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a late policy, and a class as nbgrader collects it, graded."""
    folder = tmp_path_factory.mktemp("late")
    (folder / "course").mkdir()
    rubric = make_course(folder / "course") / "rubrics/numbers.toml"
    rubric.write_text(rubric.read_text() + POLICY)
    times = {"ann": "2026-11-20 22:58:00 UTC", "ben": "2026-11-22 23:00:00 UTC", "cyd": None}
    for student, stamp in times.items():
        handed = folder / "class/submitted" / student / "numbers"
        handed.mkdir(parents=True)
        (handed / "numbers.py").write_text(RIGHT)
        os.utime(handed / "numbers.py", (1_795_219_200, 1_795_219_200))  # 21 November, 00:00 UTC
        if stamp:
            (handed / "timestamp.txt").write_text(stamp)
    code, said, errors = go(folder)
    assert code == 0, errors
    (folder / "errors").write_text(errors)
    (folder / "said").write_text(said)
    return folder


def go(folder: Path, *more: str, out: str = "out") -> tuple[int, str, str]:
    words = ("--layout", "nbgrader", "--jobs", "1", *more)
    return run(folder / "course", folder / "class/submitted", folder / out, *words)


def penalties(out: Path) -> dict[str, tuple[str, str, str]]:
    with (out / "late.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: (row["days_late"], row["penalty"], row["score_after_penalty"])
            for row in csv.DictReader(file)
        }


def test_the_penalty_stands_beside_the_score_and_never_in_it(here: Path) -> None:
    wanted = {"ann": ("0", "0", "10"), "ben": ("3", "3", "7"), "cyd": ("", "", "")}
    assert penalties(here / "out") == wanted
    assert "nothing is taken off: cyd" in (here / "errors").read_text()
    assert "1 of 3 came late" in (here / "errors").read_text() + (here / "said").read_text()
    for student in wanted:
        result = json.loads((here / f"out/results/{student}.json").read_text())
        assert result["score"] == 10
    assert "10," in (here / "out/grades.csv").read_text()
    book = gradebook(here / "out/gradebook.db")
    assert [(row["submission"], row["days"], row["penalty"]) for row in book["late"]] == [
        ("ann", 0, 0),
        ("ben", 3, 3),
        ("cyd", None, None),
    ]
    assert {row["score"] for row in book["results"]} == {10}


def test_an_export_leaves_the_penalty_out_and_says_so_but_for_nbgrader_s_table(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["export", str(here / "out"), "--to", "csv"]) == 0
    assert "late.csv" in capsys.readouterr().err
    target = here / "nbgrader.csv"
    assert cli.run(["export", str(here / "out"), "--to", "nbgrader", "-o", str(target)]) == 0
    with target.open(newline="") as table:
        told = {row["student_id"]: row for row in csv.DictReader(table)}
    columns = ("raw_score", "late_submission_penalty", "score")
    found = {student: tuple(row[name] for name in columns) for student, row in told.items()}
    assert found == {"ann": ("10", "0", "10"), "ben": ("10", "3", "7"), "cyd": ("10", "0", "10")}
    target.unlink()


def test_shards_that_are_merged_have_the_same_penalties(here: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(here, tmp_path, dirs_exist_ok=True)
    for number in (1, 2):
        assert go(folder, "--shard", f"{number}/2", out=f"out{number}")[0] == 0
    words = ["merge", str(folder / "out1"), str(folder / "out2"), "-o", str(folder / "merged")]
    assert cli.run([*words, "--course", str(folder / "course")]) == 0
    assert content(folder / "merged") == content(folder / "out")


def test_a_policy_that_changes_is_applied_by_rescoring_and_no_score_is(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(here, tmp_path, dirs_exist_ok=True)
    rubric = folder / "course/rubrics/numbers.toml"
    words = ["rescore", str(folder / "out"), "--course", str(folder / "course")]
    policy = rubric.read_text()
    rubric.write_text(policy.replace("at_most", 'times = "files"\nat_most'))
    assert cli.run(words) == 0
    assert "0 marks changed" in capsys.readouterr().out
    assert {row[0] for row in penalties(folder / "out").values()} == {"1"}
    rubric.write_text(policy[: policy.index("[late]")])
    assert cli.run(words) == 0
    assert not (folder / "out/late.csv").exists()
    assert gradebook(folder / "out/gradebook.db")["late"] == []
    assert gradebook(folder / "out/gradebook.db")["history"] == []


def test_who_goes_by_files_already_is_not_told_to(here: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(here, tmp_path, dirs_exist_ok=True)
    assert 'times = "files"' in (here / "errors").read_text() + (here / "said").read_text()
    rubric = folder / "course/rubrics/numbers.toml"
    rubric.write_text(rubric.read_text().replace("at_most", 'times = "files"\nat_most'))
    (folder / "files").mkdir()
    (folder / "files/dan.py").symlink_to("/nowhere")
    (folder / "files/eve.py").write_text(RIGHT)
    code, said, errors = run(folder / "course", folder / "files", folder / "other", "--jobs", "1")
    assert code == 0
    assert "nothing is taken off: dan." in said + errors
    assert 'times = "files"' not in said + errors
