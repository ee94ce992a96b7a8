"""Which of several files is the submission."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from grader.errors import SubmissionError
from grader.records.lab import Kind
from grader.submissions.answers import NAME
from grader.submissions.names import listed

SOURCES: dict[Kind, tuple[str, ...]] = {"code": (".ipynb", ".py"), "answers": (".toml",)}
"""The endings of what a person hands in, the one that is preferred first."""
_LEFTOVER = re.compile(r"untitled|starter|copy|backup|checkpoint", re.IGNORECASE)


def choose(names: Iterable[str], lab_id: str | None, kind: Kind) -> str | None:
    """The file that holds the work: on the topmost level, a notebook before a module.

    The one called after the lab settles a doubt. None where there is no such file. Raises
    SubmissionError where a doubt is left.
    """
    found, named = _candidates(list(names), lab_id, kind)
    if len(found) == 1 or len(named) == 1:
        return (named or found)[0]
    if not found:
        return None
    raise SubmissionError(
        f"Which file is the submission? It holds {listed(found)}.",
        hint="Keep the one that counts, or call it after the lab.",
    )


def settle(
    names: Iterable[str], lab_id: str | None, kind: Kind
) -> tuple[str | None, tuple[str, ...]]:
    """The file that holds the work, without a question, and the others that could be meant.

    One whose name has the lab's id in it, as lab02, Lab 2 and lab-02 have, goes before others,
    copies and untitled ones come last; where that leaves a doubt, the last by name is taken (work2
    after work1, work10 after work2).
    """
    found, named = _candidates(list(names), lab_id, kind)
    if not found:
        return None, ()
    main = (
        named[0] if len(named) == 1 else max(named or found, key=lambda name: _rank(name, lab_id))
    )
    return main, tuple(name for name in found if name != main)


def _candidates(names: list[str], lab_id: str | None, kind: Kind) -> tuple[list[str], list[str]]:
    """Files of the preferred ending on the topmost level, and those called after the lab."""
    stems = {lab_id, PurePosixPath(NAME).stem} if kind == "answers" else {lab_id}
    for suffix in SOURCES[kind]:
        found = [name for name in names if name.lower().endswith(suffix)]
        if not found:
            continue
        top = min(name.count("/") for name in found)
        found = [name for name in found if name.count("/") == top]
        return found, [name for name in found if PurePosixPath(name).stem in stems]
    return [], []


def _rank(name: str, lab_id: str | None) -> tuple[bool, bool, list[tuple[str, int]], str]:
    stem = PurePosixPath(name).stem
    parts = [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d{0,9})", name)]
    about_lab = lab_id is not None and re.search(_spelt(lab_id), name, re.IGNORECASE) is not None
    return about_lab, not _LEFTOVER.search(stem), parts, name


def _spelt(lab_id: str) -> str:
    """What finds a lab's id in a name: as it is, or with other zeros and signs in between."""
    parts = re.findall(r"\d+|[^\W\d_]+", lab_id)
    loose = r"[\W_]*".join(f"0*{int(part)}" if part.isdecimal() else part for part in parts)
    return rf"(?:{re.escape(lab_id)}|(?<![^\W_]){loose})(?!\d)" if parts else re.escape(lab_id)
