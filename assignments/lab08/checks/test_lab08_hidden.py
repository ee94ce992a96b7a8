"""Hidden checks of lab08: other sizes, large scores, and the two networks on new digits."""

from itertools import product

import numpy as np
import pytest

from grader.checks import expect, expect_array
from grader.checks.expectations import in_words, plain_array

pytestmark = pytest.mark.hidden


def log_shares(z):
    """The logarithm of softmax in float64, row by row."""
    z = z.astype(np.float64)
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.needs("softmax")
def test_softmax_stays_finite(student):
    """softmax copes with large scores and with rows far apart."""
    steps = np.array([[0.0, 1.0, 2.0], [0.5, 0.0, -1.5]])
    far_apart = np.concatenate([steps + 1000, steps, steps - 1000])
    wide = np.array([[0.0, 1000.0, 1.0], [-1000.0, 0.5, 0.0]])
    for told, z in [
        ("scores near 1000", far_apart[:2]),
        ("scores from -1000 to 1000", far_apart),
        ("scores that differ by 1000 in a row", wide),
    ]:
        z = z.astype(np.float32)
        answer = student.softmax(z)
        array = plain_array(answer)
        expect(
            array is None or array.shape != z.shape or (array.sum(axis=1) > 0.5).all(),
            observed=f"softmax(z) with {told} has a row of NaN or of nothing but 0",
            expected="probabilities that add up to 1 in each row",
            misconception="softmax-axis",
            why="exp(1000) is larger than any number a computer holds here, and exp(-1000) is 0.",
            next="Adding the same number to all scores of an image changes nothing: which number "
            "would keep the powers in bounds, for each image on its own?",
        )
        expect_array(answer, np.exp(log_shares(z)), call=f"softmax(z) with {told}", tolerance=1e-4)


@pytest.mark.needs("cross_entropy", "cross_entropy_from_logits")
def test_losses_many_sizes(student, rng):
    """The two losses agree with each other, for any number of images and classes."""
    for n, k in [(500, 10), (3, 7), (1, 2)]:
        z = (rng.normal(size=(n, k)) * 1.5 - 4).astype(np.float32)
        labels = rng.integers(0, k, size=n)
        logs = log_shares(z)
        right = -logs[np.arange(n), labels].mean()
        p, onehot = np.exp(logs).astype(np.float32), np.eye(k, dtype=np.float32)[labels]
        size = f"{n} image(s) and {k} classes"
        expect_close(student.cross_entropy(p, onehot), right, f"cross_entropy with {size}")
        answer = student.cross_entropy_from_logits(z, labels)
        expect_close(answer, right, f"cross_entropy_from_logits with {size}")
    for told, large in [
        ("scores near 1000", z_near(rng, [1000, 1000])),
        ("scores near 0 and near 1000", z_near(rng, [0, 1000, -1000])),
    ]:
        z = large.astype(np.float32)
        labels = z.argmax(axis=1)
        right = -log_shares(z)[np.arange(len(z)), labels].mean()
        answer = student.cross_entropy_from_logits(z, labels)
        expect_close(answer, right, f"cross_entropy_from_logits with {told}", unstable=True)


def z_near(rng, lifts):
    """A row of four scores near each of these numbers."""
    return rng.normal(size=(len(lifts), 4)) + np.array(lifts)[:, None]


COUNT = "Count the right answers of three images by hand and compare."


def expect_close(answer, right, call, *, unstable=False, step=None):
    """Expect one number, up to the tiny one that some add inside a logarithm."""
    array = plain_array(answer)
    found = float(array.reshape(())) if array is not None and array.size == 1 else None
    good = found is not None and abs(found - right) <= 2e-3 * max(1.0, abs(right))
    lost = unstable and found is not None and not np.isfinite(found)
    expect(
        good,
        observed=f"{call} gave {in_words(answer) if found is None else f'{found:.4g}'}",
        expected=f"{right:.4g}",
        misconception="softmax-axis" if lost else None,
        why="exp of a large score overflows, and then nothing can be computed from it."
        if lost
        else "The number is a mean over the images, however many there are.",
        next="Try your function on scores near 1000, and on the same scores less 1000."
        if lost
        else step or "Try your function on one image, then on the same image twice.",
    )


@pytest.mark.needs("accuracy")
def test_accuracy_many_sizes(student, rng):
    """accuracy works for any number of images and classes."""
    for n, k in [(500, 10), (7, 2), (1, 3)]:
        z = rng.normal(size=(n, k)).astype(np.float32)
        labels = z.argmax(axis=1)
        labels[: n // 3] = rng.integers(0, k, size=n // 3)
        right = float((z.argmax(axis=1) == labels).mean())
        call = f"accuracy with {n} image(s) and {k} classes"
        expect_close(student.accuracy(z, labels), right, call, step=COUNT)


@pytest.mark.needs("from_logits", "from_probabilities")
def test_accuracies_agree(networks, settings):
    """The two networks recognise new digits equally well."""
    found = {"raw scores": [], "probabilities": []}
    for network in networks:
        found.get(network.gives, []).append(network.graded.accuracy)
    pairs = product(found["raw scores"], found["probabilities"])
    scores, shares = min(pairs, key=lambda pair: abs(pair[0] - pair[1]))
    told = f"{scores:.2%} of new digits from raw scores, {shares:.2%} from probabilities"
    least = settings["least_accuracy"]
    expect(
        min(scores, shares) >= least or any(network.graded.excuse(least) for network in networks),
        observed=told,
        expected=f"more than {least:.0%} for either",
        why="Two networks that have learned nothing agree as well; that says nothing.",
        next="Train both until their losses have clearly fallen.",
    )
    expect(
        abs(scores - shares) <= settings["agreement_marks"]
        or any(network.graded.shortened for network in networks),
        observed=told,
        expected=f"two accuracies within {settings['agreement_shown']:.2f} of each other",
        why="Softmax inside the network or inside the loss is the same computation, so two "
        "networks that are alike in all else do equally well.",
        next="Give both the same layers, pictures, optimizer and number of epochs.",
    )
