"""How course systems lay out what was handed in, and whose a file is by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from grader.batch.entries import Entry, entries_of, glance
from grader.errors import UsageError
from grader.records.lab import Kind
from grader.submissions.choice import SOURCES, settle
from grader.submissions.names import printable

Layout = Literal["plain", "canvas", "moodle", "nbgrader"]
LAYOUTS: tuple[Layout, ...] = ("plain", "canvas", "moodle", "nbgrader")

_CANVAS = re.compile(r"(?P<student>[^_]+)(?:_LATE)?_(?P<number>\d+)_(?P<order>\d+)_(?P<file>.+)")
_MOODLE = re.compile(
    r"(?P<student>.+?)_(?P<number>\d+)_assignsubmission_(?P<part>[a-z]+)(?:_(?P<file>.*))?"
)
_PATTERNS: dict[Layout, re.Pattern[str]] = {"moodle": _MOODLE, "canvas": _CANVAS}
_NBGRADER = "submitted"


@dataclass(frozen=True)
class Beside:
    """A file that came with a submission: its path, and the name that it had before."""

    path: str
    name: str


@dataclass(frozen=True)
class Handed:
    """What one student handed in: a file or folder at `path`, relative to the folder searched.

    `rivals` are other files of the student's that could have been meant. `beside` are files that
    came along, of a submission that was called `name` before the course system renamed it.
    """

    id: str
    path: str
    rivals: tuple[str, ...] = ()
    name: str = ""
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True)
class Sorted:
    """What a layout made of the entries of a folder; `strays` belong to nobody."""

    handed: tuple[Handed, ...]
    strays: tuple[str, ...] = ()


def detect(folder: Path, entries: list[Entry]) -> Layout:
    """The layout that most of the names speak for. Raises UsageError for a class in a folder."""
    if _nbgrader_base(folder, entries) is not None:
        return "nbgrader"
    if downloaded := _downloaded(entries):
        return downloaded[0]
    if len(entries) == 1 and entries[0].is_folder:
        _must_be_a_student(entries[0])
    return "plain"


def _must_be_a_student(only: Entry) -> None:
    """Raise UsageError where the only folder of a class is itself a class that was downloaded."""
    downloaded = _downloaded(glance(only.path))
    if downloaded and len(downloaded[1]) > 1:
        raise UsageError(
            f"The only folder here, {printable(only.name)}, is no student's: it holds what "
            f"{downloaded[0].capitalize()} gives to download.",
            hint=f"Name that folder: {printable(str(only.path))}. For one student's, "
            "--layout plain.",
        )


def _downloaded(entries: list[Entry]) -> tuple[Layout, set[str]] | None:
    """Whose download most of the names speak for, and the numbers of the students in it."""
    for layout, pattern in _PATTERNS.items():
        found = [match for entry in entries if (match := pattern.fullmatch(entry.name))]
        if found and 2 * len(found) >= len(entries):
            return layout, {match["number"] for match in found}
    return None


def sort_out(layout: Layout, folder: Path, entries: list[Entry], lab_id: str, kind: Kind) -> Sorted:
    """Whose the entries of a folder are. Raises UsageError where the layout leaves a doubt."""
    if layout == "nbgrader":
        return _nbgrader(folder, entries, lab_id)
    if layout == "plain":
        return _plain(entries, kind)
    pattern = _PATTERNS[layout]
    groups: dict[str, list[tuple[Entry, re.Match[str]]]] = {}
    typed: dict[str, list[tuple[Entry, re.Match[str]]]] = {}
    others = []
    for entry in entries:
        match = pattern.fullmatch(entry.name)
        if match is None:
            others.append(entry)
            continue
        student = f"{printable(match['student'])}_{match['number']}"
        as_file = match.groupdict().get("part", "file") == "file"
        (groups if as_file else typed).setdefault(student, []).append((entry, match))
    # What was typed into Moodle's page is a remark beside a file, and all there is without one.
    groups = {**typed, **groups}
    rest = _plain(others, kind)
    grouped = [_handed(student, group, lab_id, kind) for student, group in groups.items()]
    return Sorted((*grouped, *rest.handed), rest.strays)


def _plain(entries: list[Entry], kind: Kind) -> Sorted:
    """A folder or a file for each student; a link or pipe in the place of one is one too."""
    handed, strays = [], []
    for entry in entries:
        suffix = PurePosixPath(entry.name).suffix.lower()
        known = suffix in (*SOURCES[kind], ".zip")
        if entry.is_folder or known or (not suffix and not entry.is_file):
            own = PurePosixPath(entry.name)
            stem = own.stem if known and not entry.is_folder else own.name
            handed.append(Handed(printable(stem), entry.name))
        else:
            strays.append(printable(entry.name))
    return Sorted(tuple(handed), tuple(strays))


def _handed(
    student: str, group: list[tuple[Entry, re.Match[str]]], lab_id: str, kind: Kind
) -> Handed:
    """The file that counts of a student's files in one folder; the newest of those of one name."""
    folders = [entry.name for entry, _ in group if entry.is_folder]
    if folders:
        return Handed(student, folders[-1], tuple(folders[:-1]))
    by_name: dict[str, str] = {}
    for entry, match in sorted(group, key=lambda item: int(item[1].groupdict().get("order") or 0)):
        by_name[match["file"] or ""] = entry.name
    main, rivals = settle(by_name, lab_id, kind)
    if main is None:
        main = max(by_name, key=lambda name: (name.lower().endswith(".zip"), name))
        return Handed(student, by_name[main])
    if (newest := _handed_in_again(main, rivals, by_name)) != main:
        rivals = (main, *(name for name in rivals if name != newest))
        main = newest
    beside = (
        Beside(path, name)
        for name, path in by_name.items()
        if name not in ("", main) and not name.startswith(".") and _comes_along(name, kind)
    )
    others = tuple(by_name[name] for name in rivals)
    return Handed(student, by_name[main], others, main, tuple(beside))


def _handed_in_again(main: str, rivals: tuple[str, ...], by_name: dict[str, str]) -> str:
    """The newest of `main` and its later versions, which Canvas calls name-1, name-2 and so on."""
    stem, suffix = PurePosixPath(main).stem, PurePosixPath(main).suffix
    later = re.compile(rf"{re.escape(stem)}-[1-9]\d*{re.escape(suffix)}")
    versions = [main, *(name for name in rivals if later.fullmatch(name))]

    def order(name: str) -> int:
        found = _CANVAS.fullmatch(by_name[name])
        return int(found["order"]) if found else 0

    return max(versions, key=order)


def _comes_along(name: str, kind: Kind) -> bool:
    """Whether a file may be needed by the submission: not another notebook, and no archive."""
    return kind == "code" and not name.lower().endswith((".ipynb", ".zip"))


def _nbgrader_base(folder: Path, entries: list[Entry]) -> str | None:
    """Where the students' folders lie, relative to `folder`; None where they do not."""
    alone = len(entries) == 1 and entries[0].name == _NBGRADER and entries[0].is_folder
    if alone:
        base, students = _NBGRADER, glance(folder / _NBGRADER)
    elif folder.resolve().name == _NBGRADER:
        base, students = "", entries
    else:
        return None
    inner = [glance(student.path) for student in students if student.is_folder]
    work = (*SOURCES["code"], *SOURCES["answers"])
    loose = any(e.is_file and e.name.lower().endswith(work) for part in inner for e in part)
    return base if not loose and any(e.is_folder for part in inner for e in part) else None


def _nbgrader(folder: Path, entries: list[Entry], lab_id: str) -> Sorted:
    base = _nbgrader_base(folder, entries)
    if base is None:
        raise UsageError(
            f"{folder} is not laid out as nbgrader does it: submitted/STUDENT/ASSIGNMENT/.",
            hint="Name the folder that holds “submitted”, or choose another --layout.",
        )
    students = entries_of(folder / base) if base else entries
    assignment = _assignment(students, lab_id)
    place = PurePosixPath(base)
    handed, strays = [], []
    for student in students:
        if student.is_file:
            strays.append(printable((place / student.name).as_posix()))
            continue
        own = place / student.name
        path = own / assignment if student.is_folder else own
        handed.append(Handed(printable(student.name), path.as_posix()))
    return Sorted(tuple(handed), tuple(strays))


def _assignment(students: list[Entry], lab_id: str) -> str:
    """The assignment's folder: called after the lab, else the only one that there is."""
    names = sorted(set(_subfolders(students)))
    for name in names:
        if name.casefold() == lab_id.casefold():
            return name
    if len(names) == 1:
        return names[0]
    shown = ", ".join(printable(name) for name in names[:5])
    raise UsageError(
        f"Which assignment is meant, of {shown}?",
        hint=f"Keep one of them in the folder, or call it {lab_id}.",
    )


def _subfolders(students: list[Entry]) -> Iterator[str]:
    for student in students:
        if student.is_folder:
            yield from (entry.name for entry in glance(student.path) if entry.is_folder)
