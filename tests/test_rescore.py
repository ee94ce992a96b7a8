"""A new rubric or message for a class that is graded: the same files, and nothing is run."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader import catalogue, cli
from grader.batch.files import Out
from grader.batch.state import taken
from tests.classes import content, graded_class, run, verdicts

PARTLY = "def double(x):\n    return x\n\ndef half(x):\n    return x\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course, a class with every kind of verdict, and its OUT."""
    return graded_class(tmp_path_factory.mktemp("rescore"), partly=PARTLY)


@pytest.fixture
def copy(here: Path, tmp_path: Path) -> Path:
    """All of it, to be changed by a test."""
    return shutil.copytree(here, tmp_path, dirs_exist_ok=True, symlinks=True)


def rescore(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code, and all that is said."""
    capsys.readouterr()
    code = cli.run(["rescore", str(folder / "out"), "--course", str(folder / "course")])
    said = capsys.readouterr()
    return code, said.out + said.err


def change(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def new_rubric(folder: Path) -> None:
    """Double is worth 7, half is worth 2: 12 in all."""
    change(
        folder / "course/rubrics/numbers.toml",
        ("points = 4", "points = 7"),
        ("points = 3", "points = 2"),
        ("total = 10", "total = 12"),
    )


def new_titles(folder: Path) -> None:
    change(
        folder / "course/assignments/numbers/checks/test_numbers.py",
        ("double(x) is twice x.", "double(x)\n    doubles."),
        ("half(x) is half of x.", "half(x) halves."),
    )


def texts(files: dict[str, Any]) -> dict[str, Any]:
    """The files that a lecturer or a student reads."""
    return {name: data for name, data in files.items() if name != "gradebook.db"}


def test_a_new_rubric_and_new_titles_give_the_files_that_grading_anew_gives(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_rubric(copy)
    new_titles(copy)
    code, said = rescore(copy, capsys)
    assert code == 0, said
    assert "alice: 10 of 10 → 12 of 12 (+2): rubric changed" in said
    assert "partly: 1.5 of 10 → 1 of 12 (-0.5): rubric changed" in said
    assert "(+0)" not in said
    after = content(copy / "out")
    assert run(copy / "course", copy / "class", copy / "out", "--fresh")[0] == 0
    assert texts(content(copy / "out")) == texts(after)
    skipped = verdicts(copy / "out")["partly"]["checks"][2]
    assert skipped["observed"] == "not checked yet: it needs “half(x) halves.”"


def test_a_later_batch_goes_on_without_grading_anything_again(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_rubric(copy)
    code, _, errors = run(copy / "course", copy / "class", copy / "out")
    assert code == 2
    assert "“grade rescore" in errors
    assert rescore(copy, capsys)[0] == 0
    before = content(copy / "out")
    code, said, _ = run(copy / "course", copy / "class", copy / "out")
    assert (code, "9 of them kept" in said) == (0, True)
    assert content(copy / "out") == before


def test_a_second_rescoring_changes_nothing_and_a_rubric_put_back_puts_all_back(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rubric = copy / "course/rubrics/numbers.toml"
    old, before = rubric.read_text(), content(copy / "out")
    new_rubric(copy)
    assert rescore(copy, capsys)[0] == 0
    after = content(copy / "out")
    code, said = rescore(copy, capsys)
    assert (code, content(copy / "out")) == (0, after)
    assert "10 submissions, 0 marks changed, 0 written anew" in said
    rubric.write_text(old)
    assert "partly: 1 of 12 → 1.5 of 10 (+0.5)" in rescore(copy, capsys)[1]
    assert texts(content(copy / "out")) == texts(before)


def test_a_message_of_the_catalogue_is_replaced_and_a_check_s_own_words_are_not(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = catalogue.get("no-scaling")
    words = (("why = ", "NEW "), ("next = ", "DO "), ("hints = [\n    ", "TRY "))
    source = catalogue.FILE.read_text(encoding="utf-8")
    begin = source.index("[no-scaling]")
    head, own = source[:begin], source[begin:]
    for key, word in words:
        own = own.replace(f'{key}"', f'{key}"{word}', 1)
    changed = copy / "misconceptions.toml"
    changed.write_text(head + own)
    before = verdicts(copy / "out")["partly"]["checks"]
    monkeypatch.setattr(catalogue, "FILE", changed)
    catalogue.load.cache_clear()
    try:
        code, said = rescore(copy, capsys)
    finally:
        monkeypatch.undo()
        catalogue.load.cache_clear()
    assert (code, "0 marks changed" in said) == (0, True)
    result = verdicts(copy / "out")["partly"]
    double, half, *_ = result["checks"]
    assert double["why"] == f"NEW {entry.why}"
    assert double["next"] == f"DO {entry.next}"
    assert (half["why"], half["next"]) == (before[1]["why"], before[1]["next"])
    assert [finding["message"] for finding in result["findings"]] == [f"NEW {entry.why}"]
    page = (copy / "out/reports/partly.html").read_text()
    assert "NEW" in page
    evidence = json.loads((copy / "out/evidence/partly.json").read_text())
    assert evidence["exhibits"]["hints"]["no-scaling"][0].startswith("TRY ")
    assert (
        evidence["evidence"]
        == json.loads((copy / "out/evidence/partly.json").read_text())["evidence"]
    )


def test_a_check_that_is_taken_out_takes_its_points_along(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = copy / "course/assignments/numbers/checks/test_numbers.py"
    begin = checks.read_text().index('@pytest.mark.needs("half_halves")')
    checks.write_text(checks.read_text()[:begin])
    change(
        copy / "course/rubrics/numbers.toml",
        ('[[check]]\nid = "half_of_many"\npoints = 1\n', ""),
        ("total = 10", "total = 9"),
    )
    code, said = rescore(copy, capsys)
    assert code == 0, said
    alice = verdicts(copy / "out")["alice"]
    assert (alice["score"], alice["max_score"], len(alice["checks"])) == (9, 9, 3)
    assert "half_of_many" not in (copy / "out/grades.csv").read_text()
    assert run(copy / "course", copy / "class", copy / "out")[1].count("kept from before") == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            "assignments/numbers/checks/test_numbers.py",
            "def test_half_of_many",
            'def test_new(student):\n    """New."""\n\n\ndef test_half_of_many',
            "the check new is new and was never run",
        ),
        (
            "assignments/numbers/checks/test_numbers.py",
            "np.arange(4.0)",
            "np.arange(5.0)",
            "the code of the check half_of_many changed",
        ),
        ("assignments/numbers/lab.toml", "run_seconds = 5", "run_seconds = 6", "lab.toml changed"),
        (
            "assignments/numbers/checks/test_numbers_hidden.py",
            "import numpy as np",
            "import numpy as np\nSIZE = 5",
            "checks/test_numbers_hidden.py changed",
        ),
    ],
)
def test_what_only_running_can_tell_is_named_with_the_command_and_nothing_is_written(
    copy: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, words: str
) -> None:
    change(copy / "course" / file, (old, new))
    if "new is new" in words:
        change(
            copy / "course/rubrics/numbers.toml",
            ("total = 10", 'total = 11\n\n[[check]]\nid = "new"\npoints = 1'),
        )
    before = content(copy / "out")
    code, said = rescore(copy, capsys)
    assert (code, content(copy / "out")) == (2, before)
    assert words in said
    assert f"grade batch numbers FOLDER -o {copy / 'out'} --fresh" in said


def test_a_course_without_its_hidden_checks_is_not_taken_for_a_new_rubric(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "course/assignments/numbers/checks/test_numbers_hidden.py").unlink()
    before = content(copy / "out")
    code, said = rescore(copy, capsys)
    assert (code, content(copy / "out")) == (2, before)
    assert "the check hidden_double is not in this course" in said
    assert "--course" in said


def test_a_submission_whose_evidence_is_damaged_is_named_and_alone_is_graded_anew(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_rubric(copy)
    (copy / "out/evidence/alice.json").write_text("{")
    code, said = rescore(copy, capsys)
    assert code == 3
    assert "To be graded anew: alice (its evidence is damaged" in said
    assert verdicts(copy / "out")["alice"]["max_score"] == 10
    code, said, _ = run(copy / "course", copy / "class", copy / "out")
    assert (code, "8 of them kept" in said) == (0, True)
    assert verdicts(copy / "out")["alice"]["score"] == 12


def killed_half_way(folder: Path) -> None:
    """Kill a rescoring with -9 when it has written some results and not yet all."""
    out = folder / "out"
    program = (
        "import os, signal\nfrom grader import cli\nimport grader.gradebook.rescore as module\n"
        "one, done = module._rescore_one, []\n"
        "def killing(*words):\n    done.append(one(*words))\n"
        "    len(done) == 5 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "module._rescore_one = killing\n"
        f"cli.run(['rescore', {str(out)!r}, '--course', {str(folder / 'course')!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL


def test_killed_half_way_it_goes_on_and_still_tells_of_every_change(
    copy: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    new_rubric(copy)
    whole = shutil.copytree(copy, tmp_path / "whole", symlinks=True)
    code, told = rescore(whole, capsys)
    assert code == 0
    killed_half_way(copy)
    code, _, errors = run(copy / "course", copy / "class", copy / "out")
    assert code == 2
    assert "did not come to its end" in errors
    assert cli.run(["export", str(copy / "out"), "--to", "csv"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "did not come to its end" in captured.err
    code, said = rescore(copy, capsys)
    assert code == 0
    changes = [line for line in told.splitlines() if " → " in line]
    assert len(changes) == 10
    assert [line for line in said.splitlines() if " → " in line] == changes
    assert content(copy / "out") == content(whole / "out")


def test_killed_half_way_no_marks_by_two_rubrics_are_exported(
    copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    new_rubric(copy)
    killed_half_way(copy)
    capfd.readouterr()
    assert cli.run(["export", str(copy / "out"), "--to", "csv"]) == 2
    said = capfd.readouterr()
    assert (said.out, "did not come to its end" in said.err) == ("", True)


def test_killed_half_way_grading_everything_anew_is_a_way_out_too(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_rubric(copy)
    killed_half_way(copy)
    assert run(copy / "course", copy / "class", copy / "out", "--fresh")[0] == 0
    assert verdicts(copy / "out")["alice"]["score"] == 12
    history = content(copy / "out")["gradebook.db"]["history"]
    alice = [(row["score"], row["why"]) for row in history if row["submission"] == "alice"]
    assert alice == [(10, "rubric changed")]


def test_a_folder_without_a_batch_or_one_in_use_is_refused(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = ["--course", str(copy / "course")]
    for folder in ("class", "absent"):
        assert cli.run(["rescore", str(copy / folder), *course]) == 2
        assert "holds no batch" in capsys.readouterr().err
    with taken(Out(copy / "out")):
        assert rescore(copy, capsys) == (
            2,
            f"Error: Another batch is writing to {copy / 'out'}.\n"
            "Hint: Wait for it to end, or name another folder with -o.\n",
        )


def test_results_of_a_grader_that_kept_too_little_are_refused(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = copy / "out/.grader/batch.json"
    stamp = json.loads(state.read_text())
    del stamp["parts"]
    state.write_text(json.dumps(stamp))
    new_rubric(copy)
    code, said = rescore(copy, capsys)
    assert code == 2
    assert "did not keep what rescoring needs" in said
