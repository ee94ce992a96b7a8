"""The mistakes that were seen, as a check asks for them."""

from __future__ import annotations

from collections.abc import Sequence

from grader.checks.expectations import fail
from grader.records.misconception import Sighting


class Diagnosis:
    """Sightings in the order in which they should be mended."""

    def __init__(self, sightings: Sequence[Sighting]) -> None:
        self.sightings = tuple(sightings)

    def first(self, *codes: str) -> Sighting | None:
        """The first sighting of any of these misconceptions, or None."""
        return next((s for s in self.sightings if s.misconception in codes), None)

    def expect_none(self, *codes: str, earned: float = 0.0) -> None:
        """Fail the check with the first sighting of any of these misconceptions."""
        sighting = self.first(*codes)
        if sighting is not None:
            fail(
                observed=sighting.observed,
                expected=sighting.expected,
                misconception=sighting.misconception,
                cell=sighting.cell,
                line=sighting.line,
                earned=earned,
            )
