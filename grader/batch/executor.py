"""Who grades what a batch hands out: the seam between a batch and the processes that work for it.

`grader.batch.pool` grades on this machine, `grader.batch.cluster` on those of a Dask cluster.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Protocol

from grader.batch.task import Task, Told

TRIES = 2
"""How often a submission may end the process that grades it before that is its verdict."""


class Executor(Protocol):
    """Grades submissions, many at once. `stop` must be called in the end, whatever happened."""

    def run(self, tasks: Iterator[Task]) -> Iterator[Told]:
        """Grade everything and tell of each submission when its files stand in OUT, in any order.

        Raises OutputError when OUT cannot be written, SandboxError when nothing can be graded.
        """
        ...

    def stop(self) -> None:
        """End what is being graded, within two seconds; what was told of stays."""
        ...


class Waiting:
    """The submissions that wait for a process; those that get another try come first."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks
        self._again: deque[Task] = deque()
        self._ahead: deque[Task] = deque()
        self._deaths: Counter[str] = Counter()

    def more_than(self, count: int) -> bool:
        """Whether more than `count` are waiting."""
        while len(self._ahead) + len(self._again) <= count:
            task = next(self._tasks, None)
            if task is None:
                return False
            self._ahead.append(task)
        return True

    def __bool__(self) -> bool:
        return self.more_than(0)

    def next(self) -> Task:
        """The next one. Only where there is one."""
        return self._again.popleft() if self._again else self._ahead.popleft()

    def again(self, task: Task) -> bool:
        """Take back one whose process died; False where that was its last try."""
        self._deaths[task.id] += 1
        if self._deaths[task.id] >= TRIES:
            return False
        self._again.append(task)
        return True
