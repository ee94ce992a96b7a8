"""What makes a network convolutional is told from its layers, in whatever way it was built."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.convolutions import channel_first, convolutions, may_be_bare, pools
from grader.records.evidence import LayerFacts, ModelFacts
from grader.records.submission import Cell, Submission

PICTURE = (None, 28, 28, 1)


def layer(kind: str, shape: tuple[int | None, ...] | None = PICTURE, **options: Any) -> LayerFacts:
    return LayerFacts(name=kind.lower(), kind=kind, input_shape=shape, options=options)


def network(*layers: LayerFacts, kind: str = "Sequential") -> ModelFacts:
    return ModelFacts(id=1, kind=kind, layers=layers)


def conv(kernel: Any = (3, 3), strides: Any = (1, 1), **more: Any) -> LayerFacts:
    return layer("Conv2D", kernel_size=kernel, strides=strides, **more)


@pytest.mark.parametrize(
    "one",
    [conv(), conv([5, 1]), layer("SeparableConv2D", kernel_size=(3, 3)), layer("OwnConv", None)],
    ids=["square", "oblong", "separable", "own class"],
)
def test_a_small_filter_slides(one: LayerFacts) -> None:
    assert convolutions(network(layer("Rescaling"), one)) == [1]


@pytest.mark.parametrize("one", [conv((1, 1)), conv((28, 28)), layer("Dense")])
def test_a_filter_of_one_pixel_or_the_whole_picture_does_not(one: LayerFacts) -> None:
    assert convolutions(network(one)) == []


@pytest.mark.parametrize(
    "after",
    [
        layer("MaxPooling2D", pool_size=(2, 2)),
        layer("AveragePooling2D", pool_size=(3, 1)),
        layer("GlobalAveragePooling2D"),
        conv(strides=(2, 2)),
    ],
    ids=lambda one: one.kind,
)
def test_pooling_and_strides_make_the_picture_smaller(after: LayerFacts) -> None:
    assert pools(network(conv(), after), 0)


def test_pooling_of_single_pixels_or_before_the_convolution_does_not_count() -> None:
    assert not pools(network(conv(), layer("MaxPooling2D", pool_size=(1, 1))), 0)
    assert not pools(network(layer("MaxPooling2D", pool_size=(2, 2)), conv()), 1)


def test_a_picture_that_is_one_pixel_high_has_its_channel_first() -> None:
    first = layer("Conv2D", (None, 1, 28, 28), kernel_size=(1, 3))
    assert channel_first(network(first))
    assert not channel_first(network(conv()))
    assert not channel_first(network())


def test_functions_that_are_no_layers_get_the_benefit_of_the_doubt() -> None:
    source = "z = tf.nn.max_pool2d(tf.nn.conv2d(x, w, 1, 'SAME'), 2, 2, 'SAME')"
    submission = Submission("s", "s.py", "0", "module", (Cell(1, source),))
    assert may_be_bare(network(kind="Digits"), submission)
    assert not may_be_bare(network(), submission)
