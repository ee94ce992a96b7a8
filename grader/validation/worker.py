"""Grading in another process: one lab and one sandbox, kept from grading to grading."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import FrameType

from grader.course import Course
from grader.errors import GraderError, LabError
from grader.grading import grade
from grader.interrupts import HEARD, hear
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.sandbox import Sandbox
from grader.validation.judging import Graded, summary

TIDY_SECONDS = 2.0
"""How long a process whose parent is gone may take to end its submission."""
_sandbox: Sandbox | None = None
_grading = False
_told_to_end = False


@cache
def _lab(course: Path, lab_id: str) -> Lab:
    return Course(course).load(lab_id)


def get_ready(sandbox: Sandbox) -> None:
    """Keep the sandbox that the parent opened, for all gradings.

    From here on SIGTERM alone ends this process, and its submission tidily first; interrupts are
    the parent's to hear. It ends by itself when the parent does.
    """
    global _sandbox
    _sandbox = sandbox
    # Not SIG_IGN, which the student's process would inherit.
    for number in HEARD:
        signal.signal(number, lambda _number, _frame: None)
    signal.signal(signal.SIGTERM, _end)
    hear()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end(_number: int, _frame: FrameType | None) -> None:
    global _told_to_end
    if _grading:
        if not _told_to_end:
            _told_to_end = True
            raise KeyboardInterrupt
    elif _told_to_end:
        sys.exit()
    else:
        os._exit(0)  # nothing is to be tidied, and while it gets ready an exception would be shown


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(TIDY_SECONDS)
        os._exit(1)


def grade_one(
    course: Path, lab_id: str, submission: Submission, run_seconds: float | None
) -> Graded:
    """Grade with all checks; `run_seconds` bounds the run more tightly than the lab does."""
    global _grading
    if _told_to_end:
        return Graded(fault="interrupted")
    _grading = True
    try:
        lab = _lab(course, lab_id)
        if run_seconds is not None:
            seconds = min(run_seconds, lab.limits.run_seconds)
            lab = replace(lab, limits=replace(lab.limits, run_seconds=seconds))
        return summary(grade(lab, submission, _sandbox, hidden=True).result)
    except GraderError as error:
        said = f"{error.message} {error.hint}".strip()
        return Graded(fault=said, faulty_lab=isinstance(error, LabError))
    except Exception as error:
        return Graded(fault=f"{type(error).__name__}: {error}")
    finally:
        _grading = False
