"""Whether an accuracy is enough, and what it earns where it is not quite: figures, and no checks.

An accuracy is a share of finitely many digits, so it counts as below a threshold only where that is
significant: where the upper end of its confidence interval is below.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.records.lab import AccuracyRule

CONFIDENCE = 0.95
MOST_OF_IT = 0.99
"""The largest share of the points for an accuracy that is not enough."""


@dataclass(frozen=True)
class Measured:
    """How many of `count` graded digits a network recognised: `correct`."""

    correct: int
    count: int

    @property
    def accuracy(self) -> float:
        """The share recognised, 0 to 1; 0 where there are no digits."""
        return self.correct / self.count if self.count else 0.0

    @property
    def upper(self) -> float:
        """The upper Clopper–Pearson limit of the true accuracy, one-sided at 97.5 %."""
        return clopper_pearson_upper(self.correct, self.count)

    def reaches(self, marks: float) -> bool:
        """Whether it is not significantly below `marks`."""
        return self.upper >= marks


def clopper_pearson_upper(correct: int, count: int) -> float:
    """The upper end of the two-sided 95 % Clopper–Pearson interval of a proportion.

    Clopper and Pearson (1934), by the quantile of the beta distribution.
    """
    if count == 0 or correct >= count:
        return 1.0
    from scipy.special import betaincinv

    return float(betaincinv(correct + 1, count - correct, (1 + CONFIDENCE) / 2))


def is_close(measured: Measured, rule: AccuracyRule) -> bool:
    """Whether an accuracy that is not enough lies in the band below the threshold."""
    return measured.accuracy >= rule.floor


def share_earned(measured: Measured, rule: AccuracyRule) -> float:
    """The share of the points for an accuracy that is not enough, 0 to 0.99, in hundredths.

    It falls in proportion, from where the upper limit meets `marks` to where the accuracy meets
    the floor, so that there is no cliff at either end.
    """
    lowest = clopper_pearson_upper(max(int(rule.floor * measured.count), 0), measured.count)
    marks = rule.marks or 0.0
    if not is_close(measured, rule) or lowest >= marks:
        return 0.0
    share = (measured.upper - lowest) / (marks - lowest)
    return round(min(max(share, 0.0), MOST_OF_IT), 2)
