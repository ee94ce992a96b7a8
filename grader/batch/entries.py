"""The entries of a folder as they are: names and kinds, with no link followed or file opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.submissions.files import is_passed_over
from grader.submissions.names import printable


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
        with os.scandir(folder) as found:
            entries = [
                Entry(
                    Path(entry.path),
                    entry.is_file(follow_symlinks=False),
                    entry.is_dir(follow_symlinks=False),
                )
                for entry in found
                if not is_passed_over((entry.name,))
            ]
    except OSError as error:
        raise UsageError(f"{printable(str(folder))} cannot be read: {error.strerror}.") from None
    if but is not None:
        entries = [entry for entry in entries if os.path.realpath(entry.path) != str(but)]
    return sorted(entries, key=lambda entry: os.fsencode(entry.name))
