"""The pytest plugin: fixtures and marks for a lab's checks.

The grader runs checks with it in its own process; a lab's author gets the same by plain
`pytest assignments/<lab>`, which judges the reference, or another file with `--submission`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grader.titles import title_in, unchecked

if TYPE_CHECKING:
    import numpy as np

    from grader.checks.accuracy import Accuracy
    from grader.checks.answers import Answers
    from grader.checks.diagnosis import Diagnosis
    from grader.checks.expectations import Shortfall
    from grader.checks.graded import GradedDigits
    from grader.checks.networks import Network
    from grader.checks.student import Student
    from grader.checks.subject import Subject
    from grader.checks.trained import TrainedModel
    from grader.records.evidence import Evidence
    from grader.records.submission import Submission

MARKS = (
    "points(n): what the check is worth where the lab has no rubric",
    "hidden: the check is not given to students",
    "needs(*ids): the checks that must have passed for this one to make sense",
)
SUBJECT = pytest.StashKey["Subject"]()
DONE = pytest.StashKey[dict[str, tuple[str, bool]]]()
"""Title and success of each check that has run, by id."""
REMARK = pytest.StashKey["Shortfall | None"]()
"""What is worth saying of a check although it passed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--submission`, for a lab's author."""
    group = parser.getgroup("grader", "checks of a lab")
    group.addoption(
        "--submission",
        metavar="FILE",
        help="the notebook or module that a lab's checks judge (default: the lab's reference)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    config.stash[DONE] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a check as "not checked yet" where one that it needs did not pass."""
    for mark in item.iter_markers("needs"):
        for needed in mark.args:
            title, passed = item.config.stash[DONE].get(needed, ("", True))
            if not passed:
                pytest.skip(unchecked(title))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how each check ended, for those that need it."""
    report = yield
    if call.when == "call" or (call.when == "setup" and not report.passed):
        item.config.stash[DONE][check_id(item.name)] = (title_of(item), report.passed)
    return report


def title_of(item: pytest.Item) -> str:
    """The check's docstring up to its first blank line, on one line."""
    return title_in(getattr(getattr(item, "obj", None), "__doc__", None) or item.name)


def check_id(name: str) -> str:
    """The id of a check: its function's name without `test_` and parameters."""
    return name.split("[")[0].removeprefix("test_")


@pytest.fixture(scope="session")
def _subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    given = request.config.stash.get(SUBJECT, None)
    if given is not None:
        yield given
        return
    from grader.grading import author_subject

    checks = Path(request.session.items[0].path)
    with author_subject(checks, request.config.getoption("--submission")) as subject:
        yield subject


@pytest.fixture
def student(_subject: Subject) -> Student:
    """The submission's functions: `student.normalize(x)`."""
    from grader.checks.student import Student

    return Student(_subject.live, _subject.evidence)


@pytest.fixture
def evidence(_subject: Subject) -> Evidence:
    """What happened while the submission ran."""
    return _subject.evidence


@pytest.fixture
def submission(_subject: Subject) -> Submission:
    """What was handed in."""
    return _subject.submission


@pytest.fixture
def settings(_subject: Subject) -> dict[str, Any]:
    """The `[settings]` table of lab.toml."""
    return dict(_subject.lab.settings)


@pytest.fixture
def accuracy(_subject: Subject, request: pytest.FixtureRequest) -> Accuracy:
    """The accuracy that the lab marks by, on digits that the submission never had."""
    from grader.checks.accuracy import Accuracy

    return Accuracy(_subject, _remark(request))


@pytest.fixture
def answers(_subject: Subject, request: pytest.FixtureRequest) -> Answers:
    """The answers of a submission that is only read."""
    from grader.checks.answers import Answers

    return Answers(_subject.sheet, _remark(request))


def _remark(request: pytest.FixtureRequest) -> Callable[[Shortfall], None]:
    def remark(said: Shortfall) -> None:
        request.node.stash[REMARK] = said

    return remark


@pytest.fixture
def model(_subject: Subject) -> TrainedModel:
    """The trained model; the check fails where there is none."""
    return _subject.model


@pytest.fixture
def graded(_subject: Subject, model: TrainedModel) -> GradedDigits:
    """Digits that the submission never had, fed as it feeds its own."""
    assert model is not None
    if _subject.graded is None:
        raise RuntimeError("the lab names no data set, so it has no graded digits")
    return _subject.graded


@pytest.fixture
def networks(_subject: Subject) -> tuple[Network, ...]:
    """Every network that was trained, in order; empty where there is none."""
    return _subject.networks


@pytest.fixture
def diagnosis(_subject: Subject) -> Diagnosis:
    """The mistakes that were seen."""
    from grader.checks.diagnosis import Diagnosis

    return Diagnosis(_subject.sightings)


@pytest.fixture
def rng(_subject: Subject, request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that are the same in every run of this check, and unlike any other's."""
    import numpy as np

    name = zlib.crc32(check_id(request.node.name).encode())
    return np.random.default_rng([_subject.lab.seed, name])
