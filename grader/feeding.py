"""Learn how a submission feeds its digits, so that digits it never had can be fed the same way.

The recorder saw rows that went into fit, evaluate and predict, and which raw digit each was. From
half of them a map is learned, on the other half it is checked to 1e-5; the first map that holds is
the submission's preprocessing. Known maps: one scale and offset for all pixels, one for each pixel
(standard scores), division by a row's norm, sum or maximum, a threshold; each after an optional
transposition of the picture or a border of padding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from grader.records.evidence import ArrayFacts

TOLERANCE = 1e-5
FEWEST_ROWS = 8
MOST_ROWS = 128
MOST_VALUES = 1 << 14
FITTED = "a scale and offset for each pixel"

Pixels = Callable[[np.ndarray], np.ndarray]
"""Maps raw pixels (n, h, w) float64 to fed values (n, h, w) float64."""


@dataclass(frozen=True)
class Feeding:
    """A submission's preprocessing: `apply` raw digits (n, h, w) to get what its model takes.

    `name` says in words which map was recognised; `shape` is that of one fed row.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    pixels: Pixels
    layout: Pixels

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Raw digits (n, h, w), any numeric dtype, as the submission feeds them: (n, *shape)."""
        fed = self.layout(self.pixels(images.astype(np.float64)))
        if np.dtype(self.dtype).kind in "iu":
            fed = np.rint(fed)
        return np.ascontiguousarray(fed.reshape(len(images), *self.shape)).astype(self.dtype)


def learn(facts: ArrayFacts, raw: np.ndarray, statistics: Statistics) -> Feeding | None:
    """Find the map from raw digits to fed rows, or None.

    `raw` holds the raw digits (k, h, w) uint8 of `facts.sample`'s k rows, in the same order.
    """
    if facts.sample is None or not sampled(facts) or len(raw) != len(facts.sample):
        return None
    fed = facts.sample.reshape(len(raw), -1).astype(np.float64)
    pictures = raw.astype(np.float64)
    train, check = slice(0, None, 2), slice(1, None, 2)
    for layout_name, layout, back in _layouts(raw.shape[1:], fed.shape[1]):
        seen = back(fed)
        for name, pixels in _candidates(pictures[train], seen[train], statistics):
            wanted = layout(pixels(pictures[check])).reshape(fed[check].shape)
            if name == FITTED:
                wanted = np.where(_settled(pictures, layout), wanted, fed[check])
            if np.allclose(wanted, fed[check], rtol=TOLERANCE, atol=_slack(fed)):
                whole = f"{name}, {layout_name}" if layout_name else name
                return Feeding(whole, facts.shape[1:], facts.sample.dtype.name, pixels, layout)
    return None


def sampled(facts: ArrayFacts) -> bool:
    """Whether there is a sample to learn from: rows (k, width), and which raw digit each is.

    What a submission's process says of itself need not make sense.
    """
    sample, rows = facts.sample, facts.sample_rows
    if sample is None or rows is None or sample.ndim != 2 or rows.dtype.kind not in "iu":
        return False
    if not FEWEST_ROWS <= len(sample) <= MOST_ROWS or rows.shape != sample.shape[:1]:
        return False
    sizes = facts.shape[1:]
    return min(sizes, default=0) > 0 and math.prod(sizes) == sample.shape[1] <= MOST_VALUES


def _settled(pictures: np.ndarray, layout: Pixels) -> np.ndarray:
    """Which values of the rows that check (k, width) a fit to the other rows can know.

    A pixel that is blank in all of those has no scale there: its ink is left out of the check.
    """
    train, check = pictures[::2], pictures[1::2]
    known = (np.ptp(train, axis=0) > 0) | (check == train[0])
    return layout(known.astype(np.float64)).reshape(len(check), -1) > 0


@dataclass(frozen=True)
class Statistics:
    """Per-pixel mean and standard deviation (h, w) of the raw training digits, made when needed."""

    of_training: Callable[[], tuple[np.ndarray, np.ndarray]]


def _slack(fed: np.ndarray) -> float:
    spread = float(np.ptp(fed)) if fed.size else 0.0
    return TOLERANCE * max(spread, 1e-3)


def _layouts(picture: tuple[int, ...], width: int) -> Iterator[tuple[str, Pixels, Pixels]]:
    """(name, raw layout → fed rows, fed rows → raw layout) for each layout of the right size."""
    height, breadth = picture
    size = height * breadth
    if width == size:
        yield "", _same, lambda fed: fed.reshape(-1, height, breadth)
        yield "transposed", _transposed, lambda fed: _transposed(fed.reshape(-1, breadth, height))
    if width == 3 * size:
        yield (
            "three channels",
            lambda x: np.repeat(x[..., None], 3, axis=-1),
            lambda fed: fed.reshape(-1, height, breadth, 3)[..., 0],
        )
    side = round(width**0.5)
    border = side - height
    if side * side == width and border > 0 and border % 2 == 0 and height == breadth:
        pad = border // 2
        yield (
            f"padded to {side} × {side}",
            lambda x: np.pad(x, ((0, 0), (pad, pad), (pad, pad)), constant_values=_ground(x)),
            lambda fed: fed.reshape(-1, side, side)[:, pad:-pad, pad:-pad],
        )


def _same(x: np.ndarray) -> np.ndarray:
    return x


def _transposed(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 2, 1)


def _ground(x: np.ndarray) -> float:
    return float(x[:, 0, 0].min()) if len(x) else 0.0


def _candidates(
    raw: np.ndarray, fed: np.ndarray, statistics: Statistics
) -> Iterator[tuple[str, Pixels]]:
    yield from _one_scale(raw, fed)
    yield from _thresholds(raw, fed)
    yield from _row_norms(raw, fed)
    yield from _standard_scores(fed, raw, statistics)


def _one_scale(raw: np.ndarray, fed: np.ndarray) -> Iterator[tuple[str, Pixels]]:
    low, high = raw.argmin(), raw.argmax()
    span = raw.flat[high] - raw.flat[low]
    if span <= 0:
        return
    scale = (fed.flat[high] - fed.flat[low]) / span
    offset = fed.flat[low] - scale * raw.flat[low]
    if scale != 0:
        yield (
            f"one scale for all pixels ({scale:.6g}·x + {offset:.6g})",
            lambda x: scale * x + offset,
        )


def _thresholds(raw: np.ndarray, fed: np.ndarray) -> Iterator[tuple[str, Pixels]]:
    levels = np.unique(fed)
    if len(levels) != 2:
        return
    low, high = float(levels[0]), float(levels[1])
    dark, light = raw[fed == low].max(), raw[fed == high].min()
    if dark < light:
        edge = (dark + light) / 2
        yield f"black and white at {edge:g}", lambda x: np.where(x > edge, high, low)


def _row_norms(raw: np.ndarray, fed: np.ndarray) -> Iterator[tuple[str, Pixels]]:
    norms: dict[str, Pixels] = {
        "each digit by its length": lambda x: _l2(x, (1, 2)),
        "each line by its length": lambda x: _l2(x, (2,)),
        "each column by its length": lambda x: _l2(x, (1,)),
        "each digit by its sum": lambda x: np.sum(x, axis=(1, 2), keepdims=True),
        "each digit by its maximum": lambda x: np.max(x, axis=(1, 2), keepdims=True),
    }
    for name, norm in norms.items():

        def divided(x: np.ndarray, norm: Pixels = norm) -> np.ndarray:
            length = norm(x)
            return x / np.where(length == 0, 1, length)

        yield name, divided

    def scores(x: np.ndarray) -> np.ndarray:
        spread = x.std(axis=(1, 2), keepdims=True)
        centred: np.ndarray = x - x.mean(axis=(1, 2), keepdims=True)
        return centred / np.where(spread == 0, 1, spread)

    if len(raw) and fed.min() < 0:
        yield "standard scores of each digit", scores


def _l2(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    length: np.ndarray = np.sqrt((x**2).sum(axis=axes, keepdims=True))
    return length


def _standard_scores(
    fed: np.ndarray, raw: np.ndarray, statistics: Statistics
) -> Iterator[tuple[str, Pixels]]:
    mean, spread = statistics.of_training()
    safe = np.where(spread == 0, 1, spread)
    if fed.min() >= 0:
        shares = _fitted_pixels(raw, fed, np.ones_like(safe))
        if shares is not None:
            yield FITTED, shares
        return
    yield "standard scores of each pixel", lambda x: (x - mean) / safe
    yield (
        "standard scores of each pixel",
        lambda x: (x / 255 - mean / 255) / np.where(spread == 0, 1, spread / 255),
    )
    yield "each pixel less its mean", lambda x: x - mean
    yield "each pixel less its mean, as a share", lambda x: (x - mean) / 255
    fitted = _fitted_pixels(raw, fed, safe)
    if fitted is not None:
        yield FITTED, fitted


def _fitted_pixels(raw: np.ndarray, fed: np.ndarray, spread: np.ndarray) -> Pixels | None:
    """A scale and offset for each pixel, from its own rows.

    Where it is blank in all of them, the scale is taken to go with 1 / `spread`, as of the others.
    """
    darkest, lightest = raw.argmin(axis=0), raw.argmax(axis=0)
    low, high = _take(raw, darkest), _take(raw, lightest)
    fed_low, fed_high = _take(fed, darkest), _take(fed, lightest)
    span = high - low
    known = span > 0
    if known.mean() < 0.2:
        return None
    slope = np.where(known, (fed_high - fed_low) / np.where(known, span, 1), 0.0)
    typical = float(np.median(slope[known] * spread[known]))
    if typical == 0:
        return None
    slope = np.where(known, slope, typical / spread)
    offset = fed_low - slope * low
    return lambda x: slope * x + offset


def _take(stack: np.ndarray, index: np.ndarray) -> np.ndarray:
    taken: np.ndarray = np.take_along_axis(stack, index[None], axis=0)[0]
    return taken
