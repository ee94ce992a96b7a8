"""`grade new`: a lab to begin with, for its author to change."""

from __future__ import annotations

from pathlib import Path

import click

from grader.authoring import write_lab
from grader.cli import course_folder


@click.command()
@click.argument("lab")
@click.option("--title", metavar="TEXT", help="The lab's title (default: its name).")
def new(lab: str, title: str | None) -> None:
    """Write a small, complete lab called LAB into the course, to be changed into yours.

    Where there is no course here or above, the current folder becomes one.
    """
    folder = course_folder() or Path.cwd()
    for path in write_lab(folder, lab, title or lab):
        click.echo(f"Wrote {_shown(path)}")
    click.echo(
        f"Next: “pytest {_shown(folder / 'assignments' / lab)}” judges the reference, and "
        f"“grade validate {lab}” everything; both are in order now. "
        "Change a little, and look again."
    )


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
