from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import SAMPLES, filled

from grader.records.exhibits import Exhibits, Mistaken
from grader.records.result import Result

Sample = Callable[[], tuple[Result, Exhibits]]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_exhibits_come_back_from_json_as_they_were(sample: Sample) -> None:
    exhibits = sample()[1]
    assert Exhibits.from_json(json.loads(json.dumps(exhibits.to_json()))) == exhibits


@given(st.text(max_size=50))
def test_any_text_in_any_field_survives_json(text: str) -> None:
    exhibits = filled(text)[1]
    assert Exhibits.from_json(json.loads(json.dumps(exhibits.to_json()))) == exhibits


def test_pictures_differ_where_a_pixel_differs() -> None:
    dark, light = np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)
    assert Mistaken(dark, 1, 2) == Mistaken(dark.copy(), 1, 2)
    assert Mistaken(dark, 1, 2) != Mistaken(light, 1, 2)
    assert Mistaken(dark, 1, 2) != Mistaken(dark, 1, 3)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4_000), np.uint8),
    ],
)
def test_only_small_grey_pictures_are_taken(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="picture"):
        Mistaken(image, 1, 2)


@pytest.mark.parametrize("matrix", [(), ((1, 2),), ((1, 2), (3,))])
def test_a_confusion_matrix_is_square(matrix: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="square"):
        Exhibits(confusion=matrix)


def test_json_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="schema"):
        Exhibits.from_json({"schema": "grader.result/1"})
