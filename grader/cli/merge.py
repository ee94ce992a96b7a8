"""`grade merge`: the shards of a class, graded on several machines, put together."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli import current_course
from grader.errors import UsageError

EXIT_DONE = 0
EXIT_INVALID = 3


@click.command(options_metavar="[-o MERGED]")
@click.argument("outs", metavar="OUT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "merged", type=click.Path(path_type=Path), metavar="MERGED",
    help="The folder to write to (default: the first OUT).",
)  # fmt: skip
def merge(outs: tuple[Path, ...], merged: Path | None) -> int:
    """Put together what “grade batch --shard I/N” wrote, each to its own OUT or all to one.

    Shards of different labs or versions, or of a class that changed between them, are refused, and
    so is a class of which a shard is missing. The files are those of a batch without shards.

    Exit code: 0 every submission graded or rejected, 2 usage, 3 any is invalid, or a file cannot be
    written.
    """
    from grader.batch.files import Out
    from grader.batch.merge import gather, merge_into
    from grader.batch.state import stamp_of
    from grader.cli.batch import say_alike

    whole = gather(outs)
    lab = current_course().load(whole.stamp.lab)
    if stamp_of(lab, whole.stamp.versions) != whole.stamp:
        raise UsageError(
            f"The checks or the rubric of {lab.id} are not those that {outs[0]} was graded with.",
            hint="--course names the course that was used.",
        )
    target = merged or outs[0]
    page = merge_into(Out(target), whole, lab, lambda words: click.echo(words, err=True))
    statuses = [row.status for row in page.rows]
    words = [
        f"{statuses.count(status)} {status}"
        for status in ("graded", "rejected", "invalid")
        if statuses.count(status)
    ]
    words += [f"{len(page.missing)} missing"] if page.missing else []
    click.echo(f"{lab.id}: {len(whole.parts)} shards, {', '.join(words) or 'nothing in them'}.")
    say_alike(page, target)
    click.echo(f"The class: {target / 'index.html'}")
    click.echo(f"The marks: {target / 'grades.csv'}")
    if "invalid" in statuses:
        click.echo("Hint: “grade batch” into this folder tries those that are invalid.", err=True)
        return EXIT_INVALID
    return EXIT_DONE
