"""Public checks of lab01: what the four functions return for small inputs of several shapes."""

import numpy as np
import pytest

from grader.checks import Batches, CheckFailed, StudentFault, expect, expect_array, fail


def raw_pixels(rng, shape):
    """Pixels as MNIST has them: uint8 from 0 to 255, easily read ones first."""
    x = rng.integers(0, 256, size=shape).astype(np.uint8)
    x.flat[:4] = 0, 255, 51, 204
    return x


def scaled(function, x, call):
    """Call the student's function; name the one exception that everybody meets here."""
    try:
        return function(x)
    except StudentFault as broken:
        if "Cannot cast ufunc 'divide'" in broken.fault.message:
            fail(
                observed=f"{call} stopped: a fraction cannot be stored in an array of uint8",
                expected="a new array of float32",
                misconception="in-place-divide",
                cell=broken.fault.cell,
                line=broken.fault.line,
            )
        raise


def same(answer, array):
    """Whether an answer has the array's shape and, nearly, its values."""
    try:
        table = np.asarray(answer)
    except (ValueError, TypeError):
        return False
    return (
        table.dtype.kind in "biuf"
        and table.shape == array.shape
        and np.allclose(table, array, rtol=0, atol=1e-4 * max(1, float(np.abs(array).max())))
    )


# What a mistake means inside one function, where the catalogue speaks of training: (why, next).
WORDS = {
    "no-scaling": (
        "Raw pixels go up to 255. Inputs that large make the first weight updates huge.",
        "Follow a pixel of 255 through your function: what must happen to it?",
    ),
    "double-scaling": (
        "After a second division every pixel is almost 0, so all pictures look black.",
        "Follow a pixel of 255 through your function: after which line is it right?",
    ),
    "one-hot-twice": (
        "Rows that are one-hot already are encoded again, which adds another axis.",
        "Print the shape after each step: after which one is it right?",
    ),
    "labels-from-one": (
        "Places are counted from 0, as everywhere in Python, so the digit 0 has the first place.",
        "Write down the row of the digit 0 and of the digit 1 and compare.",
    ),
    "wrong-class-count": (
        "The labels at hand need not hold every digit, but a network always has ten outputs.",
        "Let the number of places be the number of digits that there are, not of those present.",
    ),
}


def expect_answer(answer, right, call, known, tolerance=1e-3):
    """Expect `right`; an answer that equals one of the (code, wrong array) pairs is named."""
    mistakes = {}
    if not same(answer, right):
        mistakes = next(({code: wrong} for code, wrong in known if same(answer, wrong)), {})
    try:
        expect_array(answer, right, call=call, mistakes=mistakes, tolerance=tolerance)
    except CheckFailed as failed:
        short = failed.shortfall
        if short.misconception not in WORDS:
            raise
        why, step = WORDS[short.misconception]
        fail(
            observed=short.observed,
            expected=short.expected,
            misconception=short.misconception,
            why=why,
            next=step,
        )


def expect_ends(answer, x, call, low, high):
    """Say it in terms of the range where a scaled answer has the right shape but other ends."""
    if not isinstance(answer, np.ndarray) or answer.shape != x.shape:
        return
    ends = float(answer[x == 0].mean()), float(answer[x == 255].mean())
    near = max(abs(ends[0] - low), abs(ends[1] - high)) < 0.02
    expect(
        np.allclose(ends, (low, high), rtol=0, atol=1e-3),
        observed=f"{call} turned 0 into {ends[0]:.4g} and 255 into {ends[1]:.4g}",
        expected=f"{low} and {high}",
        why="The ends of the range are only reached if the divisor fits the largest pixel, 255."
        if near
        else "A network expects the range for which it was made.",
        next="Put 0 and 255 into your formula, by hand.",
        earned=0.5 if near else 0.0,
    )


SHAPES = [(5, 28, 28), (1, 28, 28), (3, 4, 6), (7, 5)]


def test_normalize(student, rng):
    """normalize turns raw pixels 0 … 255 into numbers from 0 to 1."""
    for shape in SHAPES:
        x = raw_pixels(rng, shape)
        right = x / 255
        call = f"normalize(x) with raw pixels of shape {shape}"
        answer = scaled(student.normalize, x, call)
        known = [
            ("no-scaling", x),
            ("double-scaling", right / 255),
            ("integer-division", x // 255),
            ("uint8-overflow", (x * 2) / 255 / 2),
            ("uint8-overflow", (x * 2) / 510),
            ("uint8-overflow", (x + 1) / 256),
        ]
        if not any(same(answer, wrong) for _, wrong in known):
            expect_ends(answer, x, call, 0.0, 1.0)
        expect_answer(answer, right, call, known)


def overflows(x):
    """What common formulas for -1 … 1 give when they are worked out in uint8."""
    return [
        (x * 2) / 255 - 1,
        (x * 2 - 255) / 255,
        (x - 128) / 128,
        (x - 128) / 127,
        (x - 127) / 127,
        (x - 127) / 128,
        (x - 128) / 127.5,
        (x - 127) / 127.5,
        (x + x) / 255 - 1,
    ]


def test_rescale(student, rng):
    """rescale turns raw pixels 0 … 255 into numbers from -1 to 1."""
    for shape in SHAPES:
        x = raw_pixels(rng, shape)
        right = x / 127.5 - 1
        call = f"rescale(x) with raw pixels of shape {shape}"
        answer = scaled(student.rescale, x, call)
        known = [
            *(("uint8-overflow", wrong) for wrong in overflows(x)),
            ("no-scaling", x),
            ("double-scaling", x / 255 / 127.5 - 1),
            ("double-scaling", x / 255 / 255 * 2 - 1),
            ("integer-division", x // 127.5 - 1),
            ("integer-division", (x // 255) * 2.0 - 1),
            ("integer-division", (x // 127) - 1.0),
            ("integer-division", (x // 128) - 1.0),
        ]
        if not any(same(answer, wrong) for _, wrong in known):
            expect_ends(answer, x, call, -1.0, 1.0)
        expect_answer(answer, right, call, known)


def test_encode(student):
    """encode writes each label as a one-hot row of ten."""
    for labels in ([5, 0, 4, 1, 9, 2, 1, 3], [2, 0, 1, 2], [7]):
        y = np.array(labels, dtype=np.uint8)
        right = np.eye(10)[y]
        known = [
            ("labels-from-one", np.eye(10)[y.astype(int) - 1]),
            ("labels-from-one", np.eye(11)[y]),
            ("wrong-class-count", np.eye(int(y.max()) + 1)[y]),
            ("wrong-class-count", np.eye(len(set(labels)))[np.unique(y, return_inverse=True)[1]]),
            ("one-hot-twice", np.eye(2)[right.astype(int)]),
            ("one-hot-twice", np.eye(10)[right.astype(int)]),
            ("labels-scaled", right / 255),
            ("labels-scaled", y / 255),
        ]
        expect_answer(student.encode(y), right, f"encode(y) with y = {labels}", known)


def numbered(rng, n):
    """n tiny pictures (n, 2, 2) that carry their own number, and a label for each."""
    x = rng.random((n, 2, 2)).astype(np.float32)
    x[:, 0, 0] = np.arange(n)
    return x, rng.integers(0, 10, size=n)


def pairs_of(answer, call):
    """The (pictures, labels) arrays of each batch; fails for anything else."""
    kind = type(answer).__name__
    expect(
        isinstance(answer, Batches),
        observed=f"{call} returned {'nothing (None)' if answer is None else f'a {kind}'}",
        expected="a tf.data.Dataset",
        why="A dataset hands out its batches one after the other, which is what `fit` works with.",
        next="Build a dataset from the arrays, and return it.",
    )
    expect(
        not answer.cut,
        observed=f"{call} goes on for more than {len(answer.batches):,} batches",
        expected="each picture once, then the end",
        why="One pass over the data is one epoch.",
        next="Look for `repeat`, or for a missing `batch`.",
    )
    expect(
        answer.batches,
        observed=f"{call} holds no batch at all",
        expected="batches of pictures and labels",
        next="Look at what you build the dataset from.",
    )
    for batch in answer.batches:
        arrays = all(isinstance(part, np.ndarray) and part.ndim > 0 for part in batch)
        expect(
            len(batch) == 2 and arrays and len(batch[0]) == len(batch[1]),
            observed=f"{call} gives elements of {described(batch)}",
            expected="pairs: some pictures, and as many labels",
            why="`fit` takes each element apart into pictures and labels of a batch.",
            next="Take one element with `next(iter(…))` and print the shapes of its parts.",
        )
    return answer.batches


def described(batch):
    """The shapes of an element's parts."""
    return " and ".join(f"shape {np.shape(p)}" if np.size(p) else "nothing" for p in batch[:4])


def rows_of(batches, x, call):
    """The numbers of the pictures in the order in which they came; fails if they are changed."""
    got = np.concatenate([part for part, _ in batches])
    ours = got.shape[1:] == x.shape[1:] and np.allclose(got[:, 0, 0], np.round(got[:, 0, 0]))
    numbers = got[:, 0, 0].round().astype(int) if ours else np.zeros(0, dtype=int)
    ours = ours and np.all((numbers >= 0) & (numbers < len(x)))
    expect(
        ours and np.allclose(got, x[numbers], atol=1e-3),
        observed=f"{call} gives pictures that are not those that went in",
        expected="the pictures as they are",
        why="Scaling has a function of its own; batches only deals the pictures out.",
        next="Pass x on without changing it.",
    )
    return numbers


def test_batches_keep_pairs(student, rng):
    """batches keeps each picture together with its label."""
    x, y = numbered(rng, 200)
    call = "batches(x, y, 64) with 200 pictures"
    batches = pairs_of(student.batches(x, y, 64), call)
    rows = rows_of(batches, x, call)
    labels = np.concatenate([part for _, part in batches]).reshape(len(rows), -1)
    classes = labels.argmax(axis=1) if labels.shape[1] == 10 else labels[:, 0]
    wrong = int(np.sum(classes != y[rows]))
    expect(
        wrong == 0,
        observed=f"{call}: {wrong} of {len(rows)} pictures come with the label of another",
        expected="each picture with its own label",
        misconception="labels-misaligned",
    )


def expect_sizes(batches, rows, n, size, call):
    """Every picture once, in batches of `size` but for a smaller last one."""
    sizes = [len(part) for part, _ in batches]
    expect(
        len(rows) != n - n % size or n % size == 0 or any(part != size for part in sizes),
        observed=f"{call} gives {len(sizes)} batches: {n - len(rows)} pictures are left out",
        expected=f"{-(-n // size)} batches, the last of {n % size}",
        misconception="remainder-dropped",
    )
    wanted = [min(size, n - start) for start in range(0, n, size)]
    expect(
        len(set(rows.tolist())) == n == len(rows),
        observed=f"{call} gives {len(rows):,} pictures, {len(set(rows.tolist())):,} different ones",
        expected=f"each of the {n:,} pictures once",
        why="A picture that is left out is never learned, and one that comes twice counts double.",
        next="Count the pictures in your batches and compare with what went in.",
    )
    expect(
        sizes == wanted,
        observed=f"{call} gives batches of {', '.join(map(str, sizes[:4]))} … {sizes[-1]}",
        expected=f"batches of {size}, the last of {wanted[-1]}",
        misconception="hard-coded-size" if sizes[0] != min(size, n) else None,
        why="The number of pictures in a batch is the caller's choice.",
        next="Look at where your code uses `size`.",
    )


@pytest.mark.needs("batches_keep_pairs")
def test_batches_keep_all(student, rng):
    """batches leaves no picture out: 60,000 in batches of 512 make 118, the last of 96."""
    for n, size in [(200, 64), (60_000, 512)]:
        x, y = numbered(rng, n)
        call = f"batches(x, y, {size}) with {n:,} pictures"
        batches = pairs_of(student.batches(x, y, size), call)
        expect_sizes(batches, rows_of(batches, x, call), n, size, call)
