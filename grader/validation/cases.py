"""What a lab's checks are tested with: its reference, starter, and right and wrong answers."""

from __future__ import annotations

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
    `shortened` is the reference that trains as little as its mutants do.
    """

    lab: str
    kind: Kind
    name: str
    submission: Submission
    code: str | None = None
    accuracy: float | None = None


def find_cases(lab: Lab) -> list[Case]:
    """All but the mutants, the reference first.

    Raises LabError for a lab without a reference, a fixture whose name is no known mistake, and
    one that cannot be read.
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
        cases.append(Case(lab.id, "right", path.name, _read(lab, path)))
    for path in _fixtures(lab, "wrong"):
        code = path.stem.split("--")[0]
        try:
            catalogue.get(code)
        except LabError as error:
            raise LabError(
                f"{path}:1: {error.message}.",
                hint=error.hint or "A wrong answer is called after its mistake.",
            ) from None
        cases.append(Case(lab.id, "wrong", path.name, _read(lab, path), code))
    return cases


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
