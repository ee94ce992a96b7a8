"""Grading in another process: one lab and one sandbox, kept from grading to grading."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

from grader.course import Course
from grader.errors import GraderError, LabError
from grader.grading import grade
from grader.interrupts import obey
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.sandbox import Sandbox
from grader.validation.judging import Graded, summary

_sandbox: Sandbox | None = None
_grading = False
_told_to_end = False


@cache
def _lab(course: Path, lab_id: str) -> Lab:
    return Course(course).load(lab_id)


def get_ready(sandbox: Sandbox) -> None:
    """Keep the sandbox that the parent opened, for all gradings.

    From here on SIGTERM ends this process, and its submission tidily first.
    """
    global _sandbox
    _sandbox = sandbox
    obey(_end)


def _end() -> None:
    global _told_to_end
    if _grading:
        if not _told_to_end:
            _told_to_end = True
            raise KeyboardInterrupt
    elif _told_to_end:
        sys.exit()
    else:
        os._exit(0)  # nothing is to be tidied, and while it gets ready an exception would be shown


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
