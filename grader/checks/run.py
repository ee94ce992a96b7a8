"""Run a lab's checks over one submission after another, collected once."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import _prepareconfig

from grader.checks import plugin
from grader.checks.outcomes import CheckOutcome, NobodyThere, outcome_of
from grader.checks.subject import Subject
from grader.errors import LabError, UsageError
from grader.records.lab import Lab

QUIET = (
    "-p no:cacheprovider -p no:terminal -p no:junitxml -p no:faulthandler -p no:pastebin "
    "-p no:doctest -p no:unraisableexception -p no:threadexception -p no:logging "
    "-p no:legacypath -p no:setuponly -p no:setupplan -p no:stepwise -p no:unittest "
    "--import-mode=importlib --noconftest --strict-markers --capture=no"
).split()

Key = tuple[object, ...]
_kept: dict[Key, Suite] = {}
"""The suite that ran last, for the next submission: to collect one takes longer than to run it."""


def run_checks(
    subject: Subject, *, hidden: bool, select: str | None = None
) -> tuple[CheckOutcome, ...]:
    """Run the lab's checks in the order of their files; `select` is pytest's `-k` expression.

    Raises LabError where pytest cannot collect them, UsageError where it cannot read `select`.
    """
    lab = subject.lab
    files = (*lab.public_checks, *(lab.hidden_checks if hidden else ()))
    key = (lab.folder, hidden, select, *map(_state, files))
    # Taken out while it runs: one that was broken off is not used again.
    suite = _kept.pop(key, None) or Suite(lab, files, hidden=hidden, select=select)
    try:
        outcomes = suite.run(subject)
    except BaseException:
        suite.close()
        raise
    for other in _kept.values():
        other.close()
    _kept.clear()
    _kept[key] = suite
    return outcomes


def _state(file: Path) -> Key:
    found = file.stat()
    return file, found.st_mtime_ns, found.st_size, found.st_ino


class Suite:
    """A lab's checks as pytest collected them.

    Raises LabError where it cannot, UsageError where it cannot read `select`.
    """

    def __init__(
        self, lab: Lab, files: Sequence[Path], *, hidden: bool, select: str | None
    ) -> None:
        self._lab = lab
        self._collector = _Collector()
        args = [*QUIET, "-c", os.devnull, "--rootdir", str(lab.folder)]
        # Or pytest lists every folder above, up to the one that all files of the machine are in.
        args += ["--confcutdir", str(lab.folder)]
        if not hidden:
            args += ["-m", "not hidden"]
        if select:
            args += ["-k", select]
        try:
            with _unheard():
                self._config = _prepareconfig([*args, *map(str, files)], [plugin, self._collector])
                self._session = self._collected()
        except pytest.UsageError as error:
            if not select:
                raise self._unrunnable(error) from error
            raise UsageError(
                f"-k {select!r} is not an expression that pytest can read.",
                hint="Name checks, joined by and, or, not: -k 'scaled or loss'.",
            ) from error
        finally:
            _forget_modules(lab.folder)

    def _collected(self) -> pytest.Session:
        config = self._config
        try:
            # As pytest.main begins a session, and pytest-xdist its workers' sessions.
            session = pytest.Session.from_config(config)
            config._do_configure()
            config.hook.pytest_sessionstart(session=session)
            config.hook.pytest_collection(session=session)
            self._collector.raise_if_unread()
        except (LabError, pytest.UsageError, KeyboardInterrupt):
            self.close()
            raise
        except BaseException as error:
            self.close()
            raise self._unrunnable(error) from error
        return session

    def run(self, subject: Subject) -> tuple[CheckOutcome, ...]:
        """Run every check over `subject`, in order. Raises LabError where a check is faulty."""
        collector, stash = self._collector, self._config.stash
        items = self._session.items
        collector.outcomes, collector.lab_error = [], None
        stash[plugin.SUBJECT], stash[plugin.DONE] = subject, {}
        try:
            with _unheard():
                for item, following in zip(items, [*items[1:], None], strict=True):
                    item.stash[plugin.REMARK] = None
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        except (KeyboardInterrupt, pytest.exit.Exception) as error:
            raise KeyboardInterrupt from error
        except Exception as error:
            raise self._unrunnable(error) from error
        finally:
            del stash[plugin.SUBJECT]
        if collector.lab_error is not None:
            raise collector.lab_error
        return tuple(collector.outcomes)

    def close(self) -> None:
        """Give back what pytest holds for them."""
        with _unheard():
            self._config._ensure_unconfigure()

    def _unrunnable(self, error: BaseException) -> LabError:
        told = (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]
        return LabError(
            f"the checks in {self._lab.folder / 'checks'} could not be run: {told}",
            hint="Run pytest on the lab's folder to see where.",
        )


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep what pytest and checks print to themselves, and what the user tells pytest from them.

    PYTEST_* in the environment (-x, plugins) could change a verdict; `input()` in a check would
    wait at the terminal.
    """
    theirs = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PYTEST_")}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    said = io.StringIO()
    asked, sys.stdin = sys.stdin, _Nobody()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            yield
    finally:
        sys.stdin = asked
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(theirs)


class _Nobody(io.StringIO):
    """Stands for the terminal, and answers no question."""

    def readline(self, _size: int | None = -1, /) -> str:  # type: ignore[override]
        raise NobodyThere("a check asked for input")


def _forget_modules(folder: Path) -> None:
    """Drop the check modules, lest another course's file of the same name be taken for one."""
    inside = f"{folder}{os.sep}"
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(inside):
            del sys.modules[name]


class _Collector:
    """A pytest plugin that takes the outcomes out."""

    def __init__(self) -> None:
        self.outcomes: list[CheckOutcome] = []
        self.lab_error: LabError | None = None
        self._faulty: list[str] = []

    def raise_if_unread(self) -> None:
        """Raise LabError where a file of checks could not be read."""
        if self._faulty:
            raise LabError(
                "the lab's checks cannot be read: " + self._faulty[0],
                hint="Run pytest on the lab's folder to see where.",
            )

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
                self.outcomes.append(outcome_of(item, error))
            except LabError as faulty:
                self.lab_error = self.lab_error or faulty
        return report
