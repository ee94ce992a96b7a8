"""Find what a class handed in: every submission with its id, in any of the known layouts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from grader.batch.entries import entries_of, glance
from grader.batch.layouts import Handed, Layout, detect, sort_out
from grader.errors import NothingToGrade, UsageError
from grader.records.lab import Kind
from grader.submissions.choice import SOURCES
from grader.submissions.names import printable

_ENDINGS = ("", ".ipynb", ".py", ".toml", ".zip")


@dataclass(frozen=True)
class Findings:
    """The submissions of a class, in the order of their ids.

    `twins` are those whose id was taken already, and `strays` are files that belong to nobody.
    """

    layout: Layout
    handed: tuple[Handed, ...]
    twins: tuple[str, ...]
    strays: tuple[str, ...]


def find_class(
    folder: Path, lab_id: str, kind: Kind, *, layout: Layout | None = None, out: Path | None = None
) -> Findings:
    """Find the submissions below `folder`; `out`, where it lies in there, is none of them.

    Raises NothingToGrade where there is none, UsageError for what is no folder or leaves a doubt.
    """
    if not os.path.lexists(folder):
        raise NothingToGrade(
            f"There is no folder {printable(str(folder))}.", hint="Check the name."
        )
    if not folder.is_dir():
        raise UsageError(
            f"{printable(str(folder))} is not a folder.",
            hint="Name the folder that holds the submissions; unpack an archive first.",
        )
    entries = entries_of(folder, but=None if out is None else Path(os.path.realpath(out)))
    chosen = layout or detect(folder, entries)
    found = sort_out(chosen, folder, entries, lab_id, kind)
    if not found.handed:
        strays = f" It holds {', '.join(found.strays[:5])}." if found.strays else ""
        raise NothingToGrade(
            f"There is no submission in {printable(str(folder))}.{strays}",
            hint="A submission is FOLDER/STUDENT/…, or FOLDER/STUDENT.ipynb, .py or .zip.",
        )
    handed, twins = _with_own_ids(found.handed)
    return Findings(chosen, handed, twins, found.strays)


def _with_own_ids(handed: Iterable[Handed]) -> tuple[tuple[Handed, ...], tuple[str, ...]]:
    """Each with an id of its own: the second of one id goes on as `<id>~2`."""
    ordered = sorted(handed, key=_order)
    taken, twins, own = {item.id for item in ordered}, [], []
    seen: set[str] = set()
    for item in ordered:
        if item.id in seen:
            number = next(n for n in range(2, len(ordered) + 2) if f"{item.id}~{n}" not in taken)
            item = replace(item, id=f"{item.id}~{number}")
            taken.add(item.id)
            twins.append(item.id)
        seen.add(item.id)
        own.append(item)
    return tuple(sorted(own, key=_order)), tuple(sorted(twins))


def _order(item: Handed) -> tuple[str, int, str]:
    suffix = PurePosixPath(item.path).suffix.lower()
    return item.id, _ENDINGS.index(suffix) if suffix in _ENDINGS else len(_ENDINGS), item.path


def must_be_for(folder: Path, findings: Findings, lab_id: str, labs: Iterable[str]) -> None:
    """Raise UsageError where every name that speaks of a lab speaks of another one."""
    spoken: set[str] = set()
    patterns = {
        lab: re.compile(rf"(?:.*[\W_])?{re.escape(lab)}(?![^\W_])", re.IGNORECASE | re.DOTALL)
        for lab in labs
    }
    for stem in _stems(folder, findings):
        spoken |= {lab for lab, pattern in patterns.items() if pattern.match(stem)}
    if len(spoken) == 1 and lab_id not in spoken:
        other = spoken.pop()
        raise UsageError(
            f"The files in {printable(str(folder))} are called after {other}, not {lab_id}.",
            hint=f"grade batch {other} … grades them; or give them a name without a lab's.",
        )


def _stems(folder: Path, findings: Findings) -> Iterator[str]:
    """What files and folders are called, except where that is the student's id."""
    for item in findings.handed:
        path = folder / item.path
        if findings.layout != "plain":
            yield PurePosixPath(item.path).stem
        if path.is_symlink() or not path.is_dir():
            continue
        for entry in glance(path):
            if entry.is_file and entry.name.lower().endswith((*SOURCES["code"], ".toml")):
                yield PurePosixPath(entry.name).stem
