"""`grade rescore`: a new rubric or new messages for a class that is graded, without running it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import INTERRUPTED, current_course
from grader.submissions.names import listed, printable

if TYPE_CHECKING:
    from grader.gradebook.history import Change, Mark
    from grader.gradebook.rescore import Summary

EXIT_DONE = 0
EXIT_INVALID = 3
LINE_SECONDS = 5.0
LISTED = 20


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
def rescore(out: Path) -> int:
    """Apply a changed rubric, check titles or messages to the results in OUT; nothing is run.

    Results, reports, grades.csv, index.html and gradebook.db are written anew where they change,
    and each mark that changes is told; the old one stays in the gradebook's history. What a new
    check, or one whose code changed, would say is not known: that needs “grade batch --fresh”.

    Exit code: 0 done, 2 usage, or the submissions have to run again, 3 any is invalid or must be
    graded anew, or a file cannot be written, 4 the lab is faulty.
    """
    from grader.batch.files import Out
    from grader.gradebook.rescore import rescore as apply

    try:
        summary = apply(Out(out), current_course().load, _lines())
    except KeyboardInterrupt:
        click.echo("\nInterrupted.\nHint: the same command goes on from there.", err=True)
        return INTERRUPTED
    _say(out, summary)
    return EXIT_INVALID if summary.invalid or summary.again else EXIT_DONE


def _lines() -> Callable[[int, int], None]:
    """A line of progress now and then."""
    said = [time.monotonic()]

    def show(done: int, total: int) -> None:
        if time.monotonic() - said[0] >= LINE_SECONDS:
            said[0] = time.monotonic()
            click.echo(f"{done} of {total} rescored", err=True)

    return show


def _say(out: Path, summary: Summary) -> None:
    for change in summary.changes:
        click.echo(_line(change))
    for words in summary.said:
        click.echo(words, err=True)
    count = f"{summary.total} {'submission' if summary.total == 1 else 'submissions'}"
    marks = f"{len(summary.changes)} {'mark' if len(summary.changes) == 1 else 'marks'}"
    click.echo(f"{summary.lab}: {count}, {marks} changed, {summary.rewritten} written anew.")
    if summary.again:
        reasons = [f"{id} ({why})" for id, why in sorted(summary.again.items())]
        click.echo(f"To be graded anew: {listed(reasons, LISTED)}", err=True)
    if summary.again or summary.invalid:
        click.echo(
            f"Hint: “grade batch {summary.lab} FOLDER -o {out}” grades those anew that are "
            "invalid or lack a file, and keeps the others.",
            err=True,
        )


def _line(change: Change) -> str:
    """Who changed, from what to what, and why."""
    now = change.now
    words = f"{printable(change.id)}: {_mark(change.was)} → {'none' if now is None else _mark(now)}"
    scores = change.was.score, None if now is None else now.score
    if None not in scores and scores[0] != scores[1]:
        words += f" ({scores[1] - scores[0]:+g})"  # type: ignore[operator]
    if now is not None and now.root_cause != change.was.root_cause:
        words += f", root cause {change.was.root_cause} → {now.root_cause}"
    return f"{words}: {change.why}"


def _mark(mark: Mark) -> str:
    score = mark.status if mark.score is None else f"{mark.score:g}"
    return f"{score} of {mark.max_score:g}"
