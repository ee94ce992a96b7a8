"""What the batch's own machine and a worker of a cluster say to each other.

Only these records, `Submission` and `Files` cross the network, pickled by Dask between processes
of the grader. What a student's process said is in them as text that was checked field by field
when it came out of the sandbox, and is bytes of JSON and HTML here: no object of theirs is ever
pickled, on either side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grader.batch.saved import Files
from grader.batch.task import Became
from grader.records.result import Isolation

Orders = dict[str, Any]
"""What holds for a whole batch, plain, for it goes to graders of any version: `batch` (an id),
`course` (a path), `stamp` (JSON), `weak`, `preload` (names of modules), `patience` (seconds)."""


@dataclass(frozen=True)
class Fit:
    """A worker can grade as this machine would. `incarnation` tells it from one after it."""

    incarnation: str
    isolation: Isolation


@dataclass(frozen=True)
class Unfit:
    """A worker cannot be used, and why."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Done:
    """A submission is graded: its files, and the author's error that came up on the way."""

    status: Became
    files: Files
    faulty_lab: str


@dataclass(frozen=True)
class Fallen:
    """The process that graded a submission died, hung, or could not be started again."""

    why: str
