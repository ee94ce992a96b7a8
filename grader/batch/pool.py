"""Several grading processes at once: each with one submission, none of them missed when it dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from grader.batch.executor import TRIES, Waiting
from grader.batch.task import Halt, Plan, Ready, Task, Told
from grader.batch.worker import work
from grader.errors import OutputError, SandboxError
from grader.interrupts import undisturbed
from grader.sandbox.child import kill_family

STOP_SECONDS = 0.8
START_SECONDS = 120.0


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    connection: Connection
    deadline: float
    ready: bool = False
    task: Task | None = None


class Pool:
    """Grading processes that are started when they are needed and replaced when they die.

    `give_up` makes the verdict on a submission that took its process along `TRIES` times, or kept
    it busy beyond `patience` seconds as often. `stop` must be called in the end.
    """

    def __init__(
        self, plan: Plan, *, jobs: int, patience: float, give_up: Callable[[Task], Told]
    ) -> None:
        self._plan = plan
        self._jobs = jobs
        self._patience = patience
        self._give_up = give_up
        self._workers: list[_Worker] = []
        self._unborn = 0

    def run(self, tasks: Iterator[Task]) -> Iterator[Told]:
        """Grade everything. Raises OutputError, or SandboxError when no process can be started."""
        waiting = Waiting(tasks)
        while True:
            self._start(waiting)
            for worker in self._workers:
                if worker.ready and worker.task is None and waiting:
                    self._hand(worker, waiting.next())
            busy = [worker for worker in self._workers if worker.task or not worker.ready]
            if not waiting and not any(worker.task for worker in busy):
                return
            yield from self._heard(busy, waiting)

    def _start(self, waiting: Waiting) -> None:
        """As many processes as there is work for."""
        while len(self._workers) < self._jobs:
            if not waiting.more_than(sum(worker.task is None for worker in self._workers)):
                return
            with undisturbed():
                self._workers.append(self._born())

    def _born(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self._plan))
        process.start()
        theirs.close()
        return _Worker(process, ours, time.monotonic() + START_SECONDS)

    def _hand(self, worker: _Worker, task: Task) -> None:
        worker.task, worker.deadline = task, time.monotonic() + self._patience
        with contextlib.suppress(OSError):  # its death is heard of in a moment
            worker.connection.send(task)

    def _heard(self, busy: list[_Worker], waiting: Waiting) -> Iterator[Told]:
        left = min(worker.deadline for worker in busy) - time.monotonic()
        heard = wait([worker.connection for worker in busy], timeout=max(left, 0.05))
        for worker in busy:
            if worker.connection in heard:
                yield from self._listen(worker, waiting)
            elif time.monotonic() > worker.deadline:
                yield from self._died(worker, waiting)

    def _listen(self, worker: _Worker, waiting: Waiting) -> Iterator[Told]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._died(worker, waiting)
            return
        if isinstance(message, Halt):
            raise OutputError(message.message, hint=message.hint)
        if isinstance(message, Ready):
            worker.ready, self._unborn = True, 0
            return
        worker.task = None
        yield message

    def _died(self, worker: _Worker, waiting: Waiting) -> Iterator[Told]:
        """A process is gone or hangs: its submission gets another, or in the end a verdict."""
        self._workers.remove(worker)
        _end([worker], 0.0)
        task = worker.task
        if task is None:
            self._unborn += 1
            if self._unborn > TRIES:
                raise SandboxError(
                    "the processes that grade cannot be started",
                    hint="Try fewer at once: --jobs 1.",
                )
            return
        if not waiting.again(task):
            yield self._give_up(task)

    def stop(self) -> None:
        """End every process with the submission in it, within two seconds."""
        workers, self._workers = self._workers, []
        for worker in workers:
            if worker.task is None and worker.ready:
                with contextlib.suppress(OSError):
                    worker.connection.send(None)
        _end(workers, STOP_SECONDS)


def _end(workers: list[_Worker], seconds: float) -> None:
    """Ask the processes to end, wait so long, then kill the others and what they started."""
    for worker in workers:
        if worker.task is not None or not worker.ready:
            worker.process.terminate()
    end = time.monotonic() + seconds
    for worker in workers:
        worker.process.join(max(end - time.monotonic(), 0.0))
    for worker in workers:
        if worker.process.is_alive() and worker.process.pid:
            kill_family(worker.process.pid)
            worker.process.join()
        worker.connection.close()
