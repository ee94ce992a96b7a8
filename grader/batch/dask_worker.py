"""What runs in a worker of a Dask cluster: it keeps grading processes and hands work to them.

The grading itself is in processes of their own (`grading_process`), so that the worker goes on
talking to its scheduler, and a submission whose batch is gone can be ended.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
import uuid
from multiprocessing.connection import Connection
from typing import Any

from distributed import get_worker

from grader.batch.messages import Done, Fallen, Fit, Orders, Unfit
from grader.records.submission import Submission
from grader.sandbox.child import kill_family

START_SECONDS = 120.0
STOP_SECONDS = 0.8
LOOK_SECONDS = 0.2
"""How often it is looked whether the work is still wanted."""
INCARNATION = uuid.uuid4().hex
"""Tells this worker from one that comes after it at the same address."""


class GradingProcess:
    """A grading process of this worker. `start` must be called before `grade`."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "grader.batch.grading_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._connection = Connection(ours.detach())

    def lives(self) -> bool:
        """Whether it has not ended; one that had nothing to do for long has."""
        return self._process.poll() is None

    def ask(self, message: Any, seconds: float, wanted: Wanted) -> Any:
        """The answer to a message, or Fallen where none comes in time or nobody wants it."""
        end = time.monotonic() + seconds
        try:
            self._connection.send(message)
            while not self._connection.poll(LOOK_SECONDS):
                if time.monotonic() > end:
                    return Fallen("the process that graded it hung")
                if not wanted():
                    return Fallen("nobody wants it any more")
            return self._connection.recv()
        except (OSError, EOFError, ValueError):
            return Fallen("the process that graded it died")

    def end(self, seconds: float) -> None:
        """End it with the submission in it: tidily in so many seconds, or else at once."""
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            kill_family(self._process.pid)
            self._process.wait()
        with contextlib.suppress(OSError):
            self._connection.close()


class Wanted:
    """Whether the task that this thread runs is still wanted by its scheduler."""

    def __init__(self) -> None:
        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    def __call__(self) -> bool:
        """False once it was cancelled, its batch went away, or this worker is closing."""
        task = self._worker.state.tasks.get(self._key)
        open_ = self._worker.status.name in ("init", "running", "paused", "closing_gracefully")
        return open_ and task is not None and task.state != "cancelled"


class Processes:
    """The grading processes of this worker: those that have nothing to do, and all, by batch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[GradingProcess]] = {}
        self._all: dict[str, list[GradingProcess]] = {}
        self._over: set[str] = set()

    def take(self, orders: Orders, wanted: Wanted) -> tuple[GradingProcess | None, Any]:
        """One that is idle, or a new one, and what it said when it was started."""
        batch = orders["batch"]
        with self._lock:
            if batch in self._over:
                return None, Fallen("its batch has ended")
            idle = self._idle.get(batch, [])
            while idle:
                if (process := idle.pop()).lives():
                    return process, None
                self._all[batch].remove(process)
            process = GradingProcess()
            self._all.setdefault(batch, []).append(process)
        said = process.ask(orders, START_SECONDS, wanted)
        if isinstance(said, Fallen | Unfit):
            self.drop(batch, process)
            return None, said
        return process, said

    def back(self, batch: str, process: GradingProcess) -> None:
        """It is idle again."""
        with self._lock:
            self._idle.setdefault(batch, []).append(process)

    def drop(self, batch: str, process: GradingProcess) -> None:
        """End one, with the submission in it."""
        with self._lock, contextlib.suppress(KeyError, ValueError):
            self._all[batch].remove(process)
        process.end(STOP_SECONDS)

    def dismiss(self, batch: str) -> None:
        """End all of a batch, without waiting for it."""
        with self._lock:
            self._over.add(batch)
            self._idle.pop(batch, None)
            processes = self._all.pop(batch, [])
        for process in processes:
            threading.Thread(target=process.end, args=(STOP_SECONDS,)).start()


PROCESSES = Processes()


def greet(orders: Orders) -> Fit | Unfit | Fallen:
    """Start a grading process for a batch and say whether this worker can grade for it."""
    process, said = PROCESSES.take(orders, Wanted())
    if process is None:
        return said  # type: ignore[no-any-return]
    PROCESSES.back(orders["batch"], process)
    return Fit(INCARNATION, said)


def grade_there(orders: Orders, incarnation: str, submission: Submission) -> Done | Fallen:
    """Grade one submission, where this worker is still the one that was greeted."""
    if incarnation != INCARNATION:
        return Fallen("its worker died")
    wanted = Wanted()
    process, said = PROCESSES.take(orders, wanted)
    if process is None:
        return said if isinstance(said, Fallen) else Fallen(said.message)
    answer = process.ask(submission, orders["patience"], wanted)
    if not isinstance(answer, Done):
        PROCESSES.drop(orders["batch"], process)
        return answer if isinstance(answer, Fallen) else Fallen("it did not answer as agreed")
    PROCESSES.back(orders["batch"], process)
    return answer


def dismiss(batch: str) -> None:
    """A batch has ended: end its grading processes here."""
    PROCESSES.dismiss(batch)
