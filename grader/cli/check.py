"""`grade check`: one submission, judged and explained."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import current_course
from grader.errors import SubmissionError, UsageError
from grader.whole_files import write_named

if TYPE_CHECKING:
    from grader.grading import Graded
    from grader.records.lab import Lab
    from grader.records.result import Result
    from grader.records.submission import Submission
    from grader.sandbox import Sandbox

EXIT_PASSED = 0
EXIT_NOT_PASSED = 1
EXIT_INVALID = 3
EXIT_NOTHING = 5
WORK = (".ipynb", ".py", ".zip", ".toml")
"""Endings of what people write themselves; a slip of `--html` must not cost anyone a night."""


@click.command()
@click.argument("lab")
@click.argument("path", required=False, callback=lambda _c, _p, given: _path(given))
@click.option("--all", "hidden", is_flag=True, help="Run the hidden checks too, where present.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON and nothing else.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write the page.")
@click.option(
    "--junitxml", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML."
)
@click.option("-k", "select", metavar="EXPR", help="Run only the checks that match, as in pytest.")
@click.option("--hint", "hints", is_flag=True, help="Show hints, from the idea to the place.")
@click.option(
    "--no-warm", "cold", is_flag=True, help="Load TensorFlow anew, and leave nothing running."
)
def check(
    lab: str,
    path: Path | None,
    hidden: bool,
    as_json: bool,
    html: Path | None,
    junitxml: Path | None,
    select: str | None,
    hints: bool,
    cold: bool,
) -> int:
    """Check the submission at PATH (default: the lab's file here) and explain each mistake.

    PATH is a notebook, a module, a file of answers, or a folder or .zip that holds one.

    For some minutes TensorFlow stays loaded in the background, without your work, so that the next
    check starts at once; it ends by itself.

    Exit code: 0 full marks on the checks that ran, 1 something did not pass, 2 usage, 3 a fault of
    the grader, 4 a fault of the lab, 5 nothing to grade.
    """
    for target in (html, junitxml):
        _check_writable(target)
    if html is not None and junitxml is not None and _same(html, junitxml):
        raise UsageError("--html and --junitxml name one file.", hint="Name two.")
    loaded = current_course().load(lab)
    how = _How(hidden, select, quiet=as_json, warm=not cold)
    graded, leave_behind = _grade(loaded, path, how)
    if select and graded.result.status == "graded" and not graded.result.checks:
        raise UsageError(f"No check matches -k {select!r}.", hint="Leave -k out to run them all.")
    _write_files(graded, html, junitxml, hints=hints)
    _print(graded, as_json=as_json, hints=hints, page=html)
    leave_behind()
    return exit_code(graded.result)


@dataclass(frozen=True)
class _How:
    hidden: bool
    select: str | None
    quiet: bool
    warm: bool


def _grade(lab: Lab, path: Path | None, how: _How) -> tuple[Graded, Callable[[], None]]:
    """The verdict, and what is left to do once it has been shown."""
    from grader.grading import grade, rejected
    from grader.submissions import find, read, unreadable

    found = find(lab, path, Path.cwd())
    try:
        submission = read(found, relative_to=Path.cwd(), lab_id=lab.id, kind=lab.kind)
    except SubmissionError as error:
        if error.exit_code == EXIT_NOTHING:
            raise
        unread = unreadable(found, relative_to=Path.cwd())
        return rejected(lab, unread, error, hidden=how.hidden), _nothing
    if lab.kind == "answers":  # read, never run
        graded = grade(lab, submission, None, hidden=how.hidden, select=how.select)
        return graded, _nothing
    text = f"Running {found.name}, at most {lab.limits.run_seconds:g} s …"
    with _progress(text, quiet=how.quiet) as tell:
        return _run(lab, submission, how, tell)


def _run(
    lab: Lab, submission: Submission, how: _How, tell: Callable[[str], None]
) -> tuple[Graded, Callable[[], None]]:
    """Grade in a fork of the keeper's warm server, or else from a cold start."""
    from grader.grading import grade, preload, sight_of
    from grader.sandbox import keeper, open_sandbox, warm

    # Until the sandbox is proven there is time.
    threading.Thread(target=preload, daemon=True).start()
    sight = sight_of(lab)

    def graded_in(sandbox: Sandbox) -> Graded:
        return grade(lab, submission, sandbox, hidden=how.hidden, select=how.select, tell=tell)

    if how.warm:
        with keeper.lent(sight) as lent:
            if lent is not None:
                graded = graded_in(lent.sandbox)
                # What broke because the server did is no fault of the submission.
                if lent.held(thoroughly=graded.broken_off):
                    return graded, _nothing
    graded = graded_in(open_sandbox())
    pays = how.warm and graded.result.isolation == "full" and warm.wanted_by(submission.source)
    return graded, partial(keeper.leave_behind, sight) if pays else _nothing


def _nothing() -> None:
    """Nothing is left behind."""


@contextmanager
def _progress(text: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Say on a terminal's standard error that work goes on; elsewhere say nothing.

    What it gives says more there, unless `quiet`.
    """
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console

    # The checks run with another sys.stderr.
    console = Console(file=sys.stderr)
    with console.status(text):
        yield lambda more: None if quiet else console.print(more, markup=False, highlight=False)


def _write_files(graded: Graded, html: Path | None, junitxml: Path | None, *, hints: bool) -> None:
    if html is not None:
        from grader.report.html import render_html

        _write(html, render_html(graded.result, graded.exhibits, hints))
    if junitxml is not None:
        from grader.report.junit import render_junit

        _write(junitxml, render_junit(graded.result))


def _print(graded: Graded, *, as_json: bool, hints: bool, page: Path | None) -> None:
    if as_json:
        click.echo(json.dumps(graded.result.to_json(), indent=2, ensure_ascii=True))
        return
    from rich.console import Console

    from grader.report.terminal import render_terminal

    shown = None if page is None else str(page)
    render_terminal(graded.result, graded.exhibits, Console(file=sys.stdout), hints, shown)


def exit_code(result: Result) -> int:
    """The documented exit code of `grade check` for a result."""
    if result.status == "invalid":
        return EXIT_INVALID
    if result.status == "rejected":
        return EXIT_NOT_PASSED
    passed = all(check.outcome == "passed" for check in result.checks)
    return EXIT_PASSED if passed and result.checks else EXIT_NOT_PASSED


def _path(given: str | None) -> Path | None:
    """A path as it was written. Raises UsageError for "", which would mean the folder here."""
    if given == "":
        raise UsageError(
            "The name of the submission is empty.", hint="Name a file, or leave it out."
        )
    return None if given is None else Path(given)


def _check_writable(target: Path | None) -> None:
    if target is None:
        return
    if target.suffix.lower() in WORK:
        raise UsageError(
            f"A report is not written to {target}: it could be somebody's work.",
            hint="Name a file that ends in .html or .xml.",
        )
    try:
        special = target.exists() and not target.is_file()
    except OSError as error:
        raise _unwritable(target, error) from None
    if special or not target.absolute().parent.is_dir():
        raise UsageError(
            f"{target} cannot be written.", hint="Name a file in a folder that exists."
        )
    if not os.access(target.absolute().parent, os.W_OK):
        raise UsageError(f"{target.absolute().parent} is not writable.", hint="Name another.")


def _write(target: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        write_named(target, text.encode("utf-8"), f".{os.getpid()}")
    except OSError as error:
        raise _unwritable(target, error) from None


def _unwritable(target: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{str(target)[:200]} cannot be written: {error.strerror}.", hint="Name another file."
    )


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
