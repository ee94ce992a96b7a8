"""A whole class, graded for real: what is written, what is kept, and what nobody can disturb."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import grader.sandbox
from grader import cli
from grader.batch.files import Out
from grader.batch.finding import find_class
from grader.batch.layouts import Handed
from grader.batch.pool import Pool
from grader.batch.run import Batch, Tally, run_batch
from grader.batch.state import opened, stamp_of
from grader.batch.task import Plan, Task, Told
from grader.cli.batch import _watching
from grader.grading import grade, versions
from grader.report.html import render_html
from grader.sandbox import usage
from grader.submissions import read
from tests.classes import (
    NAMES,
    content,
    course_and_class,
    gone,
    run,
    start,
    verdict,
    verdicts,
)
from tests.courses import RIGHT, load
from tests.sessions import sandbox

GRADED = {"alice", "several", "bob~2", "killer", "new\\u000aline", *NAMES[:2]}
COLUMNS = "id,status,reason,limit,score,max_score,root_cause,graded_accuracy,sha256,path".split(",")
CHECKS = ["double_doubles", "half_halves", "half_of_many", "hidden_double"]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with course, class, and the OUT of a batch that nothing disturbed."""
    folder = tmp_path_factory.mktemp("batch")
    course, handed = course_and_class(folder)
    code, said, errors = run(course, handed, folder / "out", "--jobs", "2")
    (folder / "said").write_text(said)
    (folder / "errors").write_text(errors)
    assert code == 0, errors
    return folder


@pytest.fixture(scope="module")
def small(here: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, a class of two, and the OUT of it."""
    folder = tmp_path_factory.mktemp("small")
    shutil.copytree(here / "course", folder / "course")
    (folder / "class").mkdir()
    for name in ("ann", "ben"):
        (folder / "class" / f"{name}.py").write_text(RIGHT)
    code, _, errors = go(folder)
    assert code == 0, errors
    return folder


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    """The small class with its course and OUT, to be changed by a test."""
    return shutil.copytree(small, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def ungraded(copy: Path) -> Path:
    """The small class before anything is graded."""
    shutil.rmtree(copy / "out")
    return copy


def go(folder: Path, *more: str) -> tuple[int, str, str]:
    return run(folder / "course", folder / "class", folder / "out", "--jobs", "1", *more)


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_every_submission_has_its_three_files_and_a_row(here: Path) -> None:
    found = verdicts(here / "out")
    assert {name for name, result in found.items() if result["status"] == "graded"} == GRADED
    assert {name for name, result in found.items() if result["status"] == "rejected"} == {
        "bob",
        "linked",
    }
    names = {path.stem for path in (here / "out/results").iterdir()}
    assert names == {path.stem for path in (here / "out/evidence").iterdir()}
    assert names == {path.stem for path in (here / "out/reports").iterdir()}
    assert len(rows(here / "out")) == len(names) == 9


def test_the_path_names_the_file_that_was_taken(here: Path) -> None:
    paths = {name: result["submission"]["path"] for name, result in verdicts(here / "out").items()}
    assert paths["alice"] == "alice/numbers.py"
    assert paths["several"] == "several/work2.py"
    assert paths["bob~2"] == "bob.py"
    assert paths["linked"] == "linked.py"


def test_each_verdict_and_report_is_that_of_grading_it_alone(here: Path) -> None:
    lab = load(here / "course")
    for name, result in verdicts(here / "out").items():
        if result["status"] == "graded":
            path = here / "class" / result["submission"]["path"].replace("\\u000a", "\n")
            handed = path.parent if name == "several" else path
            submission = read(
                handed, id=name, relative_to=here / "class", lab_id="numbers", settled=True
            )
            alone = grade(lab, submission, sandbox(), hidden=True)
            expected = alone.result.to_json()
            del expected["seconds"]
            assert json.loads(json.dumps(expected)) == result
            file = next(
                path for path in (here / "out/results").iterdir() if verdict(path) == result
            )
            page = (here / "out/reports" / f"{file.stem}.html").read_bytes()
            assert page == render_html(alone.result, alone.exhibits).encode()


def test_the_table_has_the_documented_columns_and_no_formula(here: Path) -> None:
    table = rows(here / "out")
    assert list(table["alice"]) == COLUMNS + CHECKS
    alice = table["alice"]
    assert [alice[check] for check in CHECKS] == ["4", "3", "1", "2"]
    assert (alice["score"], alice["max_score"]) == ("10", "10")
    assert table["bob"]["score"] == "0"
    assert "web page" in table["bob"]["reason"]
    assert table["bob"]["double_doubles"] == ""
    assert table["bob~2"]["root_cause"] == "no-scaling"
    assert table["killer"]["limit"] == "crash"
    assert "'=HYPERLINK(1)" in table
    assert NAMES[1] in table
    assert list(table) == [name.replace("=H", "'=H") for name in sorted(verdicts(here / "out"))]


def test_who_handed_in_nothing_and_what_is_doubtful_is_told(here: Path) -> None:
    said, page = (here / "said").read_text(), (here / "out/index.html").read_text()
    assert "7 graded, 2 rejected, 1 missing" in said
    assert "Points: median 10 of 10, mean 7.71, full marks 5 of 7" in said
    assert "Commonest mistakes: no-scaling (1)" in said
    assert "Nothing to grade from: empty" in said
    assert "second submission under one name: bob~2" in said
    assert "several: work2.py was taken; work1.py could have been meant too." in said
    assert "roster.xlsx" in (here / "errors").read_text()
    assert "10 of 10: 7 graded, 2 rejected, 1 missing" in (here / "errors").read_text()
    assert "work1.py could have been meant" in page
    assert ">empty</strong> Handed in nothing" in page
    assert 'href="reports/alice.html"' in page


def test_nothing_but_the_verdicts_seconds_tells_of_time(here: Path) -> None:
    for path in (here / "out/evidence").iterdir():
        assert '"seconds"' not in path.read_text()
    assert "seconds" not in (here / "out/grades.csv").read_text()


def test_the_same_command_again_keeps_everything(here: Path, tmp_path: Path) -> None:
    out = shutil.copytree(here / "out", tmp_path / "out")
    before = {path: path.read_bytes() for path in (out / "results").iterdir()}
    code, said, _ = run(here / "course", here / "class", out)
    assert code == 0
    assert "8 of them kept" in said
    assert content(out) == content(here / "out")
    again = [path.name for path, data in before.items() if path.read_bytes() != data]
    assert [name for name in again if not name.startswith("linked")] == []


def test_killed_three_times_it_comes_to_the_same_end(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for results in (1, 3, 5):
        batch = start(here / "course", here / "class", out, "--jobs", "2")
        while batch.poll() is None and len(list(out.glob("results/*.json"))) < results:
            time.sleep(0.01)
        batch.kill()
        batch.communicate()
        assert gone(batch)
    code, said, errors = run(here / "course", here / "class", out, "--jobs", "1")
    assert code == 0, errors
    assert "kept from before" in said
    assert content(out) == content(here / "out")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_done_and_says_how_to_go_on(
    here: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    batch = start(here / "course", here / "class", out, "--jobs", "2")
    while batch.poll() is None and not list(out.glob("results/*.json")):
        time.sleep(0.01)
    os.killpg(batch.pid, number)
    _, errors = batch.communicate(timeout=60)
    assert batch.returncode == 130
    assert gone(batch)
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    assert list(out.rglob("*.part")) == []
    done = verdicts(out)
    assert 0 < len(done) < 9
    assert {row.removeprefix("'") for row in rows(out)} == set(done)
    assert (out / "index.html").read_text().count('<th scope="row">') == len(done)
    assert run(here / "course", here / "class", out)[0] == 0
    assert content(out) == content(here / "out")


def test_a_changed_submission_is_graded_again_and_the_others_are_kept(copy: Path) -> None:
    (copy / "class/ben.py").write_text("x = 1\n")
    code, said, _ = go(copy)
    assert (code, "1 of them kept" in said) == (0, True)
    assert verdicts(copy / "out")["ben"]["score"] == 0


def test_what_is_invalid_or_incomplete_is_graded_again(copy: Path) -> None:
    before = content(copy / "out")
    ann = copy / "out/results/ann.json"
    ann.write_text(ann.read_text().replace('"status": "graded"', '"status": "invalid"'))
    (copy / "out/reports/ben.html").unlink()
    (copy / "out/results/.ben.json.part").write_text("{")
    code, said, _ = go(copy)
    assert (code, "kept" in said) == (0, False)
    after = content(copy / "out")
    former = after["gradebook.db"].pop("history")
    assert [(row["submission"], row["score"]) for row in former] == [("ann", 10)]
    del before["gradebook.db"]["history"]
    assert after == before


def test_results_of_somebody_who_is_not_in_the_folder_any_more_stay(copy: Path) -> None:
    (copy / "class/ben.py").unlink()
    code, said, _ = go(copy)
    assert (code, set(rows(copy / "out"))) == (0, {"ann", "ben"})
    assert "not in FOLDER; kept as they were: ben" in said


def test_two_ids_that_come_to_differ_in_case_alone_leave_no_file_behind(copy: Path) -> None:
    (copy / "class/Ann.py").write_text(RIGHT)
    assert go(copy)[0] == 0
    names = [path.stem for path in (copy / "out/results").iterdir()]
    assert len(names) == 3
    assert "ann" not in names
    assert set(rows(copy / "out")) == {"Ann", "ann", "ben"}


def test_an_out_of_another_lab_is_refused(copy: Path) -> None:
    labs = copy / "course/assignments"
    shutil.copytree(labs / "numbers", labs / "others")
    shutil.copy(copy / "course/rubrics/numbers.toml", copy / "course/rubrics/others.toml")
    before = content(copy / "out")
    arguments = ["batch", "others", str(copy / "class"), "-o", str(copy / "out"), "--fresh"]
    assert cli.run([*arguments, "--course", str(copy / "course")]) == 2
    assert content(copy / "out") == before


def test_an_out_of_other_checks_is_refused_until_all_is_graded_again(copy: Path) -> None:
    rubric = copy / "course/rubrics/numbers.toml"
    changed = rubric.read_text().replace("points = 4", "points = 5")
    rubric.write_text(changed.replace("total = 10", "total = 11"))
    before = content(copy / "out")
    code, _, errors = go(copy)
    assert (code, content(copy / "out")) == (2, before)
    assert "another version: the checks or the rubric of numbers" in errors
    assert "--fresh" in errors
    code, said, _ = go(copy, "--fresh")
    assert (code, "kept" in said) == (0, False)
    assert rows(copy / "out")["ann"]["score"] == "11"


def test_an_out_of_another_version_of_a_library_is_refused(copy: Path) -> None:
    state = copy / "out/.grader/batch.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "versions": {"grader": "0"}}))
    code, _, errors = go(copy)
    assert code == 2
    assert "grader 0 → " in errors


def test_a_folder_with_other_files_is_never_written_to(ungraded: Path) -> None:
    (ungraded / "out").mkdir()
    (ungraded / "out/index.html").write_text("mine")
    code, _, errors = go(ungraded)
    assert (code, content(ungraded / "out")) == (2, {"index.html": b"mine"})
    assert "other files" in errors


@pytest.mark.parametrize("out", ["/proc/out", "/dev/null", ""])
def test_an_out_that_cannot_be_written_is_a_wrong_use(ungraded: Path, out: str) -> None:
    arguments = ["batch", "numbers", str(ungraded / "class"), "-o", out]
    assert cli.run([*arguments, "--course", str(ungraded / "course")]) == 2


def test_two_batches_never_share_an_out(ungraded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = load(ungraded / "course")
    arguments = ["batch", "numbers", str(ungraded / "class"), "-o", str(ungraded / "out")]
    with opened(Out(ungraded / "out"), stamp_of(lab, versions()), fresh=False):
        assert cli.run([*arguments, "--course", str(ungraded / "course")]) == 2
    assert "Another batch is writing" in capsys.readouterr().err


def test_a_full_disk_is_said_so_and_nothing_is_lost(copy: Path) -> None:
    before = content(copy / "out")
    (copy / "class/new.py").write_text(RIGHT)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
    try:
        batch = start(copy / "course", copy / "class", copy / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    _, errors = batch.communicate(timeout=60)
    assert batch.returncode == 3
    assert "cannot be written: File too large" in errors
    assert "kept" in errors
    after = content(copy / "out")
    assert {name: after.get(name) for name in before if "results/" in name} == {
        name: data for name, data in before.items() if "results/" in name
    }
    assert "new" not in verdicts(copy / "out")
    assert go(copy)[0] == 0
    assert set(rows(copy / "out")) == {"ann", "ben", "new"}


def test_nothing_runs_in_a_weak_sandbox_unless_that_is_allowed(
    ungraded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weak = partial(grader.sandbox.open_sandbox, at_most="partial")
    arguments = ["batch", "numbers", str(ungraded / "class"), "-o", str(ungraded / "out")]
    arguments += ["--course", str(ungraded / "course")]
    with monkeypatch.context() as patch:
        patch.setattr(grader.sandbox, "open_sandbox", weak)
        assert cli.run(arguments) == 3
        assert "--allow-weak-sandbox" in capsys.readouterr().err
        assert not (ungraded / "out").exists()
        assert cli.run([*arguments, "--allow-weak-sandbox"]) == 0
    assert "Warning: isolation is only" in capsys.readouterr().err
    assert {result["isolation"] for result in verdicts(ungraded / "out").values()} == {"partial"}
    assert cli.run(arguments) == 0
    assert {result["isolation"] for result in verdicts(ungraded / "out").values()} == {"full"}


@pytest.fixture
def plan(ungraded: Path) -> Callable[..., Batch]:
    """A batch of the small class, to be run in this process."""

    def made(**more: Any) -> Batch:
        lab = load(ungraded / "course")
        return Batch(
            lab=lab,
            folder=ungraded / "class",
            findings=find_class(ungraded / "class", lab.id, lab.kind),
            out=Out(ungraded / "out"),
            stamp=stamp_of(lab, versions()),
            sandbox=sandbox(),
            **{"jobs": 1, **more},
        )

    return made


@pytest.fixture
def kill() -> Iterator[Callable[[int], list[int]]]:
    """Kills so many grading processes, each while a submission runs in it."""
    killed: list[int] = []
    over = threading.Event()

    def strike(times: int) -> None:
        while len(killed) < times and not over.is_set():
            for child in multiprocessing.active_children():
                if child.pid and child.pid not in killed and len(usage.family(child.pid)) > 1:
                    killed.append(child.pid)
                    os.kill(child.pid, signal.SIGKILL)
            time.sleep(0.02)

    threads: list[threading.Thread] = []

    def begin(times: int) -> list[int]:
        threads.append(threading.Thread(target=strike, args=(times,)))
        threads[0].start()
        return killed

    yield begin
    over.set()
    threads[0].join()


@pytest.mark.parametrize(("times", "status"), [(1, "graded"), (2, "invalid")])
def test_a_grading_process_that_dies_is_replaced_and_takes_no_other_along(
    plan: Callable[..., Batch],
    ungraded: Path,
    kill: Callable[[int], list[int]],
    times: int,
    status: str,
) -> None:
    killed = kill(times)
    tally = run_batch(plan(), lambda _tally: None)
    assert len(killed) == times
    found = verdicts(ungraded / "out")
    assert {name: result["status"] for name, result in found.items()} == {
        "ann": status,
        "ben": "graded",
    }
    assert tally.statuses["invalid"] == (status == "invalid")
    row = rows(ungraded / "out")["ann"]
    assert row["score"] == ("" if status == "invalid" else "10")
    assert (ungraded / "out/reports/ann.html").is_file()
    assert multiprocessing.active_children() == []


def test_a_grading_that_hangs_is_ended_and_given_up(
    plan: Callable[..., Batch], ungraded: Path
) -> None:
    (ungraded / "class/ann.py").write_text("while True:\n    pass\n")
    batch = plan()
    given_up: list[str] = []

    def give_up(task: Task) -> Told:
        given_up.append(task.id)
        return Told(task.id, "invalid")

    for place in batch.out.folders:
        place.mkdir(parents=True)
    everything = Plan(ungraded / "course", batch.folder, batch.out, batch.stamp, batch.sandbox)
    pool = Pool(everything, jobs=1, patience=2.5, give_up=give_up)
    try:
        told = list(pool.run(iter([Task(Handed("ann", "ann.py"), "ann")])))
    finally:
        pool.stop()
    assert given_up == ["ann"]
    assert [(one.id, one.status) for one in told] == [("ann", "invalid")]
    assert multiprocessing.active_children() == []


def test_a_faulty_lab_ends_it_with_the_file_at_fault(ungraded: Path) -> None:
    checks = ungraded / "course/assignments/numbers/checks/test_numbers.py"
    checks.write_text(checks.read_text().replace("expect_array(student.double", "nonsense(student"))
    for name in ("carl", "dora", "emil"):
        (ungraded / "class" / f"{name}.py").write_text(RIGHT)
    code, _, errors = go(ungraded)
    assert code == 4
    assert "test_numbers.py" in errors
    assert 0 < len(verdicts(ungraded / "out")) < 5
    assert {result["status"] for result in verdicts(ungraded / "out").values()} == {"invalid"}


def test_a_course_as_students_have_it_is_told_from_the_staffs(
    ungraded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ungraded / "course/assignments/numbers/checks/test_numbers_hidden.py").unlink()
    (ungraded / "class/ann.py").write_text("<html>")
    arguments = ["batch", "numbers", str(ungraded / "class"), "-o", str(ungraded / "out")]
    assert cli.run([*arguments, "--course", str(ungraded / "course"), "--jobs", "1"]) == 0
    assert "only 8 of 10 points" in capsys.readouterr().err
    assert {row["max_score"] for row in rows(ungraded / "out").values()} == {"8"}


def test_answers_are_graded_without_a_sandbox(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parent.parent
    handed = tmp_path / "class/ada"
    handed.mkdir(parents=True)
    shutil.copy(root / "assignments/quiz01/starter.toml", handed / "answers.toml")
    arguments = ["batch", "quiz01", str(tmp_path / "class"), "-o", str(tmp_path / "out")]
    assert cli.run([*arguments, "--course", str(root)]) == 0
    result = verdict(tmp_path / "out/results/ada.json")
    assert (result["status"], result["isolation"]) == ("graded", "full")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["numbers", "class"], 2),
        (["numbers", "class", "-o", "out", "--jobs", "0"], 2),
        (["numbers", "class", "-o", "out", "--layout", "other"], 2),
        (["nombers", "class", "-o", "out"], 2),
        (["numbers", "", "-o", "out"], 2),
        (["numbers", "absent", "-o", "out"], 5),
        (["numbers", "nothing", "-o", "out"], 5),
    ],
)
def test_a_wrong_use_writes_nothing(
    ungraded: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
) -> None:
    (ungraded / "nothing").mkdir()
    monkeypatch.chdir(ungraded)
    assert cli.run(["batch", *arguments, "--course", "course"]) == code
    assert not (ungraded / "out").exists()


def test_a_tally_counts_each_submission_once(plan: Callable[..., Batch]) -> None:
    seen: list[int] = []

    def watch(tally: Tally) -> None:
        seen.append(tally.done)

    tally = run_batch(replace(plan(), jobs=2), watch)
    assert seen == [0, 1, 2]
    assert (tally.total, tally.kept, tally.graded_now) == (2, 0, 2)


def test_a_terminal_that_shows_no_bar_is_told_in_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    tally = Tally(total=2, graded_now=2)
    tally.statuses["graded"] = 2
    with _watching() as show:
        show(tally)
    assert capsys.readouterr().err.startswith("2 of 2: 2 graded, ")
