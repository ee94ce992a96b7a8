"""Interruptions of the whole program: exit code 130, one line, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.sandbox import cgroup
from tests import courses
from tests.processes import alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and cgroups")
IN_THE_RUN = "import time\ntime.sleep(60)\n"
IN_A_CHECK = "import time\ndef double(x): time.sleep(60)\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return courses.make_course(tmp_path_factory.mktemp("course"))


def start(course: Path, source: str, folder: Path) -> subprocess.Popen[str]:
    """`grade check` of this source, with temporary files of its own."""
    file = folder / "work.py"
    file.write_text(source)
    (folder / "tmp").mkdir(exist_ok=True)
    words = [sys.executable, "-m", "grader", "--course", str(course), "check", "numbers", str(file)]
    return subprocess.Popen(
        [*words, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        start_new_session=True,
    )


def text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*"):
        for child in text(f"{task}/children").split():
            yield int(child)
            yield from descendants(int(child))


def wait_for_the_submission(pid: int) -> list[int]:
    """The processes of the sandbox once the submission runs in it."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for child in descendants(pid):
            if '"serve"' in text(f"/proc/{child}/cmdline"):
                time.sleep(1)
                return list(descendants(pid))
        time.sleep(0.05)
    raise AssertionError("the submission did not start")


@pytest.mark.parametrize("source", [IN_THE_RUN, IN_A_CHECK], ids=["run", "check"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_is_one_line_and_leaves_nothing_behind(
    course: Path, tmp_path: Path, source: str, number: signal.Signals
) -> None:
    process = start(course, source, tmp_path)
    inside = wait_for_the_submission(process.pid)
    for _ in range(3):  # impatient people press it again
        os.killpg(process.pid, number)
        time.sleep(0.02)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "Interrupted.")
    assert inside
    assert not any(map(alive, inside))
    assert not list((tmp_path / "tmp").iterdir())
    assert not list(Path("/sys/fs/cgroup").glob(f"**/grader-{process.pid}-*"))


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with more right answers than processes, each of which takes a minute."""
    course = courses.make_course(tmp_path_factory.mktemp("slow"))
    right = course / "assignments/numbers/fixtures/right"
    right.mkdir(parents=True)
    for number in range(8):
        (right / f"slow{number}.py").write_text(IN_THE_RUN + courses.RIGHT)
    return course


def validating(course: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """`grade validate`, and all of its processes once it runs submissions."""
    words = [sys.executable, "-m", "grader", "--course", str(course), "validate", "--jobs", "2"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    return process, wait_for_the_submission(process.pid)


def soon_gone(pids: list[int]) -> bool:
    """Whether they end. Python's own helper does when it notices that the others have."""
    end = time.monotonic() + 10
    while (left := any(map(alive, pids))) and time.monotonic() < end:
        time.sleep(0.02)
    return not left


@pytest.mark.parametrize("end", [os.kill, os.killpg], ids=["the command", "everything"])
def test_a_validation_that_is_interrupted_waits_for_no_answer(
    slow: Path, end: Callable[[int, int], None]
) -> None:
    process, inside = validating(slow)
    for _ in range(3):
        end(process.pid, signal.SIGINT)
        time.sleep(0.02)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "Interrupted.")
    assert soon_gone(inside)
    groups = [f"**/grader-{pid}-*" for pid in (process.pid, *inside)]
    assert not [found for name in groups for found in Path("/sys/fs/cgroup").glob(name)]


def test_a_validation_that_is_killed_leaves_nobody_behind(slow: Path) -> None:
    process, inside = validating(slow)
    process.kill()
    process.communicate(timeout=20)
    assert soon_gone(inside)


def test_an_interruption_while_the_sandbox_starts_leaves_nothing_behind(
    course: Path, tmp_path: Path
) -> None:
    for delay in (0.0, 0.02, 0.04):
        process = start(course, IN_THE_RUN, tmp_path)
        end = time.monotonic() + 20
        while not (begun := list(descendants(process.pid))) and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(delay)
        process.terminate()
        _, err = process.communicate(timeout=20)
        assert (process.returncode, err.strip()) == (130, "Interrupted.")
        assert not any(map(alive, begun))
        assert not list(Path("/sys/fs/cgroup").glob(f"**/grader-{process.pid}-*"))


def test_an_interruption_before_anything_is_imported_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    words = [sys.executable, "-m", "grader", "labs"]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert (done.returncode, done.stderr.strip()) == (130, "Interrupted.")


def test_groups_of_a_grader_that_was_killed_are_removed_later(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    for pid, age in ((dead.pid, 3600), (os.getpid(), 3600), (dead.pid, 0)):
        group = tmp_path / f"grader-{pid}-{age}"
        group.mkdir()
        os.utime(group, (time.time() - age,) * 2)
    cgroup.sweep(tmp_path)
    left = {group.name for group in tmp_path.iterdir()}
    assert left == {f"grader-{os.getpid()}-3600", f"grader-{dead.pid}-0"}


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_closed_streams_change_nothing(course: Path, tmp_path: Path, closed: str) -> None:
    (tmp_path / "work.py").write_text(courses.RIGHT)
    words = f'exec "{sys.executable}" -m grader --course "{course}" check numbers work.py --json'
    done = subprocess.run(
        ["/bin/sh", "-c", f"{words} {closed}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["score"] == 8


def test_a_signal_that_is_ignored_stays_ignored(course: Path, tmp_path: Path) -> None:
    source = "import time\ntime.sleep(1)\ndef double(x): return 2 * x\ndef half(x): return x / 2\n"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(course, source, tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for_the_submission(process.pid)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert '"score": 8.0' in out
