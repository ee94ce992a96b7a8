"""Public checks of lab02: the eight functions, on small inputs of several shapes.

Square inputs come first in `linear` and `forward`, because there a swapped or element-wise product
gives an answer that can be named; on other shapes it only raises.
"""

import numpy as np
import pytest

from grader.checks import CheckFailed, expect, expect_array, fail


def as_table(answer):
    """The answer as an array of numbers, or None where it is nothing of the kind."""
    try:
        table = np.asarray(answer)
    except (ValueError, TypeError):
        return None
    return table if table.dtype.kind in "biuf" else None


def same(answer, array):
    """Whether the answer has the array's shape and values."""
    table = as_table(answer)
    return table is not None and table.shape == array.shape and np.allclose(table, array, atol=1e-4)


# (why, next) of a mistake, where the catalogue speaks of training and a task of one function.
WORDS = {
    "missing-channel": (
        "The numbers are the same, but a convolution counts the axes and misses one.",
        "Compare the shape that goes in with the shape that comes out.",
    ),
    "relu-output": (
        "ReLU turns every negative score into 0, and then those classes cannot be ranked.",
        "Count your ReLU steps: the task names two, after the first and the second layer.",
    ),
}
ROW_WORDS = {
    "bias-shape": (
        "Shapes are lined up from the right. Only (1, d) stands for one value in each column.",
        "Say which axis of a table counts its rows, and put the new axis there.",
    ),
}
LABEL_WORDS = {
    "labels-from-one": (
        "Places are counted from 0, as everywhere in Python, so a label of 0 has the first place.",
        "Write down the row of the label 0 and of the label 1 and compare.",
    ),
    "wrong-class-count": (
        "The labels at hand need not hold every class, so the caller says how many there are.",
        "Look for `depth` in your function: it decides the number of places.",
    ),
    "hard-coded-size": (
        "Ten places are right for digits only; the caller says how many there are.",
        "Look for a number that is typed in where `depth` belongs.",
    ),
    "one-hot-twice": (
        "Rows that are one-hot already are encoded again, which adds another axis.",
        "Print the shape after each step: after which one is it right?",
    ),
}


def expect_answer(answer, right, call, *known, tolerance=1e-5, words=WORDS):
    """Expect `right`; an answer that equals one of the (code, wrong array) pairs is named.

    `words` holds (why, next) by code, where they differ from the catalogue's.
    """
    mistakes = {}
    if not same(answer, right):
        mistakes = next(({code: wrong} for code, wrong in known if same(answer, wrong)), {})
    try:
        expect_array(answer, right, call=call, mistakes=mistakes, tolerance=tolerance)
    except CheckFailed as failed:
        short = failed.shortfall
        if short.misconception not in words:
            raise
        why, step = words[short.misconception]
        fail(
            observed=short.observed,
            expected=short.expected,
            misconception=short.misconception,
            why=why,
            next=step,
        )


def plainly(answer):
    """An answer on one line: a larger array by its shape."""
    table = as_table(answer)
    if table is not None and table.size > 8:
        return f"an array of shape {table.shape}"
    return " ".join(str(answer).split())[:60]


def expect_something(answer, call):
    """Expect that the function returns at all: many a one prints its answer."""
    expect(
        answer is not None,
        observed=f"{call} returned nothing (None)",
        expected="an answer that is returned; what is only printed cannot be used further on",
        next="End the function with `return` and your result.",
    )


def as_shape(answer):
    """A tuple, list, array or TensorShape as a tuple of whole numbers, or None."""
    table = as_table(answer)
    if table is None or table.ndim != 1 or not np.array_equal(table, np.trunc(table)):
        return None
    return tuple(int(size) for size in table) if np.isfinite(table).all() else None


def as_number(answer):
    """A number of any numeric type as a float, or None."""
    table = as_table(answer)
    return float(table.reshape(())) if table is not None and table.size == 1 else None


def numbers(rng, *shape):
    """Small whole numbers as float32, none of them zero, so that a student can check by hand."""
    return (rng.choice([-1, 1], size=shape) * rng.integers(1, 4, size=shape)).astype(np.float32)


def numbered(*shape):
    """Float32 images whose pixels are numbered 0, 1, 2 … in their order."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_flatten(student):
    """flatten makes one row of each image, its pixels in order."""
    # 14 × 8 × 14 divides into rows of 784, so that a hard-coded 784 answers instead of raising.
    for shape in [(14, 8, 14), (4, 5, 5), (3, 4, 6), (1, 28, 28)]:
        images = numbered(*shape)
        b, h, w = shape
        known = [
            ("scrambled-reshape", images.reshape(h * w, b).T),
            ("scrambled-reshape", images.reshape(h * w, b)),
            ("scrambled-reshape", images.transpose(0, 2, 1).reshape(b, -1)),
            ("scrambled-reshape", images.transpose(1, 2, 0).reshape(b, -1)),
            ("scrambled-reshape", images.reshape(-1)),
        ]
        if b * h * w % 784 == 0:
            known.append(("hard-coded-size", images.reshape(-1, 784)))
        call = f"flatten(images) with images of shape {shape}, pixels numbered from 0,"
        expect_answer(student.flatten(images), images.reshape(b, h * w), call, *known)


def test_add_channel(student):
    """add_channel adds an axis of length 1 at the end."""
    for shape in [(14, 8, 14), (4, 5, 5), (3, 4, 6), (1, 28, 28)]:
        images = numbered(*shape)
        b, h, w = shape
        known = [
            ("channels-first", images[:, None]),
            ("channels-first", images[None]),
            ("missing-channel", images),
            ("scrambled-reshape", images.reshape(b, w, h, 1)),
        ]
        if b * h * w % 784 == 0:
            known.append(("hard-coded-size", images.reshape(-1, 28, 28, 1)))
        call = f"add_channel(images) with images of shape {shape}, pixels numbered from 0,"
        expect_answer(student.add_channel(images), images[..., None], call, *known)


def test_linear(student, rng):
    """linear multiplies the rows of X by W and adds b to every row."""
    for n, d, k in [(4, 4, 4), (5, 7, 3), (1, 6, 5)]:
        X, W, b = numbers(rng, n, d), numbers(rng, d, k), numbers(rng, k)
        right = X @ W + b
        scores = student.linear(X, W, b)
        wrong = [("bias-shape", X @ W + b[:, None])] if n in (k, 1) else []
        if n == d == k:
            wrong += [("swapped-matmul", W @ X + b), ("swapped-matmul", X @ W.T + b)]
            wrong += [("swapped-matmul", W.T @ X + b), ("elementwise-for-matmul", X * W + b)]
        wrong += [("swapped-matmul", right.T)]
        call = f"linear(X, W, b) with X {(n, d)}, W {(d, k)} and b {(k,)}"
        expect(
            not same(scores, X @ W),
            observed=f"{call} gave the product without the bias",
            expected="b added to every row of the product",
            why="Without its bias every score is forced to 0 for an empty image.",
            next="Add b to the product; broadcasting repeats it for every row.",
        )
        expect_answer(scores, right, call, *wrong, tolerance=1e-4)


REASONS = {
    "single-output-weights": "One column of weights makes one score for each image, "
    "and one number cannot rank several classes.",
    "swapped-matmul": "X has an image in each row, so X @ W pairs the columns of X, "
    "the inputs, with the rows of W.",
    "hard-coded-size": "A shape that is typed in fits one network only.",
}
STEPS = {
    "single-output-weights": "Count the columns that are needed to get one score for each class.",
    "swapped-matmul": "Write down the shapes of X, W and X @ W and see which sizes must agree.",
    "hard-coded-size": "Build the shape from d_in and classes.",
}


def shape_mistake(shape, d_in, classes):
    """The code of a known wrong shape of W."""
    if shape in ((d_in, 1), (784, 1)):
        return "single-output-weights"
    if shape == (classes, d_in):
        return "swapped-matmul"
    return "hard-coded-size" if shape == (784, 10) else None


def test_weights_shape(student):
    """weights_shape gives a row for each input and a column for each class."""
    for d_in, classes in [(784, 10), (12, 5)]:
        said = student.weights_shape(d_in, classes)
        expect_something(said, f"weights_shape({d_in}, {classes})")
        shape = as_shape(said)
        code = shape_mistake(shape, d_in, classes)
        expect(
            shape == (d_in, classes),
            observed=f"weights_shape({d_in}, {classes}) gave {shape or plainly(said)}",
            expected=f"the shape of a W for which X @ W has {classes} scores in each row",
            misconception=code,
            why=REASONS.get(code, "Each class needs its own weight for each input."),
            next=STEPS.get(code, "Line up the shapes of X, W and X @ W and read off the middle."),
        )


def test_bias_as_row(student, rng):
    """bias_as_row makes a table of one row from the bias."""
    for d in (4, 1, 10):
        b = numbers(rng, d)
        call = f"bias_as_row(b) with b of shape {(d,)}"
        known = [("bias-shape", b[:, None]), ("bias-shape", b)]
        expect_answer(student.bias_as_row(b), b[None], call, *known, words=ROW_WORDS)


def test_one_hot(student):
    """one_hot writes each label as a row with a single 1."""
    for labels, depth in [([3, 0, 2, 3], 5), ([1, 0, 2], 3), ([4], 6)]:
        y = np.array(labels)
        wanted = np.eye(depth)[y]
        rows = student.one_hot(y, depth)
        known = [
            ("labels-from-one", np.eye(depth)[y - 1]),
            ("labels-from-one", np.eye(depth + 1)[y]),
            ("wrong-class-count", np.eye(y.max() + 1)[y]),
            ("wrong-class-count", np.eye(len(set(labels)))[np.unique(y, return_inverse=True)[1]]),
            ("hard-coded-size", np.eye(10)[y]),
            ("one-hot-twice", np.eye(2)[wanted.astype(int)]),
            ("one-hot-twice", np.eye(depth)[wanted.astype(int)]),
        ]
        expect(
            len(labels) == depth or not same(rows, wanted.T),
            observed=f"one_hot(y, {depth}) gave a column for each label: shape {wanted.T.shape}",
            expected=f"a row for each label: shape {wanted.shape}",
            why="In every array of a network the examples come along the first axis.",
            next="Look at which axis your labels run along.",
        )
        call = f"one_hot(y, {depth}) with y = {labels}"
        expect_answer(rows, wanted, call, *known, words=LABEL_WORDS)


def test_parameter_count(student):
    """parameter_count counts all weights and all biases."""
    for sizes in [[784, 128, 64, 10], [784, 10], [6, 5, 4, 3, 2]]:
        weights = sum(a * b for a, b in zip(sizes, sizes[1:]))
        wanted = weights + sum(sizes[1:])
        said = student.parameter_count(sizes)
        expect_something(said, f"parameter_count({sizes})")
        count = as_number(said)
        call = (
            f"parameter_count({sizes}) gave {plainly(said) if count is None else f'{count:,.0f}'}"
        )
        expect(
            count != weights + sum(sizes),
            observed=f"{call}, which is {sizes[0]} too many",
            expected=f"{wanted:,}",
            why="Inputs are given, not learned, so they have no biases.",
            next="Count a bias only for the units of a layer.",
        )
        expect(
            count == wanted,
            observed=call,
            expected=f"{wanted:,}: the weights and the biases of {len(sizes) - 1} layer(s)",
            misconception="biases-not-counted" if count == weights else None,
            why="A unit learns one weight for each of its inputs and one bias.",
            next="Work out one layer by hand, for example 3 inputs and 2 units, and compare.",
        )


def network(rng, n, sizes):
    """Inputs (n, sizes[0]) and a list of (W, b) pairs for the layers."""
    params = [(numbers(rng, a, b), numbers(rng, b)) for a, b in zip(sizes, sizes[1:])]
    return numbers(rng, n, sizes[0]), params


def scores_of(x, params, relu=(True, True, False), layer=lambda x, W, b: x @ W + b):
    """The network's scores, with ReLU after those layers that are asked for."""
    for (W, b), with_relu in zip(params, relu):
        x = layer(x, W, b)
        x = np.maximum(x, 0) if with_relu else x
    return x


def wrong_scores(x, params):
    """(code, scores) of networks with a known mistake; wrong products only where all is square."""
    known = [
        ("relu-output", scores_of(x, params, (True, True, True))),
        ("no-hidden-activation", scores_of(x, params, (False, False, False))),
        ("no-hidden-activation", scores_of(x, params, (False, True, False))),
        ("no-hidden-activation", scores_of(x, params, (True, False, False))),
    ]
    if all(W.shape == x.shape for W, _ in params):
        known += [
            ("swapped-matmul", scores_of(x, params, layer=lambda x, W, b: W @ x + b)),
            ("elementwise-for-matmul", scores_of(x, params, layer=lambda x, W, b: x * W + b)),
            ("bias-shape", scores_of(x, params, layer=lambda x, W, b: x @ W + b[:, None])),
        ]
    return known


def overflowed(answer, shape):
    """Whether an answer is what softmax gives where exp overflows: from 0 to 1, or NaN."""
    table = as_table(answer)
    if table is None or table.shape != shape or not np.isnan(table).any():
        return False
    return bool((np.isnan(table) | ((table >= 0) & (table <= 1))).all())


def expect_raw_scores(answer, right, call):
    """Name two steps too many: softmax, and choosing the class."""
    powers = np.exp(right - right.max(axis=1, keepdims=True))
    softmax = powers / powers.sum(axis=1, keepdims=True)
    expect(
        not same(answer, softmax) and not overflowed(answer, right.shape),
        observed=f"{call} gave probabilities",
        expected="the scores of the last layer as they are",
        why="The task asks for a linear last layer; softmax is a step of its own.",
        next="Return what the last linear layer gives.",
    )
    expect(
        not same(answer, right.argmax(axis=1)),
        observed=f"{call} gave one class for each image",
        expected=f"the scores of all classes: shape {right.shape}",
        why="The class can be found from the scores, but not the scores from the class.",
        next="Return what the last linear layer gives.",
    )


@pytest.mark.needs("linear")
def test_forward(student, rng):
    """forward sends the images through two ReLU layers and a linear one."""
    for n, sizes in [(5, [5, 5, 5, 5]), (6, [7, 8, 5, 4]), (1, [12, 6, 6, 3])]:
        x, params = network(rng, n, sizes)
        right = scores_of(x, params)
        answer = student.forward(x, params)
        units = ", ".join(map(str, sizes[1:]))
        call = f"forward(x, params) with x of shape {x.shape} and layers of {units} units"
        expect_raw_scores(answer, right, call)
        expect_answer(answer, right, call, *wrong_scores(x, params), tolerance=1e-3)
