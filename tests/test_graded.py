"""The graded digits: that the images stay what they are, and none leaves as it was published."""

from __future__ import annotations

import numpy as np

from grader import data
from grader.checks.graded import disturbed


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
