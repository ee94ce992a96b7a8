"""The process that grades one submission after the other, as the batch hands them out."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import PurePosixPath
from types import FrameType

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
from grader.records.lab import Lab
from grader.records.result import Isolation
from grader.records.submission import Submission
from grader.submissions import read, unreadable
from grader.submissions.names import listed, printable

TIDY_SECONDS = 3.0
"""How long a process that has lost its batch may take to end its submission."""


def work(connection: Connection, plan: Plan) -> None:
    """Grade what comes through `connection` until it is closed, or None comes."""
    try:
        _listen()
        lab = Course(plan.course).load(plan.stamp.lab)
        connection.send(Ready())
        while (task := connection.recv()) is not None:
            connection.send(grade_one(plan, lab, task))
    except (EOFError, OSError, KeyboardInterrupt):
        return


def _listen() -> None:
    """Interrupts are the batch's to hear: it sends SIGTERM, which ends a submission tidily."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # Not SIG_IGN, which the student's process would inherit.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    threading.Thread(target=_end_with_the_batch, daemon=True).start()


def _end_with_the_batch() -> None:
    batch = multiprocessing.parent_process()
    if batch is not None:
        batch.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(TIDY_SECONDS)
        os._exit(1)


def grade_one(plan: Plan, lab: Lab, task: Task) -> Told | Halt:
    """Grade one submission and write its files, or keep those that hold already."""
    try:
        return _grade_one(plan, lab, task)
    except NothingToGrade:
        return Told(task.id, "missing")
    except OutputError as error:
        return Halt(error.message, error.hint)
    except (OSError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        # Of the reading alone: whatever judging meets is a verdict already.
        return _unread(plan, lab, task, error)


def _grade_one(plan: Plan, lab: Lab, task: Task) -> Told:
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
        held = standing(plan.out, task.name, submission, plan.stamp, _isolation(plan))
        if held is not None:
            return Told(task.id, held.status.value, kept=True, doubt=doubt)
    faulty_lab = ""
    if refused is not None:
        graded = rejected(lab, submission, refused, hidden=bool(lab.hidden_checks))
    else:
        graded, faulty_lab = _judged(plan, lab, submission)
    save(plan.out, task.name, graded)
    return Told(task.id, graded.result.status.value, doubt=doubt, faulty_lab=faulty_lab)


def _unread(plan: Plan, lab: Lab, task: Task, error: Exception) -> Told | Halt:
    try:
        save(
            plan.out, task.name, invalid(lab, unread(plan.folder, task), _fault(error), hidden=True)
        )
    except OutputError as full:
        return Halt(full.message, full.hint)
    return Told(task.id, "invalid")


def _fault(error: Exception) -> SandboxError:
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


def _isolation(plan: Plan) -> Isolation:
    return "full" if plan.sandbox is None else plan.sandbox.isolation


def _judged(plan: Plan, lab: Lab, submission: Submission) -> tuple[Graded, str]:
    """The verdict; a fault that is not the student's costs nothing and touches no other."""
    try:
        return grade(lab, submission, plan.sandbox, hidden=True), ""
    except LabError as error:
        return invalid(lab, submission, error, hidden=True), f"{error.message} {error.hint}".strip()
    except GraderError as error:
        return invalid(lab, submission, error, hidden=True), ""
    except Exception as error:
        return invalid(lab, submission, _fault(error), hidden=True), ""
