"""Tolerance bounds of a normal sample, and the threshold that follows from those of many variants.

The factor k is that of a one-sided tolerance bound: mean - k * sd lies, with the given confidence,
below the given share of all runs (Natrella, Experimental Statistics, NBS Handbook 91, 1963, 2-13).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

SHARE = 0.95
CONFIDENCE = 0.95
STEP = 0.005
STRICTER = 0.01
"""How much more a student is asked for than what marks."""


@dataclass(frozen=True)
class Spread:
    """One variant's accuracies: how many, their mean, standard deviation, and tolerance bounds."""

    count: int
    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True)
class Threshold:
    """The accuracy that `marks`, the one that is `shown`, and the mistakes that it cannot tell."""

    marks: float
    shown: float
    overlapping: tuple[str, ...]


def spread_of(accuracies: Sequence[float]) -> Spread:
    """The spread of at least two accuracies. Raises ValueError for fewer."""
    if len(accuracies) < 2:
        raise ValueError("a spread takes two accuracies or more")
    values = np.asarray(accuracies, dtype=np.float64)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    reach = tolerance_factor(len(values)) * deviation
    return Spread(len(values), mean, deviation, max(mean - reach, 0.0), min(mean + reach, 1.0))


def tolerance_factor(count: int, share: float = SHARE, confidence: float = CONFIDENCE) -> float:
    """k for `count` runs: the quantile of Student's non-central t over the root of the count."""
    from scipy.stats import nct

    root = math.sqrt(count)
    return float(nct.ppf(confidence, count - 1, ndtri(share) * root)) / root


def threshold_of(right: Mapping[str, Spread], wrong: Mapping[str, Spread]) -> Threshold:
    """The least lower bound of the right answers, rounded down, and the wrong ones above it."""
    least = min(spread.low for spread in right.values())
    marks = round(math.floor(least / STEP + 1e-9) * STEP, 4)
    reaching = tuple(name for name, spread in wrong.items() if spread.high >= marks)
    return Threshold(marks, round(min(marks + STRICTER, 0.999), 4), reaching)
