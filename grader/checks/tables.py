"""A table of results: which row is about which setting, and what it says of loss and accuracy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.checks.runs import Setting
from grader.records.evidence import Evidence

NUMBER = re.compile(r"(?<![\w.])\d*\.?\d+(?:e-?\d+)?(?![\w.]|\s?%)", re.I)
WORDS: dict[Setting, str] = {
    "relu": r"(?<!leaky)(?<!p)relu(?!6)",
    "leaky_relu": r"leaky",
    "tanh": r"tanh|hyperbolic",
    "sigmoid": r"sigmoid|logistic",
    "Adam": r"adam(?!w|ax)",
    "SGD": r"sgd|gradientdescent",
    "RMSprop": r"rms",
}
RESULTS = re.compile(r"loss|acc|error|score|time|second|epoch|batch|unit|param|verlust|genau", re.I)
ACCURACY = re.compile(r"acc|score|genau|exact|précis|precis", re.I)
LOSS = re.compile(r"loss|error|entropy|verlust|perte|pérdida|perdida", re.I)
TRAINING = re.compile(r"(?:^|[^a-z])train|learn", re.I)


@dataclass(frozen=True)
class ResultRow:
    """One row: what it says it is about, and its numbers. Shares are 0 to 1."""

    about: str
    numbers: tuple[float, ...]
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]

    def names(self, setting: Setting) -> bool:
        """Whether the row is about a setting: an activation or optimizer, or a learning rate."""
        if isinstance(setting, float):
            return any(abs(number - setting) < 1e-9 for number in self.numbers)
        return re.search(WORDS[setting], self.about) is not None


def result_rows(evidence: Evidence, name: str) -> tuple[ResultRow, ...]:
    """The rows of the variable `name`; where it is no table, those of every table there is."""
    named = [value.table for value in evidence.values if value.name == name and value.table]
    tables = named or [value.table for value in evidence.values if value.table]
    return tuple(_row(row) for table in tables for row in table)


def rows_about(rows: Sequence[ResultRow], setting: Setting) -> tuple[ResultRow, ...]:
    """The rows that name a setting."""
    return tuple(row for row in rows if row.names(setting))


def _row(cells: dict[str, float | str | None]) -> ResultRow:
    texts = [str(cell) for cell in cells.values() if isinstance(cell, str)]
    about = re.sub(r"[\s_\-]+", "", " ".join(texts).lower())
    numbers = [float(found) for text in texts for found in NUMBER.findall(_spaced(text))]
    losses, accuracies = [], []
    for column, cell in cells.items():
        if not isinstance(cell, float):
            continue
        if not RESULTS.search(column):
            numbers.append(cell)
        if _may_be(LOSS, column):
            losses.append(cell)
        if _may_be(ACCURACY, column) and not TRAINING.search(column) and 0 <= cell <= 100:
            accuracies.append(cell if cell <= 1 else cell / 100)
    return ResultRow(about, tuple(numbers), tuple(losses), tuple(accuracies))


def _may_be(pattern: re.Pattern[str], column: str) -> bool:
    return pattern.search(column) is not None or column.isdigit()


def _spaced(text: str) -> str:
    """`SGD(lr=0.1)` with its numbers standing free."""
    return re.sub(r"[^\d.eE\-]", " ", re.sub(r"[A-Za-z_]+", " ", text[:200]))


def sentences(remarks: Sequence[str]) -> Iterator[str]:
    """The sentences of what was said, each short enough to be read."""
    for remark in remarks:
        for sentence in re.split(r"(?<=[.!?;])\s+|\n+", remark[:20_000]):
            if len(sentence) <= 400:
                yield sentence


BEST = re.compile(r"\b(?:best|highest|winner|wins|won|most accurate|top)\b", re.I)
OVER = re.compile(
    r"\b(?:beats?|outperform\w*|(?:better|higher|more accurate)\b[^.;]{0,40}?\bthan)\b", re.I
)
DOUBT = re.compile(
    r"\b(?:not|never|no|worse|worst|lower|lowest|less|if|but|except|without|although|though|while|"
    r"after|expected?|thought|usually|often|would|should|could|than expected|second|next|loss|"
    r"fast\w*|speed|train\w*)\b|n't|\?",
    re.I,
)

RATES = re.compile(r"\blearning[ _-]?rates?\b|\blr\b", re.I)
"""A sentence about rates says of an optimizer only that it had them."""


def claims(
    sentence: str, settings: Sequence[Setting]
) -> tuple[Setting, tuple[Setting, ...]] | None:
    """(winner, losers) where a sentence says without a doubt that one setting was better."""
    named = any(isinstance(setting, str) for setting in settings)
    if DOUBT.search(sentence) or (named and RATES.search(sentence)):
        return None
    found = {setting: at for setting in settings if (at := _place(sentence, setting)) is not None}
    over = OVER.search(sentence)
    if over is not None and len(found) == 2:
        first, second = sorted(found, key=lambda setting: found[setting])
        return (first, (second,)) if found[first] < over.start() < found[second] else None
    if BEST.search(sentence) and over is None and len(found) == 1:
        winner = next(iter(found))
        return winner, tuple(setting for setting in settings if setting != winner)
    return None


def _place(sentence: str, setting: Setting) -> int | None:
    if isinstance(setting, float):
        places = (
            match.start()
            for match in NUMBER.finditer(sentence)
            if abs(float(match[0]) - setting) < 1e-9
        )
        return next(places, None)
    found = re.search(WORDS[setting], re.sub(r"leaky[\s_-]*relu", "leaky", sentence.lower()))
    return None if found is None else found.start()
