"""`grade labs`: the labs of the course."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from grader.cli import current_course
from grader.errors import LabError

if TYPE_CHECKING:
    from grader.course import Course

HEADINGS = ("Lab", "Title", "Points", "Functions asked for")


Row = tuple[str, str, str, str]


def _rows(course: Course) -> tuple[list[Row], list[LabError]]:
    """A row for each lab, and the faults of those that cannot be loaded."""
    rows: list[Row] = []
    faults: list[LabError] = []
    for lab_id in course.labs():
        try:
            lab = course.load(lab_id)
        except LabError as error:
            faults.append(error)
        else:
            functions = ", ".join(lab.functions) or "–"
            rows.append((lab.id, lab.title, f"{lab.rubric.total:g}", functions))
    return rows, faults


@click.command()
def labs() -> None:
    """List the labs of the course."""
    course = current_course()
    rows, faults = _rows(course)
    if not rows and not faults:
        raise LabError(
            f"The course {course.folder} has no labs.",
            hint="A lab is a folder assignments/<lab>/ with a lab.toml.",
        )
    if rows and sys.stdout.isatty():
        _table(rows)
    else:
        _plain(rows)
    if faults:
        raise faults[0]


def _plain(rows: list[Row]) -> None:
    """Tab-separated, for pipes and scripts."""
    for row in rows:
        click.echo("\t".join(row))


def _table(rows: list[Row]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading == "Points" else "left")
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    console = Console()
    console.print(table)
    console.print(f"“grade start {rows[0][0]}” writes the notebook to begin with.")
