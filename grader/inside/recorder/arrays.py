"""Arrays, tensors and data frames, summarised as the fields of ArrayFacts."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from .journal import Journal, variable_name
from .rows import TEST_ROWS_FROM, Match, RawRows

Array = np.ndarray[Any, Any]

SAMPLE_ROWS = 128
DISTINCT_LIMIT = 257
CHUNK_BYTES = 1 << 20
EXACT_HASH_BYTES = 2 << 20
REMEMBERED = 24
MAX_LIST = 2_000_000


def to_numpy(value: Any) -> Array | None:
    """The values of an array, eager tensor, variable, data frame, series or list of numbers.

    Does not copy where the owner lets its memory be read. Returns None for anything else.
    """
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    kind = type(value).__name__
    if kind in ("EagerTensor", "ResourceVariable", "Variable"):
        return _tensor_values(value)
    if kind in ("DataFrame", "Series", "Categorical", "Index"):
        return np.asarray(value)
    if isinstance(value, (list, tuple)) and value:
        return _list_values(value)
    return None


def _tensor_values(value: Any) -> Array | None:
    if kind_of(value) == "symbolic":
        return None
    try:
        return np.asarray(memoryview(value))
    except (TypeError, ValueError, BufferError):
        return np.asarray(value.numpy())


def _list_values(value: list[Any] | tuple[Any, ...]) -> Array | None:
    first = value[0]
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    if not isinstance(first, (int, float, str, np.ndarray, np.generic)) or len(value) > MAX_LIST:
        return None
    try:
        return np.asarray(value)
    except ValueError:
        return None


def kind_of(value: Any) -> str:
    """`array`, `tensor`, `symbolic` (a tensor without values), `dataset`, `generator`, `other`."""
    if isinstance(value, np.ndarray):
        return "array"
    names = {parent.__name__ for parent in type(value).__mro__}
    if "EagerTensor" in names:
        return "tensor"
    if names & {"KerasTensor", "SymbolicTensor"}:
        return "symbolic"
    if names & {"ResourceVariable", "BaseResourceVariable"} or (
        "Variable" in names and hasattr(value, "numpy")
    ):
        return "tensor"
    if names & {"DataFrame", "Series"}:
        return "array"
    if "DatasetV2" in names:
        return "dataset"
    if names & {"PyDataset", "Sequence", "generator", "Iterator", "OwnedIterator"}:
        return "generator"
    return "other"


@dataclass(frozen=True)
class Summary:
    """What the recorder knows of one array: the fields of its facts, and its rows' origin."""

    facts: dict[str, Any]
    match: Match | None


class Arrays:
    """Summaries of arrays; one that was just summarised is not read in full again."""

    def __init__(self, raw: RawRows, journal: Journal) -> None:
        self.raw = raw
        self._journal = journal
        self._known: OrderedDict[tuple[Any, ...], tuple[bytes, Summary]] = OrderedDict()
        self._sent: dict[tuple[str, tuple[int, ...]], int] = {}

    def summary(self, value: Any, *, name: str | None = None) -> Summary | None:
        """Summarise any array-like; None where it has no values."""
        array = to_numpy(value)
        if array is None:
            return None
        dtype = _dtype_name(value, array)
        key = (array.__array_interface__["data"][0], array.shape, array.strides, dtype)
        glance = _glance(array)
        known = self._known.get(key)
        if known is None or known[0] != glance:
            known = glance, self._summarise(array, dtype)
            self._known[key] = known
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        found = known[1]
        variable = name if name is not None else variable_name(value)
        return Summary({**found.facts, "variable": variable}, found.match)

    def facts(self, value: Any, *, name: str | None = None, sample: bool = True) -> Any:
        """The fields of ArrayFacts for any array-like, or None."""
        found = self.summary(value, name=name)
        if found is None:
            return None
        if not sample or found.match is None:
            return found.facts
        array = to_numpy(value)
        return found.facts if array is None else {**found.facts, **self.sample(array, found)}

    def sample(self, array: Array, found: Summary) -> dict[str, Any]:
        """Up to 128 rows of known origin, spread over the array, as they were fed."""
        match = found.match
        if match is None or not len(match.known):
            return {}
        known = match.known
        spread = np.unique(np.linspace(0, len(known) - 1, SAMPLE_ROWS).astype(int))
        at = known[spread]
        whole = array if len(match.rows) == len(array) else array[None]
        rows = _sendable(np.ascontiguousarray(whole[at]).reshape(len(at), -1))
        key = found.facts["fingerprint"], array.shape
        self._sent[key] = self._sent.get(key, 0) + 1
        if self._sent[key] > 6 or not self._journal.may_send(rows.nbytes):
            return {}
        return {"sample": rows, "sample_rows": match.rows[at].astype(np.int64)}

    def _summarise(self, array: Array, dtype: str) -> Summary:
        if array.ndim > 1 and array.dtype.kind in "fiub":
            # A data frame holds its columns one after the other: turn it once, not once a pass.
            array = np.ascontiguousarray(array)
        facts: dict[str, Any] = {
            "shape": [int(size) for size in array.shape],
            "dtype": dtype,
            "fingerprint": fingerprint(array),
        }
        if array.dtype.kind not in "fiub" or array.size == 0:
            return Summary(facts, None)
        facts.update(_numbers(array))
        match = self.raw.match(array)
        if match is not None:
            facts["origin"] = _origin(match)
        return Summary(facts, match)


def _dtype_name(value: Any, array: Array) -> str:
    if type(value).__name__ == "DataFrame":
        return str(array.dtype)
    return str(getattr(getattr(value, "dtype", array.dtype), "name", array.dtype))


def _sendable(rows: Array) -> Array:
    if rows.dtype.name in ("uint8", "float32", "float64"):
        return rows
    if rows.dtype.kind == "b":
        return rows.astype(np.uint8)
    return rows.astype(np.float32 if rows.dtype.itemsize <= 2 else np.float64)


def _glance(array: Array) -> bytes:
    """A few thousand values spread over the array: changes in place show, at no cost."""
    if array.dtype.kind == "O":
        return repr([str(item)[:20] for item in array.flat[:: max(1, array.size // 64)]]).encode()
    rows = array[:: max(1, len(array) // 16)] if array.ndim else array
    step = max(1, rows.size // 8_192)
    return np.ascontiguousarray(rows.reshape(-1)[::step]).tobytes()


def fingerprint(array: Array) -> str:
    """16 hex digits that differ between arrays of different values, dtype or order.

    Arrays up to 2 MiB are hashed whole; of larger ones the position-weighted sums of 1 MiB chunks,
    which reads 188 MB in a tenth of a second.
    """
    digest = hashlib.blake2b(f"{array.dtype}{array.shape}".encode(), digest_size=8)
    if array.dtype.kind in "OUS" or array.dtype.hasobject:
        digest.update("\x1f".join(map(str, array.flat)).encode("utf-8", "replace"))
        return digest.hexdigest()
    if array.nbytes <= EXACT_HASH_BYTES:
        digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
    for chunk in _chunks(array):
        flat = chunk.reshape(-1).view(np.uint8)
        words = flat[: len(flat) // 4096 * 4096].view(np.uint64).reshape(-1, 512)
        digest.update(np.add.reduce(words, axis=0).tobytes())
        digest.update(flat[len(words) * 4096 :].tobytes())
    return digest.hexdigest()


def _chunks(array: Array) -> Any:
    """Contiguous pieces of about CHUNK_BYTES along the first axis."""
    if array.ndim == 0 or not len(array):
        yield np.ascontiguousarray(array).reshape(-1)
        return
    step = max(1, CHUNK_BYTES // max(1, array.nbytes // len(array)))
    for start in range(0, len(array), step):
        yield np.ascontiguousarray(array[start : start + step])


def _numbers(array: Array) -> dict[str, Any]:
    """Exact least and greatest value, the mean, and what a sample of rows tells."""
    low: Any = None
    high: Any = None
    total = 0.0
    with np.errstate(all="ignore"):
        for chunk in _chunks(array):
            least, most = chunk.min(), chunk.max()
            low = least if low is None else np.minimum(low, least)
            high = most if high is None else np.maximum(high, most)
            total += float(chunk.sum(dtype=_wide(chunk.dtype)))
    finite = bool(np.isfinite(low) and np.isfinite(high))
    sample = array if array.ndim == 0 else array[:: max(1, len(array) // 128)][:256]
    sample = sample.reshape(-1)[:400_000]
    distinct = len(np.unique(sample[np.isfinite(sample)])) if sample.size else 0
    return {
        "minimum": float(low),
        "maximum": float(high),
        "mean": total / array.size,
        "integral": bool((finite and array.dtype.kind != "f") or np.all(sample == np.rint(sample))),
        "finite": finite,
        "distinct": min(distinct, DISTINCT_LIMIT),
        "columns_centred": bool(finite and low < 0 < high and _columns_centred(array)),
    }


def _wide(dtype: np.dtype[Any]) -> type:
    """float32 sums of a chunk are exact enough (pairwise) and far cheaper than float64 ones."""
    if dtype.kind == "f":
        return np.float64 if dtype.itemsize == 8 else np.float32
    return np.int64


def _columns_centred(array: Array) -> bool:
    if array.ndim < 2 or len(array) < 2:
        return False
    rows = array.reshape(len(array), -1)
    few = rows[:: max(1, len(rows) // 1_024)]
    rough = np.abs(few.mean(axis=0, dtype=np.float64))
    if np.median(rough) > 0.2 * max(1e-3, float(few.std())):
        return False
    total = np.zeros(rows.shape[1])
    for start in range(0, len(rows), 4_096):
        total += rows[start : start + 4_096].sum(axis=0, dtype=np.float64)
    return bool(np.abs(total / len(rows)).max() < 1e-3)


def _origin(match: Match) -> dict[str, Any]:
    rows = match.rows
    test = int(np.count_nonzero(rows >= TEST_ROWS_FROM))
    unknown = int(np.count_nonzero(rows < 0))
    return {
        "train": len(rows) - test - unknown,
        "test": test,
        "unknown": unknown,
        "train_repeats": match.repeats,
        "in_order": match.in_order,
        "inverted": match.inverted,
    }
