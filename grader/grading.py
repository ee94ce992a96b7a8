"""The flow, stage by stage: a lab and a submission become evidence, outcomes and a result."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import grader
from grader import data
from grader.errors import GraderError, LabError, SandboxError, SessionClosed, SubmissionError
from grader.live import Live, NotRun
from grader.records.evidence import Evidence
from grader.records.exhibits import Exhibits
from grader.records.lab import Kind, Lab
from grader.records.result import Isolation, Limit, Outcome, Result, Status
from grader.records.submission import Submission
from grader.reseeding import with_seed
from grader.sandbox import Sandbox, Sight, open_sandbox
from grader.session import Session, StudentFault, whole_seconds

if TYPE_CHECKING:
    from grader.checks.subject import Subject
    from grader.checks.threshold import Measured


def _say_nothing(_text: str) -> None:
    """Nobody waits for this grading."""


@dataclass(frozen=True)
class Graded:
    """A graded submission: the verdict, what a report shows beside it, and the evidence.

    `earned` is the share of its points that each check gave, in the order of the result's.
    """

    result: Result
    exhibits: Exhibits
    evidence: Evidence
    earned: tuple[float, ...] = ()

    @property
    def broken_off(self) -> bool:
        """Whether it came to no regular end: whose fault that is shows elsewhere."""
        return self.result.limit is not None or self.result.status != "graded"


def grade(
    lab: Lab,
    submission: Submission,
    sandbox: Sandbox | None,
    *,
    hidden: bool,
    select: str | None = None,
    tell: Callable[[str], None] = _say_nothing,
) -> Graded:
    """Run a submission in the sandbox and judge it. `select` is pytest's `-k` expression.

    `tell` is told, while somebody waits, why it takes longer.

    A lab of the kind `answers` needs no sandbox: nothing of the submission runs, so that its
    isolation is `full`.

    Raises LabError where the lab is faulty; a fault of the machine becomes status `invalid`.
    """
    started = time.monotonic()
    isolation: Isolation = "full"
    if lab.kind == "code":
        isolation = "none" if sandbox is None else sandbox.isolation
    try:
        with open_subject(lab, submission, sandbox, tell) as subject:
            ran = time.monotonic()
            graded = _judge(subject, isolation, hidden=hidden, select=select)
    except SandboxError as error:
        return invalid(lab, submission, error, hidden=hidden, isolation=isolation)
    ended = time.monotonic()
    seconds = {
        "total": round(ended - started, 3),
        "run": round(ran - started, 3),
        "checks": round(ended - ran, 3),
    }
    return replace(graded, result=replace(graded.result, seconds=seconds))


def sight_of(lab: Lab) -> Sight:
    """What a submission to this lab sees: the lab's public data, and nothing of the course."""
    folder = None if lab.data is None else data.public_folder(lab.data)
    return Sight(folder, hide=(lab.folder.parent.parent,))


@contextmanager
def open_subject(
    lab: Lab,
    submission: Submission,
    sandbox: Sandbox | None,
    tell: Callable[[str], None] = _say_nothing,
) -> Iterator[Subject]:
    """A submission that has run, with its process still there to be asked."""
    if lab.kind == "answers":
        from grader.checks.subject import Subject

        yield Subject(lab, submission, Evidence(), NotRun())
        return
    if sandbox is None:
        raise SandboxError("a program runs in a sandbox only")

    ends = time.monotonic() + whole_seconds(lab.limits)

    def start() -> tuple[Session, Evidence]:
        child = sandbox.start(lab.limits, sight_of(lab))
        try:
            session = Session(child, lab.limits, ends=ends)
            return session, session.run(submission, seed=lab.seed, data=child.data_folder)
        except BaseException:
            child.close()
            raise

    meanwhile = threading.Thread(target=preload)
    meanwhile.start()
    session, evidence = start()
    meanwhile.join()
    # A run that did not get to its end would not do so the next time either.
    again = 2 if lab.cheap and evidence.finished else 0
    live = Live(session, lambda: start()[0], restarts=again)
    if not evidence.finished:
        live.mark_closed(session.limit or "crash")

    def under(seed: int) -> Measured | None:
        nonlocal ends
        began = time.monotonic()
        try:
            return accuracy_under(lab, submission, sandbox, seed)
        except (SandboxError, SessionClosed):
            return None
        finally:
            # The first process waited meanwhile: that is not its own time.
            waited = time.monotonic() - began
            ends += waited
            live.grant(waited)

    try:
        from grader.checks.further import FurtherRuns
        from grader.checks.subject import Subject

        yield Subject(lab, submission, evidence, live, FurtherRuns(under, tell))
    finally:
        live.close()


def accuracy_under(
    lab: Lab, submission: Submission, sandbox: Sandbox | None, seed: int
) -> Measured | None:
    """The accuracy of a submission that runs anew with `seed` added to the lab's and its own seeds.

    None where that run hit a limit, or trained nothing that can be asked. Raises SandboxError and
    SessionClosed where it could not be started.
    """
    from grader.checks.judged import measured

    moved = replace(lab, seed=lab.seed + seed)
    with open_subject(moved, with_seed(submission, seed), sandbox) as subject:
        try:
            found = measured(subject)
        except (StudentFault, SessionClosed):
            return None
        return found if subject.live.limit is None else None


def preload() -> None:
    """Import what judging needs: for a thread, while something else is waited for."""
    # Where one is missing, the one who needs it says so.
    with contextlib.suppress(ImportError):
        import rich.console  # noqa: F401

        import grader.checks.run
        import grader.scoring
        import grader.showing  # noqa: F401


def _judge(subject: Subject, isolation: Isolation, *, hidden: bool, select: str | None) -> Graded:
    from grader import scoring, showing
    from grader.checks.run import run_checks

    lab, submission = subject.lab, subject.submission
    outcomes = run_checks(subject, hidden=hidden, select=select)
    checks = scoring.score_checks(lab, outcomes)
    found = scoring.findings(checks, subject.sightings)
    exhibits = showing.exhibits_of(subject, checks, found)
    score, max_score = scoring.total(checks)
    broken = any(check.outcome is Outcome.INVALID for check in checks)
    limits = [subject.live.limit, *(outcome.limit for outcome in outcomes)]
    result = Result(
        lab=lab.id,
        submission_id=submission.id,
        path=submission.path,
        sha256=submission.sha256,
        status=Status.INVALID if broken else Status.GRADED,
        score=score,
        max_score=max_score,
        limit=_limit(next((limit for limit in limits if limit is not None), None)),
        isolation=isolation,
        reason=subject.sheet.standing() if lab.kind == "answers" else None,
        root_cause=scoring.find_root_cause(checks, subject.sightings),
        metrics=_metrics(subject),
        checks=checks,
        findings=found,
        versions=versions(lab.kind),
        seed=lab.seed,
    )
    return Graded(result, exhibits, subject.evidence, tuple(map(scoring.earned_share, outcomes)))


def _metrics(subject: Subject) -> dict[str, float]:
    from grader.checks.shortened import training_share
    from grader.showing import predictions_of

    share = training_share(subject.evidence)
    measured = {} if share is None else {"training_share": round(share, 4)}
    if subject.graded is None or predictions_of(subject) is None:
        return measured
    measured["graded_accuracy"] = round(subject.graded.accuracy, 6)
    if subject.graded.how == "own-test":
        measured["on_own_test_images"] = 1.0
    for seed, run in subject.further.made.items() if subject.further else ():
        if run is not None:
            measured[f"accuracy_under_seed_{subject.lab.seed + seed}"] = round(run.accuracy, 6)
    return measured


def _limit(name: str | None) -> Limit | None:
    return name  # type: ignore[return-value]  # the session admits documented names only


def rejected(lab: Lab, unread: Submission, error: SubmissionError, *, hidden: bool) -> Graded:
    """The verdict on a file that cannot be read as a submission; `unread` names it."""
    steps = ("Mend what the reason names, save the file, and check it again.",)
    exhibits = Exhibits(
        title=lab.title, kind=lab.kind, next_steps=steps if lab.kind == "answers" else ()
    )
    result = _without_checks(lab, unread, Status.REJECTED, error, hidden=hidden)
    return Graded(result, exhibits, Evidence())


def invalid(
    lab: Lab,
    submission: Submission,
    error: GraderError,
    *,
    hidden: bool,
    isolation: Isolation = "none",
) -> Graded:
    """The verdict where the grader or the machine failed: no points are lost by it."""
    result = _without_checks(
        lab, submission, Status.INVALID, error, hidden=hidden, isolation=isolation
    )
    return Graded(result, Exhibits(title=lab.title, kind=lab.kind), Evidence())


def _without_checks(
    lab: Lab,
    submission: Submission,
    status: Status,
    error: GraderError,
    *,
    hidden: bool,
    isolation: Isolation = "none",
) -> Result:
    return Result(
        lab=lab.id,
        submission_id=submission.id,
        path=submission.path,
        sha256=submission.sha256,
        status=status,
        score=0.0,
        max_score=possible(lab, hidden=hidden),
        isolation=isolation,
        reason=f"{error.message} {error.hint}".strip(),
        versions=versions(lab.kind),
        seed=lab.seed,
    )


def possible(lab: Lab, *, hidden: bool) -> float:
    """The points of all checks, or of those that students get."""
    if hidden:
        return lab.rubric.total
    return sum(
        points for check, points in lab.rubric.points.items() if check not in lab.rubric.hidden
    )


def versions(kind: Kind = "code") -> dict[str, str]:
    """The versions that a result in a lab of this kind depends on."""
    packages = ("tensorflow", "keras") if kind == "code" else ()
    installed = ((package, _installed(package)) for package in packages)
    found = {"grader": grader.__version__, "python": platform.python_version()}
    return found | {package: version for package, version in installed if version}


@cache
def _installed(package: str) -> str:
    """Its version, looked up once, for that reads and parses a file; "" where it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


@contextmanager
def author_subject(checks: Path, submission: str | None) -> Iterator[Subject]:
    """For plain pytest on a lab's folder: the lab's reference, or another file, after its run.

    `checks` is one of the lab's check files. Raises LabError where there is nothing to judge.
    """
    from grader.course import find_course
    from grader.submissions import read

    folder = next((up for up in checks.parents if (up / "lab.toml").is_file()), None)
    if folder is None:
        raise LabError(
            f"{checks} does not belong to a lab: no lab.toml above it",
            hint="Checks lie in assignments/<lab>/checks.",
        )
    lab = find_course(None, folder).load(folder.name)
    chosen = Path(submission) if submission else lab.reference
    if chosen is None:
        raise LabError(
            f"{lab.id} has no reference to judge", hint="Name a file with --submission FILE."
        )
    read_in = read(chosen, lab_id=lab.id, kind=lab.kind)
    sandbox = open_sandbox() if lab.kind == "code" else None
    with open_subject(lab, read_in, sandbox) as subject:
        yield subject
