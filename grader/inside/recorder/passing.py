"""Batches watched on their way from a generator into Keras: neither consumed nor reordered."""

from __future__ import annotations

import functools
import sys
import threading
import types
from collections.abc import Generator
from typing import Any

import numpy as np

MAX_BATCHES = 24
MAX_BYTES = 24 << 20


class Passing:
    """Keeps copies of the first batches that a source yields."""

    def __init__(self, source: Any, limit: int = MAX_BATCHES) -> None:
        self.source = source
        self._replacement = source
        self._limit = min(limit, MAX_BATCHES)
        self._numbers: set[int] = set()
        self._batches: list[Any] = []
        self._bytes = 0
        self._open = True
        self._lock = threading.Lock()

    @classmethod
    def of(cls, source: Any, steps: int | None = None) -> Passing | None:
        """Watch a generator, a keras PyDataset or a tf.data.Dataset; None for other sources.

        Of a source that says how many batches a pass has, or is given `steps`, one pass is kept.
        """
        if isinstance(source, types.GeneratorType):
            passing = cls(source, steps or MAX_BATCHES)
            passing._replacement = passing._through(source)
            return passing
        parents = {parent.__name__ for parent in type(source).__mro__}
        if "DatasetV2" in parents:
            passing = cls(source)
            passing._replacement = passing._through_dataset(source)
            return passing
        if "PyDataset" in parents:
            passing = cls(source)
            _watch_items(type(source))
            _WATCHED[id(source)] = passing
            return passing
        return None

    @property
    def rows(self) -> int | None:
        """How many rows one pass over the source has, where it says so."""
        count = getattr(self.source, "n", None)
        return int(count) if isinstance(count, (int, np.integer)) else None

    @property
    def batch_size(self) -> int | None:
        """How many rows the first batch seen has."""
        parts = _parts(self._batches[0]) if self._batches else []
        shape = getattr(parts[0], "shape", None) if parts else None
        return int(shape[0]) if shape else None

    def put_into(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call's arguments with the source replaced by one that is watched."""
        source, watched = self.source, self._replacement
        return (
            tuple(watched if item is source else item for item in args),
            {name: watched if item is source else item for name, item in kwargs.items()},
        )

    def end(self) -> list[Any]:
        """Stop watching; the batches seen."""
        self._open = False
        _WATCHED.pop(id(self.source), None)
        return self._batches

    def note(self, batch: Any, number: int | None = None) -> None:
        """Keep a copy of a batch while there is room; of one `number` the first."""
        with self._lock:
            if not self._open or len(self._batches) >= self._limit or self._bytes > MAX_BYTES:
                return
            if number is not None and number in self._numbers:
                return
            self._numbers.add(-1 if number is None else number)
            copy = copied(batch)
            self._bytes += sum(getattr(part, "nbytes", 0) for part in _parts(copy))
            self._batches.append(copy)

    def _through(self, source: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        for batch in source:
            try:
                self.note(batch)
            except Exception:
                self._open = False
            yield batch

    def _through_dataset(self, source: Any) -> Any:
        """The same data set, whose first batches are shown on the way; no seed is moved on."""
        tf = sys.modules["tensorflow"]
        structure = source.element_spec

        def note(number: Any, *parts: Any) -> None:
            self.note(tf.nest.pack_sequence_as(structure, parts), int(number))

        def show(element: Any, number: Any) -> Any:
            flat = tf.nest.flatten(element)
            seen = tf.cond(
                number < MAX_BATCHES,
                lambda: _shown(tf, note, [number, *flat]),
                lambda: tf.constant(False),
            )
            with tf.control_dependencies([seen]):
                return tf.nest.map_structure(tf.identity, element)

        return tf.data.Dataset.zip((source, tf.data.Dataset.counter())).map(show)


def _shown(tf: Any, note: Any, flat: list[Any]) -> Any:
    with tf.control_dependencies([tf.numpy_function(note, flat, [])]):
        return tf.constant(True)


_WATCHED: dict[int, Passing] = {}


def _watch_items(kind: Any) -> None:
    """Make `kind.__getitem__` show what it returns to whoever watches that object."""
    original = kind.__getitem__
    if getattr(original, "__recorded__", False):
        return

    @functools.wraps(original)
    def __getitem__(self: Any, index: Any) -> Any:
        batch = original(self, index)
        passing = _WATCHED.get(id(self))
        if passing is not None:
            try:
                passing.note(batch, int(index))
            except Exception:
                _WATCHED.pop(id(self), None)
        return batch

    __getitem__.__recorded__ = True  # type: ignore[attr-defined]
    kind.__getitem__ = __getitem__


def _parts(batch: Any) -> list[Any]:
    if isinstance(batch, (tuple, list)):
        return [part for item in batch for part in _parts(item)]
    if isinstance(batch, dict):
        return _parts(list(batch.values()))
    return [batch]


def copied(batch: Any) -> Any:
    """Arrays copied (a generator may reuse its buffer), the nest kept; tensors never change."""
    if isinstance(batch, (tuple, list)):
        return tuple(copied(item) for item in batch)
    if isinstance(batch, dict):
        return {name: copied(item) for name, item in batch.items()}
    return np.array(batch) if isinstance(batch, np.ndarray) else batch
