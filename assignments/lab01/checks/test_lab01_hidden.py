"""Hidden checks of lab01: the same functions on other pictures, labels and sizes."""

import numpy as np
import pytest

from grader.checks import Batches, expect, expect_array

pytestmark = pytest.mark.hidden


def other_pixels(rng, shape):
    """Raw pixels with many black ones, as in a digit, and both ends present."""
    x = rng.integers(0, 256, size=shape) * (rng.random(shape) < 0.3)
    x.flat[:3] = 255, 0, 102
    return x.astype(np.uint8)


@pytest.mark.needs("normalize")
def test_normalize_many_pictures(student, rng):
    """normalize works for any number of pictures of any size."""
    for shape in [(500, 9, 7), (1, 2, 3), (2, 28, 28, 1), (4, 784)]:
        x = other_pixels(rng, shape)
        call = f"normalize(x) with raw pixels of shape {shape}"
        expect_array(student.normalize(x), x / 255, call=call, tolerance=1e-3)


@pytest.mark.needs("rescale")
def test_rescale_many_pictures(student, rng):
    """rescale works for any number of pictures of any size."""
    for shape in [(500, 9, 7), (1, 2, 3), (2, 28, 28, 1), (4, 784)]:
        x = other_pixels(rng, shape)
        call = f"rescale(x) with raw pixels of shape {shape}"
        expect_array(student.rescale(x), x / 127.5 - 1, call=call, tolerance=1e-3)


@pytest.mark.needs("encode")
def test_encode_many_labels(student, rng):
    """encode works for any labels from 0 to 9."""
    for n, highest, dtype in [(500, 9, np.uint8), (1, 0, np.int64), (6, 4, np.int32)]:
        y = rng.integers(0, highest + 1, size=n).astype(dtype)
        call = f"encode(y) with {n} label(s) up to {y.max()}"
        wrong = {"wrong-class-count": np.eye(int(y.max()) + 1)[y]} if y.max() < 9 else {}
        expect_array(student.encode(y), np.eye(10)[y], call=call, mistakes=wrong)


@pytest.mark.needs("batches_keep_all")
def test_batches_many_sizes(student, rng):
    """batches works for any number of pictures, one-hot labels and any batch size."""
    for n, size in [(500, 32), (7, 10), (96, 32), (1, 1)]:
        x = rng.random((n, 3, 2)).astype(np.float32)
        x[:, 0, 0] = rng.permutation(n)
        y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, size=n)]
        answer = student.batches(x, y, size)
        parts = answer.batches if isinstance(answer, Batches) else ()
        sizes = [len(batch[0]) for batch in parts]
        call = f"batches(x, y, {size}) with {n} picture(s)"
        expect(
            sizes == [min(size, n - start) for start in range(0, n, size)],
            observed=f"{call} gives batches of {', '.join(map(str, sizes[:20]))}",
            expected=f"{-(-n // size)} batch(es) with {n} picture(s) in all",
            misconception="remainder-dropped" if sum(sizes) == n - n % size != n else None,
        )
        order = np.argsort(x[:, 0, 0])[np.concatenate([b[0] for b in parts])[:, 0, 0].astype(int)]
        for given, wanted in ((0, x[order]), (1, y[order])):
            got = np.concatenate([batch[given] for batch in parts])
            expect(
                got.shape == wanted.shape and np.allclose(got, wanted, atol=1e-5),
                observed=f"{call} gives other pairs than those that went in",
                expected="each picture once, with its own label",
                misconception="labels-misaligned" if given else None,
            )
