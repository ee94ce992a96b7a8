"""Start a submission's process: through bubblewrap, or bare where there is none."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.errors import SandboxError
from grader.inside import seccomp
from grader.records.lab import Limits
from grader.sandbox import cgroup, command, policy
from grader.sandbox.child import LINUX, Child, Parts
from grader.sandbox.command import Sight, Way

START_SECONDS = 10.0
JOIN = (
    'for file in $1; do echo $$ > "$file" || exit 97; done; shift; '
    'echo 1000 2>/dev/null > /proc/self/oom_score_adj; exec "$@"'
)


def in_bubblewrap(way: Way, limits: Limits, sight: Sight, entry: Any) -> Child:
    """Start `entry` inside bubblewrap. Raises SandboxError where it did not come up."""
    uid, clean = _unprivileged_user() if way.as_root else (None, [])
    program = None if way.as_root else seccomp.program(_machine(), network=way.own_network)
    ours, theirs = socket.socketpair()
    config = {
        "channel": theirs.fileno(),
        "entry": entry,
        "uid": uid,
        "user_namespace": way.as_root,
        "seccomp": program is None,
        "network": way.own_network,
        "rlimits": policy.resource_limits(limits, shared_user=uid is None),
        "paths": policy.user_packages(),
    }
    status_read, status_write = os.pipe()
    filter_from = _readable(program) if program else None
    group = cgroup.create(limits.memory, limits.processes + 8)
    words = command.bubblewrap(
        way, limits, sight, status=status_write, filter_from=filter_from, config=json.dumps(config)
    )
    passed = [theirs.fileno(), status_write, *([filter_from] if filter_from is not None else [])]
    try:
        process, output = _spawn(_joining(group, words), passed, {}, None)
    finally:
        theirs.close()
        for descriptor in passed[1:]:
            os.close(descriptor)
    parts = Parts(process, ours, output, limits, policy.DATA if sight.data else None)
    parts.group, parts.clean, parts.own_proc = group, clean, way.own_proc
    parts.memory_places = ("/dev/shm", policy.TEMPORARY, policy.WORK)
    if group is not None:
        parts.clean.append(group.remove)
    parts.namespace_root = _first_process(status_read)
    child = Child(parts)
    if parts.namespace_root is None:
        child.wait_ended(START_SECONDS)
        child.close()
        raise SandboxError(f"the sandbox did not start: {child.output.strip()[:500]}")
    return child


def bare(limits: Limits, sight: Sight, entry: Any, *, uid: int | None = None) -> Child:
    """Start `entry` as a limited process without walls: macOS, Windows, locked-down containers."""
    lease, clean = _unprivileged_user() if uid is not None else (None, [])
    folder = Path(tempfile.mkdtemp(prefix="grader-"))
    clean.append(functools.partial(shutil.rmtree, folder, ignore_errors=True))
    driver, work, temporary = folder / "driver", folder / "work", folder / "tmp"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(policy.INSIDE, driver / "inside", ignore=ignored)
    for place in (work, temporary):
        place.mkdir()
        place.chmod(0o1777)
    folder.chmod(0o711)
    ours, theirs = socket.socketpair()
    config = {
        "channel": theirs.fileno(),
        "entry": entry,
        "uid": lease,
        "bare": True,
        "seccomp": True,
        "network": False,
        "rlimits": policy.resource_limits(limits, shared_user=lease is None),
        "paths": policy.user_packages(),
    }
    start = command.START.replace(repr(policy.DRIVER), repr(str(driver)))
    words = command.python(start, json.dumps(config))
    environment = policy.environment(home=str(work), temporary=str(temporary))
    try:
        process, output = _spawn(words, [theirs.fileno()], environment, work)
    finally:
        theirs.close()
    data = str(sight.data) if sight.data else None
    return Child(Parts(process, ours, output, limits, data, clean=clean))


def _unprivileged_user() -> tuple[int, list[Callable[[], object]]]:
    from grader.sandbox import uids

    lease = uids.lease()
    if lease is None:
        raise SandboxError(
            "no unprivileged user is left for this submission",
            hint="Give the container more user ids, or grade fewer submissions at once.",
        )
    return lease.uid, [lease.release]


def _machine() -> str:
    return os.uname().machine


def _readable(content: bytes) -> int:
    """A pipe's read end that gives `content` (well below a pipe's size) and then ends."""
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    return read


def _joining(group: cgroup.Group | None, words: list[str]) -> list[str]:
    if not LINUX:
        return words
    files = " ".join(group.joined_by()) if group else ""
    return ["/bin/sh", "-c", JOIN, "sh", files, *words]


def _spawn(
    words: list[str], passed: list[int], environment: dict[str, str], folder: Path | None
) -> tuple[subprocess.Popen[bytes], int]:
    """Start `words`; returns the process and the read end of its descriptors 1 and 2."""
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
        return _starter(os.getpid()).submit(start).result(), read
    except OSError as error:
        os.close(read)
        raise SandboxError(f"the sandbox did not start: {error}") from error
    finally:
        os.close(write)


@functools.lru_cache(maxsize=1)
def _starter(_pid: int) -> concurrent.futures.ThreadPoolExecutor:
    """One thread that starts every process and lives as long as this one.

    The kernel ends a process that is to die with its parent when the thread that started it ends.
    """
    return concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="sandbox-starter")


def _first_process(status: int) -> int | None:
    """The number out here of the sandbox's first process, from bubblewrap's status lines."""
    text = b""
    end = time.monotonic() + START_SECONDS
    try:
        while b"\n" not in text and select.select([status], [], [], end - time.monotonic())[0]:
            part = os.read(status, 4096)
            if not part:
                return None
            text += part
    finally:
        os.close(status)
    with contextlib.suppress(ValueError, KeyError):
        return int(json.loads(text.partition(b"\n")[0])["child-pid"])
    return None
