"""`grade start`: the notebook, or the file of answers, to begin a lab with."""

from __future__ import annotations

import os
from pathlib import Path

import click

from grader.cli import current_course
from grader.errors import LabError, UsageError


@click.command()
@click.argument("lab")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
def start(lab: str, folder: Path) -> None:
    """Write the starter of LAB into DIR (default: here): a notebook, or answers.toml."""
    from grader.submissions.answers import NAME

    loaded = current_course().load(lab)
    try:
        content = loaded.starter.read_bytes()
    except OSError as error:
        raise LabError(
            f"{loaded.starter} cannot be read: {error.strerror}.", hint="Make it readable."
        ) from None
    target = folder / (NAME if loaded.kind == "answers" else f"{loaded.id}.ipynb")
    _write_new(target, content, loaded.id)
    click.echo(f"Wrote {target}: {loaded.title}.")
    shown = "" if target.parent == Path() else f" {target}"
    where = "a text editor" if loaded.kind == "answers" else "Jupyter"
    click.echo(
        f"Next: open it in {where}, fill it in, save it, and run “grade check {loaded.id}{shown}”."
    )


def _write_new(target: Path, content: bytes, lab_id: str) -> None:
    """Write a file that must not be there yet. Raises UsageError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # "x" also refuses a link, so that nothing is written through one.
        with open(target, "xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        if not target.parent.is_dir():
            raise UsageError(
                f"{target.parent} is not a folder.", hint="Name a folder to write into."
            ) from None
        raise UsageError(
            f"{target} is there already; it was left as it is.",
            hint=f"To begin anew, rename it, or name another folder: grade start {lab_id} FOLDER",
        ) from None
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror}.", hint="Name a folder of your own."
        ) from None
