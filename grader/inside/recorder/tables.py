"""Tables of results that variables hold: data frames, records, and dictionaries that serve as one.

A row is a dictionary from column to number or text. What has no column of its own, a key or a place
in a tuple, gets `key` (`key 2` …) or its number as a column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

MAX_ROWS = 200
MAX_COLUMNS = 40
MAX_TEXT = 200
MAX_DEPTH = 4

Row = dict[str, float | str | None]


def table_of(value: Any) -> list[Row] | None:
    """The rows of a table; None for what is none."""
    if type(value).__name__ == "DataFrame":
        value = _records(value)
    if not isinstance(value, (list, tuple, Mapping)) or not value:
        return None
    rows: list[Row] = []
    for row in _rows(value, {}, 0):
        rows.append(row)
        if len(rows) >= MAX_ROWS:
            break
    return rows if any(_is_row(row) for row in rows) else None


def _records(frame: Any) -> list[dict[Any, Any]]:
    """The rows of a data frame, with its index where that says more than a number."""
    if type(frame.index).__name__ != "RangeIndex":
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    values = frame.to_numpy(dtype=object)[:MAX_ROWS]
    return [dict(zip(names, row, strict=False)) for row in values]


def _rows(value: Any, above: Row, depth: int) -> Iterator[Row]:
    """Rows of a nest: each record with the keys under which it stands."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        yield from _rows_of_mapping(value, above, depth)
    elif isinstance(value, (list, tuple)):
        if value and all(_is_plain(item) for item in value):
            yield {**above, **_record(enumerate(value))}
            return
        for item in value[:MAX_ROWS]:
            yield from _rows(item, above, depth + 1)


def _rows_of_mapping(value: Mapping[Any, Any], above: Row, depth: int) -> Iterator[Row]:
    items = list(value.items())[:MAX_ROWS]
    columns = [item for _, item in items]
    if all(_is_plain(item) for item in columns):
        if all(isinstance(item, (int, float, np.generic)) for item in columns) and depth == 0:
            for name, item in items:
                yield {**above, **_key(above, name), "0": _cell(item)}
        else:
            yield {**above, **_record(items)}
    elif _are_columns(columns) and depth == 0:
        for row in zip(*columns, strict=True):
            yield _record(zip((name for name, _ in items), row, strict=True))
    else:
        plain = _record((name, item) for name, item in items if _is_plain(item))
        for name, item in items:
            if not _is_plain(item):
                yield from _rows(item, {**above, **plain, **_key(above, name)}, depth + 1)


def _are_columns(values: list[Any]) -> bool:
    """Lists of one length, more than one of them texts or numbers only: columns of a table."""
    lists = all(isinstance(value, (list, tuple)) for value in values)
    if not lists or len({len(value) for value in values}) != 1:
        return False
    return any(isinstance(item, str) for value in values for item in value)


def _key(above: Row, name: Any) -> Row:
    taken = sum(column.startswith("key") for column in above)
    return {"key" if not taken else f"key {taken + 1}": _cell(name)}


def _record(pairs: Any) -> Row:
    return {str(name)[:MAX_TEXT]: _cell(item) for name, item in list(pairs)[:MAX_COLUMNS]}


def _cell(item: Any) -> float | str | None:
    if isinstance(item, (bool, np.bool_)):
        return str(item)
    if isinstance(item, (int, float, np.integer, np.floating)):
        number = float(item)
        return number if math.isfinite(number) else None
    if item is None or isinstance(item, str):
        return None if item is None else str(item)[:MAX_TEXT]
    return _name_of(item)


def _name_of(item: Any) -> str:
    """The name of an object that stands in a table: a class, a function, an optimizer, a layer."""
    name = getattr(item, "__name__", None) or type(item).__name__
    return str(name)[:MAX_TEXT]


def _is_plain(item: Any) -> bool:
    if isinstance(item, (list, tuple, Mapping, np.ndarray)):
        return False
    return type(item).__name__ not in ("DataFrame", "Series", "History")


def _is_row(row: Row) -> bool:
    """Whether there is a text that may name a setting, or several numbers, and a number."""
    numbers = sum(isinstance(item, float) for item in row.values())
    return numbers >= 2 or (numbers == 1 and len(row) >= 2)
