"""What the batch asks of a grading process, and what it hears from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.batch.files import Out
from grader.batch.layouts import Handed
from grader.batch.state import Stamp
from grader.records.result import Isolation
from grader.records.submission import Submission
from grader.sandbox import Sandbox
from grader.submissions.read import shown_path


@dataclass(frozen=True)
class Plan:
    """What holds for every submission of a batch."""

    course: Path
    folder: Path
    out: Out
    stamp: Stamp
    sandbox: Sandbox | None
    """The one that the batch opened, for every process; None where nothing is run here."""
    elsewhere: frozenset[Isolation] = frozenset({"full"})
    """Where there is none: the isolations of the machines that grade."""

    @property
    def isolations(self) -> frozenset[Isolation]:
        """Those in which a verdict that is kept may have been found."""
        return self.elsewhere if self.sandbox is None else frozenset({self.sandbox.isolation})


@dataclass(frozen=True)
class Task:
    """One submission, and what its files in OUT are called."""

    handed: Handed
    name: str

    @property
    def id(self) -> str:
        """Whose it is."""
        return self.handed.id

    @property
    def path(self) -> str:
        """Where it lies, below the folder of the batch."""
        return self.handed.path


Became = Literal["graded", "rejected", "invalid", "missing"]
"""What a submission came to: the status of its result, or that there was nothing to grade."""


@dataclass(frozen=True)
class Told:
    """What became of one submission.

    `kept` says that the verdict was there before; `doubt` names the file that was taken where
    others could have been meant; `faulty_lab` is the author's error that came up on the way.
    """

    id: str
    status: Became
    kept: bool = False
    doubt: str = ""
    faulty_lab: str = ""


@dataclass(frozen=True)
class Halt:
    """Nothing more can be graded: the disk is full, or the sandbox is gone."""

    message: str
    hint: str


class Ready:
    """A process has started and waits for its first submission."""


def unread(folder: Path, task: Task) -> Submission:
    """The record of a submission that must not be opened again: it made the grader fail."""
    path = shown_path(folder / task.path, folder)
    return Submission(task.id, path, "", "notebook", cells=())
