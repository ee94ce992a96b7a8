"""The input of one call: summarised before it where that can be told, else as it passes by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .feeds import Feed, Feeds
from .passing import Passing

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Intake:
    """What a call is fed with. `begin` before the call, `end` after it."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds
        self._feed: Feed | None = None
        self._passing: Passing | None = None

    def begin(self, x: Any, y: Any, arguments: Arguments, steps: int | None) -> Arguments:
        """Summarise `x` and `y`; returns the call's arguments, with `x` watched where it must be.

        Arrays and data sets made of them are told at once. Generators are watched on their way,
        and data sets whose rows only iterating would show, for `steps` batches at most.
        """
        self._feed = self._feeds.of(x, y)
        if self._feed is None or self._feed.facts.get("x") is not None:
            return arguments
        self._passing = Passing.of(x, steps)
        return arguments if self._passing is None else self._passing.put_into(*arguments)

    @property
    def rows(self) -> int | None:
        """How many rows a pass over the source has, where that was told before the call."""
        return None if self._feed is None else self._feed.facts.get("rows")

    @property
    def batch_size(self) -> int | None:
        """How many rows a batch has, where the source or what has passed by tells it."""
        told = None if self._feed is None else self._feed.batch_size
        return told or (None if self._passing is None else self._passing.batch_size)

    @property
    def is_watched(self) -> bool:
        """Whether the batches are seen only as they pass by: they are made on the way."""
        return self._passing is not None

    def end(self) -> Feed | None:
        """What went in."""
        if self._passing is None or self._feed is None:
            return self._feed
        before, batches = self._feed, self._passing.end()
        rows = before.facts.get("rows") or self._passing.rows
        seen = self._feeds.of_batches(before.facts["kind"], batches, rows)
        facts = {**before.facts, **seen.facts}
        return replace(
            seen,
            facts=facts,
            shuffled=before.shuffled,
            batch_size=before.batch_size or seen.batch_size,
        )
