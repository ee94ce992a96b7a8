"""`grade calibrate`: the accuracy that marks, from many runs of right answers."""

from __future__ import annotations

from collections.abc import Mapping

import click

from grader import data
from grader.calibration.bounds import Spread, Threshold, spread_of, threshold_of
from grader.calibration.measuring import Answer, conditions, family, measure
from grader.calibration.record import Ledger
from grader.cli import cores, current_course
from grader.course.schema import LabFile, read_toml
from grader.errors import LabError
from grader.grading import sight_of, versions
from grader.records.lab import Lab
from grader.sandbox import kept_warm, open_sandbox

SHORT = 1
FEW_ANSWERS = 5
FEW_SEEDS = 20


@click.command()
@click.argument("lab")
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(2, 200))
@click.option(
    "--jobs",
    default=cores(),
    show_default=True,
    type=click.IntRange(1, 64),
    help="Runs at a time.",
)
@click.option("--fresh", is_flag=True, help="Forget the runs that were kept.")
def calibrate(lab: str, seeds: int, jobs: int, fresh: bool) -> int:
    """Measure LAB's right answers over many seeds, and write the threshold beside the lab.

    Each run is kept as it ends: the same command goes on where it stopped. What was measured with
    other versions, another seed or another source is measured anew. Exit code 1 where the accuracy
    does not tell a mistake that it is meant to catch.
    """
    loaded = current_course().load(lab)
    if loaded.data is None:
        raise LabError(
            f"{lab} names no data set, so there are no digits to recognise.",
            hint="Only labs that are graded on digits have an accuracy to calibrate.",
        )
    answers = family(loaded)
    ledger = Ledger(lab, loaded.folder, answers, versions(), conditions(loaded))
    for reason in [] if fresh else ledger.recall():
        click.echo(f"Measured anew: {reason}.", err=True)
    _remarks(loaded, answers, seeds)
    wanted = [(name, seed) for seed in range(seeds) for name in answers]
    missing = [one for one in wanted if one not in ledger.runs]
    if missing:
        _run(loaded, ledger, missing, jobs)
    return _conclude(loaded, ledger, answers)


def _run(lab: Lab, ledger: Ledger, missing: list[tuple[str, int]], jobs: int) -> None:
    with kept_warm(open_sandbox(), [sight_of(lab)]) as sandbox:
        runs = measure(lab, ledger.answers, sandbox, missing, jobs)
        for number, run in enumerate(runs, start=1):
            ledger.add(run)
            click.echo(f"{number}/{len(missing)}  {run.name}  seed {run.seed}  {run.accuracy:.4f}")


def _remarks(lab: Lab, answers: Mapping[str, Answer], seeds: int) -> None:
    rule = lab.accuracy
    notes = []
    if sum(answer.right for answer in answers.values()) < FEW_ANSWERS:
        notes.append(f"fewer than {FEW_ANSWERS} different right answers say little.")
    if seeds < FEW_SEEDS:
        notes.append(f"fewer than {FEW_SEEDS} seeds make wide bounds, and a low threshold.")
    if not rule.catches and not rule.reason:
        notes.append(
            "nothing is named that the accuracy is to catch; list wrong answers as catches in "
            "[accuracy] of lab.toml, or give a reason why it catches none."
        )
    for note in notes:
        click.echo(f"Note: {note}", err=True)


def _conclude(lab: Lab, ledger: Ledger, answers: Mapping[str, Answer]) -> int:
    spreads = {name: spread_of(ledger.accuracies(name)) for name in answers}
    right = {name: one for name, one in spreads.items() if answers[name].right}
    wrong = {name: one for name, one in spreads.items() if not answers[name].right}
    _, truth = data.graded(str(lab.data))
    found = threshold_of(right, wrong, len(truth))
    target = ledger.close(spreads, found)
    _table(right, wrong)
    if found is None:
        click.echo("\nThe right answers lie so far apart that no threshold follows.")
        click.echo("Look at the one with the lowest bound; judge the lab by probes.")
        return SHORT
    click.echo(
        f"\nmarks {found.marks}, shown {found.shown}, band {found.band}: on {found.count:,} digits "
        f"an accuracy of {found.passes:.4f} passes.\nWritten to {target}"
    )
    _advise(lab, found)
    return SHORT if found.overlapping else 0


def _table(right: Mapping[str, Spread], wrong: Mapping[str, Spread]) -> None:
    head = "".join(f"{name:>9}" for name in ("mean", "sd", "low", "high", "Shapiro"))
    click.echo(f"\n{'answer':<40}{'runs':>5}{head}")
    for name, one in {**right, **wrong}.items():
        numbers = f"{one.mean:>9.4f}{one.deviation:>9.4f}{one.low:>9.4f}{one.high:>9.4f}"
        p = "–" if one.normality is None else f"{one.normality:.3f}"
        mark = "  to be caught" if name in wrong else ""
        click.echo(f"{name[:39]:<40}{one.count:>5}{numbers}{p:>9}{mark}")
    for name, one in {**right, **wrong}.items():
        if not one.is_normal:
            click.echo(
                f"{name} is not normally distributed: its bounds reach to the outermost run."
            )


def _advise(lab: Lab, found: Threshold) -> None:
    for name in found.overlapping:
        click.echo(
            f"{name} can reach the threshold: judge it by a probe, not by its accuracy, and take "
            "it out of catches."
        )
    written, _ = read_toml(lab.folder / "lab.toml", LabFile)
    if written.accuracy.marks is not None:
        click.echo("marks, shown and band in lab.toml count no longer: take them out.")
