"""A running submission is watched, named by the limit that ended it, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import containers
import pytest

from grader.records.lab import MIB, Limits
from grader.sandbox import Child, Sandbox, cgroup, open_sandbox, usage
from tests.processes import alive

SMALL = Limits(
    run_seconds=20, memory=256 * MIB, processes=16, work_folder=8 * MIB, tmp_folder=8 * MIB
)
SLEEP = "channel.sendall(b'{}\\n'); import time; time.sleep(60)"


@pytest.fixture(scope="module", params=["full", "limits-only"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return open_sandbox(at_most=request.param)


@contextmanager
def started(sandbox: Sandbox, source: str, **options: Any) -> Iterator[Child]:
    with sandbox.start(options.pop("limits", SMALL), entry={"source": source}, **options) as child:
        child.channel.settimeout(20)
        yield child


def told(child: Child) -> Any:
    with child.channel.makefile("rb") as lines:
        return json.loads(lines.readline())


def gone(pids: list[int]) -> bool:
    return not any(alive(pid) for pid in pids)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os; os._exit(0)", "code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("raise SystemExit(3)", "code 3"),
    ],
)
def test_a_process_that_ends_by_itself_is_a_crash(sandbox: Sandbox, source: str, word: str) -> None:
    with started(sandbox, source) as child:
        assert child.wait_ended(10)
    assert child.limit == "crash"
    assert word in (child.reason or "")


def test_used_up_processor_time_is_the_time_limit(sandbox: Sandbox) -> None:
    source = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass"
    with started(sandbox, source) as child:
        assert child.wait_ended(15)
    assert child.limit == "time"


def test_the_first_limit_stands(sandbox: Sandbox) -> None:
    with started(sandbox, SLEEP) as child:
        told(child)
        child.kill("time", "too slow")
        child.kill("memory")
        assert child.wait_ended(5)
        child.kill("output")
    assert (child.limit, child.reason) == ("time", "too slow")


def test_a_child_that_is_closed_has_hit_no_limit(sandbox: Sandbox) -> None:
    with started(sandbox, SLEEP) as child:
        told(child)
    child.close()
    assert child.limit is None


def test_raw_output_is_kept_up_to_its_bound(sandbox: Sandbox) -> None:
    source = "import os\nfor n in range(100): os.write(n % 2 + 1, b'\\xff' + b'a' * 999)"
    limits = Limits(text_kept=5000, text_ends_run=MIB)
    with started(sandbox, source, limits=limits) as child:
        assert child.wait_ended(10)
    assert len(child.text) == 5000
    assert child.output.startswith("�aaa")
    assert child.limit == "crash"


def test_a_grandchild_that_holds_the_output_open_does_not_hold_up_the_end(
    sandbox: Sandbox,
) -> None:
    source = "import os, time\nif os.fork() == 0: os.setsid(); time.sleep(60)\nos._exit(0)"
    with started(sandbox, source) as child:
        assert child.wait_ended(5)


def test_a_crowd_of_processes_ends_the_run() -> None:
    source = (
        "import os, time\n"
        "while True:\n"
        "    try:\n"
        "        if os.fork() == 0: time.sleep(60)\n"
        "    except OSError: time.sleep(0.01)"
    )
    limits = Limits(run_seconds=20, processes=12)
    with started(open_sandbox(), source, limits=limits) as child:
        assert child.wait_ended(15)
    assert child.limit == "processes"


def test_many_middling_processes_together_are_the_memory_limit(sandbox: Sandbox) -> None:
    source = (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        block = bytearray(os.urandom(1024)) * (60 << 10)\n"
        "        time.sleep(60)\n"
        "time.sleep(60)"
    )
    with started(sandbox, source) as child:
        assert child.wait_ended(15)
    assert child.limit == "memory"


def test_shared_pages_are_counted_once(sandbox: Sandbox) -> None:
    source = (
        "import os, time\n"
        "block = bytearray(os.urandom(1024)) * (100 << 10)\n"
        "for _ in range(4):\n"
        "    if os.fork() == 0: time.sleep(60)\n"
        "time.sleep(1)\n"
        "channel.sendall(b'{}\\n'); time.sleep(60)"
    )
    with started(sandbox, source) as child:
        assert told(child) == {}
        assert child.limit is None


def test_files_in_memory_count_as_memory() -> None:
    source = (
        "import time\n"
        "for place in ('/work', '/tmp', '/dev/shm'):\n"
        "    with open(place + '/file', 'wb') as file: file.write(bytes(60 << 20))\n"
        "time.sleep(60)"
    )
    limits = Limits(memory=128 * MIB, work_folder=64 * MIB, tmp_folder=64 * MIB)
    with started(open_sandbox(), source, limits=limits) as child:
        assert child.wait_ended(15)
    assert child.limit == "memory"


def test_a_flood_of_empty_files_counts_as_memory() -> None:
    source = (
        "import os\n"
        "for n in range(200_000): os.close(os.open(f'/work/{n}', os.O_CREAT))\n"
        "channel.sendall(b'done')"
    )
    with started(open_sandbox(), source, limits=Limits(memory=64 * MIB)) as child:
        assert child.wait_ended(30)
    assert child.limit == "memory"


def test_without_walls_the_folders_are_watched() -> None:
    source = (
        "import time\n"
        "for n in range(8):\n"
        "    with open(f'file-{n}', 'wb') as file: file.write(bytes(4 << 20))\n"
        "time.sleep(60)"
    )
    with started(open_sandbox(at_most="limits-only"), source) as child:
        assert child.wait_ended(15)
    assert child.limit == "disk"


def test_a_child_outlives_the_thread_that_started_it(sandbox: Sandbox) -> None:
    made: list[Child] = []
    thread = threading.Thread(
        target=lambda: made.append(sandbox.start(SMALL, entry={"source": SLEEP}))
    )
    thread.start()
    thread.join()
    with made[0] as child:
        assert told(child) == {}
        assert not child.wait_ended(0.3)


def test_a_grader_that_is_killed_leaves_no_orphan() -> None:
    source = (
        "import time\n"
        "from grader.sandbox import open_sandbox, usage\n"
        f"child = open_sandbox().start(entry={{'source': {SLEEP!r}}})\n"
        "child.channel.recv(3)\n"
        "print(usage.family(child.pid), flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(containers.python(source), stdout=subprocess.PIPE, text=True) as grader:
        assert grader.stdout is not None
        people = json.loads(grader.stdout.readline())
        assert len(people) >= 3
        assert not gone(people)
        os.kill(grader.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while not gone(people) and time.monotonic() < end:
        time.sleep(0.02)
    assert gone(people)


def test_signals_to_everyone_reach_only_the_submission() -> None:
    source = (
        "import os, signal, time\n"
        "if os.fork() == 0:\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(-1, signal.SIGTERM)\n"
        "    os.kill(0, signal.SIGTERM); os._exit(0)\n"
        "time.sleep(60)"
    )
    with started(open_sandbox(), source) as child:
        assert child.wait_ended(10)
    assert child.limit == "crash"
    assert "SIGTERM" in (child.reason or "")


def test_two_submissions_at_once_see_nothing_of_each_other() -> None:
    source = (
        "import json, os, time\n"
        "seen = [os.listdir(p) for p in ('/tmp', '/work', '/dev/shm')] + [\n"
        "    sorted(n for n in os.listdir('/proc') if n.isdigit())]\n"
        "for p in ('/tmp', '/work', '/dev/shm'): open(p + '/mine', 'w').close()\n"
        "channel.sendall(json.dumps([os.getuid(), seen]).encode() + b'\\n')\n"
        "time.sleep(60)"
    )
    sandbox = open_sandbox()
    with started(sandbox, source) as first, started(sandbox, source) as second:
        answers = [told(first), told(second)]
    for _, (temporary, work, shared, processes) in answers:
        assert [name for name in (*temporary, *work, *shared) if name == "mine"] == []
        assert len(processes) == 2
    if os.geteuid() == 0:
        assert answers[0][0] != answers[1][0]


def test_a_control_group_is_removed_with_what_still_runs_in_it() -> None:
    group = cgroup.create(64 * MIB, 8)
    if group is None:
        pytest.skip("no control group can be made here")
    with subprocess.Popen(["sleep", "60"]) as left_behind:
        for file in group.joined_by():
            Path(file).write_text(str(left_behind.pid), encoding="ascii")
        group.remove()
        assert left_behind.wait(10) == -signal.SIGKILL
    assert not any(folder.exists() for folder in group.folders)


def test_nothing_is_left_after_many_starts_and_ends(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []  # others' may lie beside them at any time
    make = tempfile.mkdtemp

    def noted(*arguments: Any, **options: Any) -> str:
        made.append(make(*arguments, **options))
        return made[-1]

    def traces() -> tuple[int, int, int]:
        groups = Path("/sys/fs/cgroup").rglob(f"grader-{os.getpid()}-*")
        return len(os.listdir("/proc/self/fd")), len(list(groups)), sum(map(os.path.exists, made))

    monkeypatch.setattr(tempfile, "mkdtemp", noted)
    with started(sandbox, SLEEP) as child:
        told(child)
    before = traces()
    for _ in range(20):
        with started(sandbox, SLEEP) as child:
            told(child)
    assert traces() == before
    assert bool(made) == (sandbox.way is None)
    assert threading.active_count() < 10


def test_the_channel_is_all_that_the_submission_inherits(tmp_path: Path) -> None:
    with socket.socket() as listener, (tmp_path / "open").open("w") as file:
        for descriptor in (listener.fileno(), file.fileno()):
            os.set_inheritable(descriptor, True)
        source = (
            "import json, os\n"
            "links = [f'/proc/self/fd/{n}' for n in os.listdir('/proc/self/fd')]\n"
            "kept = [os.readlink(link) for link in links if os.path.lexists(link)]\n"
            "channel.sendall(json.dumps(kept).encode() + b'\\n')"
        )
        with started(open_sandbox(), source) as child:
            kept = told(child)
    assert sum("socket:" in name for name in kept) == 1
    assert not any("open" in name for name in kept)


def test_a_process_name_full_of_brackets_does_not_fool_the_count() -> None:
    source = (
        "import ctypes, os, time\n"
        "ctypes.CDLL(None).prctl(15, b') R 1 1 1 1', 0, 0, 0)\n"
        "channel.sendall(b'{}\\n'); time.sleep(60)"
    )
    with started(open_sandbox(at_most="limits-only"), source) as child:
        told(child)
        used = usage.measure([f"/proc/{child.pid}"], enough=1 << 40)
    assert used.tasks == 1
    assert MIB < used.memory < 200 * MIB
