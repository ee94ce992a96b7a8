"""What validation found, lab by lab, and the public JSON of it (`grader.validation/1`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from grader.validation.cases import Case, Kind
from grader.validation.judging import Graded, problem
from grader.validation.mutants import Mutant

SCHEMA = "grader.validation/1"
LEAST_CAUGHT = 0.95
"""The share of mutants, those that are explained left out, that a lab's checks have to catch."""

COUNTED: tuple[tuple[Kind, str], ...] = (
    ("reference", "references"),
    ("starter", "starters"),
    ("right", "right"),
    ("wrong", "wrong"),
)


@dataclass
class LabReport:
    """One lab. `fault` is what is wrong with its own files; then nothing was graded.

    `made` counts the mutants that could be made, `outcomes` holds those that were graded, and
    `explained` gives the reason for those that may survive.
    """

    lab: str
    results: list[tuple[Case, Graded]] = field(default_factory=list)
    made: int = 0
    outcomes: list[tuple[Mutant, Graded]] = field(default_factory=list)
    explained: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    fault: str | None = None
    hint: str = ""
    seconds: float = 0.0

    def count(self, kind: Kind) -> tuple[int, int]:
        """(as they should be, all) of one kind of case."""
        found = [(case, graded) for case, graded in self.results if case.kind == kind]
        fine = [1 for case, graded in found if not graded.fault and problem(case, graded) is None]
        return len(fine), len(found)

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that earn full marks, explained or not."""
        return [mutant for mutant, graded in self.outcomes if not graded.fault and graded.full]

    @property
    def unexplained(self) -> list[Mutant]:
        """Survivors that nobody gave a reason for."""
        return [mutant for mutant in self.survivors if mutant.id not in self.explained]

    @property
    def caught(self) -> int:
        """How many mutants lost marks."""
        return sum(not graded.fault and not graded.full for _, graded in self.outcomes)

    @property
    def timed_out(self) -> int:
        """How many of those lost marks because they took too long."""
        return sum(not graded.full and graded.limit == "time" for _, graded in self.outcomes)

    @property
    def caught_share(self) -> float:
        """The share of mutants caught, without those that may survive; 1 where there are none."""
        return self.caught / max(1, self.caught + len(self.unexplained)) if self.outcomes else 1.0

    @property
    def shortfalls(self) -> list[tuple[str, str, str]]:
        """(kind, name, what is wrong) of everything that falls short."""
        found: list[tuple[str, str, str]] = [
            (case.kind, case.name, said)
            for case, graded in self.results
            if not graded.fault and (said := problem(case, graded)) is not None
        ]
        if self.caught_share < LEAST_CAUGHT:
            found.append(
                (
                    "mutants",
                    f"{self.caught_share:.0%} caught",
                    f"at least {LEAST_CAUGHT:.0%} have to lose marks: strengthen the checks",
                )
            )
        return found

    @property
    def ours(self) -> list[tuple[str, str, str]]:
        """(kind, name, reason) of what could not be graded by a fault of ours."""
        cases = [(case.kind, case.name, graded.fault) for case, graded in self.results]
        mutants = [("mutant", mutant.id, graded.fault) for mutant, graded in self.outcomes]
        return [(kind, name, fault) for kind, name, fault in [*cases, *mutants] if fault]

    @property
    def reference_accuracy(self) -> float | None:
        """The reference's accuracy on the graded digits, where it has one."""
        found = [graded.accuracy for case, graded in self.results if case.kind == "reference"]
        return found[0] if found else None

    @property
    def passed(self) -> bool:
        """Whether the lab is as it should be."""
        return not (self.fault or self.ours or self.shortfalls)

    def to_json(self) -> dict[str, Any]:
        """The lab in the public JSON."""
        counts = {}
        for kind, name in COUNTED:
            fine, all = self.count(kind)
            counts[name] = {"total": all, "passed": fine}
        return {
            "lab": self.lab,
            "reference_accuracy": self.reference_accuracy,
            "passed": self.passed,
            "fault": self.fault,
            **counts,
            "mutants": {
                "made": self.made,
                "graded": len(self.outcomes),
                "caught": self.caught,
                "timed_out": self.timed_out,
                "caught_share": round(self.caught_share, 4),
                "survivors": [self._survivor(mutant) for mutant in self.survivors],
            },
            "problems": [
                {"kind": kind, "name": name, "problem": said}
                for kind, name, said in [*self.shortfalls, *self.ours]
            ],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
        }

    def _survivor(self, mutant: Mutant) -> dict[str, Any]:
        return {
            "id": mutant.id,
            "operator": mutant.operator,
            "cell": mutant.cell,
            "line": mutant.line,
            "change": mutant.change,
            "explained": self.explained.get(mutant.id),
        }


def exit_code(reports: list[LabReport]) -> int:
    """0 clean; 4 where a lab is faulty, else 3 by a fault of ours, else 1 where one falls short."""
    if any(report.fault for report in reports):
        return 4
    if any(report.ours for report in reports):
        return 3
    return 0 if all(report.passed for report in reports) else 1


def to_json(reports: list[LabReport]) -> dict[str, Any]:
    """The public JSON: totals over all labs, then each lab."""
    totals: dict[str, Any] = {}
    for kind, name in COUNTED:
        counts = [report.count(kind) for report in reports]
        totals[name] = {"total": sum(all for _, all in counts), "passed": sum(f for f, _ in counts)}
    totals["mutants"] = {
        "made": sum(report.made for report in reports),
        "graded": sum(len(report.outcomes) for report in reports),
        "caught": sum(report.caught for report in reports),
        "survivors": sum(len(report.survivors) for report in reports),
        "explained": sum(len(report.survivors) - len(report.unexplained) for report in reports),
    }
    return {
        "schema": SCHEMA,
        "passed": all(report.passed for report in reports),
        **totals,
        "labs": [report.to_json() for report in reports],
    }
