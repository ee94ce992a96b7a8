"""The column of an assignment: the one that is called after the lab, or that is named."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.errors import UsageError
from grader.export.students import folded

_NUMBERED = re.compile(r"(?P<name>.*) \((?P<number>\d+)\)")


def by_name(headers: Sequence[str]) -> dict[str, int]:
    """The index of each column by its name, folded; of several of one name, the first."""
    return {folded(name): index for index, name in reversed(list(enumerate(headers)))}


def assignment_column(
    headers: Sequence[str], candidates: Sequence[int], lab: str, title: str, wanted: str | None
) -> int:
    """The index of the one column of `candidates` that is meant.

    `wanted` is a column's name, without its number if you like, or its number alone; without it,
    the lab's id or title must stand in exactly one name. Raises UsageError with the candidates.
    """
    if wanted is not None:
        found = [index for index in candidates if folded(wanted) in _names(headers[index])]
        what = f"is called “{wanted}”"
    else:
        found = [index for index in candidates if _speaks_of(headers[index], lab, title)]
        what = f"is called after {lab}" + (f" or “{title}”" if title else "")
    if len(found) == 1:
        return found[0]
    shown = found or candidates
    listed = ", ".join(f"“{headers[index]}”" for index in shown) or "none"
    count = "No column" if not found else f"More than one column, {len(found)},"
    raise UsageError(
        f"{count} of the template {what}. There are: {listed}.",
        hint="Name the one that is meant with --column.",
    )


def _names(header: str) -> set[str]:
    found = _NUMBERED.fullmatch(header.strip())
    short = {folded(found["name"]), found["number"]} if found else set()
    return {folded(header), *short}


def _speaks_of(header: str, lab: str, title: str) -> bool:
    """Whether a name holds the lab's id, as “Lab 3” and “lab-03” hold lab03, or its title."""
    name = folded(header)
    if title and re.search(rf"(?<!\w){re.escape(folded(title))}(?!\w)", name):
        return True
    parts = re.findall(r"\d+|[^\W\d_]+", lab.lower())
    spelt = [f"0*{int(part)}" if part.isdecimal() else re.escape(part) for part in parts]
    wanted = r"[\W_]*".join(spelt)
    return bool(re.search(rf"(?<![^\W_]){wanted}(?![^\W_])", name))
