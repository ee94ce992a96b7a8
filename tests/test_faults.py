"""Faults of ours and of the machine: never a zero, never a lost mark, never an orphan."""

from __future__ import annotations

import ast
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from classes import command, content, course_and_class, gone, run, start, verdicts

from grader.batch import worker
from grader.batch.worker import judged
from grader.grading import Graded, sight_of
from grader.records.lab import MIB, Lab
from grader.records.submission import Submission
from grader.sandbox import Sandbox, cgroup, kept_warm, open_sandbox
from grader.submissions import read
from tests import containers
from tests.courses import RIGHT, grade_source, load, make_course
from tests.labs import ROOT
from tests.processes import children

SLOW = "import time\ntime.sleep(2)\n" + RIGHT


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def lab(course: Path) -> Lab:
    return load(course)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course, a class, and the OUT of a batch that nothing disturbed."""
    folder = tmp_path_factory.mktemp("batch")
    code, _, errors = run(*course_and_class(folder), folder / "out", "--jobs", "2")
    assert code == 0, errors
    return folder


def killing(servers: list[int]) -> threading.Thread:
    """Kill these once something has been forked and runs."""

    def strike() -> None:
        time.sleep(1)
        for server in servers:
            os.kill(server, signal.SIGKILL)

    thread = threading.Thread(target=strike)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("source", "score"),
    [(SLOW, 10.0), (SLOW + "\nhalf = None\n", 6.0)],
    ids=["right", "partly right"],
)
def test_a_submission_whose_warm_server_is_killed_keeps_every_mark(
    lab: Lab, tmp_path: Path, source: str, score: float
) -> None:
    (tmp_path / "a.py").write_text(source)
    before = set(children(os.getpid()))
    with kept_warm(open_sandbox(), [sight_of(lab)], ()) as sandbox:
        assert sandbox.warm
        servers = [pid for pid in children(os.getpid()) if pid not in before]
        assert servers
        strike = killing(servers)
        graded, faulty = judged(lab, read(tmp_path / "a.py"), sandbox)
        strike.join()
        assert (graded.result.status, graded.result.limit, faulty) == ("graded", None, "")
        assert graded.result.score == score
        after, _ = judged(lab, read(tmp_path / "a.py"), sandbox)
        assert after.result.to_json() | {"seconds": 0} == graded.result.to_json() | {"seconds": 0}


def test_a_submission_that_ends_its_own_process_is_not_started_twice(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text("import os\nos._exit(3)\n")
    started: list[Sandbox | None] = []

    def counted(lab: Lab, submission: Submission, sandbox: Sandbox | None) -> tuple[Graded, str]:
        started.append(sandbox)
        return real(lab, submission, sandbox)

    real = worker._judged
    monkeypatch.setattr(worker, "_judged", counted)
    with kept_warm(open_sandbox(), [sight_of(lab)], ()) as sandbox:
        assert sandbox.warm
        graded, _ = worker.judged(lab, read(tmp_path / "a.py"), sandbox)
        assert started == [sandbox]
    assert (graded.result.status, graded.result.limit) == ("graded", "crash")
    assert graded.result.score == 0


STAGES = (
    ".grader/lock", ".grader/batch.json", ".grader/code/*.json", "evidence/*.json",
    "results/*.json", ".grader/class.json", "similar.html", "grades.csv", "index.html",
    "gradebook.db",
)  # fmt: skip


def test_killed_at_each_stage_and_at_any_moment_a_batch_comes_to_the_same_end(
    here: Path, tmp_path: Path
) -> None:
    out, chance, killed = tmp_path / "out", random.Random(4), 0
    for stage in STAGES:
        batch = start(here / "course", here / "class", out, "--jobs", "2")
        while batch.poll() is None and not any(out.glob(stage)):
            time.sleep(0.002)
        time.sleep(chance.random() / 3)
        batch.kill()
        batch.communicate()
        killed += batch.returncode == -signal.SIGKILL
        assert gone(batch)
    assert killed > len(STAGES) / 2
    code, _, errors = run(here / "course", here / "class", out, "--jobs", "2")
    assert code == 0, errors
    assert content(out) == content(here / "out")


@contextmanager
def full_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of this size of its own, at `folder`."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can make a small disk")
    folder.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", f"size={size}", "grader-test", str(folder)]
    if subprocess.run(made, capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk can be mounted in this container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_ends_the_batch_and_room_lets_it_go_on(
    here: Path, tmp_path: Path
) -> None:
    with full_disk(tmp_path / "disk", "220k") as disk:
        code, _, errors = run(here / "course", here / "class", disk / "out", "--jobs", "2")
        assert code == 3
        assert "No space left on device" in errors
        assert "Traceback" not in errors
        wanted = verdicts(here / "out")
        for student, found in verdicts(disk / "out").items():
            assert found == wanted[student]
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        code, _, errors = run(here / "course", here / "class", disk / "out", "--jobs", "2")
        assert code == 0, errors
        assert content(disk / "out") == content(here / "out")


def test_without_room_for_temporary_files_nobody_gets_a_zero(here: Path, tmp_path: Path) -> None:
    with full_disk(tmp_path / "disk", "4k") as disk:
        (disk / "filler").write_bytes(bytes(4096))
        words = command(here / "course", here / "class", tmp_path / "out", "--jobs", "2")
        done = subprocess.run(
            words, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(disk)}
        )
        assert done.returncode in (0, 3), done.stderr
        assert "Traceback" not in done.stderr
        wanted = verdicts(here / "out")
        for student, found in verdicts(tmp_path / "out").items():
            assert found["status"] == "invalid" or found == wanted[student]
    code, _, errors = run(here / "course", here / "class", tmp_path / "out", "--jobs", "2")
    assert code == 0, errors
    assert content(tmp_path / "out") == content(here / "out")


@contextmanager
def short_of_memory(size: int) -> Iterator[cgroup.Group]:
    """A group with so little memory that the kernel ends whoever works in it."""
    group = cgroup.create(size, 1_000)
    if group is None:
        pytest.skip("only root can bound memory, where there are control groups")
    try:
        yield group
    finally:
        group.remove()


def workers_of(batch: subprocess.Popen[str]) -> list[int]:
    """The grading processes that a batch has now."""
    found = []
    for pid in children(batch.pid):
        with suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


@pytest.mark.parametrize("victims", [1, 100])
def test_a_worker_out_of_memory_costs_nobody_a_mark(
    here: Path, tmp_path: Path, victims: int
) -> None:
    out, put = tmp_path / "out", set()
    with short_of_memory(4 * MIB) as group:
        batch = start(here / "course", here / "class", out, "--jobs", "2")
        while batch.poll() is None:
            for pid in set(workers_of(batch)) - put:
                if len(put) < victims:
                    put.add(pid)
                    for file in group.joined_by():
                        with suppress(OSError):
                            Path(file).write_text(str(pid))
            time.sleep(0.002)
        _, errors = batch.communicate()
        assert group.ran_out_of_memory()
    assert "Traceback" not in errors
    found, wanted = verdicts(out), verdicts(here / "out")
    assert all(one["status"] == "invalid" or one == wanted[id] for id, one in found.items())
    assert victims > 1 or found == wanted
    code, _, errors = run(here / "course", here / "class", out, "--jobs", "2")
    assert code == 0, errors
    assert content(out) == content(here / "out")


REFUSING = """
import pathlib, subprocess, sys, time
after, out, *words = sys.argv[1:]
batch = subprocess.Popen(words)
results = pathlib.Path(out, "results")
while batch.poll() is None and len(list(results.glob("*.json"))) < int(after):
    time.sleep(0.01)
pathlib.Path("/proc/sys/user/max_mnt_namespaces").write_text("0")
sys.exit(batch.wait())
"""


@pytest.mark.skipif(not containers.can_become_others(), reason="only root can make a container")
@pytest.mark.parametrize("after", [0, 2])
def test_a_machine_that_refuses_sandboxes_midway_makes_invalid_and_queues_again(
    here: Path, tmp_path: Path, after: int
) -> None:
    out, wanted = tmp_path / "out", verdicts(here / "out")
    words = command(here / "course", here / "class", out, "--jobs", "2")
    watched = [sys.executable, "-c", REFUSING, str(after), str(out), *words]
    done = subprocess.run(containers.in_container(watched), capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    found = verdicts(out)
    broken = [one for one in found.values() if one["status"] == "invalid"]
    assert broken or not found
    assert all(one["status"] == "invalid" or one == wanted[id] for id, one in found.items())
    code, _, errors = run(here / "course", here / "class", out, "--jobs", "2")
    assert code == 0, errors
    assert content(out) == content(here / "out")


WALL_CLOCK = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today"}
MAY_ASK_IT = {
    "grader/sandbox/cgroup.py": "how old a group is whose owner has to be gone besides",
    "grader/gradebook/history.py": "when a mark was entered, which is told and decides nothing",
}


def test_no_limit_is_kept_by_a_clock_that_can_be_set() -> None:
    asked = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "grader").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in WALL_CLOCK
    }
    assert asked == set(MAY_ASK_IT)


@pytest.mark.parametrize("step", [86_400.0, -86_400.0])
def test_a_clock_that_jumps_times_nobody_out(
    course: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    real, asked = time.time, [0]

    def jumping() -> float:
        asked[0] += 1
        return real() + step * asked[0]

    monkeypatch.setattr(time, "time", jumping)
    assert time.time() != pytest.approx(real(), abs=3600)
    result = grade_source(course, RIGHT).result
    assert (result.status, result.limit, result.score) == ("graded", None, 10.0)
