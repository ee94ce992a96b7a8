from __future__ import annotations

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from report_samples import CURVES, confusion

from grader.report import charts
from grader.report.pictures import data_uri, png

VALUE = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@given(st.floats(-1e290, 1e290), st.floats(-1e290, 1e290))
def test_ticks_enclose_the_values_and_stay_few(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = charts.nice_ticks(low, high)
    slack = 1e-6 * (ticks[-1] - ticks[0])
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 8
    assert all(a < b for a, b in pairwise(ticks))


@given(st.lists(VALUE, max_size=40).map(tuple), st.lists(VALUE, max_size=40).map(tuple))
def test_every_point_of_any_history_lies_on_the_drawing(
    train: tuple[float | None, ...], held: tuple[float | None, ...]
) -> None:
    drawn = charts.chart("loss", train, held)
    if drawn is None:
        return
    for line in drawn.lines:
        numbers = [float(text) for text in re.findall(r"-?[\d.]+(?:e[+-]?\d+)?", line.path)]
        assert all(0 <= x <= charts.WIDTH for x in numbers[0::2])
        assert all(0 <= y <= charts.HEIGHT for y in numbers[1::2])
        assert 0 <= line.label_y <= charts.HEIGHT - charts.LABEL_HEIGHT
    labels = [line.label_y for line in drawn.lines]
    assert len(labels) < 2 or abs(labels[0] - labels[1]) >= 2 * charts.LABEL_HEIGHT - 1e-6


def test_loss_comes_first_and_training_stands_beside_held_out() -> None:
    values = {"accuracy": (0.1,), "val_accuracy": (0.2,), "loss": (1.0,), "learning_rate": (0.1,)}
    drawn = charts.charts(values)
    assert [chart.title for chart in drawn] == ["loss", "accuracy"]
    assert [line.role for line in drawn[1].lines] == ["train", "held"]


def test_a_chart_says_in_words_what_it_shows() -> None:
    loss = charts.charts(CURVES.values)[0]
    assert loss.summary == (
        "training: from 0.352 to 0.027 over 10 epochs. "
        "held-out: from 0.187 to 0.095 over 10 epochs."
    )
    assert loss.remark == "The held-out loss was lowest after epoch 7 of 10."


def test_a_gap_in_a_history_is_a_gap_in_its_curve() -> None:
    drawn = charts.chart("loss", (1.0, None, 0.5, float("nan"), 0.25), ())
    assert drawn is not None
    assert drawn.lines[0].path.count("M") == 3


def test_a_long_history_is_thinned_and_keeps_its_end() -> None:
    drawn = charts.chart("loss", tuple(1 / (n + 1) for n in range(10_000)), ())
    assert drawn is not None
    assert drawn.lines[0].path.count("L") <= charts.MAX_POINTS + 1
    assert len(drawn.lines[0].markers) <= charts.MAX_MARKERS
    assert drawn.lines[0].last == "0.0001"
    assert len(drawn.x_ticks) <= 8


@pytest.mark.parametrize("values", [(), (None, None), (float("nan"), float("inf"))])
def test_a_history_without_a_number_has_no_chart(values: tuple[float | None, ...]) -> None:
    assert charts.chart("loss", values, ()) is None


def test_the_worst_confusions_are_named_true_class_first() -> None:
    shown = charts.confusion(confusion())
    assert shown.worst[0] == (4, 9, 11)
    assert shown.rows[4][9].level == 5
    assert not shown.rows[4][9].right
    assert shown.rows[4][4].right
    assert shown.total == 5_000


@given(st.lists(st.lists(st.integers(0, 10**9), min_size=3, max_size=3), min_size=3, max_size=3))
def test_any_counts_have_a_tint(matrix: list[list[int]]) -> None:
    cells = [cell for row in charts.confusion(matrix).rows for cell in row]
    assert all(0 <= cell.level <= 5 for cell in cells)
    assert all((cell.level == 0) == (cell.count == 0) for cell in cells)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_png_shows_the_very_pixels(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    read = Image.open(io.BytesIO(png(image)))
    assert read.mode == "L"
    assert np.array_equal(np.asarray(read), image)
    assert data_uri(image).startswith("data:image/png;base64,iVBOR")
