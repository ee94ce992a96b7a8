"""The variables that the submission left behind, as the fields of ValueFacts."""

from __future__ import annotations

import inspect
import math
import types
from typing import Any

import numpy as np

from .arrays import Array, Arrays, to_numpy
from .journal import Journal
from .labels import KnownLabels
from .tables import table_of

MAX_NAMES = 500
MAX_BYTES = 2 << 30
MAX_SIDE = 20
MAX_TEXT = 300


class Values:
    """Summarises a namespace. Arrays are read in full up to 2 GiB in all."""

    def __init__(self, journal: Journal, arrays: Arrays, known: KnownLabels) -> None:
        self._journal = journal
        self._arrays = arrays
        self._known = known
        self._bytes = 0

    def of(self, namespace: dict[str, Any]) -> list[dict[str, Any]]:
        """Facts of up to 500 public names, in the order of their first assignment."""
        names = [
            name
            for name, value in list(namespace.items())
            if isinstance(name, str)
            and not name.startswith("_")
            and not isinstance(value, types.ModuleType)
        ]
        found = []
        for name in names[:MAX_NAMES]:
            facts = self._journal.safely(self._value, name, namespace[name])
            if facts is not None:
                found.append(facts)
        return found

    def _value(self, name: str, value: Any) -> dict[str, Any]:
        facts: dict[str, Any] = {"name": name[:300], "type": type(value).__name__[:300]}
        if callable(value):
            facts.update(_callable(value))
        elif isinstance(value, (bool, int, float, str, np.generic)) or value is None:
            facts["text"] = _text(value)
        else:
            facts.update(self._array(name, value))
        return facts

    def _array(self, name: str, value: Any) -> dict[str, Any]:
        table = self._journal.safely(table_of, value)
        told: dict[str, Any] = {} if table is None else {"table": table}
        array = to_numpy(value)
        if array is None or array.dtype.kind == "O":
            return told
        self._bytes += array.nbytes
        if self._bytes > MAX_BYTES:
            return told
        facts = {**told, "array": self._arrays.facts(value, name=name, sample=False)}
        if _is_small_matrix(array):
            facts["matrix"] = [float(number) for number in array.reshape(-1)]
            facts["matrix_is_confusion"] = self._known.half_of_row_sums(array)
        return facts


def _is_small_matrix(array: Array) -> bool:
    if array.ndim != 2 or array.dtype.kind not in "fiub" or not array.size:
        return False
    return bool(max(array.shape) <= MAX_SIDE)


def _callable(value: Any) -> dict[str, Any]:
    code = getattr(value, "__code__", None)
    facts: dict[str, Any] = {"callable": True}
    try:
        facts["parameters"] = [name[:300] for name in inspect.signature(value).parameters][:100]
    except (TypeError, ValueError):
        facts["parameters"] = None
    if code is None or not isinstance(value, types.FunctionType):
        return facts
    facts["line"] = int(code.co_firstlineno)
    file = code.co_filename
    if file.startswith("<cell ") and file[6:-1].isdigit():
        facts["cell"] = int(file[6:-1])
    elif file != "<submission>":
        facts["line"] = None
    return facts


def _text(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 900:
        return f"an integer of {math.ceil(value.bit_length() * math.log10(2))} digits"
    if isinstance(value, str):
        value = value[:MAX_TEXT]
    return repr(value)[:MAX_TEXT]
