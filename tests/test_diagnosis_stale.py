"""Saved output of a notebook that its code does not give: told, and only where it is certain."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from grader.diagnosis import diagnose
from grader.records.evidence import CellRun, Evidence, Shortened
from grader.records.misconception import Sighting
from grader.submissions.bounds import STORED_TEXT
from grader.submissions.notebook import read_notebook
from tests.diagnosis_cases import evidence, fit, notebook


def found(
    stored: str, printed: str, *, seen: Evidence | None = None, **run: Any
) -> Sighting | None:
    """What is said of a notebook whose second cell was saved with one output and gives another."""
    submission = notebook("import keras\nkeras.utils.set_random_seed(0)", "print('…')")
    first, second = submission.cells
    submission = replace(submission, cells=(first, replace(second, stored=stored)))
    facts = {"number": 2, "ok": True, "text": printed, **run}
    seen = (seen or evidence()).model_copy(update={"cells": (CellRun(**facts),)})
    sightings = diagnose(submission, seen, 1, {})
    return next((s for s in sightings if s.misconception == "stale-outputs"), None)


@pytest.mark.parametrize(
    ("stored", "printed"),
    [
        ("Test accuracy: 0.9731\n", "Test accuracy: 0.8412\n"),
        ("test acc 97.3 %\n", "test acc 61.0 %\n"),
        ("x\nGenauigkeit auf 5000 Bildern: 0.95\ny\n", "x\nGenauigkeit auf 5000 Bildern: 0.5\ny\n"),
    ],
)
def test_an_accuracy_that_the_code_does_not_give_is_told_with_its_cell(
    stored: str, printed: str
) -> None:
    sighting = found(stored, printed)
    assert sighting is not None
    assert (sighting.cell, sighting.line) == (2, None)


@pytest.mark.parametrize(
    ("stored", "printed"),
    [
        ("Test accuracy: 0.9731\n", "Test accuracy: 0.9502\n"),
        ("Test accuracy: 0.9731\n", "Accuracy of the second model: 0.61\n"),
        ("loss: 0.9\n", "loss: 0.1\n"),
        ("accuracy: 0.95 - loss: 0.1\n", "accuracy: 0.55 - loss: 0.1\n"),
        ("accuracy: 0.4\naccuracy: 0.95\n", "accuracy: 0.9\naccuracy: 0.95\n"),
        ("", "Test accuracy: 0.9\n"),
        ("Test accuracy: 0.9\n", ""),
        ("accuracy: nan\n", "accuracy: 0.9\n"),
    ],
)
def test_what_may_differ_by_chance_or_is_another_number_is_left_alone(
    stored: str, printed: str
) -> None:
    assert found(stored, printed) is None


def test_a_run_that_broke_or_was_cut_or_shortened_contradicts_nothing() -> None:
    lines = "accuracy: 0.97\n", "accuracy: 0.41\n"
    assert found(*lines) is not None
    assert found(*lines, ok=False) is None
    assert found(*lines, text_cut=True) is None
    assert found(*lines, seen=evidence(fit(shortened=Shortened(steps=3, of=9)))) is None
    assert found(*lines, seen=evidence(limit="time", finished=False)) is None


@pytest.mark.parametrize(
    ("counts", "cell"),
    [
        ((1, 2, 3), None),
        ((4, 7, 9), None),
        ((None, 2, None), None),
        ((3, 1, 2), 1),
        ((1, 5, 5), 2),
        ((2, None, 1), 1),
    ],
)
def test_cells_that_were_run_in_another_order_than_they_stand_in_are_told(
    counts: tuple[int | None, ...], cell: int | None
) -> None:
    submission = notebook("x = 1", "y = 2", "z = 3")
    cells = zip(submission.cells, counts, strict=True)
    counted = tuple(replace(one, count=count) for one, count in cells)
    sightings = diagnose(replace(submission, cells=counted), evidence(), 1, {})
    places = [s.cell for s in sightings if s.misconception == "stale-outputs"]
    assert places == ([] if cell is None else [cell])


def stored(*outputs: Any, **fields: Any) -> tuple[str, int | None]:
    """What is kept of the outputs of a notebook's only cell."""
    cell = {"cell_type": "code", "source": "x = 1", "outputs": list(outputs), **fields}
    content = json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    [kept] = read_notebook(content.encode(), "a.ipynb").cells
    return kept.stored, kept.count


def test_plain_text_of_what_was_printed_and_shown_is_kept() -> None:
    said = {"output_type": "stream", "text": ["one\n", "two"]}
    shown = {"output_type": "execute_result", "data": {"text/plain": "3", "image/png": "iVBOR"}}
    assert stored(said, shown, execution_count=7) == ("one\ntwo\n3\n", 7)


@pytest.mark.parametrize(
    "output",
    [
        None,
        3,
        "text",
        {},
        {"text": 3},
        {"text": [1, None]},
        {"data": []},
        {"data": {"text/plain": {}}},
    ],
)
def test_a_damaged_output_is_no_reason_to_refuse_a_notebook(output: Any) -> None:
    text, count = stored(output, execution_count=-1)
    assert text.strip() == ""
    assert count is None
    assert stored(outputs=output) == ("", None)


def test_a_cell_that_printed_for_ever_is_kept_up_to_a_bound() -> None:
    text, _ = stored({"text": "ü" * 1_000_000}, {"text": "more"})
    assert text == "ü" * STORED_TEXT
    lone, _ = stored({"text": "\ud800 accuracy: 0.5"})
    assert lone.encode()
