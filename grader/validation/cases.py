"""What a lab's checks are tested with: its reference, starter, and right and wrong answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader import catalogue
from grader.errors import LabError, SubmissionError
from grader.records.lab import Lab
from grader.records.submission import Submission
from grader.submissions import read

Kind = Literal["reference", "starter", "right", "wrong", "shortened", "mutant"]


@dataclass(frozen=True)
class Case:
    """A submission and what is expected of it.

    `code` is the mistake that a wrong answer makes, `accuracy` what the reference has to reach.
    `shows` are the mistakes that a right answer is to be told of, though they cost it nothing.
    `shortened` is the reference that trains as little as its mutants do.
    """

    lab: str
    kind: Kind
    name: str
    submission: Submission
    code: str | None = None
    accuracy: float | None = None
    shows: tuple[str, ...] = ()


_SHOWS = re.compile(r"# shows: ([a-z0-9, -]+)")
"""A comment in a right answer, with the codes of what it has to be told."""


def find_cases(lab: Lab) -> list[Case]:
    """All but the mutants, the reference first.

    Raises LabError for a lab without a reference, a fixture that names no known mistake, and one
    that cannot be read.
    """
    if lab.reference is None:
        raise LabError(
            f"{lab.id} has no reference, and its checks cannot be tested without.",
            hint="Write reference/<lab>.ipynb; a release has none: use the course itself.",
        )
    reference, reached = _read(lab, lab.reference), lab.validation.accuracy
    cases = [
        Case(lab.id, "reference", lab.reference.name, reference, accuracy=reached),
        Case(lab.id, "starter", lab.starter.name, _read(lab, lab.starter)),
    ]
    for path in _fixtures(lab, "right"):
        right = _read(lab, path)
        cases.append(Case(lab.id, "right", path.name, right, shows=_shown(path, right.source)))
    for path in _fixtures(lab, "wrong"):
        code = path.stem.split("--")[0]
        _must_be_known(path, code, "A wrong answer is called after its mistake.")
        cases.append(Case(lab.id, "wrong", path.name, _read(lab, path), code))
    return cases


def _shown(path: Path, source: str) -> tuple[str, ...]:
    codes = codes_shown(source)
    for code in codes:
        _must_be_known(path, code, "“# shows:” is followed by codes, with commas between.")
    return codes


def codes_shown(source: str) -> tuple[str, ...]:
    """The codes that a right answer's comments name."""
    return tuple(
        code for text in _SHOWS.findall(source) for code in re.findall(r"[a-z0-9-]+", text)
    )


def _must_be_known(path: Path, code: str, hint: str) -> None:
    try:
        catalogue.get(code)
    except LabError as error:
        raise LabError(f"{path}:1: {error.message}.", hint=error.hint or hint) from None


def _fixtures(lab: Lab, kind: str) -> list[Path]:
    folder = lab.folder / "fixtures" / kind
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))


def _read(lab: Lab, path: Path) -> Submission:
    try:
        return read(path, lab_id=lab.id, kind=lab.kind)
    except SubmissionError as error:
        raise LabError(f"{path}:1: {error.message}", hint=error.hint) from None
