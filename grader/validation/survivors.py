"""Mutants that may earn full marks, because they are right answers: a lab's `survivors.toml`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from grader.course.schema import SurvivorsFile, read_toml

FILE = "survivors.toml"


@dataclass(frozen=True)
class Explanations:
    """Patterns of mutants' ids (as in file names), each with the reason why it is no mistake."""

    patterns: tuple[tuple[str, str], ...] = ()

    def reason(self, mutant: str) -> str | None:
        """Why this mutant may survive, or None."""
        return next((why for pattern, why in self.patterns if fnmatchcase(mutant, pattern)), None)

    def unused(self, survivors: Iterable[str]) -> list[str]:
        """The patterns that fit none of these: a check has grown, or an id has changed."""
        ids = list(survivors)
        return [
            pattern
            for pattern, _ in self.patterns
            if not any(fnmatchcase(mutant, pattern) for mutant in ids)
        ]


def read_explanations(folder: Path) -> Explanations:
    """Those of a lab's folder; none where it has no such file. Raises LabError, with the line."""
    path = folder / FILE
    if not path.is_file():
        return Explanations()
    file, _ = read_toml(path, SurvivorsFile)
    return Explanations(tuple((entry.mutant, entry.reason) for entry in file.survivor))
