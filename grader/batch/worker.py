"""The process that grades one submission after the other, as the batch hands them out."""

from __future__ import annotations

import select
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import PurePosixPath
from typing import TypeVar

from grader.batch.saved import save, standing
from grader.batch.similar import forget_code, keep_code
from grader.batch.task import Halt, Plan, Ready, Task, Told, unread
from grader.batch.together import together
from grader.course import Course
from grader.errors import (
    GraderError,
    LabError,
    NothingToGrade,
    OutputError,
    SandboxError,
    SubmissionError,
)
from grader.grading import Graded, grade, invalid, rejected
from grader.interrupts import obey
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.sandbox import Sandbox
from grader.sandbox.levels import forks
from grader.submissions import read, unreadable
from grader.submissions.names import listed, printable

T = TypeVar("T")


def work(connection: Connection, plan: Plan) -> None:
    """Grade what comes through `connection` until it is closed, or None comes."""
    try:
        obey(stop)
        lab = Course(plan.course).load(plan.stamp.lab)
        connection.send(Ready())
        while (task := connection.recv()) is not None:
            connection.send(grade_one(plan, lab, task))
    except (EOFError, OSError, KeyboardInterrupt):
        return
    finally:
        be_deaf()


def be_deaf() -> None:
    """Pass over signals from here on: it ends, and one more would only print a traceback."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def stop() -> None:
    """End the submission that runs, tidily, and this process with it.

    Once: to be told again, while it ends, would only print a traceback.
    """
    be_deaf()
    raise KeyboardInterrupt


def hung_up(connection: Connection) -> None:
    """Return when the other end of a connection is closed, though nobody may be reading."""
    poll = select.poll()
    poll.register(connection.fileno(), 0)
    poll.poll()


@dataclass(frozen=True)
class Opened:
    """A submission that was read and is to be graded; `doubt` as in `Told`."""

    submission: Submission
    doubt: str


def look_at(plan: Plan, lab: Lab, task: Task) -> Opened | Told | Halt:
    """Read one submission. Where nothing of it need run, its files are written already."""
    return _guarded(plan, lab, task, _look_at)


def grade_one(plan: Plan, lab: Lab, task: Task) -> Told | Halt:
    """Grade one submission and write its files, or keep those that hold already."""
    return _guarded(plan, lab, task, _grade_one)


def _guarded(
    plan: Plan, lab: Lab, task: Task, do: Callable[[Plan, Lab, Task], T]
) -> T | Told | Halt:
    try:
        return do(plan, lab, task)
    except NothingToGrade:
        return Told(task.id, "missing")
    except OutputError as error:
        return Halt(error.message, error.hint)
    except (OSError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        # Of the reading alone: whatever judging meets is a verdict already.
        return _unread(plan, lab, task, error)


def _grade_one(plan: Plan, lab: Lab, task: Task) -> Told:
    found = _look_at(plan, lab, task)
    if isinstance(found, Told):
        return found
    graded, faulty_lab = judged(lab, found.submission, plan.sandbox)
    save(plan.out, task.name, graded)
    return Told(task.id, graded.result.status.value, doubt=found.doubt, faulty_lab=faulty_lab)


def _look_at(plan: Plan, lab: Lab, task: Task) -> Opened | Told:
    try:
        submission, refused = _read(plan, lab, task), None
    except NothingToGrade:
        raise
    except SubmissionError as error:
        path = plan.folder / task.path
        submission, refused = unreadable(path, id=task.id, relative_to=plan.folder), error
    doubt = submission.notes[0] if submission.rivals else ""
    if refused is None and lab.kind == "code":
        keep_code(plan.out, task.name, submission)
    else:
        forget_code(plan.out, task.name)
    if lab.kind == "code":
        held = standing(plan.out, task.name, submission, plan.stamp, plan.isolations)
        if held is not None:
            return Told(task.id, held.status.value, kept=True, doubt=doubt)
    if refused is None:
        return Opened(submission, doubt)
    graded = rejected(lab, submission, refused, hidden=bool(lab.hidden_checks))
    save(plan.out, task.name, graded)
    return Told(task.id, graded.result.status.value, doubt=doubt)


def _unread(plan: Plan, lab: Lab, task: Task, error: Exception) -> Told | Halt:
    try:
        save(
            plan.out, task.name, invalid(lab, unread(plan.folder, task), fault(error), hidden=True)
        )
    except OutputError as full:
        return Halt(full.message, full.hint)
    return Told(task.id, "invalid")


def fault(error: Exception) -> SandboxError:
    """What the grader itself did wrong, as an error that costs nobody points."""
    said = " ".join(str(error).split())[:200]
    return SandboxError(f"the grader failed: {type(error).__name__}: {said}")


def _read(plan: Plan, lab: Lab, task: Task) -> Submission:
    submission = read(
        plan.folder / task.path,
        id=task.id,
        relative_to=plan.folder,
        lab_id=lab.id,
        kind=lab.kind,
        settled=True,
    )
    handed = task.handed
    if handed.beside:
        submission = together(submission, handed.name, plan.folder, handed.beside)
    if not handed.rivals:
        return submission
    rivals = tuple(printable(name) for name in handed.rivals)
    taken = printable(PurePosixPath(task.path).name)
    note = f"{taken} was taken; {listed(rivals)} could have been meant too."
    return replace(submission, notes=(note, *submission.notes), rivals=rivals)


def judged(lab: Lab, submission: Submission, sandbox: Sandbox | None) -> tuple[Graded, str]:
    """The verdict and, in words, the author's error that came up; what failed costs nothing.

    What broke because the warm server did is no fault of the submission: it starts once more, cold.
    """
    found = _judged(lab, submission, sandbox)
    if (
        sandbox is None
        or not found[0].broken_off
        or all(forks(sandbox, server) for server in sandbox.warm)
    ):
        return found
    return _judged(lab, submission, replace(sandbox, warm=()))


def _judged(lab: Lab, submission: Submission, sandbox: Sandbox | None) -> tuple[Graded, str]:
    try:
        return grade(lab, submission, sandbox, hidden=True), ""
    except LabError as error:
        return invalid(lab, submission, error, hidden=True), f"{error.message} {error.hint}".strip()
    except GraderError as error:
        return invalid(lab, submission, error, hidden=True), ""
    except Exception as error:
        return invalid(lab, submission, fault(error), hidden=True), ""
