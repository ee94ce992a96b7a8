"""The executor that grades on a Dask cluster: one submission at a time to each thread of a worker.

Submissions are read here and go out as plain data; the files of a verdict come back and are
written here, in the same order as ever. What crosses the network is in `grader.batch.messages`.
Whoever reaches a scheduler or a worker of Dask can run what he likes on it: on a network it needs
TLS, as Dask's own configuration sets it up (`distributed.comm`), which is heeded here.

Each submission goes to a worker by name, for Dask itself would try one that kills its worker on
three more of them. One whose worker or grading process died is tried once again, by us.
"""

from __future__ import annotations

import queue
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from distributed import Future

from grader.batch.connection import Connection
from grader.batch.dask_worker import START_SECONDS, grade_there, greet
from grader.batch.executor import TRIES, Waiting
from grader.batch.messages import Done, Fallen, Fit, Orders, Unfit
from grader.batch.run import Dask
from grader.batch.saved import put
from grader.batch.task import Halt, Plan, Task, Told
from grader.batch.worker import look_at
from grader.errors import OutputError, SandboxError
from grader.records.lab import Lab

LOOK_SECONDS = 0.5
"""How often the cluster is asked which workers it has."""
WORKERS_SECONDS = 60.0
"""How long a cluster may be without a worker that can grade."""
TRANSFER_SECONDS = 60.0


@dataclass(eq=False)
class _Worker:
    """A worker of the cluster with as many threads; `fit` once it has answered that it is."""

    address: str
    threads: int
    greeting: Any
    deadline: float
    fit: Fit | None = None
    unfit: bool = False
    greeted: int = 1
    at_work: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Out:
    """A submission that is with a worker."""

    task: Task
    doubt: str
    worker: _Worker
    future: Any
    deadline: float


class Cluster:
    """Grades on the cluster that `asked` names, as `grader.batch.executor.Executor` says.

    `give_up` makes the verdict on a submission that took its worker or process along twice, or kept
    it busy beyond `patience` seconds as often.
    """

    def __init__(
        self,
        plan: Plan,
        lab: Lab,
        asked: Dask,
        preload: tuple[str, ...],
        patience: float,
        give_up: Callable[[Task], Told],
    ) -> None:
        self._plan = plan
        self._lab = lab
        self._asked = asked
        self._give_up = give_up
        self._connection = Connection(asked.address, asked.jobs)
        self._orders: Orders = {
            "batch": uuid.uuid4().hex,
            "course": str(plan.course),
            "stamp": plan.stamp.to_json(),
            "weak": asked.weak,
            "preload": list(preload),
            "patience": patience,
        }
        self._limit = patience + START_SECONDS + TRANSFER_SECONDS
        self._workers: dict[str, _Worker] = {}
        self._out: dict[str, _Out] = {}
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._refusals: list[Unfit] = []
        self._looked = self._useful = 0.0
        self._was_fit = False

    def run(self, tasks: Iterator[Task]) -> Iterator[Told]:
        """Grade everything. Raises OutputError, or SandboxError where the cluster cannot."""
        waiting = Waiting(tasks)
        self._connection.open()
        self._useful = time.monotonic()
        while waiting or self._out:
            yield from self._look_round(waiting)
            for worker in list(self._workers.values()):
                while waiting and self._has_room(worker):
                    yield from self._hand(worker, waiting)
            if waiting or self._out:
                yield from self._hear(waiting)

    def stop(self) -> None:
        """End what is graded for this batch, on every worker that can be reached."""
        self._connection.close(self._orders["batch"])

    def _has_room(self, worker: _Worker) -> bool:
        most = self._asked.jobs
        room = worker.fit is not None and len(worker.at_work) < worker.threads
        return room and (most is None or len(self._out) < most)

    def _hand(self, worker: _Worker, waiting: Waiting) -> Iterator[Told]:
        """The next submission to a worker; or what became of it, where it need not run."""
        task = waiting.next()
        found = look_at(self._plan, self._lab, task)
        if isinstance(found, Halt):
            raise OutputError(found.message, hint=found.hint)
        if isinstance(found, Told):
            yield found
            return
        assert worker.fit is not None
        future = self._submit(
            worker.address, grade_there, self._orders, worker.fit.incarnation, found.submission
        )
        deadline = time.monotonic() + self._limit
        self._out[future.key] = _Out(task, found.doubt, worker, future, deadline)
        worker.at_work.add(future.key)

    def _submit(self, address: str, function: Callable[..., Any], *arguments: Any) -> Any:
        with warnings.catch_warnings():
            # Of a submission with large files beside it.
            warnings.filterwarnings("ignore", message="Sending large graph")
            future = self._connection.client.submit(
                function,
                *arguments,
                workers=[address],
                allow_other_workers=False,
                retries=0,
                pure=False,
            )
        future.add_done_callback(self._heard.put)
        return future

    def _hear(self, waiting: Waiting) -> Iterator[Told]:
        try:
            future = self._heard.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return
        out = self._out.pop(future.key, None)
        if out is None:
            self._greeted(future)
            return
        out.worker.at_work.discard(future.key)
        answer = self._answer(future)
        if not isinstance(answer, Done):
            yield from self._died(out.task, waiting)
            return
        put(self._plan.out, out.task.name, answer.files)
        yield Told(out.task.id, answer.status, doubt=out.doubt, faulty_lab=answer.faulty_lab)

    def _answer(self, future: Future[Any]) -> Any:
        """What a worker answered; Fallen where it could not. Raises SandboxError without one."""
        if future.status == "cancelled":
            raise self._connection.gone()
        try:
            return future.result(timeout=TRANSFER_SECONDS)
        except Exception as error:
            self._connection.threads()  # tells a cluster that is gone from a worker that is
            return Fallen(f"{type(error).__name__}: {error}")

    def _died(self, task: Task, waiting: Waiting) -> Iterator[Told]:
        if not waiting.again(task):
            yield self._give_up(task)

    def _look_round(self, waiting: Waiting) -> Iterator[Told]:
        """Greet workers that have come, and take back what those had that are gone or hang."""
        now = time.monotonic()
        if now < self._looked + LOOK_SECONDS:
            return
        self._looked = now
        threads = self._connection.threads()
        for address in set(self._workers) - set(threads):
            del self._workers[address]
        for address in set(threads) - set(self._workers):
            future = self._submit(address, greet, self._orders)
            deadline = now + START_SECONDS + TRANSFER_SECONDS
            self._workers[address] = _Worker(address, threads[address], future, deadline)
        for worker in self._workers.values():
            if worker.fit is None and not worker.unfit and now > worker.deadline:
                self._refuse(worker, Unfit("it did not answer."))
        for key, out in list(self._out.items()):
            if self._workers.get(out.worker.address) is not out.worker or now > out.deadline:
                del self._out[key]
                out.worker.at_work.discard(key)
                out.future.cancel()
                yield from self._died(out.task, waiting)
        self._must_be_useful(now)

    def _greeted(self, future: Future[Any]) -> None:
        """Take in what a worker answered to the greeting."""
        worker = next((w for w in self._workers.values() if w.greeting is future), None)
        if worker is None:
            return
        answer = self._answer(future)
        if isinstance(answer, Fit):
            worker.fit = answer
            self._was_fit = True
            seen = frozenset(w.fit.isolation for w in self._workers.values() if w.fit is not None)
            self._plan = replace(self._plan, elsewhere=seen)
        elif isinstance(answer, Unfit):
            self._refuse(worker, answer)
        elif worker.greeted < TRIES:
            worker.greeted += 1
            worker.greeting = self._submit(worker.address, greet, self._orders)
        else:
            why = answer.why if isinstance(answer, Fallen) else repr(answer)
            hint = "The same labgrader, with what it needs, must be installed on every worker."
            self._refuse(worker, Unfit(f"it cannot grade: {why[:300]}.", hint))

    def _refuse(self, worker: _Worker, why: Unfit) -> None:
        worker.unfit = True
        self._refusals.append(why)
        self._asked.warn(f"worker {worker.address} is not used: {why.message}")

    def _must_be_useful(self, now: float) -> None:
        """Raise SandboxError where no worker can grade and none is to be expected."""
        known = self._workers.values()
        if any(not worker.unfit for worker in known):
            self._useful = now
        waited = now - self._useful > WORKERS_SECONDS
        if known and all(worker.unfit for worker in known) and (waited or not self._was_fit):
            why = self._refusals[-1]
            raise SandboxError(f"no worker can be used: {why.message}", hint=why.hint)
        if waited:
            raise SandboxError(
                f"the scheduler at {self._connection.address} has no worker",
                hint="Start some (“dask worker ADDRESS”; docs/cluster.md), and give the same "
                "command again: what is graded is kept.",
            )
