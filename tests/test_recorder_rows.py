from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.data import public_folder
from grader.inside.recorder.arrays import Arrays, fingerprint
from grader.inside.recorder.journal import Journal
from grader.inside.recorder.labels import KnownLabels, form_of, label_facts
from grader.inside.recorder.rows import TEST_ROWS_FROM, RawRows
from grader.records.evidence import ArrayFacts, LabelFacts

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def raw() -> RawRows:
    return RawRows(str(public_folder("mnist")))


@pytest.fixture
def arrays(raw: RawRows) -> Arrays:
    return Arrays(raw, Journal(lambda *_: None, lambda: (1, 1)))


@pytest.fixture(scope="module")
def train() -> Array:
    return np.load(public_folder("mnist") / "train_images.npy")


@pytest.fixture(scope="module")
def test() -> Array:
    return np.load(public_folder("mnist") / "visible_images.npy")


def standard_scores(images: Array) -> Array:
    flat = images.reshape(len(images), -1).astype(np.float32)
    spread = flat.std(axis=0)
    return (flat - flat.mean(axis=0)) / np.where(spread == 0, 1, spread)


SCALINGS: dict[str, Callable[[Array], Array]] = {
    "raw": lambda x: x,
    "flat floats": lambda x: x.reshape(len(x), -1) / 255.0,
    "float32 with a channel": lambda x: (x / 255).astype(np.float32)[..., None],
    "from -1 to 1": lambda x: x / 127.5 - 1,
    "standard scores by pixel": standard_scores,
    "standard scores by picture": lambda x: (
        (x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True)
    ),
    "rows of length one": lambda x: (
        x.reshape(len(x), -1)
        / np.linalg.norm(x.reshape(len(x), -1).astype(float), axis=1, keepdims=True)
    ),
    "divided twice": lambda x: x / 255 / 255,
    "thresholded": lambda x: x > 127,
    "divided without remainder": lambda x: x // 255,
    "padded to 32": lambda x: np.pad(x / 255, ((0, 0), (2, 2), (2, 2))),
    "three channels": lambda x: np.repeat(x[..., None], 3, axis=-1),
}


@pytest.mark.parametrize("scaling", SCALINGS)
def test_rows_are_traced_to_the_raw_digits_however_they_are_scaled(
    scaling: str, arrays: Arrays, train: Array
) -> None:
    facts = ArrayFacts(**arrays.facts(SCALINGS[scaling](train[:3_000])))
    assert facts.origin is not None
    assert facts.origin.train == 3_000
    assert facts.origin.inverted is False


def test_digits_of_which_nothing_is_left_are_traced_by_their_order_or_not_at_all(
    raw: RawRows, train: Array
) -> None:
    black_and_white = train // 255
    in_order = raw.match(black_and_white[:2_000])
    assert in_order is not None
    assert np.array_equal(in_order.rows, np.arange(2_000))
    order = np.random.default_rng(0).permutation(2_000)
    mixed = raw.match(black_and_white[order])
    assert mixed is not None
    named = mixed.rows >= 0
    assert 100 < named.sum() < 1_000
    same_ink = black_and_white[mixed.rows[named]] == black_and_white[order][named]
    assert same_ink.all()


def test_dark_ink_on_white_is_traced_and_named(arrays: Arrays, train: Array) -> None:
    origin = ArrayFacts(**arrays.facts(255 - train[:500])).origin
    assert origin is not None
    assert (origin.train, origin.inverted, origin.in_order) == (500, True, True)


def test_the_doubled_test_half_is_in_order_and_no_training_row(arrays: Arrays, test: Array) -> None:
    origin = ArrayFacts(**arrays.facts(np.concatenate([test, test]) / 255)).origin
    assert origin is not None
    assert (origin.train, origin.test, origin.in_order) == (0, 10_000, True)


def test_shuffled_rows_are_known_and_not_in_order(arrays: Arrays, train: Array) -> None:
    order = np.random.default_rng(0).permutation(60_000)
    origin = ArrayFacts(**arrays.facts(train[order])).origin
    assert origin is not None
    assert (origin.train, origin.train_repeats, origin.in_order) == (60_000, 0, False)


def test_repeated_training_rows_are_counted(arrays: Arrays, train: Array) -> None:
    origin = ArrayFacts(**arrays.facts(np.concatenate([train[:100], train[:40]]))).origin
    assert origin is not None
    assert origin.train_repeats == 40


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.reshape(784, -1).T,
        lambda x: np.roll(x, 1, axis=1),
        lambda x: x + np.random.default_rng(0).normal(0, 40, x.shape),
    ],
    ids=["scrambled", "shifted", "noisy"],
)
def test_pictures_that_are_no_longer_the_raw_digits_are_unknown(
    change: Callable[[Array], Array], arrays: Arrays, train: Array
) -> None:
    origin = ArrayFacts(**arrays.facts(change(train[:1_000]))).origin
    assert origin is not None
    assert origin.unknown == 1_000


def test_the_sample_holds_fed_rows_and_the_raw_digit_of_each(
    arrays: Arrays, train: Array, test: Array
) -> None:
    mixed = np.concatenate([train[50:400], test[:350]]) / np.float32(255)
    facts = ArrayFacts(**arrays.facts(mixed.astype(np.float32)))
    assert facts.sample is not None
    assert facts.sample_rows is not None
    assert facts.sample.shape == (128, 784)
    assert facts.sample.dtype == np.float32
    both = np.concatenate([train, test])
    assert np.allclose(facts.sample, both[facts.sample_rows].reshape(128, -1) / 255)
    assert facts.sample_rows.min() < TEST_ROWS_FROM <= facts.sample_rows.max()


def test_a_few_rows_are_traced_by_the_scaling_of_an_earlier_array(
    arrays: Arrays, train: Array
) -> None:
    scores = standard_scores(train[:5_000])
    arrays.facts(scores)
    origin = ArrayFacts(**arrays.facts(scores[7:17])).origin
    assert origin is not None
    assert origin.train == 10


def test_a_scaler_fitted_on_the_array_itself_shows_in_its_columns(
    arrays: Arrays, train: Array, test: Array
) -> None:
    assert arrays.facts(standard_scores(train[:2_000]))["columns_centred"] is True
    assert arrays.facts(train[:2_000] / 255 - 0.13)["columns_centred"] is False
    flat = train[:2_000].reshape(2_000, -1).astype(float)
    other = test.reshape(5_000, -1) - flat.mean(axis=0)
    assert arrays.facts(other)["columns_centred"] is False


def test_an_array_changed_in_place_is_read_again(arrays: Arrays) -> None:
    x = np.arange(1_000.0)
    before = arrays.facts(x)
    x /= 10
    assert arrays.facts(x)["maximum"] == pytest.approx(before["maximum"] / 10)


@pytest.mark.parametrize(
    "odd",
    [
        np.zeros((0, 28, 28)),
        np.array(3.5),
        np.array([np.nan, np.inf]),
        np.array(["a", "b"]),
        np.array([None, {}], dtype=object),
        np.zeros((2, 28, 28), dtype=complex),
        np.array([2**63], dtype=np.uint64),
    ],
    ids=str,
)
def test_odd_arrays_are_summarised_without_complaint(odd: Array, arrays: Arrays) -> None:
    facts = ArrayFacts(**arrays.facts(odd))
    assert facts.shape == odd.shape


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2_999_999), st.integers(1, 255))
def test_one_changed_value_changes_the_fingerprint(at: int, by: int) -> None:
    x = np.zeros((3_000, 1_000), dtype=np.uint8)
    before = fingerprint(x)
    x.reshape(-1)[at] += np.uint8(by)
    assert fingerprint(x) != before


def test_shuffling_rows_changes_the_fingerprint() -> None:
    x = np.random.default_rng(0).normal(size=(5_000, 784)).astype(np.float32)
    assert fingerprint(x) == fingerprint(x.copy())
    assert fingerprint(x) != fingerprint(x[::-1])
    assert fingerprint(x) != fingerprint(x[np.random.default_rng(1).permutation(5_000)])


FORMS = {
    "integers": np.array([3, 1, 2]),
    "column": np.array([[3], [1]]),
    "one-hot": np.eye(10)[[3, 1]],
    "one-hot-twice": np.eye(2)[np.eye(10, dtype=int)[[3, 1]]],
    "strings": np.array(["3", "1"], dtype=object),
    "other": np.full((2, 10), 0.1),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_labels_is_told(form: str, raw: RawRows) -> None:
    labels = FORMS[form]
    assert form_of(labels) == form
    facts = LabelFacts(**(label_facts(labels, raw) or {}))
    assert facts.form == form


def test_labels_divided_by_255_are_integers_that_are_not_whole(raw: RawRows) -> None:
    facts = LabelFacts(**(label_facts(np.array([3, 1]) / 255, raw) or {}))
    assert (facts.form, facts.integral) == ("integers", False)


@pytest.mark.parametrize("write", [lambda y: y, lambda y: np.eye(10)[y], lambda y: y.astype(str)])
def test_labels_shuffled_without_their_images_agree_with_few(
    write: Callable[[Array], Array], raw: RawRows, train: Array
) -> None:
    labels = raw.half_labels("train")[:2_000]
    match = raw.match(train[:2_000])
    shuffled = np.random.default_rng(0).permutation(labels)
    right, wrong = (label_facts(write(y), raw, match) for y in (labels, shuffled))
    assert right is not None
    assert wrong is not None
    assert right["agreement"] == 1.0
    assert wrong["agreement"] < 0.2


def test_true_labels_are_known_whole_and_for_rows_that_were_predicted(
    raw: RawRows, test: Array
) -> None:
    known = KnownLabels(raw)
    truth = raw.half_labels("test")
    assert known.truth_of(truth) == "test"
    assert known.truth_of(np.concatenate([truth, truth]).astype(str)) == "test"
    assert known.truth_of(raw.half_labels("train")) == "train"
    picked = test[100:160] / 255
    assert known.truth_of(truth[100:160]) is None
    known.add_rows(raw.match(picked))
    assert known.truth_of(truth[100:160]) == "test"


def test_a_confusion_matrix_is_known_by_its_row_sums_not_its_column_sums(raw: RawRows) -> None:
    known = KnownLabels(raw)
    truth = raw.half_labels("test")
    guessed = np.where(np.arange(len(truth)) % 7 == 0, (truth + 1) % 10, truth)
    guessed[:40] = 0
    matrix = np.zeros((10, 10), dtype=int)
    np.add.at(matrix, (truth, guessed), 1)
    assert known.half_of_row_sums(matrix) == "test"
    assert known.half_of_row_sums(matrix.T) is None


def test_without_a_data_folder_nothing_is_traced_and_nothing_fails() -> None:
    raw = RawRows(None)
    arrays = Arrays(raw, Journal(lambda *_: None, lambda: (1, 1)))
    facts = ArrayFacts(**arrays.facts(np.zeros((5, 28, 28))))
    assert facts.origin is None
    assert KnownLabels(raw).truth_of(np.arange(4)) is None
