"""A lab: what is asked, within which limits, and for how many points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

MIB = 1 << 20

Kind = Literal["code", "answers"]
"""What is handed in: a program to run, or a file of answers that is only read."""

Judged = Literal["model", "best", "dropout-pair"]
"""Whose accuracy counts: the trained model, found by role; the best of all trained networks; the
weaker of one network with and one without dropout."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one submission. Seconds are wall time; sizes are bytes.

    `training_work` bounds all trainings together, in the unit of `grader.inside.work`; None for as
    much as fits into the time. It is shared among as many `trainings` as the lab asks for.
    """

    run_seconds: float = 60.0
    call_seconds: float = 10.0
    memory: int = 3584 * MIB
    processes: int = 128
    work_folder: int = 256 * MIB
    tmp_folder: int = 256 * MIB
    text_kept: int = 1 * MIB
    text_ends_run: int = 16 * MIB
    display: int = 4 * MIB
    training_work: float | None = None
    trainings: int = 1

    @property
    def total_seconds(self) -> float:
        """The whole submission: twice its run."""
        return 2 * self.run_seconds


@dataclass(frozen=True)
class LateRule:
    """What is taken off for work that comes late; never a part of the score.

    `due` has a time zone. Within `grace_minutes` nothing is taken off; then `percent_per_day` of
    all points for each begun day after `due`, `at_most_percent` of them in all. `times` says what
    tells when work was handed in: nbgrader's timestamps, or when the files were last changed.
    """

    due: datetime
    grace_minutes: float = 0.0
    percent_per_day: float = 0.0
    at_most_percent: float = 100.0
    times: Literal["timestamps", "files"] = "timestamps"


@dataclass(frozen=True)
class Rubric:
    """Points by check id, in the order in which the rubric lists them.

    `hidden` are the ids that students do not get; a release knows them from the rubric alone,
    so they may have no entry in `titles`.
    """

    total: float
    points: Mapping[str, float]
    titles: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    late: LateRule | None = None


@dataclass(frozen=True)
class AccuracyRule:
    """What a lab asks of the accuracy on the graded digits, as shares from 0 to 1.

    Full points at `marks` or above; students read `shown`, a little stricter. From there down to
    `floor` the points fall in proportion, and further seeds are tried before any are lost.
    `catches` names wrong answers that the accuracy is to tell from right ones, and `reason` says
    why it tells none; `left_out` are right answers that are not measured for the threshold.
    """

    marks: float | None = None
    shown: float | None = None
    band: float = 0.02
    of: Judged = "model"
    catches: tuple[str, ...] = ()
    reason: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def floor(self) -> float:
        """The accuracy at which nothing is earned, and that luck does not explain: two bands below
        `marks`."""
        return (self.marks or 0.0) - 2 * self.band


@dataclass(frozen=True)
class Validation:
    """How the lab's own checks are tested.

    `mutants` bounds how many changed references are graded; `epochs` and `images` how long each of
    them trains. `optimizer_asked` says that the lab asks for a certain optimizer.
    `accuracy` is what the reference has to reach on the graded digits.
    """

    mutants: int | None = None
    epochs: int | None = None
    images: int | None = None
    optimizer_asked: bool = False
    accuracy: float | None = None


@dataclass(frozen=True)
class Budget:
    """What a lab's own training takes: so many `trainings`, each of so many `epochs` over so many
    `images`, of a network with so many `multiply_adds` for one picture.

    A submission may train `times` as much before it is shortened; where a number is missing,
    nothing is.
    """

    epochs: int | None = None
    images: int | None = None
    multiply_adds: int | None = None
    trainings: int = 1
    times: float = 4.0


@dataclass(frozen=True)
class Lab:
    """One assignment of a course.

    `functions` are the names the lab asks for; `model_names` those its starter suggests.
    `settings` is the lab's own table of lab.toml, for its checks to read.
    `cheap` says that running the submission again costs seconds, so that a new session may
    answer what a crashed one left open.
    A lab of the kind `answers` may have a `key` (a sealed file that says which answers are right),
    and a folder of `marks` that people gave.
    """

    id: str
    title: str
    summary: str
    folder: Path
    starter: Path
    public_checks: tuple[Path, ...]
    hidden_checks: tuple[Path, ...]
    rubric: Rubric
    data: str | None = None
    seed: int = 0
    cheap: bool = False
    limits: Limits = Limits()
    functions: tuple[str, ...] = ()
    model_names: tuple[str, ...] = ("model",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    validation: Validation = Validation()
    budget: Budget = Budget()
    accuracy: AccuracyRule = AccuracyRule()
    reference: Path | None = None
    kind: Kind = "code"
    key: Path | None = None
    marks: Path | None = None
