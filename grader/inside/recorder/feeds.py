"""What went into a call, summarised as the fields of Feed, without consuming or changing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Array, Arrays, Summary, kind_of, to_numpy
from .datasets_seen import Elements, look_into
from .labels import KnownLabels, label_facts
from .rows import Match

MAX_KEPT = 3
MAX_KEPT_ROWS = 20_000


@dataclass
class Feed:
    """The fields of a Feed record, the origin of its rows, and what else the source tells."""

    facts: dict[str, Any]
    match: Match | None = None
    shuffled: bool | None = None
    batch_size: int | None = None


class Feeds:
    """Summarises inputs of models."""

    def __init__(self, arrays: Arrays, known: KnownLabels) -> None:
        self.arrays = arrays
        self.known = known
        self.kept: dict[str, Any] = {}
        """The last few test-sized inputs by the fingerprint of their pictures, for a grader that
        cannot make its own."""

    def of(self, x: Any, y: Any = None, *, truth: bool = True) -> Feed | None:
        """The feed of a call's `x` and `y`; None where nothing was given.

        `truth` says that `y`, where it agrees with the raw labels, may later serve as truth.
        """
        if x is None:
            return None
        picture = first_picture(x)
        kind = kind_of(picture)
        if kind == "dataset":
            return self._of_dataset(picture)
        if kind == "other" and to_numpy(picture) is not None:
            kind = "array"
        if kind not in ("array", "tensor"):
            if kind != "generator":
                return Feed({"kind": "other"})
            behind = self._behind(getattr(picture, "x", None))
            return Feed({"kind": kind, "changes": _changes(picture), **behind})
        feed = self._of_arrays(kind, picture, first_labels(y), truth)
        if picture is not x:
            self._keep(feed.facts.get("x"), x)
        return feed

    def of_batches(self, kind: str, batches: list[Any], rows: int | None) -> Feed:
        """The feed of batches that passed by: (x,), (x, y) or x alone. Holds copies of them."""
        pairs = [split_batch(batch) for batch in batches]
        x = _joined([pair[0] for pair in pairs])
        if x is None:
            return Feed({"kind": kind, "rows": rows})
        y = _joined([pair[1] for pair in pairs])
        feed = self._of_arrays(kind, x, y, False)
        return Feed(_with_rows(feed.facts, rows), feed.match, None, len(pairs[0][0]))

    def _of_dataset(self, dataset: Any) -> Feed:
        elements: Elements | None = look_into(dataset)
        if elements is None:
            return Feed({"kind": "dataset", "rows": None})
        if elements.parts is None:
            behind = {} if elements.behind is None else self._behind(elements.behind)
            unseen = {"kind": "dataset", "rows": elements.rows, **behind}
            return Feed(unseen, None, elements.shuffled, elements.batch_size)
        x, y = split_batch(elements.parts)
        feed = self._of_arrays("dataset", first_picture(x), first_labels(y), True)
        facts = _with_rows(feed.facts, elements.rows)
        if facts.get("y") and elements.shuffled:
            facts["y"] = {**facts["y"], "sorted": False}
        return Feed(facts, feed.match, elements.shuffled, elements.batch_size)

    def _of_arrays(self, kind: str, x: Any, y: Any, truth: bool) -> Feed:
        found: Summary | None = self.arrays.summary(x)
        if found is None:
            return Feed({"kind": "other"})
        facts: dict[str, Any] = {"kind": kind, "x": self.arrays.facts(x)}
        shape = found.facts["shape"]
        facts["rows"] = shape[0] if shape else None
        self._keep(facts["x"], x)
        if y is not None:
            facts["y"] = label_facts(y, self.arrays.raw, found.match)
        if truth:
            self.known.add_rows(found.match)
        return Feed(facts, found.match)

    def _behind(self, source: Any) -> dict[str, Any]:
        """The origin of the pictures that a generator or data set changes on their way."""
        found = self.arrays.summary(first_picture(source), name="")
        origin = None if found is None else found.facts.get("origin")
        return {} if origin is None else {"behind": origin}

    def _keep(self, facts: dict[str, Any] | None, x: Any) -> None:
        if not facts or not facts["shape"] or facts["shape"][0] > MAX_KEPT_ROWS:
            return
        self.kept.pop(facts["fingerprint"], None)
        self.kept[facts["fingerprint"]] = x
        while len(self.kept) > MAX_KEPT:
            del self.kept[next(iter(self.kept))]


def _changes(generator: Any) -> list[str]:
    """The options of an ImageDataGenerator that are set, by name."""
    made_by = getattr(generator, "image_data_generator", None)
    if made_by is None:
        return []
    options = vars(made_by)
    asked = [name for name in options if name.endswith(("_range", "_flip"))]
    return sorted(name for name in asked if _is_set(name, options[name]))


def _is_set(name: str, value: Any) -> bool:
    if name == "zoom_range":
        return any(side != 1 for side in value)
    return bool(np.any(np.asarray(value, dtype=object) != 0)) and value is not None


def _with_rows(facts: dict[str, Any], rows: int | None) -> dict[str, Any]:
    """The facts of some rows as those of a source that has `rows` in all."""
    told = {**facts, "rows": rows}
    for side in ("x", "y"):
        if told.get(side) and rows is not None:
            told[side] = {**told[side], "shape": [rows, *told[side]["shape"][1:]]}
    return told


def first_picture(x: Any) -> Any:
    """Of several inputs the first that looks like pictures, else the first."""
    if isinstance(x, dict):
        x = list(x.values())
    if not isinstance(x, (list, tuple)) or not x:
        return x
    if isinstance(x[0], (int, float, list)) or np.isscalar(x[0]):
        return x
    arrays = [item for item in x if len(getattr(item, "shape", ())) >= 2]
    return arrays[0] if arrays else x[0]


def first_labels(y: Any) -> Any:
    """Of several targets the first."""
    if isinstance(y, dict):
        y = list(y.values())
    if isinstance(y, (list, tuple)) and y and hasattr(y[0], "shape") and len(y[0].shape):
        return y[0]
    return y


def split_batch(batch: Any) -> tuple[Any, Any]:
    """x and y of what a data set yields: (x, y), (x, y, weights), (x,) or x."""
    if isinstance(batch, (tuple, list)) and batch:
        x, y = batch[0], batch[1] if len(batch) > 1 else None
        return first_picture(x), first_labels(y)
    return first_picture(batch), None


def _joined(parts: list[Any]) -> Array | None:
    arrays = [to_numpy(part) for part in parts]
    kept = [array for array in arrays if array is not None and array.ndim]
    if not kept:
        return None
    same = [array for array in kept if array.shape[1:] == kept[0].shape[1:]]
    return np.concatenate(same)
