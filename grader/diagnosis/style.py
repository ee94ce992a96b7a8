"""Habits that cost nothing but are worth a word."""

from __future__ import annotations

from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import see
from grader.diagnosis.source import keyword
from grader.records.misconception import Sighting

SEEDS = {"set_random_seed", "set_seed", "seed", "RandomState", "default_rng", "manual_seed"}


def no_seed(case: Case) -> Iterator[Sighting]:
    """Training without any seed."""
    fit = case.fit
    if fit is None or fit.how == "sklearn":
        return
    for _, call in case.source.calls(*SEEDS):
        if call.args or call.keywords:
            return
    calls = [call for _, call in case.source.calls()]
    if any(keyword(call, "seed") or keyword(call, "random_state") for call in calls):
        return
    yield see("no-seed", "no seed is set before training", "one seed", (None, None), "style")


DETECTORS: tuple[Detector, ...] = (no_seed,)
