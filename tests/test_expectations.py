"""Expectations: what they let pass and what they say."""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import Batches, CheckFailed, Unreadable, expect, expect_array
from grader.checks.expectations import Shortfall, plain_array
from grader.errors import LabError

WANTED = np.array([[0.0, 0.5], [1.0, 0.25]])


def shortfall(actual: object, **more: object) -> Shortfall:
    with pytest.raises(CheckFailed) as caught:
        expect_array(actual, WANTED, call="f(x)", **more)  # type: ignore[arg-type]
    return caught.value.shortfall


@pytest.mark.parametrize(
    "actual",
    [WANTED, WANTED.astype(np.float32), WANTED.tolist(), WANTED + 1e-7, tuple(WANTED.tolist())],
    ids=["same", "float32", "list", "rounded", "tuple"],
)
def test_equal_numbers_pass_in_any_plain_form(actual: object) -> None:
    expect_array(actual, WANTED, call="f(x)")


@pytest.mark.parametrize(
    "actual",
    [None, "text", Unreadable("object"), Batches((), False), [[1], [1, 2]], {"a": 1}],
    ids=str,
)
def test_what_holds_no_numbers_fails_as_such(actual: object) -> None:
    assert "f(x) returned" in shortfall(actual).observed


def test_a_broadcastable_answer_of_another_shape_fails() -> None:
    assert "shape (2, 1)" in shortfall(np.zeros((2, 1))).observed
    assert "shape ()" in shortfall(0.5).observed


def test_numbers_that_are_not_finite_fail() -> None:
    assert "not finite" in shortfall(np.full((2, 2), np.nan)).observed


def test_a_wrong_number_fails_and_shows_both() -> None:
    short = shortfall(WANTED + 0.1)
    assert "0.1" in short.observed
    assert "0, 0.5, 1, 0.25" in short.expected


def test_a_known_mistake_is_named_with_the_catalogues_words() -> None:
    short = shortfall(WANTED / 255, mistakes={"double-scaling": WANTED / 255})
    assert short.misconception == "double-scaling"
    assert short.why
    assert short.next


def test_a_right_answer_that_is_also_what_a_mistake_gives_passes() -> None:
    expect_array(WANTED, WANTED, call="f(x)", mistakes={"no-scaling": WANTED})


def test_a_mistake_that_the_catalogue_does_not_know_is_the_authors_error() -> None:
    with pytest.raises(LabError, match="no-scalling"):
        expect(False, observed="a", expected="b", misconception="no-scalling")


def test_small_numbers_are_not_all_the_same() -> None:
    small = WANTED * 1e-9
    with pytest.raises(CheckFailed):
        expect_array(small * 2, small, call="f(x)")


def test_a_truth_value_counts_as_a_number_and_text_does_not() -> None:
    assert plain_array(True) is not None
    assert plain_array("1") is None
