"""Which file is meant when a student names none."""

from __future__ import annotations

import stat
from pathlib import Path

from grader.errors import NothingToGrade, UsageError
from grader.records.lab import Lab
from grader.submissions.names import printable

_SUFFIXES = (".ipynb", ".py")


def find(lab: Lab, path: Path | None, cwd: Path) -> Path:
    """The submission to check: `path`, else the lab's file in `cwd`, else the only one there.

    Raises NothingToGrade when there is none, UsageError when two could be meant.
    """
    if path is not None:
        if not path.exists() and not path.is_symlink():
            raise NothingToGrade(
                f"There is no file {printable(str(path))}.", hint=_nearby(cwd, lab.id)
            )
        return path
    candidates = _candidates(cwd)
    named = [file for file in candidates if file.stem == lab.id]
    notebooks = [file for file in candidates if file.suffix.lower() == ".ipynb"]
    for group in (named, notebooks, candidates):
        if len(group) == 1:
            return group[0]
        if group:
            names = " or ".join(printable(file.name) for file in group[:5])
            raise UsageError(
                f"Which file is meant, {names}?",
                hint=f"Name it: grade check {lab.id} {printable(group[0].name)}",
            )
    raise NothingToGrade(
        "There is no notebook and no module in this folder.",
        hint=f"“grade start {lab.id}” writes the starter; or name the file: "
        f"grade check {lab.id} FILE",
    )


def _candidates(folder: Path) -> list[Path]:
    """The notebooks and modules in a folder, links among them, special files not."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _SUFFIXES
        and not file.name.startswith(".")
        and stat.S_IFMT(file.lstat().st_mode) in (stat.S_IFREG, stat.S_IFLNK)
    )


def _nearby(folder: Path, lab_id: str) -> str:
    if names := [printable(file.name) for file in _candidates(folder)[:5]]:
        return f"In this folder there is {', '.join(names)}."
    return f"“grade start {lab_id}” writes the starter."
