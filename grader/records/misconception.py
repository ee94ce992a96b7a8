"""A mistake that the grader knows, and one place where it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.records.result import Certainty, Severity

Stage = Literal[
    "exception",
    "alignment",
    "labels",
    "scale",
    "pairing",
    "learning",
    "hyperparameters",
    "evaluation",
    "style",
]
STAGES: tuple[Stage, ...] = (
    "exception",
    "alignment",
    "labels",
    "scale",
    "pairing",
    "learning",
    "hyperparameters",
    "evaluation",
    "style",
)
"""What to mend first: a mistake of an earlier stage hides or causes those of the later ones."""


@dataclass(frozen=True)
class Misconception:
    """An entry of the catalogue. `hints` go from the concept over the place to nearly the code."""

    code: str
    severity: Severity
    stage: Stage
    title: str
    why: str
    next: str
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sighting:
    """A mistake seen in one submission.

    `misconception` is its code. `observed` and `expected` are short phrases without a full stop.
    `line` counts within the cell, or within the file where `cell` is None.
    """

    misconception: str
    certainty: Certainty
    observed: str
    expected: str
    cell: int | None = None
    line: int | None = None
