"""What every test starts from: a quiet TensorFlow and no colour or width of the developer's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from grader.course import find_course
from grader.grading import grade, sight_of
from grader.records.lab import Lab
from grader.records.result import Result
from grader.sandbox import kept_warm, open_sandbox
from grader.sandbox.warm import wanted_by
from grader.submissions import read
from tests.fuzzing import COUNTED, Outcomes
from tests.labs import ROOT, Judge

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# No check of the tests leaves anything running, but where that is what is tested.
os.environ["GRADE_WARM_MINUTES"] = "0"

# A busy machine is slow now and then: that is no fault of what is tested.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def _outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def fuzzed(_outcomes: Outcomes, request: pytest.FixtureRequest) -> Iterator[Outcomes]:
    """Counts what readers made of the examples that a test fed them, for the summary."""
    yield _outcomes
    _outcomes.tell(request)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many examples each reader was fed."""
    ended = [report for reports in terminalreporter.stats.values() for report in reports]
    rows = sorted(
        tuple(told)
        for report in ended
        if getattr(report, "when", None) == "teardown"
        for name, told in report.user_properties
        if name == COUNTED
    )
    if rows:
        terminalreporter.section("fuzzed: what was broken on purpose, and what became of it")
        for reader, read, refused in rows:
            terminalreporter.write_line(
                f"{reader:<44} {read + refused:>9,} examples: {read:,} read, {refused:,} refused"
            )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from browser import open_browser  # Playwright is loaded for the tests of pages alone

    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Lab:
    """The lab that the module's `LAB` names."""
    return find_course(ROOT, ROOT).load(request.module.LAB)


@pytest.fixture(scope="module")
def judge(lab: Lab) -> Iterator[Judge]:
    """Grade a file with all checks of the module's lab, each file once."""
    tensorflow = lab.reference is not None and wanted_by(read(lab.reference, kind=lab.kind).source)
    with kept_warm(open_sandbox(), [sight_of(lab)] if tensorflow else []) as sandbox:

        @cache
        def judge(path: Path) -> Result:
            return grade(lab, read(path, kind=lab.kind), sandbox, hidden=True).result

        yield judge
