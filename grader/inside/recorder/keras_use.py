"""A model called by itself, `model(x)`: what it was given and what came back."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import kind_of
from .feeds import Feeds, first_picture
from .journal import Journal, Place, fault_of
from .keras_models import batch_shape
from .labels import KnownLabels
from .ledger import Entry, Ledger
from .loops import Loops

MAX_CALLS = 3
"""Calls of one model that are recorded in one cell: the others are a loop of the same."""


@dataclass
class _Ticket:
    model: Any
    x: Any
    training: Any
    place: Place | None
    """None for a call that is one of many."""


class KerasUse:
    """Wraps Model.__call__. While a graph is traced only shapes are noted."""

    def __init__(
        self, journal: Journal, ledger: Ledger, feeds: Feeds, known: KnownLabels, loops: Loops
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._feeds = feeds
        self._known = known
        self._loops = loops
        self._calls: Counter[int] = Counter()

    def patch(self, model: Any) -> None:
        """Wrap the call of models, not that of layers."""
        recorded = self._journal.around(model.__call__, self._before, self._after)
        journal, entries = self._journal, self._ledger.entries

        @functools.wraps(recorded)
        def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = recorded(self, *args, **kwargs)
            entry = entries.get(id(self))
            if entry is not None and "output_shape" not in entry.shapes:
                journal.safely(_note_shapes, entry, args, result)
            return result

        model.__call__ = __call__

    def new_cell(self) -> None:
        """Begin to count anew."""
        self._calls.clear()

    def _before(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Ticket | None:
        x = first_picture(args[1] if len(args) > 1 else kwargs.get("inputs"))
        kind = kind_of(x)
        if kind not in ("array", "tensor", "symbolic") or "KerasTensor" in type(x).__name__:
            return None
        model = args[0]
        self._loops.model_called(model, x if kind != "symbolic" else None)
        self._calls[id(model)] += kind != "symbolic"
        few = kind != "symbolic" and self._calls[id(model)] <= MAX_CALLS
        place = self._journal.where() if few else None
        return _Ticket(model, x, kwargs.get("training"), place)

    def _after(self, ticket: _Ticket, result: Any, error: Any) -> None:
        entry = self._ledger.entry(ticket.model)
        if ticket.place is None:
            return
        feed = self._feeds.of(ticket.x)
        output = None
        if kind_of(result) == "tensor":
            values = np.asarray(result)
            self._known.add_prediction(values, feed.match if feed else None)
            output = self._feeds.arrays.facts(values, name="", sample=False)
            output.update(variable=None, origin=None)
        training = ticket.training
        self._journal.event(
            "use",
            ticket.place,
            how="call",
            model=entry.id,
            feed=None if feed is None else feed.facts,
            output=output,
            training=training if isinstance(training, bool) else None,
            fault=None if error is None else fault_of(error, ticket.place),
        )


def _note_shapes(entry: Entry, args: tuple[Any, ...], result: Any) -> None:
    """Remember what a model takes and gives, also where Keras calls it to build or trace it."""
    x = first_picture(args[0] if args else None)
    for name, value in (("input_shape", x), ("output_shape", result)):
        shape = batch_shape(getattr(value, "shape", None))
        if shape:
            entry.shapes[name] = shape
