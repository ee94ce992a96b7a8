"""From ids of students to names of files that every file system takes and keeps apart."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,120}")
_READABLE = 60
"""Characters kept of an id that is no plain name."""
_SHORT, _WHOLE = 10, 64
"""Digits of the hash: what tells a class apart, and what nobody can make collide."""


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """A file name, without its ending, for each id; unique without regard to case.

    An id of plain ASCII letters, digits, `.`, `_` and `-` names its own file. Any other, one beyond
    120 characters, and those that would share a name, get a readable part with a hash of the id.
    The order of the ids does not matter.
    """
    digits = {student: 0 if _PLAIN.fullmatch(student) else _SHORT for student in ids}
    while True:
        names = {student: _name(student, count) for student, count in digits.items()}
        taken = Counter(name.lower() for name in names.values())
        shared = [
            student
            for student, name in names.items()
            if taken[name.lower()] > 1 and digits[student] < _WHOLE
        ]
        if not shared:
            return names
        for student in shared:
            digits[student] = _WHOLE if digits[student] else _SHORT


def _name(student: str, digits: int) -> str:
    if not digits:
        return student
    letters = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode("ascii")
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", letters)[:_READABLE].strip("-")
    digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
    return f"{readable or 'submission'}-{digest}"
