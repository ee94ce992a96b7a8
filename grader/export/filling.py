"""What filling in a template comes to, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from grader.export.marks import Mark, Marks
from grader.export.numbers import same_number, shown
from grader.export.sheet import Sheet
from grader.export.students import Person, match


@dataclass
class Filled:
    """A file to hand over, and what a person should know of it, each with those it is about."""

    content: bytes = b""
    column: str = ""
    entered: int = 0
    notes: list[tuple[str, list[str]]] = field(default_factory=list)

    def note(self, words: str, about: Sequence[str] = ()) -> None:
        """Say something of some students, if there are any."""
        if about:
            self.notes.append((words, list(about)))


@dataclass(frozen=True)
class Target:
    """Where marks go: `possible(row)` is the column's maximum, `locked(row)` says why not."""

    column: int
    possible: Callable[[int], float | None]
    locked: Callable[[int], str]
    comma: bool = False
    blank: tuple[str, ...] = ("",)


def fill(
    sheet: Sheet, marks: Marks, people: Sequence[Person], target: Target, system: str
) -> tuple[Filled, list[tuple[Mark, int]]]:
    """Write the scores into their rows; returns what is said, and which row each mark went to."""
    filled = Filled(column=sheet.value(0, target.column))
    matched = match(marks.items, people, system)
    entered, locked, replaced = [], [], []
    invalid: list[str] = []
    unmarked: list[str] = []
    for mark, row in matched.pairs:
        before = sheet.value(row, target.column).strip()
        if not mark.counts:
            (unmarked if mark.unmarked else invalid).append(mark.id)
        elif why := target.locked(row):
            locked.append(f"{mark.id} ({why})")
        else:
            result = mark.result
            score = shown(
                result.score, of=result.max_score, possible=target.possible(row), comma=target.comma
            )
            if before not in target.blank and not same_number(before, score):
                replaced.append(f"{mark.id} ({before} → {score})")
            sheet.write(row, target.column, score)
            entered.append((mark, row))
    filled.entered = len(entered)
    filled.note("Results without a row", [f"{student} ({why})" for student, why in matched.open])
    filled.note("Rows without a result", matched.without)
    filled.note("Left as they were, for the grader failed on them", invalid)
    filled.note("Left as they were, for nobody has marked their answers yet", unmarked)
    filled.note("Left as they were", locked)
    filled.note("Another mark was there", replaced)
    filled.note("Result files that cannot be read", marks.damaged)
    return filled, entered


def finished(filled: Filled, sheet: Sheet, said: str) -> Filled:
    """The file as it is to be handed over; `said` is what `scales` says, if anything."""
    filled.content = sheet.render()
    if said:
        filled.notes.append((said, []))
    return filled


def scales(marks: Marks, possible: float | None) -> str:
    """A sentence on the points, where the template's are not the lab's; "" where they are."""
    most = max(mark.result.max_score for mark in marks.items)
    if not possible:
        return f"The template names no points; the marks are of {most:g}, as the lab's."
    if possible != most:
        return f"The marks are scaled from {most:g} points to the column's {possible:g}."
    return ""
