"""Labels at pictures: their colours, their digits, and what they tell of a prediction."""

from __future__ import annotations

import pytest

from grader.checks.pictures import Labelled, hue_of, judged_right, largest_grid, pictures_of
from grader.records.drawn import AxesFacts
from grader.records.evidence import Evidence, FigureEvent


@pytest.mark.parametrize(
    ("colour", "hue"),
    [
        ("#0000ff", "blue"),
        ("#1f77b4", "blue"),
        ("#000080", "blue"),
        ("#1e90ff", "blue"),
        ("#ff0000", "red"),
        ("#d62728", "red"),
        ("#dc143c", "red"),
        ("#8b0000", "red"),
        ("#2ca02c", "green"),
        ("#ffa500", "another colour"),
        ("blue", "another colour"),
        ("", "another colour"),
    ],
)
def test_a_colour_has_the_name_that_people_give_it(colour: str, hue: str) -> None:
    assert hue_of(colour) == hue


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("7 (9)", (7, 9)),
        ("True: 3\nPredicted: 5", (3, 5)),
        ("7 98% (9)", (7, 9)),
        ("4 0.98 / 4", (4, 4)),
        ("#12: 3 → 3", (3, 3)),
        ("3, 8 %", (3,)),
        ("wrong", ()),
    ],
)
def test_digits_are_read_past_confidences_and_numbers_of_pictures(
    text: str, digits: tuple[int, ...]
) -> None:
    assert Labelled(text).digits == digits


def test_two_digits_tell_right_from_wrong_and_one_does_with_the_truth() -> None:
    both = [Labelled("7 (7)"), Labelled("7 (1)"), Labelled("right")]
    assert judged_right(both, [None, None, 4]) == [True, False, None]
    single = [Labelled("7"), Labelled("1"), Labelled("3")]
    assert judged_right(single, [7, 7, None]) == [True, False, None]


def test_labels_that_are_all_the_truth_tell_nothing() -> None:
    assert judged_right([Labelled("7"), Labelled("1")], [7, 1]) == [None, None]


def test_pictures_are_counted_by_axes_or_by_the_texts_of_a_mosaic() -> None:
    one = AxesFacts(images=1, title="3", xlabel="is 5", coloured=(("3", "#ff0000"),), picture=4)
    bars = AxesFacts(bars=10)
    wall = AxesFacts(
        images=1,
        texts=("7",) * 25,
        coloured=(("7", "#0000ff"), ("7", "#ff0000"), ("", "#ff0000")),
    )
    grid = FigureEvent(number=0, axes=(one, bars, one))
    mosaic = FigureEvent(number=1, axes=(wall,))
    assert pictures_of(grid) == [Labelled("3 is 5", "red", 4)] * 2
    hues = [picture.hue for picture in pictures_of(mosaic)]
    assert hues == ["blue", "red", *[None] * 23]
    assert largest_grid(Evidence(events=(mosaic, grid)))[0] == mosaic
    assert largest_grid(Evidence()) == (None, [])
