"""`grade validate` on a course of one lab: what is caught, what survives, how it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.cli import run
from grader.errors import LabError
from grader.submissions import read
from grader.validation.codes import must_know_all_codes
from grader.validation.mutants import MOST_CHEAP, MOST_TRAINED, choose, make_mutants, most_for
from grader.validation.survivors import read_explanations
from tests.courses import PUBLIC, RIGHT, load, make_course

WEAK = PUBLIC.replace("student.half(8) == 4", "student.half(2) == 1").replace(
    "np.arange(4.0)), np.arange(4.0) / 2", "np.array([2.0])), np.array([1.0])"
)
"""Asks for the half of 2 alone, which 2 / x gives as well."""
SURVIVOR = "half/argument-order-swapped/1"
LEFT_OUT = "def double(x):\n    return x\n\ndef half(x):\n    return x / 2\n"


def course_with(folder: Path, *, public: str = PUBLIC) -> Path:
    """The small course with a right and a wrong answer; the mistake of `double` has a name."""
    course = make_course(folder, public=public)
    fixtures = course / "assignments" / "numbers" / "fixtures"
    (fixtures / "right").mkdir(parents=True)
    (fixtures / "wrong").mkdir()
    (fixtures / "right" / "added.py").write_text(RIGHT.replace("2 * x", "x + x"))
    (fixtures / "wrong" / "no-scaling--of-double.py").write_text(LEFT_OUT)
    return course


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return course_with(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return course_with(tmp_path_factory.mktemp("weak"), public=WEAK)


def validated(
    course: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON."""
    code = run(["--course", str(course), "validate", "--json", *options])
    return code, json.loads(capsys.readouterr().out)


def test_a_sound_lab_passes_and_every_mutant_of_its_reference_is_caught(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = validated(course, capsys)
    assert code == 0
    assert found["schema"] == "grader.validation/1"
    assert found["passed"] is True
    for kind in ("references", "starters", "right", "wrong"):
        assert found[kind] == {"total": 1, "passed": 1}, kind
    mutants = found["labs"][0]["mutants"]
    assert mutants["graded"] == mutants["caught"] == mutants["made"] >= 8
    assert mutants["survivors"] == []
    assert found["labs"][0]["problems"] == []


def test_a_weak_check_shows_in_a_mutant_that_survives(
    weak: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = validated(weak, capsys)
    assert code == 1
    assert found["labs"][0]["mutants"]["survivors"] == [
        {
            "id": SURVIVOR,
            "operator": "argument-order-swapped",
            "cell": 1,
            "line": 5,
            "change": "return x / 2 → return 2 / x",
            "explained": None,
        }
    ]
    assert [problem["kind"] for problem in found["labs"][0]["problems"]] == ["mutants"]


def test_a_survivor_with_a_reason_is_accepted_and_a_stale_reason_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path, public=WEAK)
    (course / "assignments" / "numbers" / "survivors.toml").write_text(
        '[[survivor]]\nmutant = "half/argument-*"\nreason = "Asked for 2 alone."\n'
        '[[survivor]]\nmutant = "gone/*"\nreason = "It was so once."\n'
    )
    code, found = validated(course, capsys)
    assert code == 0
    assert found["mutants"]["survivors"] == found["mutants"]["explained"] == 1
    assert found["labs"][0]["mutants"]["survivors"][0]["explained"] == "Asked for 2 alone."
    assert found["labs"][0]["mutants"]["caught_share"] == 1.0
    assert ["gone/*" in note for note in found["labs"][0]["notes"]] == [True]


def test_whatever_is_not_as_it_should_be_is_told_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path)
    own = course / "assignments" / "numbers"
    (own / "fixtures" / "right" / "wrong.py").write_text(LEFT_OUT)
    (own / "fixtures" / "wrong" / "uint8-overflow.py").write_text(LEFT_OUT)
    (own / "fixtures" / "wrong" / "no-scaling--right.py").write_text(RIGHT)
    (own / "starter.ipynb").write_bytes((course / "reference" / "numbers.ipynb").read_bytes())
    code, found = validated(course, capsys, "--no-mutants")
    assert code == 1
    problems = {item["name"]: item["problem"] for item in found["labs"][0]["problems"]}
    assert problems == {
        "wrong.py": "a right answer earns 4 of 10 (double_doubles, hidden_double)",
        "uint8-overflow.py": "the mistake named is no-scaling, not uint8-overflow",
        "no-scaling--right.py": "a wrong answer earns all 10 points",
        "starter.ipynb": "the untouched starter earns 10 of 10, more than a tenth",
    }
    assert found["mutants"]["graded"] == 0


def test_no_mutant_is_graded_while_the_reference_itself_falls_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path)
    path = course / "reference" / "numbers.ipynb"
    path.write_text(path.read_text().replace("2 * x", "3 * x"))
    code, found = validated(course, capsys)
    assert code == 1
    assert found["references"]["passed"] == found["mutants"]["graded"] == 0
    assert "does not earn full marks" in found["labs"][0]["notes"][0]


def test_a_threshold_that_was_measured_under_other_versions_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path)
    kept = '[versions]\nkeras = "1.2"\n[[answer]]\nname = "a"\nright = true\n'
    kept += "seeds = [0]\naccuracies = [0.9]\n"
    (course / "assignments/numbers/calibration.toml").write_text(kept)
    code, found = validated(course, capsys, "--no-mutants")
    assert code == 0
    assert "keras was 1.2 and is" in found["labs"][0]["notes"][0]
    assert found["labs"][0]["notes"][0].endswith("calibrate again.")


def test_a_person_reads_a_line_for_each_lab_and_then_what_survived(
    weak: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--course", str(weak), "validate", "numbers", "--jobs", "2"]) == 1
    said = capsys.readouterr().out
    assert "numbers: FALLS SHORT – reference 1/1, starter 1/1, right 1/1, wrong 1/1" in said
    assert f"mutant {SURVIVOR} (cell 1, line 5): survived\n    return x / 2 → return 2 / x" in said
    assert "0 of 1 lab(s) are as they should be." in said


def test_an_unknown_lab_is_a_fault_of_the_command_line(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--course", str(course), "validate", "nombers"]) == 2
    assert run(["--course", str(course), "validate", "--jobs", "0"]) == 2
    assert "numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("rubrics/numbers.toml", "points = 4", "points = 5", "numbers.toml:2: the points add up"),
        ("rubrics/numbers.toml", '"half_halves"', '"half_halfs"', "numbers.toml:9: the lab has no"),
        ("{checks}", '"no-scaling"', '"no-skaling"', "test_numbers.py:11: no mistake is called"),
        (
            "{checks}",
            'needs("half_halves")',
            'needs("halves")',
            "test_numbers.py:20: the check",
        ),
    ],
)
def test_a_faulty_lab_ends_with_4_and_names_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, said: str
) -> None:
    course = course_with(tmp_path)
    path = course / file.format(checks="assignments/numbers/checks/test_numbers.py")
    path.write_text(path.read_text().replace(old, new, 1))
    code, found = validated(course, capsys)
    assert code == 4
    assert said in found["labs"][0]["fault"]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("wrong/no-skaling--at-all.py", LEFT_OUT),
        ("right/told.py", f"# shows: leaky-alpha, leaky-beta\n{RIGHT}"),
    ],
)
def test_a_fixture_that_names_no_mistake_is_the_labs_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, source: str
) -> None:
    course = course_with(tmp_path)
    (course / "assignments" / "numbers" / "fixtures" / name).write_text(source)
    code, found = validated(course, capsys)
    assert code == 4
    assert f"{name}:1" in found["labs"][0]["fault"]


def test_a_right_answer_has_to_be_told_of_what_it_says_that_it_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path)
    right = course / "assignments" / "numbers" / "fixtures" / "right"
    old = f"{RIGHT}\n\ndef unused():\n    return LeakyReLU(alpha=0.1)\n"
    (right / "told.py").write_text(f"# shows: leaky-alpha\n{old}")
    (right / "untold.py").write_text(f"# shows: leaky-alpha\n# shows: h5-format\n{old}")
    code, found = validated(course, capsys, "--no-mutants")
    assert code == 1
    problems = {item["name"]: item["problem"] for item in found["labs"][0]["problems"]}
    assert problems == {"untold.py": "a right answer is not told of h5-format"}


def test_a_course_without_references_cannot_be_validated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path)
    (course / "reference" / "numbers.ipynb").unlink()
    code, found = validated(course, capsys)
    assert code == 4
    assert "no reference" in found["labs"][0]["fault"]


def test_a_faulty_lab_does_not_keep_the_others_from_being_validated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path)
    (course / "assignments" / "aaa").mkdir()
    (course / "assignments" / "aaa" / "lab.toml").write_text('titel = "?"\n')
    code, found = validated(course, capsys, "--no-mutants")
    assert code == 4
    assert [lab["passed"] for lab in found["labs"]] == [False, True]


def test_a_broken_sandbox_is_the_graders_fault_and_no_mutant_counts_as_caught_by_it() -> None:
    from grader.validation.cases import Case
    from grader.validation.judging import Graded
    from grader.validation.report import LabReport, exit_code
    from tests.sessions import module

    report = LabReport("numbers")
    submission = module("pass")
    report.results = [(Case("numbers", "starter", "s", submission), Graded(fault="no sandbox"))]
    [mutant] = mutants_of_one("def double(x):\n    return x")
    report.outcomes = [(mutant, Graded(fault="no sandbox"))]
    assert exit_code([report]) == 3
    assert report.caught == len(report.survivors) == 0


def mutants_of_one(source: str) -> list[Any]:
    """The mutants of a module in a lab that asks for `double`."""
    from grader.records.lab import Lab, Rubric
    from tests.sessions import module

    here = Path(".")
    lab = Lab("numbers", "", "", here, here, (), (), Rubric(1.0, {}), functions=("double",))
    return make_mutants(lab, module(source))


def test_mutants_are_the_same_every_time_and_each_has_a_name_of_its_own(course: Path) -> None:
    lab = load(course)
    assert lab.reference is not None
    reference = read(lab.reference)
    first, second = (make_mutants(lab, reference) for _ in range(2))
    assert first == second
    assert len({mutant.id for mutant in first}) == len(first)
    assert len({mutant.submission.source for mutant in first}) == len(first)
    assert reference.source not in {mutant.submission.source for mutant in first}


def test_only_what_the_lab_asks_for_is_mutated_and_what_that_calls() -> None:
    source = (
        "def twice(x):\n    return x + x\n\n"
        "def double(x):\n    return twice(x)\n\n"
        "def unrelated(x):\n    return x / 3\n"
    )
    places = {mutant.id.split("/")[0] for mutant in mutants_of_one(source)}
    assert places == {"double", "twice"}


def test_a_bound_takes_from_every_operator_in_turn_and_keeps_the_order(course: Path) -> None:
    lab = load(course)
    assert lab.reference is not None
    made = make_mutants(lab, read(lab.reference))
    operators = {mutant.operator for mutant in made}
    few = choose(made, len(operators))
    assert {mutant.operator for mutant in few} == operators
    assert few == [mutant for mutant in made if mutant in few]
    assert choose(made, 0) == []
    assert choose(made, 1000) == made


def test_mutants_that_may_survive_take_no_place_from_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = course_with(tmp_path, public=WEAK)
    own = course / "assignments" / "numbers"
    reason = 'reason = "Not asked for."\n'
    (own / "survivors.toml").write_text(f'[[survivor]]\nmutant = "double/*"\n{reason}')
    toml = own / "lab.toml"
    toml.write_text(f"{toml.read_text()}\n[validation]\nmutants = 5\n")
    code, found = validated(course, capsys)
    assert code == 1
    assert found["mutants"]["graded"] == 5
    assert [item["id"] for item in found["labs"][0]["mutants"]["survivors"]] == [SURVIVOR]
    assert "5 of" in found["labs"][0]["notes"][0]


def test_a_lab_that_trains_has_fewer_mutants_and_lab_toml_has_the_last_word(course: Path) -> None:
    lab = load(course)
    assert most_for(lab) == MOST_CHEAP
    assert most_for(replace(lab, cheap=False)) == MOST_TRAINED
    asked = replace(lab, validation=replace(lab.validation, mutants=3))
    assert most_for(asked) == 3


def test_the_labs_of_this_course_name_only_mistakes_that_exist() -> None:
    from grader.course import find_course
    from grader.validation.cases import find_cases

    root = Path(__file__).resolve().parent.parent
    course = find_course(root, root)
    for name in ("lab01", "lab02", "lab03"):
        lab = course.load(name)
        must_know_all_codes(lab)
        assert len(find_cases(lab)) > 10


def test_a_reason_without_words_is_refused_with_its_line(course: Path, tmp_path: Path) -> None:
    (tmp_path / "survivors.toml").write_text('[[survivor]]\nmutant = "a"\nreason = "no"\n')
    with pytest.raises(LabError, match=r"survivors\.toml:3"):
        read_explanations(tmp_path)
    assert read_explanations(course).patterns == ()


@pytest.mark.parametrize(("reached", "fine"), [(0.975, True), (0.96, False), (None, False)])
def test_a_reference_has_to_reach_the_accuracy_that_its_lab_names(
    reached: float | None, fine: bool
) -> None:
    from grader.validation.cases import Case
    from grader.validation.judging import Graded, problem
    from tests.sessions import module

    case = Case("numbers", "reference", "numbers.ipynb", module(""), accuracy=0.97)
    said = problem(case, Graded(score=10, max_score=10, accuracy=reached))
    assert (said is None) is fine
