"""The model that the submission trained, found by role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.live import Live
from grader.records.evidence import Evidence, FitEvent, ModelFacts, UseEvent


class TrainedModel:
    """What is known of the trained model, and questions to the live one."""

    def __init__(self, facts: ModelFacts, evidence: Evidence, live: Live) -> None:
        self.facts = facts
        self._evidence = evidence
        self._live = live

    @property
    def fits(self) -> tuple[FitEvent, ...]:
        """Its trainings, in order, those that ended with an exception too."""
        return tuple(fit for fit in self._evidence.fits if fit.model == self.facts.id)

    @property
    def uses(self) -> tuple[UseEvent, ...]:
        """Its evaluations and predictions, in order."""
        return tuple(use for use in self._evidence.uses if use.model == self.facts.id)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Its output for a batch as the submission feeds it (see `Feeding.apply`)."""
        return self._live.predict(self.facts.id, x)

    def probe(self, probe: str, **options: Any) -> Mapping[str, Any]:
        """Ask one of the probes: `affine_gap`, `row_sums`, `one_batch_overfit`, …"""
        return self._live.probe(probe, self.facts.id, **options)
