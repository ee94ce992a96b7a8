"""The class on one page: how the marks lie, what went wrong most, and a link to each report."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from markupsafe import Markup

from grader.records.result import Limit
from grader.report import words
from grader.report.html import content_policy, environment, source

BINS = 10
MOST = 12
"""Mistakes and checks that are shown."""
FEWEST = 20
"""Of fewer submissions a correlation says nothing."""
BEST_PUBLISHED = 0.9991
"""The best accuracy on MNIST's test digits, an ensemble's: An et al., An Ensemble of Simple
Convolutional Neural Network Models for MNIST Digit Recognition, arXiv:2008.10400, 2020."""
BY_HEART = (
    "Recognised {:.2f} % of the graded digits, more than the best published figure, {:.2f} %. "
    "Look whether the published test pictures came with the work."
)


class Row(NamedTuple):
    """A line of the table. `name` is that of its files.

    With `own_test`, the accuracy is that on the submission's own test array.
    """

    id: str
    name: str
    status: str
    score: float
    max_score: float
    root_cause: str | None
    limit: Limit | None
    accuracy: float | None
    reason: str | None
    own_test: bool = False


class Notice(NamedTuple):
    """Something for a person to look at: whose it is, what was seen, and a page that shows it."""

    id: str
    said: str
    page: str = ""


@dataclass
class Item:
    """Sums over those whom a check was asked of: whether it passed, and their other points."""

    asked: int = 0
    passed: int = 0
    rest: float = 0.0
    rest_squared: float = 0.0
    rest_of_passed: float = 0.0

    def add(self, passed: bool, rest: float) -> None:
        """Count a submission that earned `rest` points on all other checks."""
        self.asked += 1
        self.passed += passed
        self.rest += rest
        self.rest_squared += rest * rest
        self.rest_of_passed += rest * passed

    @property
    def discrimination(self) -> float | None:
        """How far the check tells strong work from weak, from −1 to 1; None where it is unknown.

        The point-biserial correlation of passing with the points on all other checks (item-rest
        correlation: Henrysson, Correction of item-total correlations in item analysis,
        Psychometrika 28, 1963), from `FEWEST` submissions on.
        """
        failed = self.asked - self.passed
        spread = self.asked * self.rest_squared - self.rest**2
        if self.asked < FEWEST or not self.passed or not failed or spread < 1e-9 * self.asked**2:
            return None
        together = self.asked * self.rest_of_passed - self.passed * self.rest
        return float(together / math.sqrt(self.passed * failed * spread))


@dataclass
class ClassPage:
    """All that the page shows. `points` are the rubric's.

    `missing` are the ids of those who handed in nothing. `mistakes` counts submissions by
    misconception, `checks` counts outcomes by check; `titles` are the words for both, `items` what
    each check says of the other points. `rows` come in the order of the table.
    """

    lab: str
    title: str
    points: Mapping[str, float]
    notices: tuple[Notice, ...] = ()
    missing: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    mistakes: dict[str, int] = field(default_factory=dict)
    checks: dict[str, dict[str, int]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    alike: int | None = None
    """Pairs whose code is alike; None where none was compared."""


class Bar(NamedTuple):
    """A bar of the picture of the marks: its place and size in pixels, its submissions.

    `at_least` and `below` are the per cent of the points that it stands for.
    """

    x: float
    y: float
    width: float
    height: float
    rows: int
    at_least: int
    below: int


class Hard(NamedTuple):
    """A check with how many passed it of those that were asked."""

    title: str
    points: float
    passed: int
    asked: int
    waiting: int
    discrimination: float | None


def render_class(page: ClassPage) -> Iterator[str]:
    """The page, in pieces, so that a large class is never held as one text."""
    style = source("report.css") + source("class.css")
    script = source("class.js") if page.rows else ""
    graded = [row for row in page.rows if row.status == "graded"]
    template = environment().get_template("class.html.j2")
    stream = template.stream(
        policy=content_policy(style, script),
        style=Markup(style),  # our own files
        script=Markup(script),
        page=page,
        counts={
            status: sum(row.status == status for row in page.rows)
            for status in ("graded", "rejected", "invalid")
        },
        marks=marks_of(page),
        bars=bars(graded),
        chart=(WIDTH, HEIGHT, BASE),
        measured=any(row.accuracy is not None for row in page.rows),
        mistakes=commonest_mistakes(page),
        hard=_hard(page),
        looks=_looks(page),
    )
    stream.enable_buffering(64)
    return iter(stream)


WIDTH, HEIGHT, BASE = 640, 190, 160
_GAP = 6


def bars(rows: list[Row]) -> list[Bar]:
    """How many submissions lie in each tenth of the points; full marks are in the last."""
    counts = [0] * BINS
    for row in rows:
        counts[min(int(words.share(row.score, row.max_score) * BINS), BINS - 1)] += 1
    step, most = WIDTH / BINS, max(counts, default=0)
    return [
        Bar(
            x=round(number * step + _GAP / 2, 1),
            y=round(BASE - (BASE - 22) * count / most, 1) if most else BASE,
            width=round(step - _GAP, 1),
            height=round((BASE - 22) * count / most, 1) if most else 0.0,
            rows=count,
            at_least=number * 100 // BINS,
            below=(number + 1) * 100 // BINS,
        )
        for number, count in enumerate(counts)
    ]


def marks_of(page: ClassPage) -> list[tuple[str, str]]:
    """Figures on the marks of what was graded, each with its name."""
    rows = [row for row in page.rows if row.status == "graded"]
    if not rows:
        return []
    scores = [row.score for row in rows]
    full = sum(row.score >= row.max_score for row in rows)
    return [
        (
            "median",
            f"{words.points(statistics.median(scores))} of {words.points(rows[0].max_score)}",
        ),
        ("mean", words.points(statistics.fmean(scores))),
        ("full marks", f"{full} of {len(rows)}"),
    ]


def commonest_mistakes(page: ClassPage) -> list[tuple[str, str, int]]:
    """(code, title, submissions), the commonest first."""
    ranked = sorted(page.mistakes.items(), key=lambda item: (-item[1], item[0]))
    return [(code, page.titles.get(code, code), count) for code, count in ranked[:MOST]]


def _hard(page: ClassPage) -> list[Hard]:
    """The checks that fewest passed. One that waits for another was not asked."""
    found = []
    for check, outcomes in page.checks.items():
        asked = sum(outcomes.get(outcome, 0) for outcome in ("passed", "failed", "error"))
        title, worth = page.titles.get(check, check), page.points.get(check, 0.0)
        told = page.items[check].discrimination if check in page.items else None
        found.append(
            Hard(title, worth, outcomes.get("passed", 0), asked, outcomes.get("skipped", 0), told)
        )
    missed = [item for item in found if item.passed < item.asked]
    return sorted(missed, key=lambda item: (item.passed / item.asked, item.title))[:MOST]


def _looks(page: ClassPage) -> list[tuple[Notice, str | None]]:
    """What a person should look at, the gravest first, each with its report where there is one."""
    names = {row.id: row.name for row in page.rows}
    said = {
        "invalid": "Not graded, by a fault of the grader or the machine: ",
        "rejected": "Cannot be read as a submission: ",
    }
    found = [
        Notice(row.id, said[status] + (row.reason or ""))
        for status in said
        for row in page.rows
        if row.status == status
    ]
    found += [
        Notice(row.id, BY_HEART.format(100 * row.accuracy, 100 * BEST_PUBLISHED))
        for row in page.rows
        if row.accuracy is not None and row.accuracy > BEST_PUBLISHED and not row.own_test
    ]
    found += [Notice(row.id, words.limit_words(row.limit, {})) for row in page.rows if row.limit]
    found += [
        Notice(row.id, f"Earned no points: {row.reason}")
        for row in page.rows
        if row.status == "graded" and not row.score and row.reason
    ]
    found += sorted(page.notices)
    found += [
        Notice(student, "Handed in nothing that could be graded.") for student in page.missing
    ]
    return [(notice, names.get(notice.id)) for notice in found]
