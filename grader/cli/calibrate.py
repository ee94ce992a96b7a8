"""`grade calibrate`: the accuracy that marks, from many runs of right answers."""

from __future__ import annotations

import os
from pathlib import Path

import click

from grader.calibration.bounds import spread_of, threshold_of
from grader.calibration.measuring import Run, family, measure
from grader.calibration.record import runs_of, text_of
from grader.cli import current_course
from grader.course.calibrated import NAME, CalibrationFile, read
from grader.grading import versions
from grader.sandbox import open_sandbox

SHORT = 1
FEW_ANSWERS = 5


@click.command()
@click.argument("lab")
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(2, 200))
@click.option(
    "--jobs",
    default=os.cpu_count() or 1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Runs at a time.",
)
@click.option("--fresh", is_flag=True, help="Forget the runs that were kept.")
def calibrate(lab: str, seeds: int, jobs: int, fresh: bool) -> None:
    """Measure LAB's right answers over many seeds, and write the threshold beside the lab.

    Each run is kept as it ends: the same command goes on where it stopped. Exit code 1 where the
    threshold does not separate a mistake that the accuracy is meant to catch.
    """
    loaded = current_course().load(lab)
    answers = family(loaded)
    now = versions()
    kept = CalibrationFile() if fresh else read(loaded.folder)
    runs = [run for run in runs_of(kept, now) if run.name in answers]
    known = {(run.name, run.seed) for run in runs}
    wanted = [(name, seed) for seed in range(seeds) for name in answers]
    missing = [one for one in wanted if one not in known]
    if sum(right for _, right in answers.values()) < FEW_ANSWERS:
        click.echo(f"Note: fewer than {FEW_ANSWERS} different right answers say little.", err=True)
    target = loaded.folder / NAME
    for number, run in enumerate(measure(loaded, open_sandbox(), missing, jobs), start=1):
        runs.append(run)
        _write(target, text_of(lab, runs, {}, None, now))
        click.echo(f"{number}/{len(missing)}  {run.name}  seed {run.seed}  {run.accuracy:.4f}")
    click.get_current_context().exit(_conclude(lab, target, runs, now))


def _conclude(lab: str, target: Path, runs: list[Run], measured_under: dict[str, str]) -> int:
    right = {run.name for run in runs if run.right}
    spreads = {
        name: spread_of([run.accuracy for run in runs if run.name == name])
        for name in sorted({run.name for run in runs})
    }
    found = threshold_of(
        {name: spread for name, spread in spreads.items() if name in right},
        {name: spread for name, spread in spreads.items() if name not in right},
    )
    _write(target, text_of(lab, runs, spreads, found, measured_under))
    click.echo(f"\n{'answer':<32}{'runs':>5}{'mean':>9}{'sd':>9}{'low':>9}{'high':>9}")
    for name, one in spreads.items():
        mark = "" if name in right else "  (to be caught)"
        numbers = f"{one.mean:>9.4f}{one.deviation:>9.4f}{one.low:>9.4f}{one.high:>9.4f}"
        click.echo(f"{name[:31]:<32}{one.count:>5}{numbers}{mark}")
    click.echo(f"\nmarks {found.marks}, shown {found.shown}, written to {target}")
    for name in found.overlapping:
        click.echo(f"{name} reaches the threshold: judge it by a probe, not by its accuracy.")
    return SHORT if found.overlapping else 0


def _write(target: Path, text: str) -> None:
    """Replace the file as a whole, so that a run that is broken off loses nothing."""
    part = target.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(target)
