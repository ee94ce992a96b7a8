"""Public checks of lab08: the four functions, on small inputs of several shapes.

Each begins with as many images as classes, because there a wrong axis gives an answer that can be
named; on other shapes it may only raise.
"""

import numpy as np

from grader.checks import expect, expect_array, fail
from grader.checks.expectations import in_words, plain_array
from grader.checks.running import expect_finished


def test_runs(evidence, diagnosis):
    """Every cell runs, from top to bottom, without an error."""
    expect_finished(evidence, diagnosis)


# ---------------------------------------------------------------- what is right


def shares(z, axis=1):
    """Softmax in float64, along an axis (None: over the whole table)."""
    powers = np.exp(z.astype(np.float64) - z.max())
    return powers / powers.sum(axis=axis, keepdims=True)


def scores(rng, n, k):
    """Scores between -2 and 2 as float32, with one decimal so that they can be worked out."""
    return (rng.integers(-20, 21, size=(n, k)) / 10).astype(np.float32)


def every_class(n, k):
    """Labels (n,) in which no class follows from its place."""
    return (3 * np.arange(n) + 2) % k


def close(answer, value):
    """Whether an answer holds these numbers; a tiny number inside a logarithm does no harm."""
    array, value = plain_array(answer), np.asarray(value, dtype=np.float64)
    if array is None or array.size != value.size or array.size == 0:
        return False
    bound = 2e-3 * max(1.0, float(np.abs(value).max()))
    return bool(np.allclose(array.reshape(-1), value.reshape(-1), rtol=0, atol=bound))


# ---------------------------------------------------------------- softmax


def test_softmax(student, rng):
    """softmax turns the scores of each image into probabilities."""
    for n, k in [(4, 4), (5, 3), (2, 10), (1, 6)]:
        z = scores(rng, n, k)
        right = shares(z)
        answer = student.softmax(z)
        call = f"softmax(z) with z of shape {(n, k)}"
        raw = np.exp(z.astype(np.float64))
        known = [
            ("softmax-axis", shares(z, axis=0)),
            ("softmax-axis", shares(z, axis=None)),
            ("softmax-twice", shares(right)),
            ("sigmoid-output", raw / (1 + raw)),
        ]
        known += [("softmax-axis", raw / raw.sum(axis=1))] if n == k else []
        mistakes = next(({code: wrong} for code, wrong in known if close(answer, wrong)), {})
        for told, wrong in [
            ("the powers, not yet shared out", raw),
            ("the logarithms of the probabilities", np.log(right)),
            ("scores divided by their sum", z / z.sum(axis=1, keepdims=True)),
        ]:
            expect(
                not close(answer, wrong) or close(answer, right),
                observed=f"{call} gave {told}",
                expected="numbers from 0 to 1 that add up to 1 in each row",
                why="Probabilities are shares of one whole, larger for larger scores.",
                next="Work out the two scores 0 and 1 by hand: which shares do they get?",
            )
        expect_array(answer, right, call=call, mistakes=mistakes, tolerance=1e-4)


# ---------------------------------------------------------------- one number for many images

NOT_A_MEAN = (
    "A loss is compared between sets of any size, so it is the mean over the images.",
    "Count what your function adds up, and by what it divides.",
)
NO_SIGN = (
    "The logarithm of a probability is negative, and a loss is to shrink towards 0.",
    "Compare the sign of your answer for a good guess with that for a bad one.",
)
OTHER_BASE = (
    "Cross-entropy is measured with the natural logarithm, here and in Keras.",
    "Look at which logarithm your function calls.",
)
NO_LOG = (
    "It is the logarithm that punishes a confident mistake without bound.",
    "Say what the loss should be where the right class got probability 1, and where it got 0.",
)


def slips_of(values):
    """Known slips of a mean cross-entropy whose losses are `values` (n,), one for each image."""
    mean = values.mean()
    return [
        (values.sum(), "the sum over all images", None, NOT_A_MEAN),
        (-mean, "the loss with the wrong sign", None, NO_SIGN),
        (mean / np.log(2), "the loss in another base of the logarithm", None, OTHER_BASE),
        (mean / np.log(10), "the loss in another base of the logarithm", None, OTHER_BASE),
    ]


def expect_number(answer, right, call, slips):
    """Expect one number; an answer that equals one of the slips is told what it is."""
    for value, told, code, words in slips:
        why, step = words or (None, None)
        if close(answer, value) and not close(answer, right):
            fail(
                observed=f"{call} gave {told}",
                expected=f"{right:.4g}",
                misconception=code,
                why=why,
                next=step,
            )
    array = plain_array(answer)
    expect(
        array is not None and array.size == 1,
        observed=f"{call} returned {in_words(answer)}",
        expected="one number",
        why="A loss or an accuracy sums up all images in a single number.",
        next="Print the shape of what you return, and reduce what is left of it.",
    )
    found = float(array.reshape(()))
    expect(
        np.isfinite(found),
        observed=f"{call} gave {found}",
        expected=f"{right:.4g}",
        why="The logarithm of 0 is minus infinity, and that of a negative number is none at all.",
        next="Print what goes into your logarithm.",
    )
    expect(
        close(found, right),
        observed=f"{call} gave {found:.4g}",
        expected=f"{right:.4g}",
        next="Work out two images by hand and compare with what your function returns.",
    )


SOFTMAX_AGAIN = "the loss of softmax(p): what came in are probabilities already"


def slips_with_probabilities(p, onehot):
    """Known slips of cross_entropy(p, onehot)."""
    wide, right = p.astype(np.float64), onehot > 0
    values = -np.log(wide[right])
    binary = -(onehot * np.log(wide) + (1 - onehot) * np.log1p(-wide))
    squares = (p - onehot) ** 2
    chosen = wide[right].mean()
    return [
        *slips_of(values),
        (values.sum() / p.size, "the mean over all places of the table", None, NOT_A_MEAN),
        (1 - chosen, "the missing probability, without a logarithm", None, NO_LOG),
        (chosen, "the probability of the right class, without a logarithm", None, NO_LOG),
        (-np.log(shares(p)[right]).mean(), SOFTMAX_AGAIN, "softmax-twice", None),
        (binary.mean(), "the binary loss", "binary-loss-for-many", None),
        (binary.sum(axis=1).mean(), "the binary loss", "binary-loss-for-many", None),
        (squares.mean(), "the squared error", "regression-loss", None),
        (squares.sum(axis=1).mean(), "the squared error", "regression-loss", None),
    ]


def test_cross_entropy(student, rng):
    """cross_entropy is the mean loss of probabilities against one-hot labels."""
    for n, k in [(4, 4), (6, 3), (1, 5)]:
        p = shares(scores(rng, n, k)).astype(np.float32)
        onehot = np.eye(k, dtype=np.float32)[every_class(n, k)]
        right = -np.log(p[onehot > 0]).mean()
        call = f"cross_entropy(p, onehot) with {n} image(s) and {k} classes"
        slips = slips_with_probabilities(p, onehot)
        expect_number(student.cross_entropy(p, onehot), right, call, slips)


LOGITS = (
    "Scores are no probabilities: their logarithm means nothing, and for negative ones is none.",
    "Ask what has to happen to scores before a logarithm can be taken.",
)
COUNTED = (
    "Class numbers are places in a row, and places are counted from 0.",
    "Look for a 1 that is added to the labels or taken away from them.",
)
ROW_OF_LABELS = (
    "A label names the one class that counts; it is no row of numbers to multiply by.",
    "Say in words which entry of each row the loss needs, and how you pick it.",
)
AGAIN = "the loss after a second softmax"
DOWN = "the loss of a softmax down the columns"
HALF_DONE = (
    "The score of the right class says little by itself: what counts is its lead over the others.",
    "Write the logarithm of a softmax as a difference; you have one of its two parts.",
)


def slips_with_scores(z, labels):
    """Known slips of cross_entropy_from_logits(z, labels)."""
    rows, columns = np.arange(len(z)), shares(z, axis=0)
    p, wide = shares(z), z.astype(np.float64)
    raw = wide[rows, labels]
    slips = slips_of(-np.log(p[rows, labels]))
    slips += [
        (-raw.mean(), "the scores of the right classes with a minus", None, HALF_DONE),
        (-np.log(columns[rows, labels]).mean(), DOWN, "softmax-axis", None),
        (
            -np.log(shares(p)[rows, labels]).mean(),
            "the loss after a second softmax",
            "softmax-twice",
            None,
        ),
    ]
    for shift in (-1, 1):
        moved = -np.log(p[rows, (labels + shift) % z.shape[1]]).mean()
        slips.append((moved, "the loss of the class next to the label", "labels-from-one", COUNTED))
    if (z > 0).all():
        taken = [raw, raw / z.sum(axis=1), np.clip(raw, 1e-7, 1 - 1e-7)]
        told = "the loss of scores that were taken for probabilities"
        slips += [(-np.log(p).mean(), told, "logits-without-flag", LOGITS) for p in taken]
    if len(z) == z.shape[1]:
        told = "the labels as if they were a one-hot row"
        spread = -(labels * np.log(p)).sum(axis=1).mean()
        slips.append((spread, told, "integers-with-categorical-loss", ROW_OF_LABELS))
    return slips


def test_cross_entropy_from_logits(student, rng):
    """cross_entropy_from_logits is the same loss of raw scores and class numbers."""
    for n, k, lift in [(4, 4, 2.5), (6, 3, 0), (1, 5, 0)]:
        z = scores(rng, n, k) + np.float32(lift)
        labels = every_class(n, k)
        right = -np.log(shares(z)[np.arange(n), labels]).mean()
        call = f"cross_entropy_from_logits(z, labels) with z of shape {(n, k)}"
        answer = student.cross_entropy_from_logits(z, labels)
        expect_number(answer, right, call, slips_with_scores(z, labels))


# ---------------------------------------------------------------- accuracy

SHARE = (
    "A share can be compared between sets of any size; it runs from 0 to 1.",
    "Say what your function should give where every answer is right.",
)
SCORED = np.array(
    [
        [0.2, -0.5, 0.1, 3.0, 0.0, -1.0],
        [0.1, 0.6, -0.3, 0.4, 0.2, 0.3],
        [-0.2, 1.0, 0.5, 2.0, 1.2, 0.1],
        [1.4, 0.7, 1.8, 2.5, -0.4, 0.6],
        [0.3, 0.2, 1.5, 0.8, 0.4, 0.9],
        [0.8, -0.1, 0.0, 0.5, -2.0, 0.7],
    ],
    dtype=np.float32,
)
TRUE = np.array([3, 2, 3, 3, 2, 4])
"""Four of six answers are right, and every known slip gives another number than the others."""


def slips_of_accuracy(z, labels):
    """Known slips of accuracy(z, labels)."""
    said = z.argmax(axis=1)
    right = float((said == labels).mean())
    table = float((said[:, None] == labels).mean())
    one = float((labels == z.argmax()).mean())
    slips = [
        (1 - right, "the share of wrong answers", None, SHARE),
        (100 * right, "a percentage", None, SHARE),
        (len(z) * right, "the number of right answers", None, SHARE),
        (
            table,
            "the mean of a table that compares every answer with every label",
            "broadcast-accuracy",
            None,
        ),
        (one, "a comparison of the labels with one single place", "argmax-axis", None),
        (float((said + 1 == labels).mean()), "answers counted from 1", "labels-from-one", COUNTED),
    ]
    if len(z) == z.shape[1]:
        down = float((z.argmax(axis=0) == labels).mean())
        slips.append((down, "the share for the best image of each class", "argmax-axis", None))
    return slips


def test_accuracy(student, rng):
    """accuracy is the share of images whose highest score is that of their label."""
    third = np.array([[0.5, 1.5, 1.0, 0.0]], dtype=np.float32)
    others = scores(rng, 8, 3)
    for z, labels in [(SCORED, TRUE), (others, every_class(8, 3)), (third, np.array([1]))]:
        right = float((z.argmax(axis=1) == labels).mean())
        answer = student.accuracy(z, labels)
        call = f"accuracy(z, labels) with z of shape {z.shape}"
        array = plain_array(answer)
        expect(
            array is None or array.shape != (len(z),) or len(z) == 1,
            observed=f"{call} gave a number for each image",
            expected=f"one number, {right:.4g}",
            why="An accuracy sums up all images in a single number.",
            next="Say what share of the entries is right.",
        )
        expect_number(answer, right, call, slips_of_accuracy(z, labels))
