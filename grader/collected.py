"""Evidence as it arrives from the student's process: checked piece by piece, and bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import TypeAdapter

from grader.printed import settled
from grader.records.evidence import AnyEvent, CellRun, Evidence, ModelFacts, ValueFacts

MAX_PIECES = 5_000
MAX_WEIGHT = 80 << 20
"""Bytes of memory that the evidence of one submission may take."""

_EVENT: TypeAdapter[Any] = TypeAdapter(AnyEvent)


class Collected:
    """What was said so far."""

    def __init__(self) -> None:
        self._cells: list[CellRun] = []
        self._events: list[Any] = []
        self._models: dict[int, ModelFacts] = {}
        self._values: tuple[ValueFacts, ...] = ()
        self._versions: dict[str, str] = {}
        self._weights: dict[Any, int] = {}
        self._weight = 0

    def add(self, message: dict[str, Any], weight: int) -> None:
        """Take one message that takes `weight` bytes; what is beyond the bounds is left out.

        Raises ValueError, TypeError, LookupError or AttributeError for anything undocumented.
        """
        (kind,) = message.keys()
        fields = message[kind]
        if not self._has_room(self._key(kind, fields), weight):
            return
        if kind == "event":
            self._events.append(_EVENT.validate_python({**fields, "number": len(self._events)}))
        elif kind == "cell":
            self._cells.append(CellRun.model_validate({**fields, "text": _text(fields["text"])}))
        elif kind == "model":
            model = ModelFacts.model_validate(fields)
            self._models[model.id] = model
        elif kind == "values":
            facts = fields["values"]
            self._values = tuple(ValueFacts.model_validate(value) for value in facts[:1_000])
        elif kind == "versions":
            self._versions = {str(k)[:100]: str(v)[:100] for k, v in fields.items()}
        else:
            raise ValueError(f"an unknown message {kind!r}")

    def _key(self, kind: str, fields: dict[str, Any]) -> tuple[str, Any]:
        """What a message replaces: the last of a model wins; cells and events replace nothing."""
        if kind == "model":
            return kind, fields["id"]
        return kind, len(self._events) + len(self._cells) if kind in ("event", "cell") else None

    def _has_room(self, key: tuple[str, Any], weight: int) -> bool:
        """Whether this piece is kept; counts it if so."""
        more = weight - self._weights.get(key, 0)
        new = key not in self._weights
        if self._weight + more > MAX_WEIGHT or (new and len(self._weights) >= MAX_PIECES):
            return False
        self._weights[key] = weight
        self._weight += more
        return True

    def evidence(self, limit: str | None, *, finished: bool) -> Evidence:
        """All that was collected so far."""
        return Evidence(
            cells=tuple(self._cells),
            events=tuple(self._events),
            models=tuple(self._models.values()),
            values=self._values,
            versions=self._versions,
            limit=limit,
            finished=finished,
        )


def _text(told: Any) -> str:
    """A text that came as bytes, which take less room than JSON's characters."""
    if not isinstance(told, np.ndarray) or told.dtype != np.uint8:
        raise ValueError("a text that is not made of bytes")
    return settled(told.tobytes().decode("utf-8", "replace"))
