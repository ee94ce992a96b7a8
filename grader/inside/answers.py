"""Turn what a student's function returned into plain data that a frame can carry.

Every object becomes `{"t": tag, "c": class name, ...}`. Subclasses are rebuilt as the plain type
they derive from, so that no method of the student's runs later, and on no other side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np

from . import wire

MAX_BYTES = 64 << 20
MAX_ITEMS = 20_000
MAX_BATCHES = 5_000
MAX_TEXT = 100_000
MAX_DEPTH = 12
SHORT = 64
WIDER = {"bfloat16": np.float32, "longdouble": np.float64, "float128": np.float64}
"""Floats that frames do not carry, and those that take their place."""


class AnswerTooLarge(Exception):
    """The answer is larger than any honest one."""


class Encoder:
    """Encodes one answer; `left` is the number of bytes that it may still use."""

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def encode(self, value: Any, depth: int = 0) -> dict[str, Any]:
        """The plain form of a value. Raises AnswerTooLarge."""
        if depth > MAX_DEPTH:
            raise AnswerTooLarge("the answer is nested too deeply")
        kind = type(value)
        name = class_name(kind)
        if value is None or kind is bool:
            return {"t": "plain", "c": name, "v": value}
        if issubclass(kind, (int, float, str, np.generic)):
            return self._scalar(value, name)
        if kind is range:
            self._spend(8 * len(value))
            return self._sequence(list(value), name, depth)
        if _is_shape(kind):
            return self.encode(tuple(value.as_list()), depth + 1) | {"c": name}
        if issubclass(kind, (list, tuple)):
            return self._sequence(value, name, depth)
        if issubclass(kind, dict):
            return self._mapping(value, name, depth)
        array = as_array(value)
        if array is not None:
            return self._array(array, name)
        if hasattr(kind, "element_spec") or issubclass(kind, Iterator):
            return self._batches(value, name, depth)
        return {"t": "other", "c": name}

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise AnswerTooLarge(f"the answer is larger than {MAX_BYTES >> 20} MiB")

    def _scalar(self, value: Any, name: str) -> dict[str, Any]:
        if isinstance(value, np.generic) and not isinstance(value, str):
            return self._array(np.asarray(value), name)
        if isinstance(value, str):
            text = str.__getitem__(value, slice(0, MAX_TEXT))
            return {"t": "plain", "c": name, "v": text}
        if isinstance(value, int):
            number = int.__int__(value)
            if abs(number) >= 1 << 63:
                return {"t": "other", "c": name}
            return {"t": "plain", "c": name, "v": number}
        return {"t": "plain", "c": name, "v": float.__float__(value)}

    def _array(self, array: np.ndarray, name: str) -> dict[str, Any]:
        self._spend(array.nbytes)
        if wire.name_of(array.dtype) is None and array.dtype.name in WIDER:
            array = array.astype(WIDER[array.dtype.name])
        if wire.name_of(array.dtype) is None:
            return {"t": "other", "c": f"{name} of {array.dtype}"[:200]}
        return {"t": "array", "c": name, "v": np.array(array, subok=False)}

    def _sequence(self, value: Any, name: str, depth: int) -> dict[str, Any]:
        size = (list if isinstance(value, list) else tuple).__len__(value)
        items = list(itertools.islice(iter(value), MAX_ITEMS + 1))
        if size > SHORT or (items and isinstance(items[0], (list, tuple))):
            array = _numeric(value)
            if array is not None:
                return self._array(array, name)
        if len(items) > MAX_ITEMS:
            raise AnswerTooLarge(f"the answer has more than {MAX_ITEMS:,} items")
        self._spend(16 * len(items))
        tag = "tuple" if isinstance(value, tuple) else "list"
        return {"t": tag, "c": name, "v": [self.encode(item, depth + 1) for item in items]}

    def _mapping(self, value: Any, name: str, depth: int) -> dict[str, Any]:
        items = list(itertools.islice(dict.items(value), MAX_ITEMS + 1))
        if len(items) > MAX_ITEMS:
            raise AnswerTooLarge(f"the answer has more than {MAX_ITEMS:,} keys")
        pairs = [[self._key(key, depth), self.encode(item, depth + 1)] for key, item in items]
        return {"t": "dict", "c": name, "v": pairs}

    def _key(self, key: Any, depth: int) -> dict[str, Any]:
        encoded = self.encode(key, depth + 1)
        return encoded if _is_key(encoded) else {"t": "other", "c": encoded["c"]}

    def _batches(self, value: Any, name: str, depth: int) -> dict[str, Any]:
        batches = []
        for batch in itertools.islice(iter(value), MAX_BATCHES + 1):
            parts = batch if isinstance(batch, (tuple, list)) else (batch,)
            batches.append([self.encode(part, depth + 2) for part in parts])
        cut = len(batches) > MAX_BATCHES
        return {"t": "batches", "c": name, "v": batches[:MAX_BATCHES], "cut": cut}


def class_name(kind: type) -> str:
    """The name under which people know a class: `numpy.ndarray`, `tensorflow.Tensor`, `list`."""
    module, name = str(kind.__module__), str(kind.__qualname__)
    root = module.split(".")[0]
    if root == "builtins":
        return name[:200]
    if root == "tensorflow" and "Tensor" in name:
        return "tensorflow.Tensor"
    return f"{root}.{name}"[:200]


def as_array(value: Any) -> np.ndarray | None:
    """An array, tensor, variable or table as a plain array, or None."""
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if hasattr(value, "to_numpy"):
        return np.asarray(value.to_numpy())
    if hasattr(value, "numpy") and hasattr(value, "dtype"):
        return np.asarray(value.numpy())
    return None


def _is_key(encoded: dict[str, Any]) -> bool:
    """Whether the other side can use what it rebuilds from this as a key."""
    if encoded["t"] == "tuple":
        return all(map(_is_key, encoded["v"]))
    if encoded["t"] == "array":
        return bool(encoded["v"].ndim == 0)
    return encoded["t"] in ("plain", "other")


def _is_shape(kind: type) -> bool:
    return kind.__name__ == "TensorShape" and hasattr(kind, "as_list")


def _numeric(value: Sized) -> np.ndarray | None:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    return None if wire.name_of(array.dtype) is None else array
