"""The watch over one submission: its memory, its tasks, its raw output and its end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from grader.sandbox import usage

if TYPE_CHECKING:
    from grader.sandbox.child import Child, Parts, Process

LINUX = sys.platform == "linux"
LOOK_EVERY = 0.05
SCAN_EVERY = 0.25
CROWDED_SECONDS = 2.0
CHUNK = 1 << 16


class Watch:
    """Runs in a thread of the grader, one for each child, until the child is gone."""

    def __init__(self, child: Child, parts: Parts) -> None:
        self._child = child
        self._parts = parts
        self._written = 0
        self._crowded_since: float | None = None
        self._next_look = 0.0

    def run(self) -> None:
        """Watch until the process has ended, then see everything off."""
        process, output = self._parts.process, self._parts.output
        os.set_blocking(output, False)
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            descriptor = _pidfd(process.pid)
            if descriptor is not None:
                selector.register(descriptor, selectors.EVENT_READ)
            while process.poll() is None:
                ready = {key.fd for key, _ in selector.select(LOOK_EVERY)}
                if output in ready and not self._drain():
                    selector.unregister(output)
                self._look()
            if descriptor is not None:
                os.close(descriptor)
        self._child.ended_by_itself(_how_it_ended(process))
        self._drain()
        self._child.finish()

    def _drain(self) -> bool:
        """Read what is there, keep the first part. False when the other end is closed."""
        limits = self._parts.limits
        for _ in range(64):
            try:
                chunk = os.read(self._parts.output, CHUNK)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not chunk:
                return False
            room = limits.text_kept - len(self._child.text)
            self._child.text += chunk[: max(room, 0)]
            self._written += len(chunk)
            if self._written > limits.text_ends_run:
                self._child.kill("output", f"more than {limits.text_ends_run >> 20} MiB printed")
                return True
        return True

    def _look(self) -> None:
        if not LINUX:
            return
        now = time.monotonic()
        if now < self._next_look:
            return
        limits, root = self._parts.limits, self._parts.namespace_root or self._parts.process.pid
        folders = usage.inside_of(root) if self._parts.own_proc else []
        self._next_look = now + (LOOK_EVERY if folders else SCAN_EVERY)
        folders = folders or [f"/proc/{pid}" for pid in usage.family(root)]
        files = usage.filled(root, self._parts.memory_places)
        used = usage.measure(folders, enough=limits.memory - files)
        group = self._parts.group
        refused = group is not None and group.ran_out_of_memory()
        if refused or used.memory + files > limits.memory:
            self._child.kill("memory", f"more than {limits.memory >> 20} MiB used")
        for folder, most in self._parts.folders.items():
            if usage.overfull(folder, most):
                self._child.kill("disk", f"more than {most >> 20} MiB written")
        if used.tasks < limits.processes:
            self._crowded_since = None
        elif self._crowded_since is None:
            self._crowded_since = now
        elif now - self._crowded_since > CROWDED_SECONDS:
            self._child.kill("processes", f"{limits.processes} processes and threads for seconds")


def _pidfd(pid: int) -> int | None:
    with contextlib.suppress(OSError, AttributeError):
        return os.pidfd_open(pid)
    return None


def _how_it_ended(process: Process | subprocess.Popen[bytes]) -> str:
    """The end in words. bubblewrap gives 128 + n for a process that signal n ended."""
    code = process.returncode or 0
    number = -code if code < 0 else code - 128 if code > 128 else 0
    if number:
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(number).name}"
    return f"ended with code {code}"
