"""One submission's process: started, watched, and ended without survivors."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from grader.errors import SandboxError
from grader.records.lab import Limits
from grader.sandbox import cgroup, usage
from grader.sandbox.watch import Watch

LINUX = sys.platform == "linux"


class Process(Protocol):
    """The outermost process of a submission, as `subprocess.Popen` has it."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """The exit code, or None while it lives."""

    def wait(self) -> int:
        """Wait for its end."""

    def kill(self) -> None:
        """End it."""


@dataclass
class Parts:
    """What a launch leaves behind for the child to own. `clean` runs after the last process."""

    process: Process | subprocess.Popen[bytes]
    channel: socket.socket
    output: int
    limits: Limits
    data_folder: str | None
    namespace_root: int | None = None
    """The first process of the sandbox's own process namespace, by its number out here."""
    own_proc: bool = False
    """Whether the sandbox has a /proc of its own, in which its processes alone stand."""
    memory_places: dict[str, int] = field(default_factory=dict)
    """The file systems in memory inside, and their sizes in bytes."""
    folders: dict[str, int] = field(default_factory=dict)
    """Ordinary folders that stand in for the size-limited ones, and the bytes they may hold."""
    group: cgroup.Group | None = None
    sweep: Callable[[], None] = lambda: None
    clean: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


class Child:
    """A running submission.

    `channel` carries the frames. `limit` is the bound that ended it (`crash` when it ended by
    itself), `reason` says so in words, `output` is what it wrote past Python's own streams.
    """

    def __init__(self, parts: Parts) -> None:
        self.channel = parts.channel
        self.limits = parts.limits
        self.data_folder = parts.data_folder
        self.limit: str | None = None
        self.reason: str | None = None
        self.text = bytearray()
        self._parts = parts
        self._root = _Handle(parts.namespace_root) if parts.namespace_root else None
        self._lock = threading.Lock()
        self._killed = False
        self._ended = threading.Event()
        self._closed = False
        self._watch = threading.Thread(target=Watch(self, parts).run, daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        """The outermost process of the submission."""
        return self._parts.process.pid

    @property
    def output(self) -> str:
        """The first part of what was written to descriptors 1 and 2, with odd bytes replaced."""
        return bytes(self.text).decode("utf-8", "replace")

    def kill(self, limit: str | None, reason: str | None = None) -> None:
        """End the submission with everything it started. The first limit given stands."""
        with self._lock:
            if self._killed or self._ended.is_set():
                return
            self._killed = True
            self.limit, self.reason = limit, reason
        self._strike()

    def ended_by_itself(self, reason: str) -> None:
        """Record that the process is gone though nobody ended it; used by the watch."""
        with self._lock:
            if not self._killed:
                self._killed = True
                memory = self._parts.group is not None and self._parts.group.ran_out_of_memory()
                self.limit = "memory" if memory else _limit_of(reason)
                room = f"more than {self.limits.memory >> 20} MiB used"
                self.reason = room if memory else reason
        self._strike()

    def wait_ended(self, timeout: float | None = None) -> bool:
        """Wait until every process of the submission is gone; False when `timeout` s passed."""
        return self._ended.wait(timeout)

    def close(self) -> None:
        """End it, wait until nothing of it is left, and remove its files. May be repeated."""
        if self._closed:
            return
        self._closed = True
        self.kill(None)
        self._watch.join(10)
        self.channel.close()
        if not self._ended.is_set():
            raise SandboxError("a submission could not be ended", hint="Look for its processes.")

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def finish(self) -> None:
        """Wait for the last process, then give back what the launch took; used by the watch."""
        self._parts.process.wait()
        if self._root is not None:
            self._root.wait_gone(10)
        self._parts.sweep()
        os.close(self._parts.output)
        with contextlib.suppress(OSError):
            self._parts.clean.close()
        self._ended.set()

    def _strike(self) -> None:
        if self._root is not None:
            self._root.kill()
        else:
            kill_family(self.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            self._parts.process.kill()


def _limit_of(reason: str) -> str:
    return "time" if "SIGXCPU" in reason else "crash"


def kill_family(root: int) -> None:
    """End a process and all below it, as far as this system can list them.

    Each is stopped before the next look, so that none can fork away, then all are killed.
    """
    if not LINUX:
        _signal(root, signal.SIGKILL)
        return
    stopped: set[int] = set()
    for _ in range(20):
        fresh = [pid for pid in usage.family(root) if pid not in stopped]
        if not fresh:
            break
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped.update(fresh)
    for pid in sorted(stopped, reverse=True):
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


class _Handle:
    """A process held by descriptor, so that a reused number is never mistaken for it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._descriptor: int | None = None
        with contextlib.suppress(OSError, AttributeError):
            self._descriptor = os.pidfd_open(pid)

    def kill(self) -> None:
        """Send SIGKILL, which ends every process of its namespace."""
        with contextlib.suppress(OSError):
            if self._descriptor is None:
                os.kill(self._pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def wait_gone(self, timeout: float) -> None:
        """Wait until it, and so its namespace, is gone. Kill is sent again: it may live on."""
        self.kill()
        end = time.monotonic() + timeout
        while os.path.exists(f"/proc/{self._pid}") and time.monotonic() < end:
            if self._descriptor is None:
                time.sleep(0.005)
                continue
            import select

            if select.select([self._descriptor], [], [], 0.5)[0]:
                break
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
