"""`grade export`: the marks of a batch, in the form that another program takes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.errors import OutputError, UsageError
from grader.submissions.names import listed, printable
from grader.whole_files import write_named

if TYPE_CHECKING:
    from grader.export.filling import Filled
    from grader.export.marks import Marks

FORMATS = ("canvas", "moodle", "gradescope", "nbgrader", "csv", "junit")
FILLED_IN = ("canvas", "moodle")
MOST_POINTS = 1_000_000
LISTED = 50
"""Students named in one sentence; more are counted."""


@click.command(options_metavar="--to FORMAT [OPTIONS]")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--to", "form", type=click.Choice(FORMATS), required=True, help="Who is to read the marks."
)
@click.option(
    "--template", type=click.Path(path_type=Path), metavar="FILE",
    help="The CSV that Canvas or Moodle exported, which is filled in; it is not changed itself.",
)  # fmt: skip
@click.option(
    "--column", metavar="NAME", help="The assignment's column, where the lab's name leaves a doubt."
)
@click.option(
    "--points", type=click.FloatRange(min=0, min_open=True), metavar="N",
    help="The points of that column, where the template does not name them.",
)  # fmt: skip
@click.option(
    "-o", "target", type=click.Path(path_type=Path), metavar="FILE",
    help="Where to write (default: standard output); for gradescope, a folder.",
)  # fmt: skip
def export(
    out: Path,
    form: str,
    template: Path | None,
    column: str | None,
    points: float | None,
    target: Path | None,
) -> int:
    """Write the marks in OUT for Canvas, Moodle, Gradescope, nbgrader, as a plain CSV, or as JUnit.

    For Canvas and Moodle, export the gradebook or grading worksheet there, give it as --template,
    and import what comes out: only the assignment's column, and Moodle's comments, are new. Who
    has no row, or no result, is listed.

    Exit code: 0 written, 2 usage, 3 the file cannot be written, 5 nothing to export.
    """
    from grader.export.marks import read_marks

    _must_go_together(form, template, column, points, target)
    marks = read_marks(out)
    if (out / "late.csv").is_file():
        own = form == "nbgrader"
        where = "a column of their own, and off the score" if own else "late.csv, and nowhere here"
        click.echo(f"Penalties for late work are in {where}.", err=True)
    if template is not None:
        _fill(form, template, marks, column, points, target)
    elif form == "gradescope":
        assert target is not None  # it was asked for above
        _write_gradescope(marks, target)
    elif form == "junit":
        from grader.report.junit import render_junit

        _deliver(render_junit(*(mark.result for mark in marks.items)).encode(), target)
        _say_what_is_open(marks)
    else:
        from grader.export import tables

        if form == "csv":
            table = tables.plain_table(marks, tables.columns_of(out))
        else:
            table = tables.nbgrader_table(marks, tables.penalties_of(out))
        _deliver(table, target)
        _say_what_is_open(marks)
    return 0


def _must_go_together(
    form: str,
    template: Path | None,
    column: str | None,
    points: float | None,
    target: Path | None,
) -> None:
    if points is not None and not points <= MOST_POINTS:  # nan is not, either
        raise UsageError(
            f"A column has no {points:g} points.", hint="Say with --points how many it has."
        )
    if form in FILLED_IN and template is None:
        raise UsageError(
            f"--to {form} fills in a file that {form.capitalize()} exported.",
            hint="Name that file with --template.",
        )
    if form not in FILLED_IN and (template or column is not None or points is not None):
        raise UsageError(
            "--template, --column and --points are for canvas and moodle.",
            hint=f"Leave them out: --to {form} writes a file of its own.",
        )
    if form == "gradescope" and target is None:
        raise UsageError(
            "Gradescope takes a file for each submission.", hint="Name a folder with -o."
        )


def _fill(
    form: str,
    template: Path,
    marks: Marks,
    column: str | None,
    points: float | None,
    target: Path | None,
) -> None:
    from grader.export.canvas import fill_canvas
    from grader.export.moodle import fill_moodle

    content = _read(template)
    if form == "canvas":
        filled = fill_canvas(content, marks, column, points)
    else:
        filled = fill_moodle(content, marks, column, points)
    _deliver(filled.content, target)
    _say(filled, len(marks.items))


def _read(template: Path) -> bytes:
    from grader.export.sheet import LARGEST

    try:
        with template.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"{printable(str(template))} cannot be read: {error.strerror or error}.",
            hint="Name the CSV file that the course system exported.",
        ) from None


def _deliver(content: bytes, target: Path | None) -> None:
    """Write to standard output, or the whole of a file or nothing. Raises OutputError."""
    if target is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_named(target, content)
    except OSError as error:
        raise OutputError(
            f"{printable(str(target))} cannot be written: {error.strerror or error}.",
            hint="Name another file with -o.",
        ) from None


def _write_gradescope(marks: Marks, target: Path) -> None:
    import json

    from grader.export.gradescope import gradescope_files

    count = 0
    for path, data in gradescope_files(marks):
        text = json.dumps(data, indent=2, ensure_ascii=True)
        _deliver(f"{text}\n".encode(), target / path)
        count += 1
    click.echo(f"{count} files results.json are in {printable(os.fspath(target))}.", err=True)
    _say_what_is_open(marks)


def _say_what_is_open(marks: Marks) -> None:
    unmarked = [mark.id for mark in marks.items if mark.unmarked]
    invalid = [mark.id for mark in marks.items if not mark.counts and not mark.unmarked]
    if invalid:
        click.echo(
            f"Without a mark, for the grader failed on them: {listed(invalid, LISTED)}", err=True
        )
    if unmarked:
        click.echo(f"Nobody has marked these answers yet: {listed(unmarked, LISTED)}", err=True)
    if marks.damaged:
        click.echo(f"Result files that cannot be read: {listed(marks.damaged, LISTED)}", err=True)


def _say(filled: Filled, results: int) -> None:
    """What was entered, and everybody about whom there is something to know."""
    count = f"{filled.entered} of {results} {'mark' if results == 1 else 'marks'}"
    click.echo(f"{count} entered in “{printable(filled.column)}”.", err=True)
    for words, about in filled.notes:
        click.echo(f"{words}: {listed(about, LISTED)}" if about else words, err=True)
