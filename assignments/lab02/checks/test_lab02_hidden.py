"""Hidden checks of lab02: the same tasks at other sizes, up to 500 images."""

import numpy as np
import pytest

from grader.checks import expect, expect_array

pytestmark = pytest.mark.hidden


def numbers(rng, *shape):
    """Float32 numbers, normally distributed."""
    return rng.normal(size=shape).astype(np.float32)


def as_table(answer):
    """The answer as an array of numbers, or an empty one where it is nothing of the kind."""
    try:
        table = np.asarray(answer)
    except (ValueError, TypeError):
        return np.zeros(0)
    return table if table.dtype.kind in "biuf" else np.zeros(0)


@pytest.mark.needs("flatten")
def test_flatten_many_sizes(student, rng):
    """flatten works for any number of images of any size."""
    for shape in [(500, 6, 4), (2, 1, 9), (1, 3, 2), (10, 28, 28)]:
        images = numbers(rng, *shape)
        rows = images.reshape(shape[0], shape[1] * shape[2])
        call = f"flatten(images) with images of shape {shape}"
        expect_array(student.flatten(images), rows, call=call)


@pytest.mark.needs("linear")
def test_linear_many_sizes(student, rng):
    """linear works for any number of images, inputs and outputs."""
    for n, d, k in [(500, 12, 10), (1, 9, 4), (10, 20, 10), (3, 5, 1)]:
        X, W, b = numbers(rng, n, d), numbers(rng, d, k), numbers(rng, k)
        call = f"linear(X, W, b) with X {(n, d)}, W {(d, k)} and b {(k,)}"
        wrong = {"bias-shape": X @ W + b[:, None]} if n == k else {}
        expect_array(student.linear(X, W, b), X @ W + b, call=call, mistakes=wrong, tolerance=1e-3)


@pytest.mark.needs("add_channel", "bias_as_row")
def test_axes_many_sizes(student, rng):
    """add_channel and bias_as_row work for any size."""
    for shape in [(500, 3, 5), (2, 7, 1), (1, 4, 9)]:
        images = numbers(rng, *shape)
        call = f"add_channel(images) with images of shape {shape}"
        expect_array(student.add_channel(images), images[..., None], call=call)
    for d in (2, 7, 128):
        b = numbers(rng, d)
        expect_array(student.bias_as_row(b), b[None], call=f"bias_as_row(b) with b of shape {(d,)}")


@pytest.mark.needs("one_hot")
def test_one_hot_many_depths(student, rng):
    """one_hot works for any labels and any depth."""
    for n, depth in [(500, 10), (1, 4), (7, 23), (5, 2)]:
        y = rng.integers(0, max(1, depth - 1), size=n)
        call = f"one_hot(y, {depth}) with {n} label(s) up to {y.max()}"
        wrong = {"wrong-class-count": np.eye(y.max() + 1)[y]}
        expect_array(student.one_hot(y, depth), np.eye(depth)[y], call=call, mistakes=wrong)


@pytest.mark.needs("forward")
def test_forward_many_sizes(student, rng):
    """forward works for any number of images and any layer sizes."""
    for n, sizes in [(500, [9, 8, 6, 10]), (1, [28, 5, 12, 2]), (10, [4, 10, 10, 10])]:
        params = [(numbers(rng, a, b), numbers(rng, b)) for a, b in zip(sizes, sizes[1:])]
        x = wanted = numbers(rng, n, sizes[0])
        for number, (W, b) in enumerate(params, start=1):
            wanted = wanted @ W + b
            wanted = np.maximum(wanted, 0) if number < 3 else wanted
        units = ", ".join(map(str, sizes[1:]))
        call = f"forward(x, params) with x of shape {x.shape} and layers of {units} units"
        wrong = {"relu-output": np.maximum(wanted, 0)}
        expect_array(student.forward(x, params), wanted, call=call, mistakes=wrong, tolerance=1e-3)


@pytest.mark.needs("weights_shape", "parameter_count")
def test_counts_many_sizes(student):
    """weights_shape and parameter_count work for any network."""
    for d_in, classes in [(1024, 100), (3, 2), (65, 26)]:
        said = student.weights_shape(d_in, classes)
        expect(
            np.array_equal(as_table(said), (d_in, classes)),
            observed=f"weights_shape({d_in}, {classes}) gave {str(said)[:60]}",
            expected="a row for each input and a column for each class",
            misconception="hard-coded-size",
        )
    for sizes in [[20, 7], [3, 11, 2], [100, 50, 40, 30, 20]]:
        wanted = sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))
        said = student.parameter_count(sizes)
        expect(
            np.array_equal(as_table(said).ravel(), [wanted]),
            observed=f"parameter_count({sizes}) gave {str(said)[:60]}",
            expected=f"{wanted:,}",
            why="A network may have any number of layers.",
            next="Go through the sizes in neighbouring pairs.",
        )
