"""Which raw digits the rows of an array are, told by where their ink lies.

Scaling a picture changes its values but not the set of pixels that hold ink: an affine map with a
positive factor keeps raw 0 the least value (of the row where the map is the same for all pixels,
of the column where each pixel has its own). So the mask `value > least` is compared, as a 64-bit
hash, with the masks of the raw digits. Dark ink on white keeps raw 0 the greatest value instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Mask = Callable[[Array], Array]

CHUNK_ROWS = 2_048
TRIAL_ROWS = 256
SHARE = 0.002
"""Of the value range: raw 1 lies 1/255 = 0.0039 of it above raw 0."""
ALIKE = 8
"""As many raw digits may share their ink; beyond, a row with that ink is of unknown origin."""
TEST_ROWS_FROM = 60_000
"""Public row numbers: train i is i, visible test j is 60000 + j."""
_MIX = np.random.Generator(np.random.PCG64(5)).integers(1, 1 << 63, 512, dtype=np.uint64) * 2 + 1


@dataclass(frozen=True)
class Match:
    """The raw row of each row, -1 where it is none.

    `inverted`: ink is the least value. `repeats` counts train rows beyond as many of the same ink
    as the raw data have; `in_order`: row i is raw digit i of its half.
    """

    rows: Array
    inverted: bool = False
    repeats: int = 0
    in_order: bool = False

    @property
    def known(self) -> Array:
        """Indices of the rows whose origin is known."""
        return np.flatnonzero(self.rows >= 0)


class _Table:
    """Sorted mask hashes of raw digits with ink above a threshold, and the digit of each."""

    def __init__(self, train: Array, test: Array, threshold: int) -> None:
        self.halves = [self._sorted(half, threshold) for half in (train, test)]

    @staticmethod
    def _sorted(half: Array, threshold: int) -> tuple[Array, Array]:
        hashes = _hash_rows(half.reshape(len(half), -1), lambda rows: rows > threshold)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    def match(self, hashes: Array, inverted: bool) -> Match:
        """Look the hashes up and tell repeats and order. A few raw digits of equal ink are one."""
        rows = self.look_up(hashes)
        train = rows[(rows >= 0) & (rows < TEST_ROWS_FROM)]
        repeats = 0
        if len(train):
            fed, raw = np.bincount(train), self._multiplicity(train)
            repeats = int(np.maximum(fed - raw, 0).sum())
        if self._in_order(rows):
            of_test = bool(rows[0] >= TEST_ROWS_FROM)
            places = np.arange(len(rows)) % len(self.halves[of_test][1])
            return Match(places + TEST_ROWS_FROM * of_test, inverted, repeats, True)
        return Match(np.where(self._alike(hashes) > ALIKE, -1, rows), inverted, repeats)

    def _alike(self, hashes: Array) -> Array:
        """How many raw digits of the half that has most have the same ink."""
        counts = [
            np.searchsorted(ordered, hashes, "right") - np.searchsorted(ordered, hashes)
            for ordered, _ in self.halves
        ]
        most: Array = np.maximum(*counts)
        return most

    def _multiplicity(self, train: Array) -> Array:
        ordered, order = self.halves[0]
        first = order[np.searchsorted(ordered, ordered)]
        return np.bincount(first, minlength=int(train.max()) + 1)[: int(train.max()) + 1]

    def _in_order(self, rows: Array) -> bool:
        if not len(rows) or rows.min() < 0:
            return False
        of_test = bool(rows[0] >= TEST_ROWS_FROM)
        ordered, order = self.halves[of_test]
        if not of_test and len(rows) > len(order):
            return False
        first = np.empty(len(order), dtype=np.int64)
        first[order] = order[np.searchsorted(ordered, ordered)]
        wanted = first[np.arange(len(rows)) % len(order)] + TEST_ROWS_FROM * of_test
        return bool(np.array_equal(rows, wanted))

    def look_up(self, hashes: Array) -> Array:
        """Raw rows, -1 where unknown. A digit of both halves goes to the half with more rows."""
        train, test = (self._find(half, hashes) for half in self.halves)
        test = np.where(test >= 0, test + TEST_ROWS_FROM, -1)
        if np.count_nonzero(test >= 0) > np.count_nonzero(train >= 0):
            train, test = test, train
        found: Array = np.where(train >= 0, train, test)
        return found

    @staticmethod
    def _find(half: tuple[Array, Array], hashes: Array) -> Array:
        ordered, order = half
        if not len(ordered):
            return np.full(len(hashes), -1)
        at = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
        found: Array = np.where(ordered[at] == hashes, order[at], -1)
        return found


class RawRows:
    """The public raw digits of a data folder, read when first asked for."""

    def __init__(self, folder: str | None) -> None:
        self._folder = None if folder is None else Path(folder)
        self._tables: dict[int, _Table] = {}
        self._images: tuple[Array, Array] | None = None
        self._labels: Array | None = None
        self._columns: list[tuple[Array, Array]] = []

    @property
    def present(self) -> bool:
        """The data folder holds digits to compare with."""
        return self._folder is not None and (self._folder / "train_images.npy").is_file()

    def true_labels(self, rows: Array) -> Array:
        """Labels of public row numbers (k,), as int64."""
        assert self._folder is not None
        if self._labels is None:
            train = np.load(self._folder / "train_labels.npy").astype(np.int64)
            test = np.load(self._folder / "visible_labels.npy").astype(np.int64)
            padded = np.full(TEST_ROWS_FROM, -1)
            padded[: len(train)] = train[:TEST_ROWS_FROM]
            self._labels = np.concatenate([padded, test])
        found: Array = self._labels[rows]
        return found

    def half_labels(self, half: str) -> Array:
        """All labels of `train` or `test` (the visible half, once), as int64."""
        assert self._folder is not None
        name = {"train": "train_labels.npy", "test": "visible_labels.npy"}[half]
        labels: Array = np.load(self._folder / name).astype(np.int64)
        return labels

    def match(self, array: Array) -> Match | None:
        """Find the raw digit of each row; None where the rows are no pictures of this size."""
        if not self.present:
            return None
        rows = as_rows(array, self._pictures()[0].shape[1:])
        if rows is None or not len(rows):
            return None
        for table, mask, inverted in self._ways(rows):
            sample = rows[:: max(1, len(rows) // TRIAL_ROWS)][:TRIAL_ROWS]
            hits = table.look_up(_hash_rows(sample, mask))
            if np.count_nonzero(hits >= 0) * 5 >= len(sample):
                return table.match(_hash_rows(rows, mask), inverted)
        return Match(np.full(len(rows), -1))

    def _ways(self, rows: Array) -> Iterator[tuple[_Table, Mask, bool]]:
        """Tables and masks to try, the cheap and likely ones first."""
        ink = self._table(0)
        yield ink, _above_least_of_row, False
        yield ink, _below_greatest_of_row, True
        sample = rows[:: max(1, len(rows) // 64)][:64]
        if len(np.unique(sample)) <= 2:
            for threshold in (127, 254):
                yield self._table(threshold), _above_least_of_row, False
                yield self._table(threshold), _below_greatest_of_row, True
            return
        if rows.dtype.kind != "f":
            return
        if len(rows) >= 64:
            low, high = rows.min(axis=0), rows.max(axis=0)
            margin = (high - low) * SHARE
            self._remember(low + margin, high - margin)
        for above, below in reversed(self._columns):
            yield ink, partial(np.less, above), False
            yield ink, partial(np.greater, below), True

    def _remember(self, above: Array, below: Array) -> None:
        """Keep per-pixel limits: a later array of few rows shares the map, not the extremes."""
        self._columns = [*self._columns[-3:], (above, below)]

    def _pictures(self) -> tuple[Array, Array]:
        assert self._folder is not None
        if self._images is None:
            names = ("train_images.npy", "visible_images.npy")
            train, test = (np.load(self._folder / name, mmap_mode="r") for name in names)
            self._images = train, test
        return self._images

    def _table(self, threshold: int) -> _Table:
        if threshold not in self._tables:
            self._tables[threshold] = _Table(*self._pictures(), threshold)
        return self._tables[threshold]


def as_rows(array: Array, picture: tuple[int, ...]) -> Array | None:
    """View an array as (n, height·width), or None where its rows are no such pictures.

    Accepts flat rows, a channel axis of 1 or 3 (the first channel is taken), a margin of the same
    width on all sides, and one picture by itself.
    """
    if array.dtype.kind not in "fiub" or array.size == 0:
        return None
    height, width = picture
    if array.shape in ((height, width), (height * width,)):
        return array.reshape(1, -1)
    if array.ndim < 2:
        return None
    if array.ndim == 4 and array.shape[-1] in (1, 3) and array.shape[1] > 3:
        array = array[..., 0]
    size = int(np.prod(array.shape[1:]))
    if size == height * width:
        return array.reshape(len(array), size)
    side = round(size**0.5)
    margin = side - height
    if side * side != size or height != width or not 0 < margin <= 16 or margin % 2:
        return None
    border = margin // 2
    inner = array.reshape(len(array), side, side)[:, border:-border, border:-border]
    return inner.reshape(len(array), -1)


def _above_least_of_row(rows: Array) -> Array:
    if rows.dtype.kind in "ub":
        low = rows.min(axis=1, keepdims=True)
        return np.asarray(rows != low)
    low, high = rows.min(axis=1, keepdims=True), rows.max(axis=1, keepdims=True)
    return np.asarray(rows > low + (high - low) * SHARE)


def _below_greatest_of_row(rows: Array) -> Array:
    low, high = rows.min(axis=1, keepdims=True), rows.max(axis=1, keepdims=True)
    if rows.dtype.kind in "ub":
        return np.asarray(rows != high)
    return np.asarray(rows < high - (high - low) * SHARE)


def _hash_rows(rows: Array, mask: Mask) -> Array:
    """A 64-bit hash of each row's mask, in chunks that stay in the cache."""
    out = np.empty(len(rows), dtype=np.uint64)
    with np.errstate(all="ignore"):
        for start in range(0, len(rows), CHUNK_ROWS):
            bits = np.packbits(mask(rows[start : start + CHUNK_ROWS]), axis=1)
            words = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), dtype=np.uint8)
            words[:, : bits.shape[1]] = bits
            mixed = words.view(np.uint64) * _MIX[: words.shape[1] // 8]
            out[start : start + CHUNK_ROWS] = mixed.sum(axis=1, dtype=np.uint64)
    return out
