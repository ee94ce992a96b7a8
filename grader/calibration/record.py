"""`assignments/<lab>/calibration.toml`: the threshold, and every number that it was made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from grader.calibration.bounds import Spread, Threshold
from grader.calibration.measuring import Run
from grader.course.calibrated import CalibrationFile

HEAD = """\
# Written by `grade calibrate {lab}`. An accuracy loses points only where its upper 95 % limit
# (Clopper and Pearson) is below `marks`; students read `shown`. `low` and `high` are tolerance
# bounds: with 95 % confidence, 95 % of all runs lie above the one, and below the other.
"""


def runs_of(kept: CalibrationFile, versions: Mapping[str, str]) -> list[Run]:
    """The runs that still count: those measured under the same versions."""
    if dict(versions) != kept.versions:
        return []
    return [
        Run(answer.name, seed, accuracy, answer.right)
        for answer in kept.answer
        for seed, accuracy in zip(answer.seeds, answer.accuracies, strict=False)
    ]


def text_of(
    lab: str,
    runs: Sequence[Run],
    spreads: Mapping[str, Spread],
    threshold: Threshold | None,
    versions: Mapping[str, str],
) -> str:
    """The file's text: the same for the same runs."""
    lines = [HEAD.format(lab=lab)]
    if threshold is not None:
        lines += ["[threshold]", f"marks = {threshold.marks}", f"shown = {threshold.shown}", ""]
    lines += ["[versions]", *(f'{name} = "{said}"' for name, said in sorted(versions.items())), ""]
    by_name: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (not run.right, run.name, run.seed)):
        by_name[run.name].append(run)
    for name, own in by_name.items():
        lines += ["[[answer]]", f'name = "{name}"', f"right = {str(own[0].right).lower()}"]
        if name in spreads:
            lines += [f"{key} = {value:.4f}" for key, value in _numbers(spreads[name])]
        lines.append(f"seeds = {[run.seed for run in own]}")
        lines += [f"accuracies = {[round(run.accuracy, 4) for run in own]}", ""]
    return "\n".join(lines)


def _numbers(spread: Spread) -> list[tuple[str, Any]]:
    return [
        ("mean", spread.mean),
        ("deviation", spread.deviation),
        ("low", spread.low),
        ("high", spread.high),
    ]
