"""Lateness, apart from the score: when work was handed in, and what the rubric takes off for it."""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from grader.batch.files import Out, writing
from grader.batch.remembered import remembered
from grader.batch.tables import cell
from grader.batch.times import Times
from grader.gradebook.store import opened
from grader.records.lab import LateRule
from grader.submissions.names import listed

DAY_SECONDS = 86_400.0
COLUMNS = ("id", "handed_in", "due", "days_late", "score", "penalty", "score_after_penalty")


@dataclass(frozen=True)
class Lateness:
    """What became of one submission. `days` are begun days after the due date, 0 within grace.

    `penalty` is in points, at most the score; None where there is no score.
    """

    id: str
    handed_in: datetime | None
    days: int | None
    score: float | None
    penalty: float | None

    @property
    def after(self) -> float | None:
        """The score without the penalty."""
        lacks = self.score is None or self.penalty is None
        return None if lacks else round(self.score - self.penalty, 2)  # type: ignore[operator]


def lateness(
    rule: LateRule, id: str, times: Times, score: float | None, max_score: float
) -> Lateness:
    """What the rule takes off: so many per cent of `max_score` a begun day, up to its cap."""
    handed_in = times.by(rule)
    if handed_in is None:
        return Lateness(id, None, None, score, None)
    late = (handed_in - rule.due).total_seconds()
    days = 0 if late <= 60 * rule.grace_minutes else math.ceil(late / DAY_SECONDS)
    share = min(days * rule.percent_per_day, rule.at_most_percent) / 100
    penalty = None if score is None else min(round(share * max_score, 2), score)
    return Lateness(id, handed_in, days, score, penalty)


def write_late(out: Out, rule: LateRule | None, found: Iterable[Lateness]) -> None:
    """Write late.csv beside grades.csv, or remove it where there is no rule. Raises OutputError."""
    if rule is None:
        (out.folder / "late.csv").unlink(missing_ok=True)
        return
    with writing(out.folder / "late.csv") as file:
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(COLUMNS)
        for one in found:
            handed_in = None if one.handed_in is None else _shown(one.handed_in, rule)
            row = (one.id, handed_in, _shown(rule.due, rule), one.days)
            table.writerow([cell(value) for value in (*row, one.score, one.penalty, one.after)])


def _shown(moment: datetime, rule: LateRule) -> str:
    """A time in the zone of the due date, or in its own where that has no such year."""
    with contextlib.suppress(OverflowError):
        moment = moment.astimezone(rule.due.tzinfo)
    return moment.isoformat(sep=" ", timespec="seconds")


def enter_late(out: Out, rule: LateRule | None) -> list[str]:
    """Enter into gradebook and late.csv what the rule takes off each score; the scores stay.

    Returns sentences for the user. Raises OutputError.
    """
    said: list[str] = []
    times = remembered(out).times
    with opened(out, said) as book:
        # All at once: a table that is still read from cannot be written to.
        rows = book.execute(
            "SELECT submission, score, max_score FROM results ORDER BY 1"
        ).fetchall()
        found = [
            lateness(rule, row[0], times.get(row[0], Times()), *row[1:]) for row in rows if rule
        ]
        entered = [
            (one.id, one.handed_in and one.handed_in.isoformat(), one.days, one.penalty)
            for one in found
        ]
        if book.execute("SELECT * FROM late ORDER BY 1").fetchall() != entered:
            book.execute("DELETE FROM late")
            book.executemany("INSERT INTO late VALUES (?, ?, ?, ?)", entered)
    write_late(out, rule, found)
    if rule:
        late = sum(1 for one in found if one.days)
        said.append(f"{late} of {len(found)} came late: late.csv has the penalty, no score has.")
    unknown = [one.id for one in found if one.handed_in is None]
    if unknown and rule:
        words = "It is not known when these were handed in, so that nothing is taken off"
        other = ' In the rubric\'s [late], times = "files" goes by their files.'
        said.append(f"{words}: {listed(unknown)}.{'' if rule.times == 'files' else other}")
    return said
