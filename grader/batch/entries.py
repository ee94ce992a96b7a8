"""The entries of a folder as they are: names and kinds, with no link followed or file opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from grader.errors import UsageError
from grader.submissions.files import is_passed_over
from grader.submissions.names import printable

AT_A_GLANCE = 500
"""Entries that are looked at to see how a folder is laid out."""


@dataclass(frozen=True)
class Entry:
    """One name in a folder. What is neither file nor folder is a link, a pipe or the like."""

    path: Path
    is_file: bool
    is_folder: bool

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.name


def entries_of(folder: Path, *, but: Path | None = None) -> list[Entry]:
    """Sorted, without what editors and tools leave, and without `but` (a real path).

    Raises UsageError where the folder cannot be read.
    """
    try:
        entries = list(_entries(folder))
    except OSError as error:
        raise UsageError(
            f"{printable(str(folder))} cannot be read: {error.strerror}.",
            hint="Name the folder that holds the submissions.",
        ) from None
    if but is not None:
        entries = [entry for entry in entries if os.path.realpath(entry.path) != str(but)]
    return sorted(entries, key=_by_name)


def glance(folder: Path) -> list[Entry]:
    """Some entries of a student's folder, all where it is of an ordinary size.

    None where it is a link, or cannot be read: that is said when it is graded.
    """
    if folder.is_symlink():
        return []
    try:
        return sorted(islice(_entries(folder), AT_A_GLANCE), key=_by_name)
    except OSError:
        return []


def _entries(folder: Path) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for entry in found:
            if not is_passed_over((entry.name,)):
                is_file = entry.is_file(follow_symlinks=False)
                is_folder = entry.is_dir(follow_symlinks=False)
                yield Entry(Path(entry.path), is_file, is_folder)


def _by_name(entry: Entry) -> bytes:
    return os.fsencode(entry.name)
