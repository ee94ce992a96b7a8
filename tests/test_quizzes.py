"""The quizzes and the viva: their questions, keys and marks, graded for real."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import cli
from grader.answers import find_marks, read_questions, seal
from grader.answers.form import marking_form
from grader.answers.key import BLOCK
from grader.answers.sheet import Sheet, Unclear, choose
from grader.course import Course
from grader.errors import LabError
from grader.grading import Graded, grade
from grader.records.lab import Lab
from grader.records.result import CheckResult, Outcome
from grader.submissions import read

ROOT = Path(__file__).resolve().parent.parent
QUIZZES = ("quiz01", "quiz02")
ALL = (*QUIZZES, "viva")
VIVA = Course(ROOT).load("viva")
ABCD = {"a": "one", "b": "two", "c": "three", "d": "four words of text"}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A copy of this course with the quizzes and the viva alone."""
    folder = tmp_path / "course"
    for name in ALL:
        shutil.copytree(ROOT / "assignments" / name, folder / "assignments" / name)
        for kind in ("rubrics", "reference"):
            (folder / kind).mkdir(exist_ok=True)
            shutil.copy(ROOT / kind / f"{name}.toml", folder / kind)
    return Course(folder)


def reference(name: str) -> dict[str, Mapping[str, str]]:
    table = tomllib.loads((ROOT / "reference" / f"{name}.toml").read_text(encoding="utf-8"))
    return {id: entry for id, entry in table.items() if id != "lab"}


def judged(lab: Lab, folder: Path, answers: Mapping[str, str] | str) -> Graded:
    """Grade answers, given by question as TOML values or as a whole file."""
    if not isinstance(answers, str):
        answers = "".join(f"[{id}]\nanswer = {value}\n" for id, value in answers.items())
    file = folder / "answers.toml"
    file.write_text(answers, encoding="utf-8")
    return grade(lab, read(file, lab_id=lab.id, kind=lab.kind), None, hidden=True)


def by_id(graded: Graded) -> dict[str, CheckResult]:
    return {check.id: check for check in graded.result.checks}


@pytest.mark.parametrize("name", ALL)
def test_the_reference_has_all_points_and_the_starter_none(name: str) -> None:
    lab = Course(ROOT).load(name)
    assert lab.reference is not None
    for path, score in ((lab.reference, 20), (lab.starter, 0)):
        result = grade(lab, read(path, lab_id=name, kind=lab.kind), None, hidden=True).result
        assert (result.score, result.max_score, result.status) == (score, 20, "graded")
        assert (result.isolation, result.root_cause, result.findings) == ("full", None, ())
        assert set(result.versions) == {"grader", "python"}
    assert {check.outcome for check in result.checks} == {Outcome.SKIPPED}
    assert {check.observed for check in result.checks} == {"not answered yet"}


@pytest.mark.parametrize("name", QUIZZES)
def test_a_quiz_asks_ten_questions_of_four_options_with_no_letter_favoured(name: str) -> None:
    lab = Course(ROOT).load(name)
    questions = read_questions(lab.starter)
    assert len(questions) == 10
    assert set(lab.rubric.points.values()) == {2}
    assert {tuple(question.options) for question in questions.values()} == {("a", "b", "c", "d")}
    letters = Counter(entry["answer"] for entry in reference(name).values())
    assert set(letters) == set("abcd")
    assert max(letters.values()) <= 4


@pytest.mark.parametrize("name", QUIZZES)
@pytest.mark.parametrize("letter", "abcd")
def test_each_choice_is_marked_at_once_and_explained(
    tmp_path: Path, name: str, letter: str
) -> None:
    lab = Course(ROOT).load(name)
    key = reference(name)
    graded = judged(lab, tmp_path, dict.fromkeys(key, f'"{letter}"'))
    for id, check in by_id(graded).items():
        right = key[id]["answer"] == letter
        assert check.outcome is (Outcome.PASSED if right else Outcome.FAILED)
        assert check.observed == f"you chose {letter}: {_option(lab, id, letter)}"
        assert check.why == key[id]["why"][letter]  # type: ignore[index]
        assert check.next == (None if right else key[id]["concept"])
        told = f"{check.why} {check.next}".lower()
        assert right or _option(lab, id, key[id]["answer"]).lower() not in told
    assert graded.result.score == 2 * sum(entry["answer"] == letter for entry in key.values())


def _option(lab: Lab, id: str, letter: str) -> str:
    return read_questions(lab.starter)[id].options[letter]


def test_the_default_split_is_three_quarters_and_the_common_error_is_named(tmp_path: Path) -> None:
    lab = Course(ROOT).load("quiz02")
    assert _option(lab, "q4", reference("quiz02")["q4"]["answer"]) == "75 %"
    graded = judged(lab, tmp_path, {"q4": '"c"'})
    assert by_id(graded)["q4"].misconception == "split-default-75"
    assert graded.result.root_cause == "split-default-75"


@pytest.mark.parametrize(
    ("value", "outcome", "words"),
    [
        ('""', Outcome.SKIPPED, "not answered yet"),
        ('"  "', Outcome.SKIPPED, "not answered yet"),
        ('"e"', Outcome.FAILED, "“e” is none of the options"),
        ('"a, b"', Outcome.FAILED, "2 options are chosen: a and b"),
        ('"ab"', Outcome.FAILED, "2 options are chosen: a and b"),
        ('["c", "a"]', Outcome.FAILED, "2 options are chosen: c and a"),
        ('"a or d"', Outcome.FAILED, "2 options are chosen: a and d"),
        ("2", Outcome.FAILED, "a number, not a letter in quotes"),
        ("true", Outcome.FAILED, "true or false, not a letter"),
        ("1979-05-27", Outcome.FAILED, "a date or time, not a letter"),
        ("[]", Outcome.FAILED, "none of the options"),
        ("[[1]]", Outcome.FAILED, "a list, not a letter"),
        ('{ b = "a" }', Outcome.FAILED, "a table, not a letter"),
        ('"\\u001b[31mred\\u202e"', Outcome.FAILED, "\\u001b"),
        ('"' + "x" * 500 + '"', Outcome.FAILED, "xxx…”"),
        ("0x" + "f" * 5_000, Outcome.FAILED, "a number"),
    ],
)
def test_what_is_no_choice_is_put_into_words(
    tmp_path: Path, value: str, outcome: Outcome, words: str
) -> None:
    check = by_id(judged(Course(ROOT).load("quiz01"), tmp_path, {"q1": value}))["q1"]
    assert (check.outcome, check.points) == (outcome, 0)
    assert words in (check.observed or "")
    assert len(check.observed or "") < 100


def test_no_answer_is_not_a_wrong_answer(tmp_path: Path) -> None:
    graded = judged(Course(ROOT).load("quiz01"), tmp_path, {"q1": '"a"', "q2": '""'})
    outcomes = Counter(check.outcome for check in graded.result.checks)
    assert outcomes == {Outcome.FAILED: 1, Outcome.SKIPPED: 9}


def test_an_answer_to_no_question_is_noted_and_the_slip_is_found(tmp_path: Path) -> None:
    graded = judged(Course(ROOT).load("quiz01"), tmp_path, {"Q1": '"b"', "extra": '"a"'})
    assert "“Q1”" in graded.exhibits.notes[0]
    assert "“q1” was meant" in graded.exhibits.notes[0]
    assert "“extra” was left out" in graded.exhibits.notes[1]
    assert "the file has “Q1”" in (by_id(graded)["q1"].observed or "")


@pytest.mark.parametrize("text", ["B", " b ", "b)", "(b)", "b.", "ｂ", "two", "TWO", "bb"])
def test_a_letter_counts_however_it_is_written(text: str) -> None:
    assert choose(text, ABCD) == "b"


@given(st.text(max_size=30) | st.lists(st.text(max_size=3)) | st.integers() | st.none())
@settings(max_examples=300, deadline=None)
def test_any_value_is_one_option_or_unclear(value: object) -> None:
    try:
        letter = choose(value, ABCD)
    except Unclear:
        return
    assert letter in ABCD


# ------------------------------------------------------------------- the sealed key


@pytest.mark.parametrize("name", QUIZZES)
def test_the_sealed_key_is_that_of_the_reference(name: str) -> None:
    lab = Course(ROOT).load(name)
    assert lab.key is not None
    sealed = seal(name, read_questions(lab.starter), reference(name))
    assert lab.key.read_text(encoding="ascii") == sealed


@pytest.mark.parametrize("name", QUIZZES)
def test_nothing_that_students_get_tells_the_key_to_a_reader(name: str) -> None:
    folder = ROOT / "assignments" / name
    entries = json.loads((folder / "key.sealed").read_bytes())["questions"]
    raw = [base64.b64decode(text) for entry in entries.values() for text in entry.values()]
    assert {len(content) for content in raw} == {BLOCK}
    shipped = b"".join(path.read_bytes() for path in folder.glob("*") if path.is_file())
    shipped += b"".join(path.read_bytes() for path in folder.glob("checks/*.py"))
    for entry in reference(name).values():
        for why in entry["why"].values():  # type: ignore[attr-defined]
            assert why.encode() not in shipped + b"".join(raw)
    assert b'"right"' not in b"".join(raw)


def test_a_question_changed_after_sealing_is_the_labs_fault(course: Course, tmp_path: Path) -> None:
    starter = course.folder / "assignments/quiz01/starter.toml"
    starter.write_text(starter.read_text(encoding="utf-8").replace("on the disk", "in memory"))
    with pytest.raises(LabError) as caught:
        judged(course.load("quiz01"), tmp_path, {"q2": '"d"'})
    assert "seal_key.py" in caught.value.hint


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema": "grader.key/1"}', "[" * 100_000])
def test_a_damaged_key_is_the_labs_fault(course: Course, tmp_path: Path, content: str) -> None:
    (course.folder / "assignments/quiz01/key.sealed").write_text(content)
    with pytest.raises(LabError):
        judged(course.load("quiz01"), tmp_path, {"q1": '"b"'})


def test_a_course_without_the_key_marks_nothing_and_says_so(course: Course, tmp_path: Path) -> None:
    (course.folder / "assignments/quiz01/key.sealed").unlink()
    graded = judged(course.load("quiz01"), tmp_path, {"q1": '"b"', "q2": '"e"'})
    checks = by_id(graded)
    assert checks["q1"].outcome is Outcome.SKIPPED
    assert "marked when it is handed in" in (checks["q1"].observed or "")
    assert checks["q2"].outcome is Outcome.FAILED
    assert graded.exhibits.waiting == ("q1",)


# ------------------------------------------------------------------- marks by a person


def mark(course: Course, graded: Graded, text: str, name: str = "alice") -> None:
    folder = course.folder / "marks/viva"
    folder.mkdir(parents=True, exist_ok=True)
    head = f'lab = "viva"\nsha256 = "{graded.result.sha256}"\n'
    (folder / f"{name}.toml").write_text(head + text)


@pytest.fixture
def written(tmp_path: Path) -> str:
    return '[q1]\nanswer = "It makes a row."\n[q2]\nanswer = """\nProbabilities.\n"""\n'


def test_without_marks_a_viva_tells_what_is_answered_and_marks_nothing(
    course: Course, tmp_path: Path, written: str
) -> None:
    graded = judged(course.load("viva"), tmp_path, written)
    assert graded.result.status == "graded"
    assert graded.result.score == 0
    assert graded.result.reason == (
        "2 of 22 questions are answered. A person marks them; nothing is marked yet."
    )
    assert {check.outcome for check in graded.result.checks} == {Outcome.SKIPPED}
    assert graded.exhibits.unmarked
    assert graded.exhibits.waiting == ("q1", "q2")
    assert by_id(graded)["q1"].observed == "answered; it waits for a person's mark"
    assert by_id(graded)["q3"].observed == "not answered yet"


def test_a_persons_marks_set_the_points_also_where_nothing_is_written(
    course: Course, tmp_path: Path, written: str
) -> None:
    first = judged(course.load("viva"), tmp_path, written)
    mark(course, first, '[q1]\npoints = 1\n[q2]\npoints = 0.75\ncomment = "And?"\n[q7]\npoints=0.5')
    graded = judged(course.load("viva"), tmp_path, written)
    checks = by_id(graded)
    assert graded.result.score == 2.25
    assert [checks[id].outcome for id in ("q1", "q2", "q7")] == ["passed", "failed", "passed"]
    assert (checks["q2"].points, checks["q2"].why) == (0.75, "And?")
    assert graded.result.reason == "19 of 22 questions have no mark yet."
    assert not graded.exhibits.unmarked


def test_marks_for_other_answers_do_not_count(course: Course, tmp_path: Path, written: str) -> None:
    first = judged(course.load("viva"), tmp_path, written)
    mark(course, first, "[q1]\npoints = 1\n")
    assert judged(course.load("viva"), tmp_path, written + "[q3]\nanswer='x'").result.score == 0


def test_a_student_cannot_hand_in_marks(course: Course, tmp_path: Path, written: str) -> None:
    first = judged(course.load("viva"), tmp_path, written)
    marks = f'lab = "viva"\nsha256 = "{first.result.sha256}"\n[q1]\npoints = 1\n'
    for name in ("marks.toml", "marks/viva/alice.toml", "reference/viva.toml"):
        (tmp_path / "alice" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "alice" / name).write_text(marks)
    (tmp_path / "alice/answers.toml").write_text(written + "[q1.marks]\npoints = 1\n")
    lab = course.load("viva")
    folder = read(tmp_path / "alice", lab_id="viva", kind=lab.kind)
    assert grade(lab, folder, None, hidden=True).result.score == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[q1]\npoints = 2", "points are a number from 0 to 1"),
        ("[q1]\npoints = -0.5", "from 0 to 1"),
        ("[q1]\npoints = nan", "from 0 to 1"),
        ("[q1]\npoints = true", "from 0 to 1"),
        ('[q1]\npoints = "1"', "from 0 to 1"),
        ("[q1]\npoint = 1", "nothing else"),
        ("[q99]\npoints = 1", "has no “q99”"),
        ("[q1]\ncomment = 3", "no text"),
        ("[q1", "not valid TOML"),
    ],
)
def test_a_faulty_file_of_marks_is_named(
    course: Course, tmp_path: Path, written: str, text: str, said: str
) -> None:
    mark(course, judged(course.load("viva"), tmp_path, written), text)
    with pytest.raises(LabError, match=r"alice\.toml") as caught:
        find_marks(course.load("viva"), "any")
    assert said in caught.value.message


def test_two_different_marks_for_the_same_answers_are_a_fault(
    course: Course, tmp_path: Path, written: str
) -> None:
    first = judged(course.load("viva"), tmp_path, written)
    mark(course, first, "[q1]\npoints = 1")
    mark(course, first, "[q1]\npoints = 0", "bob")
    with pytest.raises(LabError, match="differently"):
        judged(course.load("viva"), tmp_path, written)


def form_for(lab: Lab, folder: Path, answer: str) -> str:
    file = folder / "answers.toml"
    quoted = json.dumps(answer, ensure_ascii=False).replace("\x7f", "\\u007f")
    file.write_text(f"[q1]\nanswer = {quoted}\n", encoding="utf-8")
    return marking_form(Sheet(lab, read(file, lab_id="viva", kind="answers")), reference("viva"))


def test_a_form_to_mark_with_shows_answer_and_key_points_and_gives_no_points(
    tmp_path: Path,
) -> None:
    form = form_for(Course(ROOT).load("viva"), tmp_path, "It lays rows end to end: 784 values.")
    assert "# > It lays rows end to end: 784 values." in form
    assert "# [x] each picture becomes one row" in form
    assert "# [ ] nothing is learned" in form
    entries = tomllib.loads(form)
    assert [entry for entry in entries.values() if entry and not isinstance(entry, str)] == []


PROBES = ["\n", "\r", "\u2028", "\x85", "[q1]", "points = 1", '"', "#", " ", "784", "\x1b", "x"]


@given(st.lists(st.sampled_from(PROBES)).map("".join) | st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_answer_writes_points_into_the_form(
    tmp_path_factory: pytest.TempPathFactory, answer: str
) -> None:
    try:
        answer.encode()
    except UnicodeEncodeError:
        return
    folder = tmp_path_factory.getbasetemp()
    entries = tomllib.loads(form_for(VIVA, folder, answer))
    assert all(isinstance(entry, str) or entry == {} for entry in entries.values())
    assert len(entries) == 24


def test_every_question_of_the_viva_has_key_points_and_a_model_answer() -> None:
    questions = read_questions(Course(ROOT).load("viva").starter)
    entries = reference("viva")
    assert list(entries) == list(questions)
    for entry in entries.values():
        assert len(entry["answer"]) > 40
        assert len(entry["key_points"]) >= 2


# ------------------------------------------------------------------- on the command line

Run = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `grade` in an empty folder; give exit code, stdout and stderr."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["--course", str(ROOT), *arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


def test_a_student_starts_fills_in_and_checks(run: Run) -> None:
    code, out, _ = run("start", "quiz01")
    assert code == 0
    assert "Wrote answers.toml" in out
    assert run("start", "quiz02")[0] == 2
    file = Path("answers.toml")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('answer = ""', 'answer = "b"', 2), encoding="utf-8")
    code, out, _ = run("check", "quiz01")
    assert code == 1
    assert "2 of 20 points" in out
    assert "you chose b: Because Keras refuses whole numbers" in " ".join(out.split())
    assert "Open: not answered yet" in out
    shutil.copy(ROOT / "reference/quiz01.toml", "answers.toml")
    assert run("check", "quiz01")[0] == 0


def test_answers_to_the_other_quiz_are_rejected_with_the_reason(run: Run) -> None:
    run("start", "quiz01")
    code, out, _ = run("check", "quiz02", "--json")
    result = json.loads(out)
    assert (code, result["status"], result["max_score"]) == (1, "rejected", 20)
    assert "“quiz01”, not to “quiz02”" in result["reason"]


def test_a_slip_in_the_file_is_rejected_with_its_line(run: Run) -> None:
    Path("answers.toml").write_text("[q1]\nanswer = b\n")
    code, out, _ = run("check", "quiz01", "--html", "r.html")
    assert code == 1
    assert "line 2 is not valid TOML" in " ".join(out.split())
    assert "notebook" not in out + Path("r.html").read_text(encoding="utf-8")


def test_without_a_file_there_is_nothing_to_grade(run: Run) -> None:
    Path("pyproject.toml").write_text("[project]")
    code, _, err = run("check", "quiz01")
    assert code == 5
    assert "answers.toml" in err


def test_the_reports_of_a_viva_show_no_score_before_it_is_marked(run: Run) -> None:
    run("start", "viva")
    code, out, _ = run("check", "viva", "--html", "r.html", "--junitxml", "r.xml")
    page = Path("r.html").read_text(encoding="utf-8")
    assert code == 1
    assert "Not marked yet" in out
    assert "0 of 20" not in out
    assert "Not marked yet" in page
    assert "score-words" not in page.split("<body>")[1]
    assert 'skipped="22"' in Path("r.xml").read_text(encoding="utf-8")


def test_the_page_of_a_quiz_explains_every_question_in_its_place(run: Run) -> None:
    run("start", "quiz01")
    file = Path("answers.toml")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('answer = ""', 'answer = "a"'), encoding="utf-8")
    run("check", "quiz01", "--html", "r.html")
    page = Path("r.html").read_text(encoding="utf-8")
    assert page.count("<details open>") == 10
    assert page.count("Your answer") == 10
    assert "mend first" not in page
    assert "Isolation" not in page


def script(name: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_staff_write_a_form_fill_it_in_and_the_marks_count(course: Course, tmp_path: Path) -> None:
    file = tmp_path / "course/in/alice/answers.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[q1]\nanswer = "A row."\n')
    assert "alice.toml" in script("marking_form.py", course.folder, "viva", str(file))
    form = course.folder / "marks/viva/alice.toml"
    assert "File exists" in script("marking_form.py", course.folder, "viva", str(file))
    form.write_text(form.read_text().replace("# points = 0  # to 1", "points = 1", 1))
    lab = course.load("viva")
    for path in (file, file.parent):
        submission = read(path, lab_id="viva", kind="answers")
        assert grade(lab, submission, None, hidden=True).result.score == 1


def test_staff_seal_a_changed_question_again(course: Course, tmp_path: Path) -> None:
    folder = course.folder / "assignments/quiz01"
    starter = folder / "starter.toml"
    text = starter.read_text(encoding="utf-8").replace("on the disk", "in memory")
    starter.write_text(text, encoding="utf-8")
    assert "key.sealed" in script("seal_key.py", course.folder, "quiz01")
    assert judged(course.load("quiz01"), tmp_path, {"q2": '"d"'}).result.score == 2
    assert "No such file" in script("seal_key.py", course.folder, "quiz09")
