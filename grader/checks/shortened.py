"""Trainings that were cut to the lab's budget: what students are told, and what it excuses.

A cut costs nothing. Whether the accuracy would have been reached without it, nobody knows; so a
shortened training passes where it was clearly learning, and was not done yet: the network is more
than half of the way from guessing to what is asked for, and the loss still fell. Where the loss had
levelled off, more of the same would have helped no more, and the accuracy counts as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from grader.records.evidence import Evidence, FitEvent, Shortened

STILL_FALLING = 0.98
"""The mean loss of the last quarter of the epochs, at most, as a share of the quarter before."""
KIND = "to let a whole class be marked; you lose nothing by it"
EXCUSE = (
    "Your training was shortened, to let a whole class be marked. It was learning well and was not "
    "done yet, so the accuracy costs you nothing."
)


def shortened_among(fits: Sequence[FitEvent]) -> tuple[Shortened, ...]:
    """How the fits were cut that were."""
    return tuple(fit.shortened for fit in fits if fit.shortened is not None)


def training_share(evidence: Evidence) -> float | None:
    """The share of the steps asked for that ran, 0 to 1, over the trainings that were shortened.

    None where none was, or where no source said how many batches it had.
    """
    known = [
        (max(fit.epochs or 1, 1), fit.shortened.steps, fit.shortened.of)
        for fit in evidence.fits
        if fit.shortened is not None and fit.shortened.of is not None
    ]
    asked = sum(epochs * of for epochs, _, of in known)
    return min(sum(epochs * steps for epochs, steps, _ in known) / asked, 1.0) if asked else None


def told(evidence: Evidence) -> tuple[str, ...]:
    """What students read of it: one sentence, or none."""
    found = shortened_among(evidence.fits)
    if not found:
        return ()
    least = min(found, key=_share)
    steps = f"{least.steps:,} step{'s' if least.steps > 1 else ''} per epoch"
    if least.of is not None:
        steps = f"{least.steps:,} of {least.of:,} steps per epoch"
    if len(evidence.fits) == 1:
        return (f"Your training was shortened: {steps}, {KIND}.",)
    many = f"{len(found)} of your {len(evidence.fits)} trainings"
    were = "was" if len(found) == 1 else "were"
    return (f"{many} {were} shortened, the shortest to {steps}, {KIND}.",)


def was_learning(fits: Sequence[FitEvent], accuracy: float, wanted: float, guessing: float) -> bool:
    """Whether a shortened training may be excused from an accuracy of `wanted`.

    `guessing` is the accuracy of a network that knows nothing. All are shares from 0 to 1.
    """
    cut = [fit for fit in fits if fit.shortened is not None]
    halfway = (guessing + wanted) / 2
    return bool(cut) and accuracy > halfway and still_falling(cut[-1].history.get("loss", ()))


def still_falling(losses: Sequence[float | None]) -> bool:
    """Whether a loss, epoch by epoch, had not levelled off.

    A single epoch cannot tell, nor the same number every time, as an own training step may give.
    """
    known = [loss for loss in losses if loss is not None]
    if len(known) < len(losses) or not all(map(math.isfinite, known)):
        return False
    if len(set(known)) < 2:
        return True
    if len(known) < 4:
        return known[-1] < known[0]
    quarter = len(known) // 4
    before, last = known[-2 * quarter : -quarter], known[-quarter:]
    return sum(last) < STILL_FALLING * sum(before)


def _share(cut: Shortened) -> float:
    return cut.steps / cut.of if cut.of else 0.0
