"""The verdict on one submission, as the public JSON (`grader.result/1`) has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pydantic import ConfigDict, TypeAdapter

SCHEMA = "grader.result/1"
CHECKED: ConfigDict = {
    "revalidate_instances": "always",
    "allow_inf_nan": False,
    "arbitrary_types_allowed": True,
}
"""Every field of a record that was read from a file is looked at, down to the innermost."""


class Outcome(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    """The student's code broke while it was asked."""
    SKIPPED = "skipped"
    """A check that it needs did not pass: not checked yet."""
    INVALID = "invalid"
    """The grader's own fault; never costs points."""


class Status(StrEnum):
    """What became of the submission as a whole."""

    GRADED = "graded"
    REJECTED = "rejected"
    INVALID = "invalid"


Limit = Literal["time", "memory", "output", "disk", "processes", "crash", "protocol"]
Isolation = Literal["full", "partial", "limits-only", "none"]
Severity = Literal["E", "W", "C", "L"]
Certainty = Literal["fact", "likely", "style"]


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check and what the student reads about it."""

    __pydantic_config__ = CHECKED

    id: str
    title: str
    outcome: Outcome
    points: float
    max_points: float
    hidden: bool = False
    misconception: str | None = None
    observed: str | None = None
    expected: str | None = None
    why: str | None = None
    next: str | None = None
    cell: int | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The check as it stands in the result's JSON."""
        return {**self.__dict__, "outcome": str(self.outcome)}


@dataclass(frozen=True)
class Finding:
    """A mistake that was seen, whether or not it costs points."""

    __pydantic_config__ = CHECKED

    misconception: str
    severity: Severity
    certainty: Certainty
    message: str
    cell: int | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The finding as it stands in the result's JSON."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Result:
    """The whole verdict. `to_json` is the public contract; only `seconds` may vary between runs."""

    __pydantic_config__ = CHECKED

    lab: str
    submission_id: str
    path: str
    sha256: str
    status: Status
    score: float
    max_score: float
    limit: Limit | None = None
    isolation: Isolation = "none"
    reason: str | None = None
    root_cause: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The public result record, with keys in their documented order."""
        return {
            "schema": SCHEMA,
            "lab": self.lab,
            "submission": {"id": self.submission_id, "path": self.path, "sha256": self.sha256},
            "status": str(self.status),
            "limit": self.limit,
            "isolation": self.isolation,
            "reason": self.reason,
            "score": self.score,
            "max_score": self.max_score,
            "root_cause": self.root_cause,
            "metrics": dict(self.metrics),
            "checks": [check.to_json() for check in self.checks],
            "findings": [finding.to_json() for finding in self.findings],
            "versions": dict(self.versions),
            "seed": self.seed,
            "seconds": dict(self.seconds),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError on anything else."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"a result of schema {SCHEMA} is wanted, not {data['schema']!r}")
        own = {key: value for key, value in data.items() if key not in ("schema", "submission")}
        handed_in = data["submission"]
        checks = [{**check, "outcome": Outcome(check["outcome"])} for check in data["checks"]]
        found = cls(
            **{
                **own,
                "submission_id": handed_in["id"],
                "path": handed_in["path"],
                "sha256": handed_in["sha256"],
                "status": Status(data["status"]),
                "checks": tuple(CheckResult(**check) for check in checks),
                "findings": tuple(Finding(**finding) for finding in data["findings"]),
            }
        )
        _checker().validate_python(found, strict=True)
        return found


@cache
def _checker() -> TypeAdapter[Result]:
    # The sandbox's own proofs have no need of it.
    from pydantic import TypeAdapter

    return TypeAdapter(Result)
