"""A lab's checks are collected once, and judge each submission as if it were the first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.errors import LabError, UsageError
from grader.grading import Graded, grade
from grader.submissions import read
from tests import courses
from tests.sessions import sandbox

PUBLIC = '''
import os
from pathlib import Path
from grader.checks import expect
from grader.checks.expectations import Shortfall
from grader.checks.plugin import REMARK

with Path("COUNT").open("a") as file:
    file.write("read ")


def test_double_doubles(student, request):
    """double(x) is twice x."""
    answer = student.double(1)
    if answer == 3:
        request.node.stash[REMARK] = Shortfall("three is odd", "an even number")
    if answer == 4:
        raise KeyboardInterrupt
    expect(answer in (2, 3), observed="it is not", expected="2")


def test_half_halves(student):
    """half(x) is half of x."""
    expect(student.half(8) == 4, observed="half(8) is wrong", expected="4")


def test_half_of_many():
    """half(x) works for many numbers."""
'''
WRONG = "def double(x): return 0\ndef half(x): return 0\n"
ODD = "def double(x): return 3\ndef half(x): return x / 2\n"
INTERRUPTING = "def double(x): return 4\ndef half(x): return x / 2\n"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    public = PUBLIC.replace("COUNT", str(tmp_path / "count"))
    return courses.make_course(tmp_path / "course", public=public)


def verdict(course: Path, source: str) -> dict[str, object]:
    return courses.grade_source(course, source).result.to_json() | {"seconds": {}, "submission": {}}


def test_no_verdict_depends_on_who_was_judged_before(course: Path, tmp_path: Path) -> None:
    sources = [WRONG, courses.RIGHT, ODD, courses.RIGHT, WRONG]
    first, right, odd, again, last = (verdict(course, source) for source in sources)
    assert (first, right) == (last, again)
    assert [one["score"] for one in (first, right, odd)] == [1, 10, 8]
    assert (tmp_path / "count").read_text() == "read "


def test_what_is_worth_saying_of_one_is_not_said_of_the_next(course: Path) -> None:
    said = [courses.grade_source(course, one).result.checks[0].observed for one in (ODD, WRONG)]
    assert said == ["three is odd", "it is not"]
    assert courses.grade_source(course, courses.RIGHT).result.checks[0].observed is None


def test_checks_that_were_broken_off_are_collected_anew(course: Path, tmp_path: Path) -> None:
    assert verdict(course, courses.RIGHT)["score"] == 10
    with pytest.raises(KeyboardInterrupt):
        verdict(course, INTERRUPTING)
    assert verdict(course, courses.RIGHT)["score"] == 10
    assert (tmp_path / "count").read_text() == "read read "


def test_a_check_that_was_changed_is_read_again(course: Path) -> None:
    assert verdict(course, ODD)["score"] == 8
    file = course / "assignments/numbers/checks/test_numbers.py"
    file.write_text(file.read_text().replace("in (2, 3)", "== 2"))
    assert verdict(course, ODD)["score"] == 4


def chosen(course: Path, tmp_path: Path, select: str | None) -> Graded:
    (tmp_path / "work.py").write_text(courses.RIGHT)
    lab = courses.load(course)
    return grade(lab, read(tmp_path / "work.py"), sandbox(), hidden=True, select=select)


def test_a_choice_of_checks_holds_for_one_submission_only(course: Path, tmp_path: Path) -> None:
    names = [
        [check.id for check in chosen(course, tmp_path, select).result.checks]
        for select in ("half", None, "halves", "half")
    ]
    assert names == [
        ["half_halves", "half_of_many"],
        ["double_doubles", "half_halves", "half_of_many", "hidden_double"],
        ["half_halves"],
        ["half_halves", "half_of_many"],
    ]
    with pytest.raises(UsageError, match="not an expression"):
        chosen(course, tmp_path, "half and")


def test_a_check_that_asks_a_question_does_not_wait_at_the_terminal(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = course / "assignments/numbers/checks/test_numbers.py"
    file.write_text(file.read_text().replace("answer = ", 'answer = input("Go on?") and '))
    reading, writing = os.pipe()
    with os.fdopen(reading) as terminal, os.fdopen(writing, "w") as keyboard:
        keyboard.write("yes\n")
        keyboard.flush()
        monkeypatch.setattr("sys.stdin", terminal)
        with pytest.raises(LabError, match="double_doubles has a mistake itself: NobodyThere"):
            courses.grade_source(course, courses.RIGHT)
        assert terminal.readline() == "yes\n"
