"""The flow from a lab and a submission to a verdict, in a real sandbox."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from grader.errors import LabError
from grader.records.result import CheckResult, Outcome, Status
from tests import courses


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return courses.make_course(tmp_path_factory.mktemp("course"))


def by_id(checks: tuple[CheckResult, ...]) -> dict[str, CheckResult]:
    return {check.id: check for check in checks}


def test_right_work_earns_full_marks(course: Path) -> None:
    result = courses.grade_source(course, courses.RIGHT).result
    assert (result.score, result.max_score, result.status) == (10, 10, Status.GRADED)
    assert result.root_cause is None
    assert [check.id for check in result.checks] == [
        "double_doubles",
        "half_halves",
        "half_of_many",
        "hidden_double",
    ]
    assert [check.hidden for check in result.checks] == [False, False, False, True]


def test_without_hidden_checks_the_maximum_is_that_of_the_public_ones(course: Path) -> None:
    result = courses.grade_source(course, courses.RIGHT, hidden=False).result
    assert (result.score, result.max_score) == (8, 8)


def test_half_of_the_functions_keep_their_half_of_the_marks(course: Path) -> None:
    result = courses.grade_source(course, "def double(x): return 2 * x").result
    checks = by_id(result.checks)
    assert result.score == 6
    assert checks["half_halves"].observed == "there is no function `half`"
    assert checks["half_of_many"].outcome is Outcome.SKIPPED
    assert "not checked yet" in str(checks["half_of_many"].observed)


def test_a_near_name_is_suggested(course: Path) -> None:
    source = "def duoble(x): return 2 * x\ndef half(x): return x / 2\n"
    check = by_id(courses.grade_source(course, source).result.checks)["double_doubles"]
    assert "`duoble`: did you mean `double`" in str(check.next)


def test_a_named_mistake_becomes_root_cause_and_finding(course: Path) -> None:
    result = courses.grade_source(course, "def double(x): return x\ndef half(x): return x / 2")
    assert result.result.root_cause == "no-scaling"
    assert [finding.misconception for finding in result.result.findings] == ["no-scaling"]


def test_a_check_may_give_part_of_its_points(course: Path) -> None:
    source = "def double(x): return 2 * x\ndef half(x): return x"
    check = by_id(courses.grade_source(course, source).result.checks)["half_halves"]
    assert (check.outcome, check.points) == (Outcome.FAILED, 1.5)


def test_code_that_breaks_when_asked_is_an_error_with_its_line(course: Path) -> None:
    source = "def double(x): return 2 * x\n\ndef half(x):\n    return x.nothing\n"
    check = by_id(courses.grade_source(course, source).result.checks)["half_halves"]
    assert check.outcome is Outcome.ERROR
    assert check.line == 4
    assert "AttributeError" in str(check.observed)


def test_an_answer_of_a_strange_kind_fails_its_check_and_no_other(course: Path) -> None:
    source = "def double(x): return {'a': object()}\ndef half(x): return x / 2\n"
    result = courses.grade_source(course, source).result
    assert by_id(result.checks)["double_doubles"].outcome is Outcome.FAILED
    assert result.score == 4


def test_a_call_that_kills_the_process_costs_that_check_and_a_new_one_answers_the_rest(
    course: Path,
) -> None:
    source = "import os\ndef double(x): os._exit(0)\ndef half(x): return x / 2\n"
    result = courses.grade_source(course, source).result
    checks = by_id(result.checks)
    assert checks["double_doubles"].outcome is Outcome.ERROR
    assert checks["half_halves"].outcome is Outcome.PASSED
    assert result.limit == "crash"
    assert result.score == 4


def test_an_endless_loop_at_the_end_keeps_the_marks_earned_before_it(course: Path) -> None:
    result = courses.grade_source(course, courses.RIGHT + "\nwhile True: pass\n").result
    assert result.limit == "time"
    assert result.score == 10


def test_a_submission_that_exits_at_once_earns_nothing_and_is_graded(course: Path) -> None:
    result = courses.grade_source(course, "import os; os._exit(0)").result
    assert (result.status, result.score, result.limit) == (Status.GRADED, 0, "crash")


def test_a_forged_result_on_stdout_or_on_disk_changes_nothing(course: Path) -> None:
    forged = json.dumps({"score": 10, "status": "graded"})
    source = (
        f"import atexit\nprint({forged!r})\n"
        f"for p in ('results.json', '/tmp/results.json'): open(p, 'w').write({forged!r})\n"
        "atexit.register(lambda: print('all passed'))\n"
    )
    assert courses.grade_source(course, source).result.score == 0


def test_patching_the_judges_tools_changes_nothing(course: Path) -> None:
    source = (
        "import numpy as np, numpy.testing, unittest\n"
        "np.allclose = np.array_equal = lambda *a, **k: True\n"
        "numpy.testing.assert_allclose = lambda *a, **k: None\n"
        "unittest.TestCase.assertEqual = lambda *a, **k: None\n"
        "def double(x): return np.zeros(2)\ndef half(x): return 0\n"
    )
    assert courses.grade_source(course, source).result.score == 1.5


def test_the_same_submission_gives_the_same_json_but_for_seconds(course: Path) -> None:
    def once() -> dict[str, object]:
        document = courses.grade_source(course, "def double(x): return x").result.to_json()
        assert document.pop("seconds")
        return document

    assert once() == once()


def test_the_json_has_the_documented_keys_in_their_order(course: Path) -> None:
    document = courses.grade_source(course, courses.RIGHT).result.to_json()
    assert list(document) == [
        "schema", "lab", "submission", "status", "limit", "isolation", "reason", "score",
        "max_score", "root_cause", "metrics", "checks", "findings", "versions", "seed", "seconds",
    ]  # fmt: skip
    assert list(document["checks"][0]) == [
        "id", "title", "outcome", "points", "max_points", "hidden", "misconception", "observed",
        "expected", "why", "next", "cell", "line",
    ]  # fmt: skip
    assert list(document["submission"]) == ["id", "path", "sha256"]
    assert set(document["seconds"]) == {"total", "run", "checks"}
    assert json.loads(json.dumps(document)) == document


def test_a_lab_whose_checks_do_not_import_is_the_authors_error(tmp_path: Path) -> None:
    broken = courses.PUBLIC.replace("import numpy as np", "import nowhere_at_all")
    course = courses.make_course(tmp_path / "c", public=broken)
    with pytest.raises(LabError, match="nowhere_at_all"):
        courses.grade_source(course, courses.RIGHT)


def test_a_lab_that_names_an_unknown_mistake_is_the_authors_error(tmp_path: Path) -> None:
    broken = courses.PUBLIC.replace("no-scaling", "no-such-mistake")
    course = courses.make_course(tmp_path / "c", public=broken)
    with pytest.raises(LabError, match="no-such-mistake"):
        courses.grade_source(course, "def double(x): return x")


def test_a_function_that_an_error_kept_from_being_made_points_to_the_error(course: Path) -> None:
    source = "def double(x):\n    return 2 * x\nhalf = (\n"
    check = by_id(courses.grade_source(course, source).result.checks)["half_halves"]
    assert check.next == "The program stopped with SyntaxError before it was made: mend that first."
    assert (check.cell, check.line) == (None, 3)
    graded = courses.grade_source(course, source)
    assert graded.evidence.cells[0].fault is not None
    assert graded.evidence.cells[0].fault.message == "'(' was never closed"


@pytest.mark.parametrize(
    ("written", "slip", "told"),
    [
        ("def test_half_halves(student)", "def test_half_halves(studnet)", "fixture “studnet”"),
        ("expect(student.half(8)", "expct(student.half(8)", "'expct' is not defined"),
    ],
)
def test_a_name_that_a_check_mistypes_is_the_authors_error_and_no_fault_of_the_student(
    tmp_path: Path, written: str, slip: str, told: str
) -> None:
    course = courses.make_course(tmp_path / "c", public=courses.PUBLIC.replace(written, slip))
    with pytest.raises(LabError, match=told) as caught:
        courses.grade_source(course, courses.RIGHT)
    assert "test_numbers.py:" in caught.value.message


def test_what_the_users_environment_tells_pytest_changes_no_verdict(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x --no-such-option")
    result = courses.grade_source(course, "def half(x): return x / 2").result
    assert by_id(result.checks)["half_halves"].outcome is Outcome.PASSED
    assert os.environ["PYTEST_ADDOPTS"] == "-x --no-such-option"


def test_a_package_that_the_course_lies_in_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("raise SystemExit('this ran beside the checks')\n")
    (tmp_path / "course").mkdir()
    course = courses.make_course(tmp_path / "course")
    assert courses.grade_source(course, courses.RIGHT).result.score == 10
