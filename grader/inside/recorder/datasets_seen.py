"""What a tf.data.Dataset will yield, told from how it was made.

Iterating a data set can move seeds on (shuffle, random layers) and so change the training that is
being watched. Instead the chain of data sets is followed back to the tensors it slices, and pure
`map` functions are applied to some of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .arrays import Array

MAPPED_ROWS = 256
NEUTRAL = ("Prefetch", "Options", "Cache", "ModelDataset", "Autotune", "Take_", "Identity")
MAX_CHAIN = 60


@dataclass(frozen=True)
class Elements:
    """Rows of a data set, unbatched: `parts` is a nest of arrays with rows first.

    `rows` counts all rows of one pass (None where unknown); `whole` says that `parts` hold them all
    in order. `shuffled` says that a shuffle comes after the slicing. `parts` is None where only
    iterating would tell; `behind` then holds the rows as they were before the first such step.
    """

    parts: Any
    rows: int | None
    whole: bool = True
    shuffled: bool = False
    batch_size: int | None = None
    behind: Any = None


class _CannotTell(Exception):
    """The chain holds a step whose outcome only iterating would show."""


def look_into(dataset: Any) -> Elements | None:
    """Follow `dataset` back to its tensors; None where that cannot be done without iterating."""
    tf = sys.modules.get("tensorflow")
    if tf is None:
        return None
    try:
        return _elements(dataset, tf, 0)
    except _CannotTell:
        return None


def _elements(dataset: Any, tf: Any, depth: int) -> Elements:
    if depth > MAX_CHAIN:
        raise _CannotTell
    name = type(dataset).__name__.strip("_")
    if name == "TensorSliceDataset":
        return _slices(dataset, tf)
    if name == "ZipDataset":
        return _zipped(dataset, tf, depth)
    source = getattr(dataset, "_input_dataset", None)
    if source is None:
        raise _CannotTell
    found = _elements(source, tf, depth + 1)
    return _step(name, dataset, found, tf)


def _slices(dataset: Any, tf: Any) -> Elements:
    arrays = [np.asarray(memoryview(tensor)) for tensor in dataset._tensors]
    parts = tf.nest.pack_sequence_as(dataset.element_spec, arrays)
    return Elements(parts, len(arrays[0]))


def _zipped(dataset: Any, tf: Any, depth: int) -> Elements:
    inputs = dataset._datasets
    found = [_elements(item, tf, depth + 1) for item in tf.nest.flatten(inputs)]
    counts = [item.rows for item in found if item.rows is not None]
    rows = min(counts) if counts else None
    clear = all(item.whole == found[0].whole and item.parts is not None for item in found)
    parts = tf.nest.pack_sequence_as(inputs, [item.parts for item in found]) if clear else None
    behind = found[0].parts if found[0].behind is None else found[0].behind
    return Elements(
        parts,
        rows,
        found[0].whole,
        any(item.shuffled for item in found),
        found[0].batch_size,
        None if clear else behind,
    )


def _step(name: str, dataset: Any, found: Elements, tf: Any) -> Elements:
    if name.startswith(NEUTRAL):
        return found
    if name.startswith("Shuffle"):
        return replace(found, shuffled=True)
    if name in ("BatchDataset", "ParallelBatchDataset"):
        return _batched(dataset, found)
    if name in ("UnbatchDataset",):
        return replace(found, batch_size=None)
    if name == "RepeatDataset":
        return found
    if name in ("TakeDataset", "SkipDataset"):
        return _cut(name, dataset, found, tf)
    if name in ("MapDataset", "ParallelMapDataset"):
        return _mapped(dataset, found, tf)
    raise _CannotTell


def _batched(dataset: Any, found: Elements) -> Elements:
    if found.batch_size is not None:
        raise _CannotTell
    size = int(dataset._batch_size)
    rows = found.rows
    if rows is not None and bool(dataset._drop_remainder):
        rows -= rows % size
    return replace(found, batch_size=size, rows=rows)


def _cut(name: str, dataset: Any, found: Elements, tf: Any) -> Elements:
    """take and skip: which rows they leave is known only where nothing was shuffled before."""
    count = int(dataset._count) * (found.batch_size or 1)
    if found.rows is None or count < 0:
        return found
    keep = slice(0, count) if name == "TakeDataset" else slice(count, None)
    rows = len(range(found.rows)[keep])
    if found.shuffled or not found.whole or found.parts is None:
        return replace(found, rows=rows)
    parts = tf.nest.map_structure(lambda array: array[keep], found.parts)
    return replace(found, parts=parts, rows=rows)


def _mapped(dataset: Any, found: Elements, tf: Any) -> Elements:
    function = dataset._map_func.function
    if found.parts is None or not _is_pure(function):
        behind = found.behind if found.parts is None else found.parts
        return replace(found, parts=None, behind=behind)
    flat = tf.nest.flatten(found.parts)
    rows = len(flat[0])
    some = [array[np.unique(np.linspace(0, rows - 1, MAPPED_ROWS).astype(int))] for array in flat]
    if found.batch_size is not None:
        outputs = [_applied(function, some, tf)]
        joined = [np.asarray(part) for part in outputs[0]]
    else:
        each = [_applied(function, [part[i] for part in some], tf) for i in range(len(some[0]))]
        joined = [
            np.stack([np.asarray(part) for part in column]) for column in zip(*each, strict=True)
        ]
    spec = dataset.element_spec
    return replace(found, parts=tf.nest.pack_sequence_as(spec, joined), whole=rows <= MAPPED_ROWS)


def _applied(function: Any, values: list[Array], tf: Any) -> list[Any]:
    return list(tf.nest.flatten(function(*[tf.constant(value) for value in values])))


def _is_pure(function: Any) -> bool:
    """No operation of the traced function draws random numbers, keeps state or calls Python."""
    graph = function.graph
    names = [operation for operation in graph.get_operations() if operation.op_def is not None]
    if any(operation.op_def.is_stateful for operation in names if operation.type != "Placeholder"):
        return False
    library = graph.as_graph_def(add_shapes=False).library.function
    return not any(
        "Random" in node.op or "PyFunc" in node.op for inner in library for node in inner.node_def
    )
