"""The verdicts of an OUT, as they are exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.batch.files import Out, read_json
from grader.batch.state import must_be_of_one_rubric
from grader.errors import NothingToGrade, UsageError
from grader.records.result import Result


@dataclass(frozen=True)
class Mark:
    """One verdict, and what its files in OUT are called."""

    name: str
    result: Result

    @property
    def id(self) -> str:
        """Whose it is."""
        return self.result.submission_id

    @property
    def counts(self) -> bool:
        """Whether there is a score: a fault of ours is never a zero."""
        return self.result.status != "invalid"


@dataclass(frozen=True)
class Marks:
    """The verdicts of one lab, ordered by id; `damaged` are the files that could not be read."""

    lab: str
    title: str
    items: tuple[Mark, ...]
    damaged: tuple[str, ...] = ()


def read_marks(folder: Path) -> Marks:
    """Every verdict in OUT, all by one rubric. Raises UsageError, or NothingToGrade without any."""
    out = Out(folder)
    if not (out.folder / "results").is_dir():
        raise UsageError(
            f"{folder} holds no results.", hint="Name the folder that “grade batch -o” wrote."
        )
    must_be_of_one_rubric(out)
    found, damaged = [], []
    for path in out.results():
        result = read_json(path, Result.from_json)
        if result is None:
            damaged.append(path.name)
        else:
            found.append(Mark(path.stem, result))
    labs = sorted({mark.result.lab for mark in found})
    if not found:
        raise NothingToGrade(f"{folder} holds no result yet.", hint="“grade batch” makes them.")
    if len(labs) > 1:
        raise UsageError(
            f"{folder} holds results of several labs: {', '.join(labs)}.",
            hint="Give each lab a folder of its own with “grade batch -o”.",
        )
    items = tuple(sorted(found, key=lambda mark: mark.id))
    return Marks(labs[0], _title(out, items), items, tuple(sorted(damaged)))


def _title(out: Out, items: tuple[Mark, ...]) -> str:
    """The lab's title as the evidence has it; "" where none is readable."""
    for mark in items[:10]:
        title = read_json(out.evidence(mark.name), lambda data: data["exhibits"]["title"])
        if isinstance(title, str) and title:
            return title
    return ""
