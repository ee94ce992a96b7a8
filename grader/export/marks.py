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
    """One verdict, and what its files in OUT are called.

    `unmarked` says that its answers wait for a person, who has marked none of them.
    """

    name: str
    result: Result
    unmarked: bool = False

    @property
    def id(self) -> str:
        """Whose it is."""
        return self.result.submission_id

    @property
    def counts(self) -> bool:
        """Whether there is a score: a fault of ours is never a zero, nor is what nobody marked."""
        return self.result.status != "invalid" and not self.unmarked


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
    try:
        paths = list(out.results())
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be read: {error.strerror or error}.", hint="Make it readable."
        ) from None
    for path in paths:
        result = read_json(path, Result.from_json)
        if result is None:
            damaged.append(path.name)
        else:
            found.append(Mark(path.stem, result, _unmarked(out, path.stem, result)))
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


def _unmarked(out: Out, name: str, result: Result) -> bool:
    """Whether a person still has to mark all of it, as its report says."""
    if result.reason is None:  # where answers wait, it says how many
        return False
    return read_json(out.evidence(name), lambda data: data["exhibits"]["unmarked"]) is True


def _title(out: Out, items: tuple[Mark, ...]) -> str:
    """The lab's title as the evidence has it; "" where none is readable."""
    for mark in items[:10]:
        title = read_json(out.evidence(mark.name), lambda data: data["exhibits"]["title"])
        if isinstance(title, str) and title:
            return title
    return ""
