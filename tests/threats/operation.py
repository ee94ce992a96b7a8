"""Threats 84 and 88 to 90: a class with hostile names, a grader that is killed, faults of ours."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import SubmissionError
from grader.grading import grade, rejected
from grader.records.submission import Cell, Submission
from grader.sandbox import Sandbox
from grader.sandbox.command import Way as Bubblewrap
from grader.submissions import read, unreadable
from tests import classes
from tests.threats import exhausting, fooling, forging, handed_in, odd_files, spying
from tests.threats.bench import OnlyWarm
from tests.threats.case import HONEST, Case, Way
from tests.threats.course import CANARY
from tests.threats.inert import assert_inert

if TYPE_CHECKING:
    from tests.threats.bench import Bench

NAMES = ("=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "'quoted", '"; DROP', "a,b;c")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
FEW, MANY = 3, 8
"""So many submissions are started cold, and so many forked from a warm server."""
WRONG = "def scale(x):\n    return x\n\ndef total(x):\n    return sum(x)\n"


def words(bench: Bench, handed: Path, out: Path, *more: str, lab: str = "plain") -> list[str]:
    """The command that grades a class of one of the course's labs."""
    made = classes.command(bench.around.course, handed, out, *more)
    return [word if word != "numbers" else lab for word in made]


@contextmanager
def places(bench: Bench) -> Iterator[tuple[Path, Path]]:
    """Folders for a class and for OUT."""
    folder = bench.around.folder / "operation"
    (folder / "class").mkdir(parents=True)
    try:
        yield folder / "class", folder
    finally:
        shutil.rmtree(folder)


def start(command: list[str]) -> subprocess.Popen[str]:
    """Start a batch in a session of its own."""
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(command: list[str], code: int = 0) -> str:
    """Run a batch to its end; what it said on standard error."""
    batch = start(command)
    _, errors = batch.communicate(timeout=300)
    assert batch.returncode == code, errors
    assert "Traceback" not in errors
    assert not CANARY.search(errors)
    return errors


def hostile_names(bench: Bench, way: Way) -> str:
    """A table in which no cell begins a formula, and from which each name can be had again."""
    with places(bench) as (handed, folder):
        for number, name in enumerate(NAMES[: FEW if way == "cold" else None]):
            (handed / f"{name}.py").write_text(HONEST if number % 2 else WRONG)
        finish(words(bench, handed, folder / "out", "--jobs", "2"))
        with (folder / "out/grades.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    assert len(rows) > FEW
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(FORMULA) or cell.replace("-", "", 1).replace(".", "").isdigit()
    assert {row[0] for row in rows if row[0].startswith("'")}
    return "CONTAINED"


def killed_and_resumed(bench: Bench, way: Way) -> str:
    """Interrupted, killed and gone on with, a batch leaves no orphan and comes to the same end."""
    with places(bench) as (handed, folder):
        for number in range(FEW if way == "cold" else MANY):
            slow = f"import time\ntime.sleep({0.2 + number % 2 / 5})\n"
            (handed / f"student-{number}.py").write_text(slow + (HONEST, WRONG)[number % 2])
        finish(words(bench, handed, folder / "clean", "--jobs", "2"))
        clean, out = classes.content(folder / "clean"), folder / "out"
        for number in (signal.SIGKILL, signal.SIGINT):
            before = len(list(out.glob("results/*.json")))
            batch = start(words(bench, handed, out, "--jobs", "1"))
            while batch.poll() is None and len(list(out.glob("results/*.json"))) <= before:
                time.sleep(0.01)
            os.kill(batch.pid, number)
            batch.communicate(timeout=60)
            assert classes.gone(batch)
        finish(words(bench, handed, out, "--jobs", "2"))
        assert classes.content(out) == clean
    return "CONTAINED"


def launch_fails(bench: Bench, way: Way) -> str:
    """A sandbox that does not start, or a server that is gone, is our fault and costs no points."""
    lab = bench.lab("plain")
    work = Submission("student", "student.py", "", "module", (Cell(1, HONEST),))
    works = bench.sandbox(lab, way)
    if isinstance(works, OnlyWarm):
        lost = tuple(replace(one, socket=f"{one.socket}-gone") for one in works.warm)
        graded = grade(lab, work, replace(works, warm=lost), hidden=True)
        # `Sandbox` itself does without the server.
        cold = Sandbox("full", way=works.way, warm=lost)
        assert grade(lab, work, cold, hidden=True).result.score == 10
    else:
        graded = grade(lab, work, Sandbox("full", way=Bubblewrap("/bin/false")), hidden=True)
    assert graded.result.status == "invalid"
    assert graded.result.reason
    assert graded.result.checks == ()
    return "INFRA"


def disk_full(bench: Bench, way: Way) -> str:
    """Where nothing more can be written, what is done is kept and the rest is graded later."""
    with places(bench) as (handed, folder):
        for number in range(FEW if way == "cold" else MANY):
            (handed / f"student-{number}.py").write_text((HONEST, WRONG)[number % 2])
        out = folder / "out"
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
        try:
            batch = start(words(bench, handed, out, "--jobs", "1"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        _, errors = batch.communicate(timeout=120)
        assert batch.returncode == 3
        assert "cannot be written" in errors
        assert "Traceback" not in errors
        assert not list(out.glob("results/*.json"))
        finish(words(bench, handed, out))
        found = classes.verdicts(out)
        assert {one["status"] for one in found.values()} == {"graded"}
        assert {one["score"] for one in found.values()} == {10, 3}
    return "INFRA"


def thirty_hostile() -> list[Case]:
    """Thirty attacks on the lab `plain`: of each kind, and some that run into the time limit."""
    families = (forging, fooling, spying, odd_files, exhausting, handed_in)
    every = (case for family in families for case in family.CASES)
    able = [case for case in every if case.lab == "plain" and not case.trial]
    slow = [case for case in able if "TLE" in case.verdict][:3]
    quick = [case for case in able if "TLE" not in case.verdict and case.number not in (37, 38)]
    return slow + quick[:: len(quick) // 27][:27]


def among_hostile(bench: Bench, way: Way) -> str:
    """Thirty honest submissions have the same results with thirty hostile ones beside them.

    A batch so large forks from a warm server; cold, each is graded by itself, in turns.
    """
    hostile = thirty_hostile()
    assert len(hostile) == 30
    class_of = _batch_of if way == "warm" else _one_by_one
    with places(bench) as (handed, folder):
        for number in range(30):
            # Each is a little different; every third one has a mistake.
            text = WRONG if number % 3 == 0 else HONEST
            (handed / f"{number:02}-honest.py").write_text(f"# student {number}\n{text}")
        clean = class_of(bench, handed, folder / "clean")
        for number, case in enumerate(hostile):
            own = handed / f"{number:02}-hostile"
            own.mkdir()
            _hand_in(bench, case, own)
        among = class_of(bench, handed, folder / "among")
    assert len(clean) >= 30
    assert {name: among[name] for name in clean} == clean
    assert len(among) >= 2 * len(clean)
    return "CONTAINED"


def _hand_in(bench: Bench, case: Case, folder: Path) -> None:
    if case.hand_in is None:
        (folder / "work.py").write_text(bench.told(case.program))
    else:
        case.hand_in(folder, bench.told(case.program))


def _batch_of(bench: Bench, handed: Path, out: Path) -> dict[str, Any]:
    """Results, evidence, reports and rows by what they are, from `grade batch`."""
    finish(words(bench, handed, out, "--jobs", "2"))
    verdicts = classes.verdicts(out)
    assert len(verdicts) == len(list(handed.iterdir()))
    assert {one["status"] for one in verdicts.values()} <= {"graded", "rejected"}
    assert not CANARY.search("".join(map(json.dumps, verdicts.values())))
    found = {
        name: data
        for name, data in classes.content(out).items()
        if name.partition("/")[0] in ("results", "evidence", "reports")
    }
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return found | {row["id"]: row for row in csv.DictReader(file)}


def _one_by_one(bench: Bench, handed: Path, out: Path) -> dict[str, Any]:
    """Results and reports by id, each from a cold start."""
    lab, found = bench.lab("plain"), {}
    for path in sorted(handed.iterdir()):
        try:
            work = read(path, relative_to=handed, lab_id=lab.id, settled=True)
        except SubmissionError as error:
            graded = rejected(lab, unreadable(path), error, hidden=True)
        else:
            graded = grade(lab, work, bench.cold, hidden=True)
        result = graded.result.to_json()
        del result["seconds"]
        found[path.name] = {"result": result, "page": assert_inert(graded)["page"]}
    return found


CASES = (
    Case(84, "names that begin with = + - @, a tab or a return", "CONTAINED", trial=hostile_names),
    Case(88, "Ctrl-C and kill -9 in the middle of a batch", "CONTAINED", trial=killed_and_resumed),
    Case(89, "a sandbox that does not start", "INFRA", trial=launch_fails),
    Case(89, "a disk that is full", "INFRA", trial=disk_full),
    Case(90, "thirty hostile among thirty honest", "CONTAINED", trial=among_hostile),
)
