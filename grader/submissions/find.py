"""Which file is meant when a student names none."""

from __future__ import annotations

import stat
from pathlib import Path

from grader.errors import NothingToGrade, UsageError
from grader.records.lab import Kind, Lab
from grader.submissions.answers import NAME
from grader.submissions.names import printable

_SUFFIXES: dict[Kind, tuple[str, ...]] = {"code": (".ipynb", ".py"), "answers": (".toml",)}
_NOTHING: dict[Kind, str] = {
    "code": "There is no notebook and no module in this folder.",
    "answers": f"There is no {NAME} in this folder.",
}


def find(lab: Lab, path: Path | None, cwd: Path) -> Path:
    """The submission to check: `path`, else the lab's file in `cwd`, else the only one there.

    Raises NothingToGrade when there is none, UsageError when two could be meant.
    """
    if path is not None:
        if not path.exists() and not path.is_symlink():
            raise NothingToGrade(
                f"There is no file {printable(str(path))}.", hint=_nearby(cwd, lab)
            )
        return path
    candidates = _candidates(cwd, lab.kind)
    named = [file for file in candidates if file.stem == lab.id]
    if lab.kind == "answers":  # any other file of this form is somebody else's settings
        candidates = [file for file in candidates if file.name == NAME]
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
        _NOTHING[lab.kind],
        hint=f"“grade start {lab.id}” writes the starter; or name the file: "
        f"grade check {lab.id} FILE",
    )


def _candidates(folder: Path, kind: Kind) -> list[Path]:
    """The files in a folder that may be meant, links among them, special files not."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _SUFFIXES[kind]
        and not file.name.startswith(".")
        and stat.S_IFMT(file.lstat().st_mode) in (stat.S_IFREG, stat.S_IFLNK)
    )


def _nearby(folder: Path, lab: Lab) -> str:
    if names := [printable(file.name) for file in _candidates(folder, lab.kind)[:5]]:
        return f"In this folder there is {', '.join(names)}."
    return f"“grade start {lab.id}” writes the starter."
