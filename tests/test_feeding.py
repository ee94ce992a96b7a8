"""Learning how a submission prepares its digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from grader import data
from grader.feeding import Statistics, learn
from grader.records.evidence import ArrayFacts

ROWS = np.concatenate([np.arange(0, 60_000, 700), 60_000 + np.arange(0, 5_000, 130)])
STATISTICS = Statistics(lambda: data.pixel_statistics("mnist"))


def facts(fed: np.ndarray) -> ArrayFacts:
    sample = fed.reshape(len(fed), -1)
    rows = ROWS[: len(fed)]
    return ArrayFacts(shape=fed.shape, dtype=str(fed.dtype), sample=sample, sample_rows=rows)


def standard_scores(x: np.ndarray) -> np.ndarray:
    mean, spread = data.pixel_statistics("mnist")
    return (x - mean) / np.where(spread == 0, 1, spread)


def unit_rows(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x.reshape(len(x), -1), axis=1)[:, None, None]


def unit_lines(x: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length == 0, 1, length)


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "raw pixels": lambda x: x.astype(np.uint8),
    "shares of 255": lambda x: (x / 255).astype(np.float32),
    "flat shares": lambda x: (x / 255).reshape(len(x), 784),
    "with a channel": lambda x: (x / 255)[..., None].astype(np.float32),
    "minus one to one": lambda x: x / 127.5 - 1,
    "one standard score for all": lambda x: (x - 33.3) / 78.6,
    "dark ink on light": lambda x: (1 - x / 255).astype(np.float32),
    "divided twice": lambda x: x / 255 / 255,
    "standard scores of pixels": standard_scores,
    "rows of unit length": unit_rows,
    "columns of unit length": unit_lines,
    "black and white": lambda x: (x > 127).astype(np.float32),
    "black and white by division": lambda x: (x // 255).astype(np.uint8),
    "padded": lambda x: np.pad(x / 255, ((0, 0), (2, 2), (2, 2))),
    "transposed": lambda x: (x / 255).transpose(0, 2, 1),
    "three channels": lambda x: np.repeat((x / 255)[..., None], 3, axis=-1),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_usual_way_of_preparing_digits_is_recognised(
    way: Callable[[np.ndarray], np.ndarray],
) -> None:
    raw = data.public_rows("mnist", ROWS)
    fed = way(raw.astype(np.float64))
    feeding = learn(facts(fed), raw, STATISTICS)
    assert feeding is not None
    fresh, _ = data.graded("mnist")
    wanted = way(fresh[:300].astype(np.float64))
    got = feeding.apply(fresh[:300])
    assert got.shape == wanted.shape
    assert got.dtype == fed.dtype
    np.testing.assert_allclose(got, wanted, atol=2e-5 * float(np.ptp(wanted)), rtol=1e-5)


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test_a_scaler_fitted_on_a_split_of_ones_own_is_recognised(scaler: type) -> None:
    def flat(rows: np.ndarray) -> np.ndarray:
        return data.public_rows("mnist", rows).reshape(len(rows), -1).astype(float)

    fitted = scaler().fit(flat(np.arange(0, 60_000, 3)))
    found = learn(facts(fitted.transform(flat(ROWS))), data.public_rows("mnist", ROWS), STATISTICS)
    assert found is not None
    others = np.arange(1, 60_000, 97)
    wanted = fitted.transform(flat(others))
    near = np.isclose(found.apply(data.public_rows("mnist", others)), wanted, rtol=0.01, atol=0.01)
    assert near.mean() > 0.99


def test_shuffled_pixels_are_not_taken_for_a_known_way() -> None:
    raw = data.public_rows("mnist", ROWS)
    order = np.random.default_rng(0).permutation(784)
    scrambled = raw.reshape(len(raw), 784)[:, order] / 255
    assert learn(facts(scrambled), raw, STATISTICS) is None


def test_rows_that_are_other_digits_than_they_claim_are_not_taken() -> None:
    raw = data.public_rows("mnist", ROWS)
    assert learn(facts(raw[::-1] / 255), raw, STATISTICS) is None


def test_a_handful_of_rows_is_too_few_to_learn_from() -> None:
    raw = data.public_rows("mnist", ROWS[:5])
    assert learn(facts(raw / 255), raw, STATISTICS) is None


def test_constant_rows_are_not_taken() -> None:
    raw = data.public_rows("mnist", ROWS)
    assert learn(facts(np.zeros_like(raw)), raw, STATISTICS) is None


@pytest.mark.parametrize(
    "nonsense",
    [
        {"shape": (126, 0)},
        {"shape": (126, 1 << 40)},
        {"sample": np.zeros(126)},
        {"sample": np.zeros((126, 1 << 15)), "shape": (126, 1 << 15)},
        {"sample_rows": None},
        {"sample_rows": np.zeros(126)},
        {"sample_rows": np.zeros((126, 2), dtype=int)},
    ],
    ids=str,
)
def test_a_sample_that_makes_no_sense_teaches_nothing(nonsense: dict[str, Any]) -> None:
    raw = data.public_rows("mnist", ROWS)
    told = facts(raw / 255).model_copy(update=nonsense)
    assert learn(told, raw, STATISTICS) is None
