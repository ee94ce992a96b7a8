"""Start a submission's process: through bubblewrap, or bare where there is none."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import MappingProxyType
from typing import Any

from grader.errors import SandboxError
from grader.inside import seccomp
from grader.records.lab import Limits
from grader.sandbox import cgroup, command, policy, usage
from grader.sandbox.child import LINUX, Child, Parts
from grader.sandbox.command import Sight, Way

START_SECONDS = 10.0
JOIN = (
    'for file in $1; do echo $$ > "$file" || exit 97; done; shift; '
    'echo 1000 2>/dev/null > /proc/self/oom_score_adj; exec "$@"'
)


def in_bubblewrap(way: Way, limits: Limits, sight: Sight, entry: Any) -> Child:
    """Start `entry` inside bubblewrap. Raises SandboxError where it did not come up."""
    with contextlib.ExitStack() as stack:
        parts = _behind_walls(stack, way, limits, sight, entry)
        parts.clean = stack.pop_all()
    child = Child(parts)
    if parts.namespace_root is None:
        child.wait_ended(START_SECONDS)
        child.close()
        raise SandboxError(f"the sandbox did not start: {child.output.strip()[:500]}")
    return child


def _behind_walls(
    stack: contextlib.ExitStack, way: Way, limits: Limits, sight: Sight, entry: Any
) -> Parts:
    """Start the process; `stack` gets what is to be given back after its end."""
    uid = unprivileged_user(stack) if way.as_root or way.leave_root else None
    group = control_group(stack, limits)
    # The read end stays open: bubblewrap writes once more, and would die of a closed pipe.
    status, status_write = pipe(stack)
    ours, theirs = socket.socketpair()
    program = None if way.as_root else seccomp.program(_machine(), network=way.own_network)
    config = shared_config(entry, limits, uid, bare=False) | {
        "channel": theirs.fileno(),
        "uid": uid if way.as_root else None,
        "user_namespace": way.as_root,
        "seccomp": program is None,
        "network": way.own_network,
    }
    passed = [theirs.detach(), status_write, *([_readable(program)] if program else [])]
    try:
        words = command.bubblewrap(way, limits, sight, handed=passed[1:], config=json.dumps(config))
        user = uid if way.leave_root else None
        process, output = spawn(stack, joining(group, words, user), passed)
    finally:
        for descriptor in passed:
            os.close(descriptor)
    data = policy.DATA if sight.data else None
    parts = Parts(process, ours, output, limits, data, own_proc=way.own_proc, group=group)
    parts.namespace_root = first_process(status)
    parts.memory_places = memory_places(limits)
    return parts


def memory_places(limits: Limits) -> dict[str, int]:
    """The folders in memory that a submission may write to, and their sizes in bytes."""
    return {
        "/dev/shm": policy.SHARED_MEMORY,
        policy.TEMPORARY: limits.tmp_folder,
        policy.WORK: limits.work_folder,
    }


def bare(limits: Limits, sight: Sight, entry: Any, *, leave_root: bool = False) -> Child:
    """Start `entry` as a limited process without walls: macOS, locked-down containers."""
    if os.name != "posix":
        hint = "Run the grader in WSL 2, where it finds its sandbox."
        raise SandboxError("student code cannot be run on Windows itself", hint=hint)
    with contextlib.ExitStack() as stack:
        uid = unprivileged_user(stack) if leave_root else None
        folder = Path(tempfile.mkdtemp(prefix="grader-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        driver, work, temporary = _furnish(folder)
        ours, theirs = socket.socketpair()
        config = shared_config(entry, limits, uid, bare=True)
        config |= {"channel": theirs.fileno(), "bare": True, "seccomp": True, "network": False}
        start = command.START.replace(repr(policy.DRIVER), repr(str(driver)))
        environment = policy.environment(home=str(work), temporary=str(temporary))
        words = joining(None, command.python(start, json.dumps(config)))
        try:
            process, output = spawn(stack, words, [theirs.fileno()], environment, work)
        finally:
            theirs.close()
        parts = Parts(process, ours, output, limits, str(sight.data) if sight.data else None)
        parts.folders = {str(work): limits.work_folder, str(temporary): limits.tmp_folder}
        parts.sweep = functools.partial(usage.sweep, str(folder), uid)
        parts.clean = stack.pop_all()
    return Child(parts)


def _furnish(folder: Path) -> tuple[Path, Path, Path]:
    """Make the driver's copy, the work folder and the temporary folder of a bare process."""
    driver, work, temporary = folder / "driver", folder / "work", folder / "tmp"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(policy.INSIDE, driver / "inside", ignore=ignored)
    for place in (work, temporary):
        place.mkdir()
        place.chmod(0o1777)
    folder.chmod(0o711)
    return driver, work, temporary


def shared_config(entry: Any, limits: Limits, uid: int | None, *, bare: bool) -> dict[str, Any]:
    """What every way to start tells the submission's process."""
    # A user that no other process has shares its count of processes with nobody.
    others = 0 if uid is not None else policy.counted_with(own_namespace=not bare)
    return {
        "entry": entry,
        "uid": uid,
        "rlimits": policy.resource_limits(limits, others=others),
        "paths": policy.user_packages(),
    }


def pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe of which `stack` closes the read end; the write end is the caller's."""
    read, write = os.pipe()
    stack.callback(os.close, read)
    return read, write


def control_group(stack: contextlib.ExitStack, limits: Limits) -> cgroup.Group | None:
    """A control group for one submission, removed by `stack`; None where none can be made."""
    group = cgroup.create(limits.memory, limits.processes + 8)
    if group is not None:
        stack.callback(group.remove)
    return group


def unprivileged_user(stack: contextlib.ExitStack) -> int:
    """A user id of one submission's own, given back by `stack`. Raises SandboxError."""
    from grader.sandbox import uids

    lease = uids.lease()
    if lease is None:
        raise SandboxError(
            "no user id is left for the submission to become",
            hint="Map more user ids into this container, or run the grader as an ordinary user.",
        )
    stack.callback(lease.release)
    return lease.uid


def _machine() -> str:
    return os.uname().machine


def _readable(content: bytes) -> int:
    """A pipe's read end that gives `content` (well below a pipe's size) and then ends."""
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    return read


def joining(group: cgroup.Group | None, words: list[str], uid: int | None = None) -> list[str]:
    """`words`, started from within `group`, by the user `uid` if there is one."""
    if not LINUX:
        return words
    files = " ".join(group.joined_by()) if group else ""
    if uid is not None:
        leave = ["--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--inh-caps=-all"]
        words = ["/usr/bin/env", "setpriv", *leave, *words]
    return ["/bin/sh", "-c", JOIN, "sh", files, *words]


def spawn(
    stack: contextlib.ExitStack,
    words: list[str],
    passed: list[int],
    environment: Mapping[str, str] = MappingProxyType({}),
    folder: Path | None = None,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start `words`; returns the process and the read end of its descriptors 1 and 2.

    `stack` ends the process first of all, where its launch is given up.
    """
    read, write = os.pipe()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words,
            env=environment,
            cwd=folder or "/",
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=write,
            close_fds=True,
            pass_fds=passed,
            start_new_session=True,
        )

    try:
        starting = _starter(os.getpid()).submit(start)
        stack.callback(_end, starting)
        process: subprocess.Popen[bytes] = starting.result()
        return process, read
    except OSError as error:
        os.close(read)
        raise SandboxError(f"the sandbox did not start: {error}") from error
    finally:
        os.close(write)


def _end(starting: Future[subprocess.Popen[bytes]]) -> None:
    if starting.exception() is None:
        process = starting.result()
        # The group, too: a bubblewrap that has just cloned itself waits for the first for ever.
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


class _Starter:
    """One thread that starts every process and lives as long as this one.

    The kernel ends a process that is to die with its parent when the thread that started it ends.
    It is a daemon: an interruption while it begins must not leave a thread that is waited for.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]]
        self._waiting = queue.SimpleQueue()
        threading.Thread(target=self._work, name="sandbox-starter", daemon=True).start()

    def submit(self, start: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._waiting.put((start, future))
        return future

    def _work(self) -> None:
        while True:
            start, future = self._waiting.get()
            try:
                future.set_result(start())
            except BaseException as error:
                future.set_exception(error)


@functools.lru_cache(maxsize=1)
def _starter(_pid: int) -> _Starter:
    return _Starter()


def first_process(status: int) -> int | None:
    """The number out here of the sandbox's first process, from bubblewrap's status lines."""
    text = b""
    end = time.monotonic() + START_SECONDS
    # Whatever time is left: this process may have been stopped until none is.
    while b"\n" not in text and select.select([status], [], [], max(end - time.monotonic(), 0))[0]:
        part = os.read(status, 4096)
        if not part:
            return None
        text += part
    with contextlib.suppress(ValueError, KeyError):
        return int(json.loads(text.partition(b"\n")[0])["child-pid"])
    return None
