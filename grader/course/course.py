"""Finding a course and loading its labs."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from grader.course.budget import limits_of
from grader.course.calibrated import accuracy_rule
from grader.course.checkfiles import CheckFunction, unique_checks
from grader.course.lines import line_of
from grader.course.schema import LabFile, RubricFile, RubricRow, read_toml
from grader.errors import LabError, UsageError
from grader.records.lab import Budget, Kind, Lab, LateRule, Rubric, Validation

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = (PACKAGE / "course_files", PACKAGE.parent)
"""Where the course of the wheel lies: inside the package, or beside it in a checkout."""

SUFFIX: dict[Kind, str] = {"code": ".ipynb", "answers": ".toml"}
"""Of a lab's starter and reference."""


def is_course(folder: Path) -> bool:
    """Whether a folder has what makes a course."""
    return (folder / "assignments").is_dir() and (folder / "rubrics").is_dir()


def find_course(explicit: Path | None, start: Path) -> Course:
    """The course asked for, else the nearest at or above `start`, else the shipped one.

    Raises UsageError when `explicit` is no course, LabError when there is none at all.
    """
    if explicit is not None:
        if is_course(explicit):
            return Course(explicit.resolve())
        raise UsageError(
            f"{explicit} is not a course folder.",
            hint="A course folder holds the folders assignments/ and rubrics/.",
        )
    start = start.resolve()
    for folder in (start, *start.parents, *SHIPPED):
        if is_course(folder):
            return Course(folder)
    raise LabError(
        "There is no course here, and none was installed with the grader.",
        hint="Name one with --course DIR.",
    )


@dataclass(frozen=True)
class Course:
    """The labs under one folder."""

    folder: Path

    def labs(self) -> list[str]:
        """The ids of the labs, numbers in them counted as numbers (lab2 before lab10)."""
        files = (self.folder / "assignments").glob("*/lab.toml")
        return sorted((file.parent.name for file in files), key=_natural)

    def load(self, lab_id: str) -> Lab:
        """Load and validate one lab.

        Raises UsageError for an unknown id, LabError (file and line) for a faulty lab.
        """
        known = self.labs()
        if lab_id not in known:
            raise UsageError(f"There is no lab called “{lab_id}”.", hint=_closest(lab_id, known))
        folder = self.folder / "assignments" / lab_id
        settings, _ = read_toml(folder / "lab.toml", LabFile)
        checks = unique_checks(_check_files(folder))
        suffix = SUFFIX[settings.kind]
        starter = folder / f"starter{suffix}"
        if not starter.is_file():
            raise LabError(f"{starter} is missing.", hint="Each lab ships a file to start from.")
        reference = self.folder / "reference" / f"{lab_id}{suffix}"
        key, marks = folder / "key.sealed", self.folder / "marks" / lab_id
        return Lab(
            id=lab_id,
            title=settings.title,
            summary=settings.summary,
            folder=folder,
            starter=starter,
            public_checks=_files(checks, hidden=False),
            hidden_checks=_files(checks, hidden=True),
            rubric=_load_rubric(self.folder / "rubrics" / f"{lab_id}.toml", checks),
            data=settings.data,
            seed=settings.seed,
            cheap=settings.cheap,
            limits=limits_of(settings.limits, settings.budget),
            functions=tuple(settings.functions),
            model_names=tuple(settings.model_names),
            settings=settings.settings,
            validation=Validation(**settings.validation.model_dump()),
            accuracy=accuracy_rule(folder, settings.accuracy),
            budget=Budget(**settings.budget.model_dump()),
            reference=reference if reference.is_file() else None,
            kind=settings.kind,
            key=key if key.is_file() else None,
            marks=marks if marks.is_dir() else None,
        )


def _natural(name: str) -> list[tuple[str, int]]:
    return [(text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", name)]


def _closest(lab_id: str, known: list[str]) -> str:
    if not known:
        return "The course has no labs yet."
    wanted = lab_id.lower()
    same_number = [name for name in known if _natural(name) == _natural(wanted)]
    close = same_number or difflib.get_close_matches(wanted, known, n=2, cutoff=0.75)
    if len(close) == 1:
        return f"Did you mean {close[0]}? “grade labs” lists them all."
    return f"The labs are {', '.join(known)}."


def _check_files(folder: Path) -> tuple[Path, ...]:
    files = tuple(sorted((folder / "checks").glob("test_*.py")))
    if not files:
        raise LabError(
            f"{folder / 'checks'} holds no check files.", hint="They are called test_*.py."
        )
    return files


def _files(checks: dict[str, CheckFunction], *, hidden: bool) -> tuple[Path, ...]:
    """The files that hold hidden checks, or those that hold public ones."""
    return tuple(sorted({check.path for check in checks.values() if check.hidden is hidden}))


def _load_rubric(path: Path, checks: dict[str, CheckFunction]) -> Rubric:
    rubric, text = read_toml(path, RubricFile)
    seen: set[str] = set()
    for index, row in enumerate(rubric.check):
        here = f"{path}:{line_of(text, ('check', index, 'id'))}"
        if row.id in seen:
            raise LabError(f"{here}: the check “{row.id}” is listed twice.", hint="Keep one.")
        seen.add(row.id)
        _must_fit(row, checks, here)
    for check in checks.values():
        if check.id not in seen:
            raise LabError(
                f"{check.path}:{check.line}: {path} gives “{check.id}” no points.",
                hint=f"Add a [[check]] with id = “{check.id}” and its points.",
            )
    total = sum(row.points for row in rubric.check)
    if abs(total - rubric.total) > 1e-9:
        here = f"{path}:{line_of(text, ('total',))}"
        raise LabError(
            f"{here}: the points add up to {total:g}, not to {rubric.total:g}.",
            hint="Change the total, or the points of a check.",
        )
    return Rubric(
        total=rubric.total,
        points={row.id: row.points for row in rubric.check},
        titles={id: check.title for id, check in checks.items()},
        hidden=frozenset(row.id for row in rubric.check if row.hidden),
        late=None if rubric.late is None else LateRule(**rubric.late.model_dump()),
    )


def _must_fit(row: RubricRow, checks: dict[str, CheckFunction], here: str) -> None:
    """Raise LabError when a row names no check, or says otherwise whether it is hidden."""
    found = checks.get(row.id)
    if found is None and not row.hidden:
        close = difflib.get_close_matches(row.id, checks, n=1)
        hint = f"Did you mean “{close[0]}”?" if close else "Write the check, or remove the row."
        raise LabError(f"{here}: the lab has no check “{row.id}”.", hint=hint)
    if found is not None and row.hidden is not found.hidden:
        kind, change = ("hidden", "add") if found.hidden else ("public", "remove")
        raise LabError(
            f"{here}: the check “{row.id}” is {kind} in {found.path}:{found.line}.",
            hint=f"In the rubric {change} “hidden = true”: it is all that a release knows.",
        )
