"""Start real sandboxed sessions from a few lines of source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from grader.records.evidence import Evidence
from grader.records.lab import Limits
from grader.records.submission import Cell, ExtraFile, Submission
from grader.sandbox import Sandbox, open_sandbox
from grader.session import Session

QUICK = Limits(run_seconds=20, call_seconds=3)


@cache
def sandbox() -> Sandbox:
    """The machine's sandbox, probed once."""
    return open_sandbox()


def notebook(*cells: str, files: tuple[ExtraFile, ...] = ()) -> Submission:
    """A notebook with these code cells."""
    numbered = tuple(Cell(number, source) for number, source in enumerate(cells, start=1))
    return Submission("student", "student.ipynb", "", "notebook", numbered, files=files)


def module(source: str) -> Submission:
    """A module without cell marks."""
    return Submission("student", "student.py", "", "module", (Cell(1, source),))


@contextmanager
def running(submission: Submission, limits: Limits = QUICK) -> Iterator[tuple[Session, Evidence]]:
    """A session in which the submission has run, and its evidence."""
    with Session(sandbox().start(limits), limits) as session:
        yield session, session.run(submission, seed=0, data=None)


def evidence_of(submission: Submission, limits: Limits = QUICK) -> Evidence:
    """The evidence alone."""
    with running(submission, limits) as (_, evidence):
        return evidence
