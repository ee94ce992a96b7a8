"""`grade validate`: test the labs' own checks with references, fixtures and mutants."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from grader.cli import cores, current_course
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.validation.report import LabReport
    from grader.validation.run import Watch


@click.command()
@click.argument("labs", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON alone.")
@click.option("--no-mutants", is_flag=True, help="Leave the mutants out.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="How many gradings at once (default: the cores).",
)
def validate(labs: tuple[str, ...], as_json: bool, no_mutants: bool, jobs: int | None) -> int:
    """Test the checks of LABS (default: all): a reference earns everything, a starter a tenth.

    Different right answers pass, wrong ones are named, and mutants of the reference lose marks.

    Exit code: 0 clean, 1 something falls short, 2 usage, 3 a fault of the grader, 4 a fault of a
    lab.
    """
    from grader.validation.report import exit_code, to_json
    from grader.validation.run import validate as run

    course = current_course()
    known = course.labs()
    chosen = list(dict.fromkeys(labs)) or known
    for lab in chosen:
        if lab not in known:
            raise UsageError(
                f"There is no lab called “{lab}”.", hint=f"The labs are {', '.join(known)}."
            )
    with _watching(len(chosen)) as watch:
        reports = run(course, chosen, jobs=jobs or cores(), mutants=not no_mutants, watch=watch)
    if as_json:
        click.echo(json.dumps(to_json(reports), indent=2, ensure_ascii=True))
    else:
        from rich.console import Console

        from grader.validation.table import print_reports

        print_reports(reports, Console(file=sys.stdout, highlight=False))
    return exit_code(reports)


@contextmanager
def _watching(labs: int) -> Iterator[Watch]:
    """A bar for each lab on a terminal's standard error; a line for each finished one elsewhere."""
    if not sys.stderr.isatty():
        yield _log
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=labs > 0) as progress:
        tasks = {}

        def show(report: LabReport, done: int, total: int) -> None:
            if report.lab not in tasks:
                tasks[report.lab] = progress.add_task(report.lab, total=total)
            progress.update(tasks[report.lab], completed=done, total=total)

        yield show


def _log(report: LabReport, done: int, total: int) -> None:
    if done == total:
        click.echo(f"{report.lab}: {done} gradings done", err=True)
