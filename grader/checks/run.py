"""Run a lab's checks over one subject and collect what came of each."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from _pytest.fixtures import FixtureLookupError

from grader.checks import plugin
from grader.checks.expectations import CheckFailed, Shortfall
from grader.checks.subject import Subject
from grader.errors import GraderError, LabError, SessionClosed, UsageError
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
QUIET = (
    "-p no:cacheprovider -p no:terminal -p no:junitxml -p no:faulthandler -p no:pastebin "
    "-p no:doctest -p no:unraisableexception -p no:threadexception -p no:logging "
    "-p no:legacypath -p no:setuponly -p no:setupplan -p no:stepwise -p no:unittest "
    "--import-mode=importlib --noconftest --strict-markers --capture=sys"
).split()


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


def run_checks(
    subject: Subject, *, hidden: bool, select: str | None = None
) -> tuple[CheckOutcome, ...]:
    """Run the lab's checks in the order of their files; `select` is pytest's `-k` expression.

    Raises LabError where pytest cannot collect them.
    """
    files = [*subject.lab.public_checks, *(subject.lab.hidden_checks if hidden else ())]
    collector = _Collector(subject)
    args = [*QUIET, "-c", os.devnull, "--rootdir", str(subject.lab.folder)]
    # Or pytest lists every folder above, too, up to the one that all files of the machine are in.
    args += ["--confcutdir", str(subject.lab.folder)]
    if not hidden:
        args += ["-m", "not hidden"]
    if select:
        args += ["-k", select]
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said), _own_pytest():
            code = pytest.main([*args, *map(str, files)], plugins=[plugin, collector])
    finally:
        _forget_modules(subject.lab.folder)
    if code == pytest.ExitCode.USAGE_ERROR and select:
        raise UsageError(
            f"-k {select!r} is not an expression that pytest can read.",
            hint="Name checks, joined by and, or, not: -k 'scaled or loss'.",
        )
    collector.raise_if_broken(int(code), files, said.getvalue())
    return tuple(collector.outcomes)


@contextmanager
def _own_pytest() -> Iterator[None]:
    """Keep what the user's environment tells pytest (-x, plugins) from changing a verdict."""
    theirs = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PYTEST_")}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(theirs)


def _forget_modules(folder: Path) -> None:
    """Drop the check modules, lest another course's file of the same name be taken for one."""
    inside = f"{folder}{os.sep}"
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(inside):
            del sys.modules[name]


AUTHORS_SLIPS = (NameError, ImportError, FixtureLookupError)
"""What no answer of a student's can raise in a check, however odd it is."""


class _Collector:
    """A pytest plugin that hands the subject in and takes the outcomes out."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.outcomes: list[CheckOutcome] = []
        self._faulty: list[str] = []
        self._lab_error: LabError | None = None

    def raise_if_broken(self, code: int, files: Sequence[Path], said: str) -> None:
        """Raise LabError where the checks themselves are at fault."""
        if self._lab_error is not None:
            raise self._lab_error
        if self._faulty:
            raise LabError(
                "the lab's checks cannot be read: " + self._faulty[0],
                hint="Run pytest on the lab's folder to see where.",
            )
        if code == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            last = (said.strip().splitlines() or ["no reason given"])[-1][:200]
            raise LabError(f"the checks in {files[0].parent} could not be run: {last}")

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[plugin.SUBJECT] = self._subject

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._faulty.append(str(report.longrepr).strip().splitlines()[-1])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        error = None if call.excinfo is None else call.excinfo.value
        if call.when == "call" or (call.when == "setup" and error is not None):
            try:
                self.outcomes.append(_outcome(item, error))
            except LabError as faulty:
                self._lab_error = self._lab_error or faulty
        return report


def _outcome(item: pytest.Item, error: BaseException | None) -> CheckOutcome:
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
    """What an author is told whose check has a name in it that does not exist."""
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
