"""Runs of the same submission under other seeds, lest bad luck decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from grader.checks.threshold import Measured

FURTHER_SEEDS = (1, 2)
"""What is added to the lab's seed. Both runs have to reach the threshold: one lucky run of three
is what a network that is not good enough has, too."""
TOLD = (
    "The accuracy is a little below what is asked for, which can be bad luck: your file is run "
    "again under another seed ({number} of {most}). Each such run takes as long as the first."
)


class FurtherRuns:
    """`under(seed)` runs the submission once more; each seed once, however often it is asked."""

    def __init__(
        self,
        run: Callable[[int], Measured | None],
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """`run` gives None where a run has no accuracy; `tell` is told before each."""
        self._run = run
        self._tell = tell
        self._made: dict[int, Measured | None] = {}

    def under(self, seed: int) -> Measured | None:
        """The accuracy with `seed` added to every seed, or None where that run has none."""
        if seed not in self._made:
            self._tell(TOLD.format(number=len(self._made) + 1, most=len(FURTHER_SEEDS)))
            self._made[seed] = self._run(seed)
        return self._made[seed]

    @property
    def made(self) -> Mapping[int, Measured | None]:
        """The runs that were made, by what was added to the seeds."""
        return MappingProxyType(self._made)
