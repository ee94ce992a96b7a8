"""Every error that the program raises on purpose.

    GraderError
    ├── UsageError        the command line asks for something that cannot be       exit 2
    ├── LabError          a lab's own files are faulty: its author must mend them  exit 4
    ├── SubmissionError   the file handed in cannot be read as a submission        rejected, exit 1
    │   └── NothingToGrade    there is no submission at all                        exit 5
    └── SandboxError      the grader or the machine failed, never the student      invalid, exit 3
        ├── SessionClosed     the student's process is gone; `limit` says why
        └── OutputError       a file of the results cannot be written: a full disk

Each carries a `hint`: the next thing to do, in one sentence.
"""

from __future__ import annotations


class GraderError(Exception):
    """Something the program knows how to explain."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(GraderError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class LabError(GraderError):
    """A lab's own files are faulty; the message names file and line where it can."""

    exit_code = 4


class SubmissionError(GraderError):
    """The file handed in cannot be read as a submission."""

    exit_code = 1


class NothingToGrade(SubmissionError):
    """There is no submission where one was looked for."""

    exit_code = 5


class SandboxError(GraderError):
    """The machine or the grader failed; the submission is not to blame."""

    exit_code = 3


class SessionClosed(SandboxError):
    """The student's process has ended and can answer nothing more.

    `limit` is the bound that ended it (`time`, `memory`, `output`, `disk`,
    `processes`, `crash`, `protocol`).
    """

    def __init__(self, message: str, *, limit: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.limit = limit


class OutputError(SandboxError):
    """A file of the results cannot be written: a full disk, a folder that became read-only."""
