"""Hidden checks of lab07: the two functions at other sizes."""

import numpy as np
import pytest

from grader.checks import expect, expect_array
from grader.checks.expectations import in_words, plain_array

pytestmark = pytest.mark.hidden


@pytest.mark.needs("polyfit_errors")
def test_polyfit_many_degrees(student, rng):
    """polyfit_errors works for any points and any degrees."""
    for n, n_val, degrees in [(30, 200, [0, 3, 7]), (9, 4, [5])]:
        x, x_val = rng.uniform(-1, 1, size=n), rng.uniform(-0.9, 0.9, size=n_val)
        y, y_val = np.cos(4 * x) + 2, np.cos(4 * x_val) + 2 + rng.normal(0, 0.1, size=n_val)
        y = y + rng.normal(0, 0.1, size=n)
        answer = student.polyfit_errors(x, y, degrees, x_val, y_val)
        for degree in degrees:
            c = np.polyfit(x, y, degree)
            right = [((np.polyval(c, a) - b) ** 2).mean() for a, b in ((x, y), (x_val, y_val))]
            pair = answer.get(degree) if isinstance(answer, dict) else answer
            found = plain_array(pair)
            expect(
                found is not None
                and found.size == 2
                and np.allclose(found.reshape(2), right, rtol=1e-2, atol=1e-7),
                observed=f"degree {degree} on {n} points gave "
                f"{in_words(pair) if found is None or found.size != 2 else found.reshape(2)}",
                expected=f"{right[0]:.4g} and {right[1]:.4g}",
                why="The degrees and the number of points may be any.",
                next="Look for a number that is typed in where an argument belongs.",
            )


@pytest.mark.needs("gradients")
def test_gradients_many_sizes(student, rng):
    """gradients works for any number of examples, inputs and classes."""
    for n, d, k in [(200, 12, 10), (3, 1, 5), (50, 30, 2)]:
        X = rng.normal(size=(n, d)).astype(np.float32)
        W, b = (rng.normal(size=size).astype(np.float32) / 2 for size in ((d, k), (k,)))
        Y = np.eye(k, dtype=np.float32)[rng.integers(0, k, size=n)]
        powers = np.exp((X @ W + b).astype(np.float64))
        off = (powers / powers.sum(axis=1, keepdims=True) - Y) / n
        call = f"gradients with {n} examples of {d} inputs and {k} classes"
        answer = student.gradients(X, Y, W, b)
        expect(
            isinstance(answer, (tuple, list)) and len(answer) == 2,
            observed=f"{call} returned {in_words(answer)}",
            expected="two arrays: dW, then db",
            next="End the function with `return dW, db`.",
        )
        dW, db = answer
        array = plain_array(db)
        db = array.reshape(-1) if array is not None and array.size == k else db
        expect_array(dW, X.T @ off, call=f"the dW of {call}", tolerance=1e-3)
        expect_array(db, off.sum(axis=0), call=f"the db of {call}", tolerance=1e-3)
