"""Models written to files and read from them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ..import_hooks import replace_everywhere
from .journal import Journal, Place, fault_of
from .keras_models import compiled_facts, is_model
from .ledger import Ledger


@dataclass
class _Ticket:
    how: str
    place: Place
    model: Any
    path: str


class Files:
    """Wraps Keras's saving functions, which `model.save` calls, too."""

    def __init__(self, journal: Journal, ledger: Ledger) -> None:
        self._journal = journal
        self._ledger = ledger

    def in_saving(self, module: Any) -> None:
        """Wrap save_model, save_weights, load_model and load_weights."""
        for name in ("save_model", "save_weights", "load_model", "load_weights"):
            original = getattr(module, name)
            wrapped = self._journal.around(original, self._before(name), self._after)
            setattr(module, name, wrapped)
            replace_everywhere(original, wrapped, ("keras",))

    def _before(self, name: str) -> Any:
        how = "load" if name.startswith("load") else "save"

        def before(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Ticket:
            held = list(args)
            model = kwargs.get("model")
            if model is None and name != "load_model" and held:
                model = held.pop(0)
            path = kwargs.get("filepath", held[0] if held else "")
            return _Ticket(how, self._journal.where(), model, str(path))

        return before

    def _after(self, ticket: _Ticket, result: Any, error: Any) -> None:
        model = ticket.model if is_model(ticket.model) else result
        entry = self._ledger.entry(model) if is_model(model) else None
        if entry is not None and entry.compiled is None and getattr(model, "compiled", False):
            entry.compiled = compiled_facts({"loss": getattr(model, "loss", None)}, model)
        size = os.path.getsize(ticket.path) if os.path.isfile(ticket.path) else None
        self._journal.event(
            "save",
            ticket.place,
            how=ticket.how,
            model=None if entry is None else entry.id,
            path=ticket.path[:300],
            bytes=size,
            fault=None if error is None else fault_of(error, ticket.place),
        )
        if entry is not None:
            self._ledger.publish(entry)
