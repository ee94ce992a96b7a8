"""Tolerance bounds of a normal sample, and the threshold that follows from those of many variants.

The factor k is that of a one-sided tolerance bound: mean - k * sd lies, with the given confidence,
below the given share of all runs (Natrella, Experimental Statistics, NBS Handbook 91, 1963, 2-13).
It assumes that accuracies are normally distributed, which the test of Shapiro and Wilk (1965) tries
to refute; where it does, the bound is stretched to the outermost run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from grader.checks.threshold import clopper_pearson_upper

SHARE = 0.95
CONFIDENCE = 0.95
REFUTED = 0.05
"""A p below this speaks against a normal distribution."""
STEP = 0.005
STRICTER = 0.01
"""How much more a student is asked for than what marks."""
BANDS = (0.01, 0.05)
"""The narrowest and the widest band."""
MOST = 0.999


@dataclass(frozen=True)
class Spread:
    """One variant's accuracies: how many, their mean, standard deviation, and tolerance bounds.

    `normality` is Shapiro and Wilk's p; None for fewer than three runs, or all of them equal.
    """

    count: int
    mean: float
    deviation: float
    low: float
    high: float
    normality: float | None = None

    @property
    def is_normal(self) -> bool:
        """Whether nothing speaks against a normal distribution."""
        return self.normality is None or self.normality >= REFUTED


@dataclass(frozen=True)
class Threshold:
    """The accuracy that `marks`, the one that is `shown`, and the `band` of shares below.

    From `passes` on, an accuracy on `count` digits is not significantly below `marks`. The
    `overlapping` mistakes reach that, so that an accuracy cannot tell them.
    """

    marks: float
    shown: float
    band: float
    passes: float
    count: int
    overlapping: tuple[str, ...]


def spread_of(accuracies: Sequence[float]) -> Spread:
    """The spread of at least two accuracies. Raises ValueError for fewer."""
    if len(accuracies) < 2:
        raise ValueError("a spread takes two accuracies or more")
    values = np.asarray(accuracies, dtype=np.float64)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    reach = tolerance_factor(len(values)) * deviation
    low, high, p = mean - reach, mean + reach, _normality(values)
    if p is not None and p < REFUTED:
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return Spread(len(values), mean, deviation, max(low, 0.0), min(high, 1.0), p)


def tolerance_factor(count: int, share: float = SHARE, confidence: float = CONFIDENCE) -> float:
    """k for `count` runs: the quantile of Student's non-central t over the root of the count."""
    from scipy.stats import nct

    root = math.sqrt(count)
    return float(nct.ppf(confidence, count - 1, ndtri(share) * root)) / root


def threshold_of(
    right: Mapping[str, Spread], wrong: Mapping[str, Spread], count: int
) -> Threshold | None:
    """The least lower bound of the right answers, rounded down, for accuracies on `count` digits.

    The band is as wide as a right answer falls below its mean. None where no threshold above 0
    follows.
    """
    least = min(spread.low for spread in right.values())
    marks = round(math.floor(least / STEP + 1e-9) * STEP, 4)
    if marks <= 0:
        return None
    reach = max(spread.mean - spread.low for spread in right.values())
    band = min(max(math.ceil(reach / STEP - 1e-9) * STEP, BANDS[0]), BANDS[1])
    passes = least_passing(marks, count)
    reaching = tuple(name for name, spread in wrong.items() if spread.high >= passes)
    shown = round(min(marks + STRICTER, max(MOST, marks)), 4)
    return Threshold(marks, shown, round(band, 4), passes, count, reaching)


def least_passing(marks: float, count: int) -> float:
    """The least accuracy on `count` digits that is not significantly below `marks`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if clopper_pearson_upper(middle, count) >= marks:
            high = middle
        else:
            low = middle + 1
    return low / count


def _normality(values: np.ndarray) -> float | None:
    if len(values) < 3 or float(np.ptp(values)) < 1e-12:
        return None
    from scipy.stats import shapiro

    return float(shapiro(values).pvalue)
