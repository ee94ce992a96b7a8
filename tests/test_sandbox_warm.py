"""A sandbox forked from the warm server holds all that a cold one holds, and gives the same."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import containers
import pytest

from grader.course import find_course
from grader.errors import SandboxError
from grader.grading import grade, sight_of
from grader.records.lab import MIB, Limits
from grader.records.result import Result
from grader.sandbox import (
    Sandbox,
    Sight,
    command,
    conformance,
    kept_warm,
    open_sandbox,
    policy,
    warm,
)
from grader.sandbox.child import Child
from grader.sandbox.command import THE_SYSTEM
from grader.submissions import read
from tests.always_warm import always_warm
from tests.labs import ROOT

NAMES = [one.name for one in conformance.PROPERTIES]
QUICK = [name for name in NAMES if name != "tensorflow-works"]
SLEEP = "import time; channel.sendall(b'here\\n'); time.sleep(600)"
SMALL = Limits(run_seconds=30, memory=512 * MIB, processes=16)

AS_USER = """
import json
from tests.always_warm import always_warm
from grader.sandbox import conformance, open_sandbox
with always_warm(open_sandbox()) as sandbox:
    found = conformance.run(sandbox, only=lambda name: name != "tensorflow-works")
print(json.dumps([sandbox.isolation, [finding.to_json() for finding in found]]))
"""

Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def own() -> Found:
    with always_warm(open_sandbox()) as sandbox:
        return {one.name: one.to_json() for one in conformance.run(sandbox)}


@pytest.fixture(scope="module")
def users() -> Found:
    if not containers.can_become_others():
        pytest.skip("only root can run this as another user")
    command = containers.as_user(containers.python(AS_USER))
    answer = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert answer.returncode == 0, answer.stderr
    isolation, found = json.loads(answer.stdout)
    assert isolation == "full"
    return {one["name"]: one for one in found}


@pytest.mark.parametrize("name", NAMES)
def test_a_fork_of_the_warm_server_holds_what_a_cold_start_holds(own: Found, name: str) -> None:
    assert own[name]["ok"], own[name]


@pytest.mark.parametrize("name", QUICK)
def test_it_holds_for_an_ordinary_user(users: Found, name: str) -> None:
    assert users[name]["ok"], users[name]


@pytest.fixture(scope="module")
def server() -> Iterator[warm.Address]:
    """A warm server without TensorFlow."""
    way = open_sandbox().way
    assert way is not None
    with warm.serving(way, [THE_SYSTEM], preload=()) as addresses:
        yield addresses[0]


def forked(server: warm.Address, source: str, limits: Limits = SMALL) -> Child:
    return warm.fork(server, limits, {"source": source})


def line_of(child: Child) -> str:
    child.channel.settimeout(20)
    return child.channel.makefile("r").readline().strip()


def test_two_submissions_of_one_server_see_nothing_of_each_other(server: warm.Address) -> None:
    look = (
        "import os, socket; open('/work/mine', 'w').close(); open('/dev/shm/mine', 'w').close()\n"
        "pids = [name for name in os.listdir('/proc') if name.isdigit()]\n"
        "files = [os.listdir(place) for place in ('/work', '/dev/shm', '/dev/pts')]\n"
        "channel.sendall((repr([pids, files]) + '\\n').encode())\n"
        "import time; time.sleep(60)\n"
    )
    with forked(server, look) as first, forked(server, look) as second:
        expected = "[['1', '2'], [['mine'], ['mine'], ['ptmx']]]"
        assert (line_of(first), line_of(second)) == (expected, expected)


def test_two_submissions_of_one_server_cannot_reach_each_other(server: warm.Address) -> None:
    wait = (
        "import socket, time\n"
        "port = socket.create_server(('127.0.0.1', 4711))\n"
        "name = socket.socket(socket.AF_UNIX); name.bind('\\0sibling'); name.listen()\n"
        "channel.sendall(b'here\\n'); time.sleep(60)\n"
    )
    reach = (
        "import errno, socket\n"
        "by_port = socket.socket().connect_ex(('127.0.0.1', 4711))\n"
        "by_name = socket.socket(socket.AF_UNIX).connect_ex('\\0sibling')\n"
        "answers = [errno.errorcode.get(number, 'reached') for number in (by_port, by_name)]\n"
        "channel.sendall(f'{answers}\\n'.encode())\n"
    )
    with forked(server, wait) as first:
        assert line_of(first) == "here"
        with forked(server, reach) as second:
            assert line_of(second) == "['ECONNREFUSED', 'ECONNREFUSED']"


def test_a_crash_is_told_by_its_signal(server: warm.Address) -> None:
    with forked(server, "import os; os.abort()") as child:
        assert child.wait_ended(20)
        assert (child.limit, child.reason) == ("crash", "ended by SIGABRT")


def test_an_exit_code_is_told(server: warm.Address) -> None:
    with forked(server, "raise SystemExit(7)") as child:
        assert child.wait_ended(20)
        assert (child.limit, child.reason) == ("crash", "ended with code 7")


def test_killing_the_first_process_from_inside_is_refused(server: warm.Address) -> None:
    source = (
        "import os, signal\n"
        "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP):\n"
        "    try: os.kill(1, number)\n"
        "    except PermissionError: pass\n"
        "import time; time.sleep(0.2); channel.sendall(b'alive\\n')\n"
    )
    with forked(server, source) as child:
        assert line_of(child) == "alive"


def test_what_a_submission_leaves_running_ends_with_it(server: warm.Address) -> None:
    source = (
        "import os, time\n"
        "if os.fork() == 0:\n    os.setsid(); time.sleep(600)\n"
        "channel.sendall(b'here\\n'); time.sleep(600)\n"
    )
    with forked(server, source) as child:
        assert line_of(child) == "here"
        people = conformance._people(child)
        assert len(people) >= 3
    assert not [pid for pid in people if conformance._alive(pid)]


def test_nothing_survives_a_grader_that_is_killed() -> None:
    program = (
        "import os, signal\n"
        "from grader.sandbox import kept_warm, open_sandbox, usage\n"
        "from grader.sandbox.command import THE_SYSTEM\n"
        "with kept_warm(open_sandbox(), [THE_SYSTEM], ()) as sandbox:\n"
        "    assert sandbox.warm\n"
        f"    child = sandbox.start(entry={{'source': {SLEEP!r}}})\n"
        "    child.channel.makefile().readline()\n"
        "    print(*usage.family(os.getpid())[1:], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    people = [int(pid) for pid in done.stdout.split()]
    # bubblewrap twice, the server twice, the submission's first process, the submission
    assert len(people) >= 6
    end = time.monotonic() + 10
    while any(map(conformance._alive, people)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in people if conformance._alive(pid)]


def test_what_a_killed_grader_left_is_removed_by_the_next_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, signal\n"
        "from grader.sandbox import kept_warm, open_sandbox\n"
        "from grader.sandbox.command import THE_SYSTEM\n"
        "with kept_warm(open_sandbox(), [THE_SYSTEM], ()) as sandbox:\n"
        "    sandbox.start(entry={'source': ''}).close()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(tmp_path)})
    (left,) = tmp_path.iterdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    way = open_sandbox().way
    assert way is not None
    end = time.monotonic() + 10
    while left.exists() and time.monotonic() < end:  # its server may still be ending
        with (
            warm.serving(way, [THE_SYSTEM], preload=()) as (first,),
            warm.serving(way, [THE_SYSTEM], preload=()) as (second,),
        ):
            held = {Path(address.socket).parent for address in (first, second)}
            assert set(tmp_path.iterdir()) - {left} == held
            for address in (first, second):
                with forked(address, "channel.sendall(b'here\\n')") as child:
                    assert line_of(child) == "here"
    assert list(tmp_path.iterdir()) == []


def test_a_server_ends_when_its_grader_is_gone_whatever_stands_between_them() -> None:
    ends, alive = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind("")
        listener.listen()
        passed = (listener.fileno(), ends)
        config = {"listener": passed[0], "lifeline": ends, "data": None, "preload": []}
        config["uid"] = None
        start = command.START_WARM.replace(repr(policy.DRIVER), repr(str(policy.PACKAGE)))
        words = command.python(start, json.dumps(config))
        with subprocess.Popen(words, pass_fds=passed) as process:
            os.close(ends)
            try:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(2)
                os.close(alive)
                assert process.wait(20) == 0
            finally:
                process.kill()


def test_one_whose_server_is_gone_starts_cold() -> None:
    with kept_warm(open_sandbox(), [THE_SYSTEM], ()) as sandbox:
        assert sandbox.warm
    with pytest.raises(SandboxError):
        warm.fork(sandbox.warm[0], SMALL, "canary")
    with sandbox.start(SMALL, entry="canary") as child:
        assert json.loads(line_of(child))["Seccomp"] == "2"


def test_a_machine_that_refuses_goes_without() -> None:
    limited = open_sandbox(at_most="limits-only")
    with kept_warm(limited, [THE_SYSTEM], ()) as sandbox:
        assert sandbox.warm == ()


def test_the_servers_folder_is_closed_to_others(server: warm.Address) -> None:
    assert os.stat(Path(server.socket).parent).st_mode & 0o077 == 0


def without_seconds(result: Result) -> dict[str, Any]:
    return replace(result, seconds={}).to_json()


def has_tensorflow(sandbox: Sandbox, sight: Sight) -> str:
    """Whether TensorFlow is imported before the submission does anything."""
    source = "import sys; channel.sendall(f'{\"tensorflow\" in sys.modules}\\n'.encode())"
    with sandbox.start(SMALL, sight, entry={"source": source}) as child:
        return line_of(child)


def test_warm_and_cold_give_the_same_result_and_the_same_evidence() -> None:
    lab = find_course(ROOT, ROOT).load("lab03")
    wrong = ROOT / "assignments" / "lab03" / "fixtures" / "wrong"
    files = (
        wrong / "one-hot-with-sparse-loss--to-categorical.py",
        wrong / "confusion-transposed--by-hand.py",
        ROOT / "assignments" / "lab03" / "demo" / "lab03.ipynb",
    )
    cold = open_sandbox()
    with kept_warm(cold, [sight_of(lab)]) as sandbox:
        assert has_tensorflow(sandbox, sight_of(lab)) == "True"
        assert has_tensorflow(cold, sight_of(lab)) == "False"
        for file in files:
            first, second = (grade(lab, read(file), one, hidden=True) for one in (sandbox, cold))
            assert without_seconds(first.result) == without_seconds(second.result)
            assert repr(first.evidence) == repr(second.evidence)
            assert first.result.isolation == "full"
