"""Confusion matrices, however they were made: by a metric, by hand, drawn or printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from grader import data
from grader.checks.diagnosis import Diagnosis
from grader.checks.expectations import fail
from grader.records.drawn import AxesFacts
from grader.records.evidence import Evidence

Turn = Literal["rows", "columns", "unknown"]
"""Along which axis the counts add up to the true classes; unknown for a part of the data."""

TABLE_ROW = re.compile(r"[^\d\n]{0,40}[\s\d\[\](),|.]+")
"""A row of numbers, maybe with a word before it."""

Found = tuple[Turn, int | None, int | None]
"""How a matrix is turned, and the cell and line that made it."""


def expect_confusion_matrix(evidence: Evidence, diagnosis: Diagnosis, name: str) -> None:
    """Expect a confusion matrix of data set `name`, true classes in rows; half for columns."""
    found = [*_called(evidence, name), *_shown(evidence, name)]
    turned = {turn for turn, _, _ in found}
    if "rows" in turned or "unknown" in turned:
        return
    if found:
        if any(axes_tell_it(axes) for figure in evidence.figures for axes in figure.axes):
            return
        diagnosis.expect_none("confusion-transposed", earned=0.5)
        _, cell, line = next((one for one in found if one[1] is not None), found[0])
        fail(
            observed="the columns of the matrix add up to the numbers of true digits",
            expected="rows that add up to them: true digits in rows, answers in columns",
            misconception="confusion-transposed",
            earned=0.5,
            cell=cell,
            line=line,
        )
    diagnosis.expect_none("probabilities-to-metric", "argmax-axis")
    size = data.classes(name)
    fail(
        observed="no confusion matrix was found",
        expected=f"a {size} × {size} table of true digits (rows) against the network's answers "
        "(columns)",
        why="The accuracy says how many digits are wrong; the matrix says which, and for what "
        "they are taken.",
        next="Collect the network's answer for each test picture, count the pairs of true digit "
        "and answer, and print or draw the table.",
    )


def orientation(
    values: Sequence[Any], shape: Sequence[int], name: str
) -> Literal["rows", "columns"] | None:
    """How a flat table of counts is turned; None where its sums are those of neither half."""
    size = data.classes(name)
    if tuple(shape) != (size, size) or len(values) != size * size or None in values:
        return None
    table = np.array(values, dtype=np.float64).reshape(size, size)
    described = data.describe(name)
    labels = data.public_labels(name, np.arange(described.train + described.visible))
    train, visible = (
        np.bincount(half, minlength=size)
        for half in (labels[: described.train], labels[described.train :])
    )
    for truth in (2 * visible, visible, train):
        if np.array_equal(table.sum(axis=1), truth):
            return "rows"
        if np.array_equal(table.sum(axis=0), truth):
            return "columns"
    return None


def axes_tell_it(axes: AxesFacts) -> bool:
    """Whether axes name their rows as answers and their columns as true digits, so all is told."""
    return bool(
        re.search("pred|answer|guess", axes.ylabel.lower())
        and re.search("true|truth|actual|real|label", axes.xlabel.lower())
    )


def _called(evidence: Evidence, name: str) -> Iterator[Found]:
    """The matrix of each metric call."""
    for metric in evidence.metrics:
        if "confusion" not in metric.name.lower() or metric.fault is not None:
            continue
        turn: Turn | None = orientation(metric.value, metric.shape, name)
        if turn is None and metric.first_is_truth and not metric.second_is_truth:
            turn = "rows"
        elif turn is None and metric.second_is_truth and not metric.first_is_truth:
            turn = "columns"
        yield turn or "unknown", metric.cell, metric.line


def _shown(evidence: Evidence, name: str) -> Iterator[Found]:
    """Each table that was left in a variable, drawn or printed."""
    size = data.classes(name)
    square = (size, size)
    tables: list[tuple[Sequence[Any], Sequence[int], int | None, int | None]] = [
        (value.matrix, square, value.cell, value.line)
        for value in evidence.values
        if value.matrix is not None
    ]
    tables += [
        (values, shape, figure.cell, figure.line)
        for figure in evidence.figures
        for axes in figure.axes
        for shape, values in axes.matrices
    ]
    tables += [
        (table, square, cell.number, None)
        for cell in evidence.cells
        for table in printed_tables(cell.text, size)
    ]
    for values, shape, at_cell, at_line in tables:
        turn = orientation(values, shape, name)
        if turn is not None:
            yield turn, at_cell, at_line


def printed_tables(text: str, size: int) -> Iterator[list[int]]:
    """Flat tables of whole numbers among the printed lines; leading labels are left out."""
    rows: list[list[int]] = []
    for line in text.splitlines():
        numbers = re.findall(r"\d+", line[:400]) if TABLE_ROW.fullmatch(line[:400]) else []
        if len(numbers) not in (size, size + 1):
            rows.clear()
            continue
        rows.append([int(number[:9]) for number in numbers[-size:]])
        if len(rows) >= size:
            yield [number for row in rows[-size:] for number in row]
