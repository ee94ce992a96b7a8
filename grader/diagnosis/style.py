"""Habits that cost nothing but are worth a word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.diagnosis.case import Case, Detector
from grader.diagnosis.facts import see
from grader.records.misconception import Sighting

SEEDS = re.compile(r"seed|random_state|RandomState\(\s*\w|default_rng\(\s*\w")


def no_seed(case: Case) -> Iterator[Sighting]:
    """Training without any seed."""
    fit = case.fit
    if fit is not None and fit.how != "sklearn" and not SEEDS.search(case.source.text):
        expected = "a seed at the beginning"
        yield see("no-seed", "no seed is set before training", expected, (None, None), "style")


DETECTORS: tuple[Detector, ...] = (no_seed,)
