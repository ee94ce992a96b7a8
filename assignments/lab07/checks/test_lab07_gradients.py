"""Public checks of lab07: the gradient of a linear classifier, by hand."""

import ast

import numpy as np

from grader.checks import expect, expect_array
from grader.checks.expectations import in_words, plain_array
from grader.diagnosis.source import Source, called

MEAN_LOSS = (
    "Descent goes against the gradient, so its sign decides whether the loss falls.",
    "Try one small step against your gradient: does the loss fall?",
)
NO_SOFTMAX = (
    "The loss compares probabilities with labels, and scores are no probabilities yet.",
    "Write down how the loss is computed, step by step, and count the steps in your gradient.",
)
NO_BIAS = (
    "The probabilities depend on the bias; without it they are those of another model.",
    "Compare the scores in your function with those of a linear layer.",
)


WORDS = {
    "gradient-not-averaged": (
        "The loss is a mean over the examples, so its gradient is a mean too, for W and for b.",
        "Give your function every example twice: which of its two answers changes, and should it?",
    ),
    "bias-gradient-not-summed": (
        "One bias serves all examples, so what each of them says about it has to come together.",
        "Compare the shape of your db with that of b: which axis is too much, or went by mistake?",
    ),
    "swapped-matmul": (
        "Each entry of dW belongs to one weight, so dW has the shape of W: inputs by classes.",
        "Write down the shapes of the two factors of your product, and the shape that is wanted.",
    ),
    "sigmoid-output": (
        "With sigmoid every class is judged on its own; here the probabilities of a row share 1.",
        "Look at how your function turns the scores into probabilities.",
    ),
}
"""(why, next) where the catalogue speaks of networks and the task is one function."""


def shares(z, axis=1):
    """Softmax in float64."""
    powers = np.exp(z.astype(np.float64) - z.max())
    return powers / powers.sum(axis=axis, keepdims=True)


def gradients_of(X, off):
    """(dW, db) for the differences `off` (n, k), each already divided as it should be."""
    return X.T.astype(np.float64) @ off, off.sum(axis=0)


def named_gradients(X, Y, W, b):
    """(code, dW, db) of mistakes that have a name."""
    z, n = X @ W + b, len(X)
    off = shares(z) - Y
    dW, db = gradients_of(X, off / n)
    columns = gradients_of(X, (shares(z, axis=0) - Y) / n)
    sigmoid = gradients_of(X, (1 / (1 + np.exp(-z.astype(np.float64))) - Y) / n)
    found = [
        ("gradient-not-averaged", dW * n, db * n),
        ("gradient-not-averaged", dW, db * n),
        ("gradient-not-averaged", dW * n, db),
        ("softmax-axis", *columns),
        ("sigmoid-output", *sigmoid),
    ]
    for rows in (off, off / n):
        found += [("bias-gradient-not-summed", scale * dW, rows) for scale in (1, n)]
        found.append(("bias-gradient-not-summed", dW, rows.sum(axis=1)))
    if dW.shape[0] == dW.shape[1]:
        found.append(("swapped-matmul", dW.T, db))
    return found


def slips_of_gradients(X, Y, W, b):
    """(words, (why, next), dW, db) of mistakes that have no name."""
    z, n, k = X @ W + b, len(X), W.shape[1]
    dW, db = gradients_of(X, (shares(z) - Y) / n)
    linear, bare = gradients_of(X, (z - Y) / n), gradients_of(X, (shares(X @ W) - Y) / n)
    return [
        ("the gradient with the wrong sign", MEAN_LOSS, -dW, -db),
        ("a gradient without softmax", NO_SOFTMAX, *linear),
        ("a gradient without softmax", NO_SOFTMAX, 2 * linear[0], 2 * linear[1]),
        ("a gradient that leaves out the bias", NO_BIAS, *bare),
        ("the mean over the classes as well", AVERAGED, dW / k, db / k),
        ("the mean over the classes as well", AVERAGED, dW, db / k),
        ("the sums divided by the number of classes", AVERAGED, dW * n / k, db * n / k),
    ]


AVERAGED = (
    "The loss is a mean over the examples, and over nothing else.",
    "Say by which number your function divides, and why.",
)


def same(found, wanted):
    """Whether an array has the shape and the numbers of another."""
    array, wanted = plain_array(found), np.asarray(wanted)
    if array is None or array.shape != wanted.shape:
        return False
    bound = 1e-4 * max(float(np.abs(wanted).max()), 1e-3)
    return bool(np.allclose(array, wanted, rtol=0, atol=bound))


def two_of(answer, call):
    """The two parts of an answer (dW, db); fails where there are not two."""
    expect(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        observed=f"{call} returned {in_words(answer)}",
        expected="two arrays: dW, then db",
        next="End the function with `return dW, db`.",
    )
    return answer


def batch(rng, n, d, k):
    """X (n, d), one-hot Y (n, k), W (d, k) and b (k,), all float32."""
    X = rng.normal(size=(n, d)).astype(np.float32)
    Y = np.eye(k, dtype=np.float32)[rng.integers(0, k, size=n)]
    return X, Y, rng.normal(size=(d, k)).astype(np.float32), rng.normal(size=k).astype(np.float32)


def test_gradients(student, submission, rng):
    """gradients gives the derivatives of the mean softmax cross-entropy for W and b."""
    for n, d, k in [(4, 4, 4), (6, 5, 3), (1, 3, 2)]:
        given = batch(rng, n, d, k)
        call = f"gradients(X, Y, W, b) with X {(n, d)}, Y {(n, k)}, W {(d, k)} and b {(k,)}"
        X, Y, W, b = given
        right = gradients_of(X, (shares(X @ W + b) - Y) / n)
        dW, db = two_of(student.gradients(*given), call)
        if same(dW, right[0]) and row_of(db, right[1]):
            continue
        expect(
            not (same(dW, right[1]) and same(db, right[0])),
            observed=f"{call} returned db first and dW second",
            expected="dW first, db second",
            next="Look at the last line of your function.",
        )
        for code, *wrong in named_gradients(*given):
            why, step = WORDS.get(code, (None, None))
            expect(
                not (same(dW, wrong[0]) and same(db, wrong[1])),
                observed=f"{call}: dW is {sketch(dW)}, db is {sketch(db)}",
                expected=f"dW {sketch(right[0])}, db {sketch(right[1])}",
                misconception=code,
                why=why,
                next=step,
            )
        for told, (why, step), *wrong in slips_of_gradients(*given):
            expect(
                not (same(dW, wrong[0]) and same(db, wrong[1])),
                observed=f"{call} gave {told}",
                expected=f"dW {sketch(right[0])}, db {sketch(right[1])}",
                why=why,
                next=step,
            )
        expect_array(dW, right[0], call=f"the dW of {call}", tolerance=1e-4)
        expect_array(db, right[1], call=f"the db of {call}", tolerance=1e-4)
    expect_by_hand(submission)


def row_of(db, wanted):
    """Whether db holds the right numbers, also as a table of one row."""
    array = plain_array(db)
    return array is not None and array.size == wanted.size and same(array.reshape(-1), wanted)


def sketch(answer):
    """An array in few words: its shape and its first numbers."""
    array = plain_array(answer)
    if array is None or array.size == 0:
        return in_words(answer)
    numbers = ", ".join(f"{value:.4g}" for value in array.reshape(-1)[:3].tolist())
    return f"{array.shape} [{numbers}{', …' if array.size > 3 else ''}]"


TAPES = {"GradientTape", "gradient", "jacobian", "gradients", "grad", "value_and_grad"}


def expect_by_hand(submission):
    """Expect that the function leaves automatic differentiation to the comparison; half if not."""
    for item in Source(submission).statements:
        if not isinstance(item.node, ast.FunctionDef) or item.node.name != "gradients":
            continue
        calls = [node for node in ast.walk(item.node) if isinstance(node, ast.Call)]
        expect(
            not any(called(call) in TAPES for call in calls),
            observed="gradients asks for automatic differentiation",
            expected="the two derivatives as formulas of your own",
            why="The numbers are right. But the task is to see where they come from; the tape is "
            "there to compare with.",
            next="Begin with the difference between the probabilities and Y, and ask what it says "
            "about each score, then about each weight.",
            earned=0.5,
            cell=item.cell,
            line=item.line,
        )
