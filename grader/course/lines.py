"""On which line of a TOML file a key stands, so that its author finds the fault at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

Step = str | int

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def key_lines(text: str) -> dict[tuple[Step, ...], int]:
    """Map the path of each table and key to its line, counted from 1.

    A table of an array has its index in the path: `("check", 0, "points")`. Keys inside inline
    tables and lines inside multi-line strings are not told apart; the nearest key above is
    what `line_of` then names.
    """
    found: dict[tuple[Step, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[Step, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            table = name = _parts(header[2])
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                table = (*name, counts[name])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def line_of(text: str, path: Sequence[Step]) -> int:
    """The line of the key at `path`, else of the nearest table around it, else 1."""
    lines = key_lines(text)
    for length in range(len(path), 0, -1):
        if (line := lines.get(tuple(path[:length]))) is not None:
            return line
    return 1
