"""What the end of a check means: its outcome, and what the student is told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from _pytest.fixtures import FixtureLookupError

from grader.checks import plugin
from grader.checks.expectations import CheckFailed, Shortfall
from grader.errors import GraderError, LabError, SessionClosed
from grader.gist import gist
from grader.records.result import Outcome
from grader.session import StudentFault

LIMIT_WORDS = {
    "time": "it took longer than it may",
    "memory": "it used more memory than it may",
    "output": "it returned or printed more than it may",
    "disk": "it wrote more than it may",
    "processes": "it started more processes than it may",
    "crash": "the program ended without an answer",
    "protocol": "its answer could not be read",
}
UNSENT = ("AnswerTooLarge", "FrameError")


class NobodyThere(RuntimeError):
    """A check asked a question, as with `input()`; nobody is there to answer."""


AUTHORS_SLIPS = (NameError, ImportError, NobodyThere, FixtureLookupError)
"""What no answer of a student's can raise in a check, however odd it is."""


@dataclass(frozen=True)
class CheckOutcome:
    """What came of one check, before points. A passed one may have a remark for a shortfall."""

    id: str
    title: str
    hidden: bool
    outcome: Outcome
    shortfall: Shortfall | None = None
    limit: str | None = None
    default_points: float = 1.0


def outcome_of(item: pytest.Item, error: BaseException | None) -> CheckOutcome:
    """What came of a check that ended with `error`, or with none. Raises LabError."""
    points = item.get_closest_marker("points")
    blank = CheckOutcome(
        id=plugin.check_id(item.name),
        title=plugin.title_of(item),
        hidden=item.get_closest_marker("hidden") is not None,
        outcome=Outcome.PASSED,
        default_points=float(points.args[0]) if points else 1.0,
    )
    if error is None:
        return replace(blank, shortfall=item.stash.get(plugin.REMARK, None))
    if isinstance(error, AUTHORS_SLIPS):
        raise _authors_error(item, error)
    outcome, shortfall, limit = judge(error)
    return replace(blank, outcome=outcome, shortfall=shortfall, limit=limit)


def _authors_error(item: pytest.Item, error: BaseException) -> LabError:
    """What an author is told whose check cannot run, whatever is handed in."""
    line, trace = (item.location[1] or 0) + 1, error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == item.path:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, FixtureLookupError):
        told = f"there is no fixture “{error.argname}”"
    else:
        told = f"{type(error).__name__}: {_first_line(error)}"
    return LabError(
        f"{item.path}:{line}: the check {item.name} has a mistake itself: {told}.",
        hint="Run pytest on the lab's folder to see more.",
    )


def judge(error: BaseException) -> tuple[Outcome, Shortfall | None, str | None]:
    """What an exception in a check means: the outcome, what to tell the student, the limit hit."""
    if isinstance(error, pytest.skip.Exception):
        return Outcome.SKIPPED, Shortfall(str(error), "", next=None), None
    if isinstance(error, CheckFailed):
        return Outcome.FAILED, error.shortfall, None
    if isinstance(error, StudentFault):
        return Outcome.ERROR, _fault(error), error.limit
    if isinstance(error, SessionClosed):
        return Outcome.ERROR, _closed(error), error.limit
    if isinstance(error, LabError):
        raise error
    if isinstance(error, GraderError):
        return Outcome.INVALID, Shortfall(error.message, "", next=error.hint), None
    if isinstance(error, AssertionError):
        return Outcome.FAILED, Shortfall(_first_line(error), "the assertion to hold"), None
    return Outcome.FAILED, _unreadable(error), None


def _fault(error: StudentFault) -> Shortfall:
    fault = error.fault
    if fault.type == "TimeUp":
        return Shortfall(
            "your code ran longer than a call may",
            "an answer within the time limit",
            why="A call that never ends is stopped so that the other checks can go on.",
            next="Look for a loop whose condition never turns false, or work done many times over.",
            cell=fault.cell,
            line=fault.line,
        )
    if fault.type == "NotImplementedError":
        return Shortfall(
            "this task is not written yet: its function raises NotImplementedError",
            "a function that returns an answer",
            next="Write the body of the function and take the line with `raise` out.",
            cell=fault.cell,
            line=fault.line,
        )
    if fault.type in UNSENT:
        return Shortfall(
            f"your function's answer could not be read: {gist(fault.message)}",
            "an answer of the kind and size that the task describes",
            why="An answer is handed over as plain numbers and texts, within bounds.",
            next="Print the type and the shape of what your function returns.",
        )
    return Shortfall(
        f"your code stopped with {fault.type}: {gist(fault.message)}".rstrip(": "),
        "an answer, without an error",
        why="The check called your code and it raised this error.",
        next="Call it yourself in a new cell and read the last line of the error.",
        cell=fault.cell,
        line=fault.line,
    )


def _closed(error: SessionClosed) -> Shortfall:
    return Shortfall(
        f"your program was stopped: {LIMIT_WORDS.get(error.limit, error.limit)}",
        "a program that is still there to be asked",
        why="What is judged by asking your program cannot be judged once it has ended.",
        next="Find what ends it, mend that, and check again.",
    )


def _unreadable(error: BaseException) -> Shortfall:
    return Shortfall(
        f"the answer has a form that this check cannot read ({type(error).__name__}: "
        f"{_first_line(error)})",
        "an answer of the kind that the task describes",
        next="Compare what your code returns with the example in the task.",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]
