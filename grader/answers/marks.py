"""Marks that a person gave to answers: they lie with the course, never with a submission."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from grader.course.lines import line_of
from grader.course.toml_files import parse, read_text
from grader.errors import LabError
from grader.records.lab import Lab

_HEAD = {"lab", "sha256", "marker"}
_ENTRY = {"points", "comment"}
_ANEW = "Mend this line; scripts/marking_form.py writes a form anew."


@dataclass(frozen=True)
class Mark:
    """The points that a person gave for an answer, and what they wrote about it."""

    points: float
    comment: str | None = None


def find_marks(lab: Lab, sha256: str) -> Mapping[str, Mark] | None:
    """The marks for the answers of this hash, by question; None where nobody marked them yet.

    A question without points in the file has no mark yet. Raises LabError, with file and line, for
    a faulty file, also another submission's, and for two that mark the same answers differently.
    """
    found: Mapping[str, Mark] | None = None
    for path in sorted(lab.marks.glob("[!.]*.toml")) if lab.marks is not None else ():
        marked, marks = _read(path, read_text(path), lab.id, tuple(lab.rubric.points.items()))
        if marked == sha256 and marks:
            if found not in (None, marks):
                raise LabError(
                    f"{path}: another file marks the same answers differently.",
                    hint="Keep the one that holds.",
                )
            found = marks
    return found


@lru_cache(maxsize=1024)
def _read(
    path: Path, text: str, lab_id: str, worth: tuple[tuple[str, float], ...]
) -> tuple[str, Mapping[str, Mark]]:
    def fault(said: str, *place: str) -> LabError:
        return LabError(f"{path}:{line_of(text, place)}: {said}.", hint=_ANEW)

    table = parse(path, text)
    if table.get("lab") != lab_id or not isinstance(table.get("sha256"), str):
        raise fault(f"marks for {lab_id} need lab = “{lab_id}” and the answers' sha256", "lab")
    marks, possible = {}, dict(worth)
    for id, entry in table.items():
        if id in _HEAD:
            continue
        if id not in possible:
            raise fault(f"the rubric has no “{id}”", id)
        try:
            if (mark := _mark(entry, possible[id])) is not None:
                marks[id] = mark
        except ValueError as error:
            raise fault(f"“{id}”: {error}", id, "points") from None
    return table["sha256"].strip().lower(), marks


def _mark(entry: Any, possible: float) -> Mark | None:
    if not isinstance(entry, dict) or not set(entry) <= _ENTRY:
        raise ValueError("give points and, if you like, a comment, and nothing else")
    points, comment = entry.get("points"), entry.get("comment")
    if comment is not None and not isinstance(comment, str):
        raise ValueError("the comment is no text")
    if points is None:
        return None
    number = isinstance(points, (int, float)) and not isinstance(points, bool)
    if not number or not math.isfinite(points) or not 0 <= points <= possible:
        raise ValueError(f"points are a number from 0 to {possible:g}")
    return Mark(float(points), (comment or "").strip() or None)
