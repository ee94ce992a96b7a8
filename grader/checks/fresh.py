"""Whether two networks that are compared began anew, or one with what the other had learned."""

from __future__ import annotations

import math
from itertools import pairwise

from grader.records.evidence import CompileEvent, Evidence, FitEvent, ModelFacts


def first_and_last_loss(fits: tuple[FitEvent, ...]) -> tuple[float, float] | None:
    """The training loss of the first and of the last epoch; None where it is not known."""
    path = [value for fit in fits for value in fit.history.get("loss", ())]
    known = [value for value in path if value is not None and math.isfinite(value) and value > 0]
    return (known[0], known[-1]) if known else None


def shares_layers(one: ModelFacts, other: ModelFacts) -> bool:
    """Whether layers with weights bear the same names: Keras gives every layer a name of its own.

    Names also repeat where the student chose them, or cleared the session between two networks.
    """
    names = [{layer.name for layer in model.layers if layer.parameters} for model in (one, other)]
    return bool(names[0] & names[1])


def goes_on(earlier: tuple[FitEvent, ...], later: tuple[FitEvent, ...]) -> bool:
    """Whether a training begins where an earlier one ended, and not where that one began."""
    before, after = first_and_last_loss(earlier), first_and_last_loss(later)
    if before is None or after is None or before[1] >= before[0]:
        return False
    return after[0] < math.sqrt(before[0] * before[1])


def trained_again(evidence: Evidence, model: int) -> FitEvent | None:
    """The training in which a network that had been trained was compiled and trained once more."""
    fits = [fit for fit in evidence.fits if fit.model == model and fit.fault is None]
    compiled = [
        event.number
        for event in evidence.events
        if isinstance(event, CompileEvent) and event.model == model
    ]
    for before, after in pairwise(fits):
        again = any(before.number < number < after.number for number in compiled)
        if again and goes_on((before,), (after,)):
            return after
    return None
