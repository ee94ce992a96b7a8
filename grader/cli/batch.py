"""`grade batch`: a whole class, many at once, safely, and again from where it stopped."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import INTERRUPTED, cores, current_course
from grader.errors import SandboxError, UsageError
from grader.submissions.names import listed, printable

if TYPE_CHECKING:
    from grader.batch.run import Batch, Dask, Tally
    from grader.records.lab import Lab
    from grader.report.class_page import ClassPage
    from grader.sandbox import Sandbox

EXIT_DONE = 0
EXIT_INVALID = 3
EXIT_FAULTY_LAB = 4
LINE_SECONDS = 5.0
"""At most one line of progress in this time, where there is no terminal."""
LISTED = 10


@click.command(options_metavar="-o OUT [OPTIONS]")
@click.argument("lab")
@click.argument("folder", callback=lambda _c, _p, given: _path(given))
@click.option(
    "-o", "out", metavar="OUT", required=True, callback=lambda _c, _p, given: _path(given),
    help="The folder to write to: a new one, or that of an earlier run.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N",
    help="How many submissions at once (default: the cores; of a cluster, all of its threads).",
)  # fmt: skip
@click.option(
    "--resume/--fresh", "resume", default=True,
    help="Keep what is graded and unchanged (default), or grade everything again.",
)  # fmt: skip
@click.option(
    "--layout", type=click.Choice(["auto", "plain", "canvas", "moodle", "nbgrader"]),
    default="auto", help="How FOLDER is laid out (default: found out).",
)  # fmt: skip
@click.option(
    "--shard", metavar="I/N",
    help="Grade only share I of N, on one of N machines; “grade merge” puts them together.",
)  # fmt: skip
@click.option(
    "--executor", type=click.Choice(["local", "dask"]), default="local",
    help="Where to grade: in processes here (default), or on a Dask cluster.",
)  # fmt: skip
@click.option(
    "--scheduler", metavar="ADDRESS",
    help="The scheduler of the Dask cluster, tcp://HOST:PORT or tls://… (default: a cluster here).",
)  # fmt: skip
@click.option(
    "--allow-weak-sandbox", "weak", is_flag=True,
    help="Run strangers' code even where this machine cannot shut it in fully.",
)  # fmt: skip
def batch(lab: str, folder: Path, out: Path, **options: Any) -> int:
    """Grade every submission in FOLDER with all checks and write results and reports to OUT.

    FOLDER holds a folder, or a .ipynb, .py or .zip, for each student; or what Canvas or Moodle
    gives to download; or nbgrader's “submitted”. Interrupt it when you like: the same command goes
    on where it stopped.

    Exit code: 0 every submission graded or rejected, 2 usage, 3 a fault of the grader, 4 a fault of
    the lab, 5 nothing to grade, 130 interrupted.
    """
    return _run(_plan(lab, folder, out, options))


def _path(given: str) -> Path:
    """A path as it was written. Raises UsageError for "", which would mean the folder here."""
    if given == "":
        raise UsageError("The name of a folder is empty.", hint="Name FOLDER, and OUT after -o.")
    return Path(given)


def _plan(lab_id: str, folder: Path, path: Path, options: dict[str, Any]) -> Batch:
    from grader.batch.files import Out
    from grader.batch.finding import find_class, must_be_for
    from grader.batch.run import Batch
    from grader.batch.shards import Shard
    from grader.batch.state import stamp_of
    from grader.grading import versions

    dask = _dask(options)
    if os.name != "posix":
        raise UsageError("grade batch does not run on Windows itself.", hint="Use it in WSL 2.")
    shard = None if options["shard"] is None else Shard.parse(options["shard"])
    course = current_course()
    lab = course.load(lab_id)
    chosen: Any = None if options["layout"] == "auto" else options["layout"]
    findings = find_class(folder, lab.id, lab.kind, layout=chosen, out=path)
    must_be_for(folder, findings, lab.id, course.labs())
    return Batch(
        lab=lab,
        folder=Path(os.path.abspath(folder)),
        findings=findings,
        out=Out(Path(os.path.abspath(path))),
        stamp=stamp_of(lab, versions(lab.kind)),
        sandbox=None if dask else _sandbox(lab, weak=options["weak"]),
        jobs=options["jobs"] or cores(),
        fresh=not options["resume"],
        shard=shard,
        dask=dask if lab.kind == "code" else None,  # nothing of answers runs
    )


def _dask(options: dict[str, Any]) -> Dask | None:
    """The cluster that is asked for. Raises UsageError where that cannot be."""
    from importlib.util import find_spec

    address, weak = options["scheduler"], options["weak"]
    if options["executor"] != "dask":
        if address is not None:
            raise UsageError(
                "--scheduler is about a Dask cluster.", hint="Add --executor dask, or leave it out."
            )
        return None
    if find_spec("distributed") is None or find_spec("cryptography") is None:
        raise UsageError(
            "Dask is not installed here.", hint="Install it with: pip install 'labgrader[dask]'"
        )
    if address is not None and not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d{1,5}", address, re.ASCII):
        raise UsageError(
            f"“{printable(address)}” is no scheduler's address.",
            hint="Write tcp://HOST:PORT or tls://HOST:PORT, as the scheduler says when it starts.",
        )
    if weak and (address or "").startswith("tcp:"):
        raise UsageError(
            "Work that is not shut in fully could reach a scheduler without TLS, which runs "
            "whatever it is sent.",
            hint="Set TLS up (docs/cluster.md) and write tls://…, or leave out "
            "--allow-weak-sandbox.",
        )
    from grader.batch.run import Dask

    jobs = options["jobs"] or (None if address else cores())
    return Dask(address, jobs, weak, lambda words: click.echo(f"Warning: {words}", err=True))


def _sandbox(lab: Lab, *, weak: bool) -> Sandbox | None:
    """The sandbox of this machine, None where nothing is run.

    Raises SandboxError below `full`, unless that is allowed.
    """
    if lab.kind == "answers":
        return None
    from grader.sandbox import open_sandbox

    sandbox = open_sandbox()
    if sandbox.isolation == "full":
        return sandbox
    why = " ".join(sandbox.reasons)
    if not sandbox.suffices(weak=weak):
        raise SandboxError(
            f"This machine shuts submissions in only as “{sandbox.isolation}”. {why}".strip(),
            hint="“grade doctor” says what is missing. --allow-weak-sandbox runs them "
            "nevertheless: only for work that you trust.",
        )
    click.echo(f"Warning: isolation is only “{sandbox.isolation}”. {why}", err=True)
    return sandbox


def _run(planned: Batch) -> int:
    from grader.batch.run import run_batch

    _say_what_was_found(planned)
    _warn_of_absent_checks(planned.lab)
    last: list[Tally] = []
    try:
        with _watching() as show:

            def watch(tally: Tally) -> None:
                last[:] = [tally]
                show(tally)

            tally = run_batch(planned, watch)
    except KeyboardInterrupt:
        _say_how_to_go_on(planned, last)
        return INTERRUPTED
    _summarise(planned, tally)
    if tally.faulty_lab:
        return EXIT_FAULTY_LAB
    return EXIT_INVALID if tally.statuses["invalid"] else EXIT_DONE


def _say_what_was_found(planned: Batch) -> None:
    findings = planned.findings
    count = len(planned.handed)
    layout = {
        "plain": "a folder or file for each student",
        "canvas": "as Canvas names them",
        "moodle": "as Moodle names them",
        "nbgrader": "nbgrader's folders",
    }[findings.layout]
    people = "submission" if count == 1 else "submissions"
    share = f", shard {planned.shard} of {len(findings.handed)}" if planned.shard else ""
    how = f"{min(planned.jobs, count)} at a time"
    if planned.dask is not None and planned.dask.address is not None:
        how = f"on the cluster of {planned.dask.address}"
    click.echo(f"{planned.lab.id}: {count} {people} ({layout}{share}), {how}.", err=True)
    if findings.strays:
        click.echo(f"Left out, for they are nobody's: {listed(findings.strays, LISTED)}", err=True)


def _warn_of_absent_checks(lab: Lab) -> None:
    if lab.rubric.hidden and not lab.hidden_checks:
        left = lab.rubric.total - sum(lab.rubric.points[check] for check in lab.rubric.hidden)
        click.echo(
            f"Warning: this course has no hidden checks, so that only {left:g} of "
            f"{lab.rubric.total:g} points are asked for. --course names the staff's.",
            err=True,
        )


def _say_how_to_go_on(planned: Batch, last: list[Tally]) -> None:
    done = last[0].done if last else 0
    total = len(planned.handed)
    fresh = " without --fresh" if planned.fresh else ""
    click.echo(f"\nInterrupted: {done} of {total} are done and kept.", err=True)
    if last and last[0].page is None:
        click.echo("There was no time to write grades.csv and index.html anew.", err=True)
    click.echo(f"Hint: the same command{fresh} goes on from there.", err=True)


@contextmanager
def _watching() -> Iterator[Callable[[Tally], None]]:
    """A live bar on a terminal that can move its cursor; elsewhere a line now and then."""
    # On these Rich shows no bar, and nothing in its place.
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    if dumb or not sys.stderr.isatty():
        yield _lines(time.monotonic())
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("")

        def show(tally: Tally) -> None:
            words = f"{_counts(tally)}, {_rate(tally, began):.0f} a minute"
            progress.update(bar, total=tally.total, completed=tally.done, description=words)

        yield show


def _lines(began: float) -> Callable[[Tally], None]:
    said = [began]

    def show(tally: Tally) -> None:
        now = time.monotonic()
        if now - said[0] < LINE_SECONDS and tally.done < tally.total:
            return
        said[0] = now
        rate = _rate(tally, began)
        left = f", {_span(60 * (tally.total - tally.done) / rate)} left" if rate else ""
        words = f"{tally.done} of {tally.total}: {_counts(tally)}, {rate:.0f} a minute{left}"
        click.echo(words, err=True)

    return show


def _rate(tally: Tally, began: float) -> float:
    """Submissions a minute, of those that were graded now."""
    return 60 * tally.graded_now / max(time.monotonic() - began, 0.001)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _counts(tally: Tally) -> str:
    words = [f"{tally.statuses['graded']} graded"]
    words += [
        f"{tally.statuses[status]} {status}"
        for status in ("rejected", "invalid", "missing")
        if tally.statuses[status]
    ]
    return ", ".join(words)


def _summarise(planned: Batch, tally: Tally) -> None:
    """The end of it on standard output: counts, what to look at, and where the files are."""
    kept = f" ({tally.kept} of them kept from before)" if tally.kept else ""
    click.echo(f"{planned.lab.id}: {_counts(tally)}{kept}.")
    if tally.page is not None:
        _say_how_it_went(tally.page)
    groups = [
        ("Nothing to grade from", tally.missing),
        ("A second submission under one name", planned.findings.twins),
        ("In OUT, but not in FOLDER; kept as they were", tally.former),
    ]
    for words, ids in groups:
        if ids:
            click.echo(f"{words}: {listed(sorted(ids), LISTED)}")
    for notice in sorted(tally.doubts)[:LISTED]:
        click.echo(f"{notice.id}: {notice.said}")
    if len(tally.doubts) > LISTED:
        click.echo(f"… and {len(tally.doubts) - LISTED} more; index.html has them all.")
    for words in tally.said:
        click.echo(words, err=True)
    if tally.faulty_lab:
        click.echo(f"Error: the lab is at fault: {tally.faulty_lab[0]}", err=True)
    elif tally.statuses["invalid"]:
        click.echo("Hint: the same command tries those again that are invalid.", err=True)
    if planned.shard:
        click.echo(f"This was shard {planned.shard}; “grade merge” puts all of them together.")
    if tally.page is not None:
        say_alike(tally.page, planned.out.folder)
    click.echo(f"The class: {planned.out.folder / 'index.html'}")
    click.echo(f"The marks: {planned.out.folder / 'grades.csv'}")


def say_alike(page: ClassPage, folder: Path) -> None:
    """One line where code is alike, and where it is to be read."""
    if page.alike:
        from grader.report.similar_page import NAME, pairs_in_words

        click.echo(f"{pairs_in_words(page.alike)}, for a person to read: {folder / NAME}")


def _say_how_it_went(page: ClassPage) -> None:
    from grader.report.class_page import commonest_mistakes, marks_of

    if marks := marks_of(page):
        click.echo("Points: " + ", ".join(f"{name} {figure}" for name, figure in marks))
    if mistakes := commonest_mistakes(page):
        told = (f"{code} ({count})" for code, _, count in mistakes[:5])
        click.echo("Commonest mistakes: " + ", ".join(told))
