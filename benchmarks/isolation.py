"""What isolation costs a submission on the warm path: beside the same fork without any.

    python benchmarks/isolation.py [--runs N]

Two servers have imported the same modules and fork by the same code. One is the sandbox's own, at
the level that this machine gives: namespaces, mounts, limits, control group, filter, and a watch.
The other leaves all of that out. They take turns; the aim is 30 ms at `full`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import ROOT, median, options, spread, table, verdict

from grader.course import Course
from grader.grading import sight_of
from grader.records.lab import Limits
from grader.sandbox import Sandbox, kept_warm, open_sandbox, policy
from grader.sandbox.warm import PRELOAD

AIM_MS = 30.0
WARM_UP = 2
NOTHING = "channel.sendall(b'here\\n')"
FIRST_RESULT = """
import tensorflow as tf
channel.sendall(b"%f\\n" % float(tf.reduce_sum(tf.ones((3, 3)))))
"""
SERVER = """
import os, sys
sys.path.insert(0, {package!r})
from inside import main, namespaces, warm
namespaces.begin_own_processes = namespaces.leave_shared = lambda: None
namespaces.fork_first = os.fork
warm.confine.may_have_user_namespace = lambda uid: False
namespaces.furnish = lambda places, kept: None
os.chdir = lambda folder: None
main.confine = lambda config: {{}}
warm.confine.guard_memory = lambda on=True: None
warm.listen()
"""
LAB = Course(ROOT).load("lab02")
Ask = Callable[[str], float]


@contextlib.contextmanager
def without_isolation() -> Iterator[Ask]:
    """A server that forks and shuts nothing in; asks it to run some source, in seconds."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        address = str(Path(folder) / "socket")
        listener.bind(address)
        listener.listen()
        lifeline, alive = os.pipe()
        numbers = {"listener": listener.fileno(), "lifeline": lifeline}
        config = json.dumps({**numbers, "data": None, "preload": PRELOAD, "uid": None})
        source = SERVER.format(package=str(ROOT / "grader"))
        words = [sys.executable, "-I", "-B", "-c", source, config]
        server = subprocess.Popen(words, env=policy.environment(), pass_fds=list(numbers.values()))
        os.close(lifeline)
        try:
            yield lambda code: _forked(address, code)
        finally:
            os.close(alive)
            server.wait()


def _forked(address: str, source: str) -> float:
    """Seconds from the question to the end of a fork that runs `source`."""
    begin = time.perf_counter()
    request = {"config": {"entry": {"source": source}}, "places": {}, "kept": [], "home": ""}
    ours, theirs = socket.socketpair()
    with ours, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.settimeout(60)
        control.connect(address)
        with theirs:
            passed = [theirs.fileno(), sys.stderr.fileno()]
            socket.send_fds(control, [json.dumps(request).encode()], passed)
        if (control.recv(4_096), control.recv(4_096)) != (b"ready", b"furnished"):
            raise RuntimeError("the server without isolation did not fork")
        control.send(b"go")
        _must_have_answered(ours)
        control.recv(4_096)
    return time.perf_counter() - begin


def isolated(sandbox: Sandbox, source: str) -> float:
    """Seconds from the question to the end of a sandboxed fork that runs `source`."""
    begin = time.perf_counter()
    with sandbox.start(Limits(), sight_of(LAB), entry={"source": source}) as child:
        _must_have_answered(child.channel)
    return time.perf_counter() - begin


def _must_have_answered(channel: socket.socket) -> None:
    channel.settimeout(60)
    if not channel.recv(64).endswith(b"\n"):
        raise RuntimeError("the forked process gave no answer")


def main() -> None:
    """Measure and print."""
    runs = options(__doc__, runs=15).runs
    with kept_warm(open_sandbox(), [sight_of(LAB)]) as sandbox, without_isolation() as bare:
        if not sandbox.warm:
            raise RuntimeError("this machine allows no warm server")
        rows = []
        for what, source in (("that says a word", NOTHING), ("to TensorFlow's sum", FIRST_RESULT)):
            pairs = [(isolated(sandbox, source), bare(source)) for _ in range(runs + WARM_UP)]
            walls, none = zip(*pairs[WARM_UP:], strict=True)
            cost = 1000 * (median(walls) - median(none))
            rows += [
                (f"a fork {what}, level `{sandbox.isolation}`", spread(walls, "s")),
                ("… without isolation", spread(none, "s")),
                (
                    "… what isolation costs",
                    f"{cost:.1f} ms ({median(walls) / median(none):.2f} times); at most "
                    f"{AIM_MS:.0f} ms: {verdict(cost, AIM_MS)}",
                ),
            ]
    print(table("Isolation, on the warm path", rows, runs=runs))


if __name__ == "__main__":
    main()
