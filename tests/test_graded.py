"""Accuracy on graded digits: the statistics, and that the images stay what they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from grader import data
from grader.checks.graded import clopper_pearson_upper, disturbed


@pytest.mark.parametrize(("correct", "count"), [(485, 500), (970, 1000), (1940, 2000), (0, 10)])
def test_the_upper_limit_is_clopper_and_pearsons(correct: int, count: int) -> None:
    wanted = beta.ppf(0.975, correct + 1, count - correct)
    assert clopper_pearson_upper(correct, count) == pytest.approx(wanted, abs=1e-9)


def test_all_right_and_none_asked_leave_every_accuracy_possible() -> None:
    assert clopper_pearson_upper(10, 10) == 1.0
    assert clopper_pearson_upper(0, 0) == 1.0


def test_the_disturbance_is_one_grey_level_and_leaves_blank_pixels_blank() -> None:
    images, _ = data.graded("mnist")
    images = images[:200]
    shaken = disturbed(images, np.random.default_rng(0))
    assert shaken.dtype == np.uint8
    difference = shaken.astype(int) - images.astype(int)
    assert np.abs(difference).max() == 1
    assert (shaken[images == 0] == 0).all()
    assert (shaken[images > 0] > 0).all()
    assert (difference != 0).any(axis=(1, 2)).all()


def test_no_graded_digit_reaches_the_sandbox_as_published() -> None:
    images, _ = data.graded("mnist")
    shaken = disturbed(images, np.random.default_rng(0))
    assert not (shaken == images).all(axis=(1, 2)).any()
