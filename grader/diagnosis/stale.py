"""What a notebook shows, where its code gives something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import see, short
from grader.records.evidence import CellRun
from grader.records.misconception import Sighting
from grader.records.submission import Cell

CLEAR = 0.1
"""Accuracies that are nearer than this may differ by chance, or by the data that grade here."""
LONGEST_LINE = 200
NUMBER = re.compile(r"\d{1,3}\.\d{1,17}(?:e-?\d{1,2})?|\d{1,3}(?=\s?%)")
ACCURACY = re.compile(r"\bacc(?:uracy)?\b|genauigkeit|pr[ée]cision", re.IGNORECASE)


def stored_numbers(case: Case) -> Iterator[Sighting]:
    """An accuracy in the saved output that the same line of the same cell does not give."""
    evidence = case.evidence
    whole = evidence.finished and evidence.limit is None
    if not whole or any(fit.shortened is not None for fit in evidence.fits):
        return
    runs = {run.number: run for run in evidence.cells if run.ok and not run.text_cut}
    for cell in case.saved:
        run = runs.get(cell.number)
        if run is None or not cell.stored:
            continue
        for label, was, now in _differing(cell, run):
            observed = f"the notebook shows “{short(label, 60)}” as {was:g}, its code gives {now:g}"
            place = cell.number, None
            yield see("stale-outputs", observed, "an output that the code gives", place)
            return


def _differing(cell: Cell, run: CellRun) -> Iterator[tuple[str, float, float]]:
    """(label, stored, now) of each accuracy that is clearly another one now."""
    stored, now = _accuracies(cell.stored), _accuracies(run.text)
    for label in stored.keys() & now.keys():
        was, gives = stored[label], now[label]
        if abs(was - gives) > (CLEAR if max(was, gives) <= 1 else 100 * CLEAR):
            yield label, was, gives


def _accuracies(text: str) -> dict[str, float]:
    """The lines that say one accuracy, by what stands around the number; no label twice."""
    found: dict[str, float] = {}
    often: set[str] = set()
    for line in text.splitlines():
        line = line[:LONGEST_LINE].strip()
        numbers = NUMBER.findall(line)
        label = NUMBER.sub("…", line)
        if len(numbers) != 1 or not ACCURACY.search(label):
            continue
        often |= {label} & found.keys()
        found[label] = float(numbers[0])
    return {label: value for label, value in found.items() if label not in often}


def order(case: Case) -> Iterator[Sighting]:
    """Cells that were run in another order than they stand in when the notebook was saved."""
    counted = [cell for cell in case.saved if cell.count is not None]
    for before, after in pairwise(counted):
        if (after.count or 0) <= (before.count or 0):
            observed = f"cell {before.number} shows [{before.count}], cell {after.number} below it"
            observed += f" [{after.count}], so they were not run one after the other"
            place = before.number, None
            yield see("stale-outputs", observed, "numbers that rise from cell to cell", place)
            return


DETECTORS: tuple[Detector, ...] = (stored_numbers, order)
