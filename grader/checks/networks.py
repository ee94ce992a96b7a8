"""The networks of a submission that trains several, each judged on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from grader.checks.diagnosis import Diagnosis
from grader.checks.graded import GradedDigits
from grader.checks.trained import TrainedModel

Gives = Literal["probabilities", "raw scores", "something else"]
SHARES = 1e-3
"""How far the sum of a row of probabilities may be off 1."""
NEGATIVE = -0.01
"""Raw scores have values below this: a row of ten without any is no accident."""
LINEAR_GAP = 1e-4
"""Affine networks stay below 1e-5 in float32, those with a bend come out above 1e-3."""


@dataclass(frozen=True)
class Network:
    """One trained network: the model, digits fed as it is fed, and the mistakes made with it.

    `probes` holds what the probes answered, by name; those that could not be asked are not in it.
    """

    model: TrainedModel
    graded: GradedDigits
    diagnosis: Diagnosis
    probes: Mapping[str, Mapping[str, float]]

    @property
    def gives(self) -> Gives:
        """What the rows of its output are, as it behaves and not as it is written."""
        sums = self.probes.get("row_sums", {})
        least, most = sums.get("minimum", 0.0), sums.get("maximum", 0.0)
        if least < NEGATIVE:
            return "raw scores"
        shares = least >= 0 and most <= 1 + SHARES and sums.get("worst", 1.0) < SHARES
        return "probabilities" if shares else "something else"

    @property
    def is_linear(self) -> bool | None:
        """Whether its scores are an affine map of the pixels; None where that cannot be asked."""
        gap = self.probes.get("affine_gap", {}).get("gap")
        return None if gap is None else gap < LINEAR_GAP
